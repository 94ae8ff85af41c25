/* Clocks, sleeping and timers. */
#include "threads.h"

#define EINTR 4
#define EFAULT 14
#define EINVAL 22
#define ESRCH 3
#define EOPNOTSUPP 45
#define GETTIMEOFDAY 116
#define CLOCK_GETTIME 232
#define CLOCK_SETTIME 233
#define CLOCK_GETRES 234
#define KTIMER_CREATE 235
#define KTIMER_DELETE 236
#define KTIMER_SETTIME 237
#define KTIMER_GETTIME 238
#define KTIMER_GETOVERRUN 239
#define NANOSLEEP 240
#define CLOCK_NANOSLEEP 244
#define GETCPUCLOCKID2 247
#define NTP_GETTIME 248
#define NTP_ADJTIME 176
#define ADJTIME 140

static void reading(void)
{
    static const int clocks[] = {0, 1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    struct timespec a, b, resolution;
    s64 tv[2];

    for (u32 i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        CHECK_IS(call(CLOCK_GETTIME, JUNK(clocks[i]), &a), 0);
        CHECK_IS(call(CLOCK_GETTIME, clocks[i], &b), 0);
        CHECK(a.nsec >= 0 && a.nsec < 1000000000);
        CHECK(b.sec > a.sec || (b.sec == a.sec && b.nsec >= a.nsec));
        CHECK_IS(call(CLOCK_GETRES, clocks[i], &resolution), 0);
        CHECK(resolution.sec * 1000000000 + resolution.nsec > 0);
    }
    CHECK_IS(call(CLOCK_GETTIME, 3, &a), -EINVAL);
    CHECK_IS(call(CLOCK_GETTIME, 99, &a), -EINVAL);
    CHECK_IS(call(CLOCK_GETTIME, 4, 8), -EFAULT);
    CHECK_IS(call(CLOCK_GETRES, 99, &a), -EINVAL);
    CHECK_IS(call(CLOCK_GETTIME, 13, &a), 0);
    CHECK_IS(a.nsec, 0);
    CHECK_IS(call(CLOCK_GETRES, 13, &a), 0);
    CHECK_IS(a.sec, 1);
    CHECK_IS(call(CLOCK_SETTIME, 4, &a), -EINVAL);
    CHECK_IS(call(GETTIMEOFDAY, tv, 0), 0);
    CHECK_IS(call(CLOCK_GETTIME, 0, &a), 0);
    CHECK(a.sec - tv[0] <= 1 && tv[1] < 1000000);
}

static void cpu_clocks(void)
{
    int clock = 0;
    struct timespec used;

    CHECK_IS(call(GETCPUCLOCKID2, 0, 0, &clock), 0);
    CHECK(clock < 0);
    CHECK_IS(call(CLOCK_GETTIME, clock, &used), 0);
    CHECK_IS(call(GETCPUCLOCKID2, call(20), 0, &clock), 0);
    CHECK_IS(call(CLOCK_GETTIME, clock, &used), 0);
    CHECK_IS(call(GETCPUCLOCKID2, 0, 1, &clock), 0);
    CHECK_IS(call(CLOCK_GETTIME, clock, &used), 0);
    CHECK_IS(call(GETCPUCLOCKID2, 0, 2, &clock), -EINVAL);
    CHECK_IS(call(GETCPUCLOCKID2, 0x3ffffff, 0, &clock), -ESRCH);
}

static void sleeping(void)
{
    struct timespec t = {0, 20000000}, rest;
    s64 before = nanoseconds();

    CHECK_IS(call(NANOSLEEP, &t, &rest), 0);
    CHECK(nanoseconds() - before >= 20000000);
    before = nanoseconds();
    for (int clock = 0; clock <= 13; clock++) {
        long wanted = clock == 1 || clock == 2 ? EOPNOTSUPP : clock == 3 || clock == 6 ? EINVAL : 0;
        t = (struct timespec){0, 1000000};
        CHECK_IS(call(CLOCK_NANOSLEEP, clock, 0, &t, 0), wanted); /* the error is the result */
    }
    call(CLOCK_GETTIME, 4, &t);
    t.sec -= 5;
    CHECK_IS(call(CLOCK_NANOSLEEP, 4, 1, &t, 0), 0);
    CHECK_IS(call(CLOCK_NANOSLEEP, 14, 0, &t, 0), EINVAL);
    CHECK_IS(call(CLOCK_NANOSLEEP, 4, 2, &t, 0), EINVAL);
    t.nsec = 1000000000;
    CHECK_IS(call(NANOSLEEP, &t, 0), -EINVAL);
    CHECK_IS(call(NANOSLEEP, 8, 0), -EFAULT);
    t = (struct timespec){-1, 0}; /* over before it began */
    CHECK_IS(call(NANOSLEEP, &t, 0), 0);
}

static volatile int rung, rung_value, rung_code;

struct siginfo {
    int signo, error, code, pid;
    u32 uid;
    int status;
    u64 address, value;
    u64 reason[5];
};

static void ring(int signal, struct siginfo *info, void *context)
{
    (void)context;
    rung = signal;
    rung_value = (int)info->value;
    rung_code = info->code;
}

struct sigevent {
    int notify, signo;
    u64 value;
    int thread_id;
    u64 spare[7];
};

static void timers(void)
{
    struct {
        void *handler;
        int flags;
        u32 mask[4];
    } action = {(void *)ring, 0x40, {0}}; /* SA_SIGINFO: an interrupted sleep says so */
    struct {
        struct timespec interval, value;
    } setting = {{0, 0}, {0, 20000000}}, left;
    struct sigevent event = {1, 30, 0x1234, 0, {0}}; /* SIGEV_SIGNAL, SIGUSR1 */
    struct timespec t = {5, 0}, rest = {0, 0};
    int timer = -1;

    CHECK_IS(call(416, 30, &action, 0), 0);
    CHECK_IS(call(416, 14, &action, 0), 0);
    CHECK_IS(call(KTIMER_CREATE, 4, &event, &timer), 0);
    CHECK(timer >= 0);
    CHECK_IS(call(KTIMER_SETTIME, timer, 0, &setting, 0), 0);
    CHECK_IS(call(KTIMER_GETTIME, timer, &left), 0);
    CHECK(left.value.sec == 0 && left.value.nsec > 0);
    CHECK_IS(call(NANOSLEEP, &t, &rest), -EINTR);
    CHECK(rest.sec == 4);
    CHECK_IS(rung, 30);
    CHECK_IS(rung_value, 0x1234);
    CHECK_IS(rung_code, 0x10003); /* SI_TIMER */
    CHECK_IS(call(KTIMER_GETOVERRUN, timer), 0);
    CHECK_IS(call(KTIMER_DELETE, timer), 0);
    CHECK_IS(call(KTIMER_DELETE, timer), -EINVAL);
    CHECK_IS(call(KTIMER_CREATE, 0, 0, &timer), 0);
    CHECK_IS(call(KTIMER_SETTIME, timer, 0, &setting, 0), 0);
    CHECK_IS(call(NANOSLEEP, &t, &rest), -EINTR);
    CHECK_IS(rung, 14);
    CHECK_IS(rung_value, timer);
    call(KTIMER_DELETE, timer);
    long tid;
    call(432, &tid);
    event.notify = 4; /* SIGEV_THREAD_ID */
    event.thread_id = (int)tid;
    CHECK_IS(call(KTIMER_CREATE, 4, &event, &timer), 0);
    CHECK_IS(call(KTIMER_SETTIME, timer, 0, &setting, 0), 0);
    CHECK_IS(call(NANOSLEEP, &t, &rest), -EINTR);
    CHECK_IS(rung, 30);
    call(KTIMER_DELETE, timer);
    event.notify = 9;
    CHECK_IS(call(KTIMER_CREATE, 4, &event, &timer), -EINVAL);
    event.notify = 1;
    event.signo = 500;
    CHECK_IS(call(KTIMER_CREATE, 4, &event, &timer), -EINVAL);
    event.signo = 30;
    CHECK_IS(call(KTIMER_CREATE, 1, &event, &timer), -EINVAL);
}

static void adjusting(void)
{
    struct {
        struct timespec time;
        s64 maxerror, esterror, tai;
        int state;
    } ntp;
    struct {
        u32 modes;
        s64 field[16];
    } timex;
    s64 old[2] = {7, 7};

    long r = call(NTP_GETTIME, &ntp);
    CHECK(r >= 0 && r <= 5);
    CHECK_IS(ntp.state, r);
    struct timespec now;
    call(CLOCK_GETTIME, 0, &now);
    CHECK(now.sec - ntp.time.sec <= 1);
    memset(&timex, 0, sizeof(timex));
    CHECK_IS(call(NTP_ADJTIME, &timex), r);
    CHECK_IS(call(ADJTIME, 0, old), 0);
    CHECK(old[0] != 7);
}

static void test(void)
{
    reading();
    cpu_clocks();
    sleeping();
    timers();
    adjusting();
}
