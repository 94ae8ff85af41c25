/* Calls under the numbers that programs of older releases use, compared with those of today. */
#include "guest.h"

struct old_time {
    s32 sec, pad;
    s64 nsec;
};
struct micro {
    s64 sec;
    s32 usec, pad;
};

static s32 fd;

static long modification(void)
{
    u64 st[19];
    return call(440, fd, st) ? -1 : (long)st[8]; /* st_mtim of struct stat */
}

static void times(void)
{
    struct micro both[2] = {{100, 0, 0}, {200, 0, 0}};
    CHECK_IS(call(138, "f", both), 0); /* compat_50_utimes */
    CHECK_IS(modification(), 200);
    both[1].sec = 300;
    CHECK_IS(call(206, fd, both), 0); /* compat_50_futimes */
    CHECK_IS(modification(), 300);
    both[1].sec = 400;
    CHECK_IS(call(276, "f", both), 0); /* compat_50_lutimes */
    CHECK_IS(modification(), 400);
    both[1].sec = 500;
    CHECK_IS(call(423, fd, both), 0); /* __futimes50 */
    CHECK_IS(modification(), 500);
    both[1].sec = 600;
    CHECK_IS(call(424, "f", both), 0); /* __lutimes50 */
    CHECK_IS(modification(), 600);

    struct {
        struct micro interval, value;
    } timer = {{0, 0, 0}, {1000, 0, 0}}, left = {{9, 9, 0}, {9, 9, 0}};
    CHECK_IS(call(83, 0, &timer, 0), 0); /* compat_50_setitimer */
    CHECK_IS(call(86, 0, &left), 0);
    CHECK(left.value.sec == 999 || left.value.sec == 1000);
    CHECK_IS(call(426, 0, &left), 0); /* __getitimer50 */
    CHECK(left.value.sec == 999 || left.value.sec == 1000);
    timer.value.sec = 0;
    CHECK_IS(call(425, 0, &timer, 0), 0);

    struct micro day, today;
    CHECK_IS(call(116, &day, 0), 0); /* compat_50_gettimeofday */
    CHECK_IS(call(418, &today, 0), 0);
    CHECK(today.sec - day.sec >= 0 && today.sec - day.sec < 60);
    struct old_time resolution;
    CHECK_IS(call(234, 3, &resolution), 0); /* compat_50_clock_getres */
    CHECK(resolution.sec == 0 && resolution.nsec > 0);
    u64 usage[18];
    CHECK_IS(call(117, 0, usage), 0); /* compat_50_getrusage */
    u64 clock[6];
    CHECK(call(448, clock) >= 0); /* __ntp_gettime50 */
    CHECK(clock[0] - (u64)today.sec < 60);
    CHECK(call(393, clock) >= 0);
    CHECK_IS((s32)clock[0] - today.sec < 60, 1);
    CHECK(call(175, clock) >= 0);

    struct {
        struct old_time interval, value;
    } old = {{0, 0, 0}, {1000, 0, 0}}, was;
    struct {
        s32 kind, signal;
        s64 value;
        void *unused[2];
    } none = {0, 0, 0, {0, 0}};
    s32 id;
    CHECK_IS(call(235, 3, &none, &id), 0);
    CHECK_IS(call(237, id, 0, &old, 0), 0); /* compat_50_timer_settime */
    CHECK_IS(call(238, id, &was), 0);
    CHECK(was.value.sec == 999 || was.value.sec == 1000);
    CHECK_IS(call(236, id), 0);
}

static void waiting(void)
{
    s32 ends[2];
    struct micro now = {0, 0, 0};
    struct old_time old = {0, 0, 0};
    struct timespec none = {0, 0};
    u32 set[8] = {0};
    call(453, ends, 0);
    set[ends[0] / 32] = 1U << ends[0] % 32;
    CHECK_IS(call(93, ends[0] + 1, set, 0, 0, &now), 0); /* compat_50_select */
    call(4, ends[1], "x", 1);
    set[ends[0] / 32] = 1U << ends[0] % 32;
    CHECK_IS(call(93, ends[0] + 1, set, 0, 0, &now), 1);
    CHECK_IS(call(417, ends[0] + 1, set, 0, 0, &now), 1);           /* __select50 */
    CHECK_IS(call(373, ends[0] + 1, set, 0, 0, &old, 0), 1);        /* compat_50_pselect */
    CHECK_IS(call(436, ends[0] + 1, set, 0, 0, &none, 0), 1);       /* __pselect50 */
    CHECK_IS(set[ends[0] / 32], 1U << ends[0] % 32);
    struct {
        s32 fd;
        s16 events, results;
    } one = {ends[0], 1, 0};
    CHECK_IS(call(374, &one, 1, &old, 0), 1); /* compat_50_pollts */
    CHECK_IS(call(437, &one, 1, &none, 0), 1);
    CHECK_IS(one.results, 1);
    struct sigset usr = SIGSET(31);
    struct siginfo info;
    call(293, 1, &usr, 0);
    call(37, call(20), 31);
    CHECK_IS(call(244, &usr, &info, &old), 31); /* compat_50___sigtimedwait */
    CHECK_IS(call(244, &usr, &info, &old), -35);
}

static void names(void)
{
    u8 state[512];
    CHECK_IS(call(14, "n", 0010644, 0), 0); /* compat_50_mknod of a FIFO */
    CHECK_IS(call(10, "n"), 0);
    CHECK_IS(call(450, "n", 0010644, 0), 0); /* __mknod50 */
    CHECK_IS(call(270, "n", "m"), 0);        /* __posix_rename */
    CHECK_IS(call(10, "m"), 0);
    CHECK_IS(call(157, ".", state), 0); /* compat_20_statfs */
    CHECK_IS(call(158, fd, state), 0);
    long count = call(18, 0, 0, 2); /* compat_20_getfsstat */
    CHECK(count > 0);
    CHECK_IS(call(283, "f", -1, -1), 0); /* __posix_chown */
    CHECK_IS(call(284, fd, -1, -1), 0);
    CHECK_IS(call(285, "f", -1, -1), 0);
    CHECK_IS(call(391, fd, 0, 0, 0), 0);          /* posix_fadvise, as it was when it did nothing */
    CHECK_IS(call(416, fd, 0, 0, 100, 3), 0);     /* __posix_fadvise50 */
    CHECK_IS(call(416, fd, 0, 0, 100, 99), 22);   /* its result is the error */
    CHECK_IS(call(505, fd, 70, 0), 70);           /* __dup3100 */
    CHECK_IS(call(90, fd, 71), 71);
    CHECK(call(41, fd) > fd);
}

/* COMPAT_60_TIOCPTMGET and COMPAT_60_TIOCPTSNAME: both ends of a pseudo-terminal, with short names. */
static void pseudo_terminals(void)
{
    struct {
        s32 first, second;
        char names[2][16];
    } pair, again;
    s32 maker = (s32)call(5, "/dev/ptm", 2, 0);
    CHECK(maker > 0);
    CHECK_IS(call(54, maker, 0x40287446, &pair), 0);
    CHECK(equal(pair.names[0], "/dev/ptmx"));
    CHECK_IS(call(54, pair.first, 0x40287448, &again), 0);
    CHECK(equal(again.names[1], pair.names[1]));
    CHECK_IS(call(54, pair.second, 0x40287448, &again), -25);
    char byte = 'x';
    CHECK_IS(call(4, pair.second, "y", 1), 1);
    CHECK_IS(call(3, pair.first, &byte, 1), 1);
    CHECK_IS(byte, 'y');
}

static void test(void)
{
    fd = (s32)call(5, "f", 0x202, 0644);
    CHECK(fd > 2);
    times();
    waiting();
    names();
    pseudo_terminals();
}
