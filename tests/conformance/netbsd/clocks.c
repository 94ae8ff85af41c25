/* Clocks, sleeping and timers, with the times of today and those of releases up to 5. */
#include "guest.h"

struct old_time {
    s32 sec, pad;
    s64 nsec;
};

static volatile int rings;

static void ring(int signal, struct siginfo *info, struct context *c)
{
    (void)signal, (void)c;
    rings += info->code == -2 && info->value == 99; /* SI_TIMER */
}

static void clocks(void)
{
    struct timespec first, second, resolution;
    struct old_time old;
    struct {
        s64 sec;
        s32 usec, pad;
    } day;
    CHECK_IS(call(427, 3, &first), 0); /* CLOCK_MONOTONIC */
    sleep_for(2);
    CHECK_IS(call(427, 3, &second), 0);
    CHECK((second.sec - first.sec) * 1000000000 + second.nsec - first.nsec >= 2000000);
    CHECK_IS(call(427, 0, &first), 0);
    CHECK_IS(call(232, 0, &old), 0); /* compat_50_clock_gettime */
    CHECK(old.sec - (s32)first.sec >= 0 && old.sec - (s32)first.sec < 60);
    CHECK_IS(call(418, &day, 0), 0);
    CHECK(day.sec - first.sec >= 0 && day.sec - first.sec < 60);
    CHECK_IS(call(429, 3, &resolution), 0);
    CHECK(resolution.sec == 0 && resolution.nsec > 0);
    CHECK_IS(call(427, 77, &first), -22);
    CHECK_IS(call(427, 3, 8), -14);
    CHECK_IS(call(427, 0x40000000, &first), 0); /* processor time of this process */
    CHECK_IS(call(427, 0x20000000, &second), 0);
    s32 clock = 0;
    CHECK_IS(call(482, 1, call(20), &clock), 0); /* clock_getcpuclockid2 */
    CHECK_IS(call(427, clock, &first), 0);
}

static void sleeps(void)
{
    struct timespec t = {0, 1000000}, now;
    struct old_time old = {0, 0, 1000000};
    struct timespec left = {7, 7};
    CHECK_IS(call(430, &t, &left), 0);
    CHECK(left.sec == 0 && left.nsec == 0); /* a sleep to the end says so */
    left.sec = 7;
    CHECK_IS(call(477, 3, 0, &t, &left), 0);
    CHECK_IS(left.sec, 0);
    CHECK_IS(call(240, &old, 0), 0);
    CHECK_IS(call(477, 3, 0, &t, 0), 0); /* clock_nanosleep */
    call(427, 3, &now);
    CHECK_IS(call(477, 3, 1, &now, 0), 0); /* until now */
    t.nsec = 1000000000;
    CHECK_IS(call(430, &t, 0), -22);
    CHECK_IS(call(477, 3, 0, &t, 0), 22); /* its result is the error */
}

static volatile s32 alarms, alarm_code, alarm_timer;

static void alarm_rings(int signal, struct siginfo *info, struct context *c)
{
    (void)signal, (void)c;
    alarm_code = info->code;
    alarm_timer = (s32)info->value;
    alarms++;
}

/* Of setitimer's timers a handler is told which it was. */
static void interval_timers(void)
{
    struct {
        s64 sec;
        s32 usec, pad;
    } when[2] = {{0, 0, 0}, {0, 1000, 0}};
    set_handler(26, alarm_rings, 0); /* SIGVTALRM */
    alarm_timer = -1;
    CHECK_IS(call(425, 1, when, 0), 0); /* __setitimer50, ITIMER_VIRTUAL */
    while (alarms == 0)
        ;
    CHECK_IS(alarm_code, -2); /* SI_TIMER */
    CHECK_IS(alarm_timer, 1);
    set_handler(14, alarm_rings, 0);
    CHECK_IS(call(425, 0, when, 0), 0);
    while (alarms == 1)
        call(350);
    CHECK_IS(alarm_code, -2);
    CHECK_IS(alarm_timer, 0);
}

static void timers(void)
{
    struct {
        s32 kind, signal;
        s64 value;
        void *unused[2];
    } event = {1, 33, 99, {0, 0}};
    struct {
        struct timespec interval, value;
    } when = {{0, 5000000}, {0, 5000000}}, left;
    s32 timer = -1;
    set_handler(33, ring, 0);
    CHECK_IS(call(235, 3, &event, &timer), 0); /* timer_create */
    CHECK_IS(call(446, timer, 0, &when, 0), 0);
    while (rings < 3)
        sleep_for(1);
    CHECK(rings >= 3);
    CHECK_IS(call(447, timer, &left), 0);
    CHECK(left.interval.nsec == 5000000 && left.value.nsec <= 5000000);
    CHECK(call(239, timer) >= 0);
    CHECK_IS(call(236, timer), 0);
    CHECK_IS(call(236, timer), -22);
}

static void test(void)
{
    clocks();
    sleeps();
    interval_timers();
    timers();
}
