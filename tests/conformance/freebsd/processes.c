/* Processes: how they begin, and what their parents are told of their ends. */
#include "threads.h"

#define ECHILD 10
#define EFAULT 14
#define EINVAL 22
#define ESRCH 3
#define EBADF 9
#define FORK 2
#define WAIT4 7
#define KILL 37
#define VFORK 66
#define RFORK 251
#define PDFORK 518
#define PDKILL 519
#define PDGETPID 520
#define WAIT6 532

static int status;

static void exits(void)
{
    long child = call(FORK);
    if (child == 0)
        call(1, 0x1234);
    CHECK_IS(second_result, 0);
    CHECK_IS(call(WAIT4, child, &status, 0, 0), child);
    CHECK_IS(status, 0x3400);
    CHECK_IS(call(WAIT4, child, &status, 0, 0), -ECHILD);
    CHECK_IS(call(WAIT4, -1, &status, 0, 0), -ECHILD);
    CHECK_IS(call(WAIT4, -1, &status, 0x1000, 0), -EINVAL);
    child = call(FORK);
    if (child == 0)
        call(1, second_result == 1 ? 0 : 9); /* %rdx tells the child */
    CHECK_IS(call(WAIT4, 0, &status, 0, 0), child);
    CHECK_IS(status, 0);
}

static void deaths(void)
{
    static const int signals[] = {9, 15, 10, 12, 30, 31, 24, 26};
    for (u32 i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        long child = call(FORK);
        if (child == 0)
            for (;;)
                sleep_ms(1000);
        CHECK_IS(call(KILL, child, signals[i]), 0);
        CHECK_IS(call(WAIT4, child, &status, 0, 0), child);
        CHECK_IS(status & 0x7f, signals[i]);
    }
    long child = call(FORK);
    if (child == 0)
        __builtin_trap();
    CHECK_IS(call(WAIT4, child, &status, 0, 0), child);
    CHECK_IS(status & 0x7f, 4);
}

static void stops(void)
{
    long child = call(FORK);
    if (child == 0)
        for (;;)
            sleep_ms(1000);
    CHECK_IS(call(WAIT4, child, &status, 1, 0), 0); /* WNOHANG */
    CHECK_IS(call(KILL, child, 17), 0);             /* SIGSTOP */
    CHECK_IS(call(WAIT4, child, &status, 2, 0), child);
    CHECK_IS(status, 17 << 8 | 0x7f);
    CHECK_IS(call(KILL, child, 19), 0); /* SIGCONT */
    CHECK_IS(call(WAIT4, child, &status, 4, 0), child);
    CHECK_IS(status, 19);
    call(KILL, child, 9);
    CHECK_IS(call(WAIT4, child, &status, 0, 0), child);
    CHECK_IS(status, 9);
}

struct siginfo {
    int signo, error, code, pid;
    u32 uid;
    int status;
    u64 rest[7];
};

static void in_parts(void)
{
    struct siginfo info;
    u64 usage[36];

    long child = call(FORK);
    if (child == 0) {
        for (volatile int i = 0; i < 3000000; i++)
            ;
        call(1, 7);
    }
    memset(&info, 0xff, sizeof(info));
    memset(usage, 0xff, sizeof(usage));
    CHECK_IS(call(WAIT6, 0, child, &status, 16 | 8, usage, &info), child); /* WEXITED | WNOWAIT */
    CHECK_IS(status, 7 << 8);
    CHECK_IS(info.signo, 20);
    CHECK_IS(info.code, 1);
    CHECK_IS(info.pid, child);
    CHECK_IS(info.status, 7);
    CHECK(usage[0] < 100 && usage[1] < 1000000);
    CHECK_IS(usage[18], 0);
    CHECK_IS(call(WAIT6, 7, 0, &status, 16, 0, 0), child);
    CHECK_IS(call(WAIT6, 0, child, &status, 16, 0, 0), -ECHILD);
    CHECK_IS(call(WAIT6, 0, child, &status, 1, 0, 0), -EINVAL);
    child = call(FORK);
    if (child == 0)
        for (;;)
            sleep_ms(1000);
    memset(&info, 0xff, sizeof(info));
    CHECK_IS(call(WAIT6, 2, call(81), &status, 16 | 1, 0, &info), 0);
    CHECK_IS(info.pid, 0);
    call(KILL, child, 15);
    CHECK_IS(call(WAIT6, 0, child, &status, 16, 0, &info), child);
    CHECK_IS(info.code, 2);
    CHECK_IS(info.status, 15);
    CHECK_IS(call(WAIT4, -1, 8, 0, 0), -ECHILD);
}

static volatile int shared_word;

static void sharing(void)
{
    long child = call(VFORK);
    if (child == 0) {
        shared_word = 5;
        call(1, 3);
    }
    CHECK(child > 0);
    CHECK_IS(shared_word, 5); /* the parent waited */
    CHECK_IS(call(WAIT4, child, &status, 0, 0), child);
    CHECK_IS(status, 3 << 8);
}

#define RFFDG 4
#define RFPROC 0x10
#define RFMEM 0x20
#define RFCFDG 0x1000
#define RFSPAWN 0x80000000L

static void kinds(void)
{
    long fd = call(41, 1);
    long child = call(RFORK, RFPROC | RFFDG); /* a copy of the descriptors */
    if (child == 0) {
        call(6, fd);
        call(1, 0);
    }
    CHECK(child > 0);
    call(WAIT4, child, &status, 0, 0);
    CHECK_IS(call(4, fd, "", 0), 0);
    child = call(RFORK, RFPROC); /* the same descriptors */
    if (child == 0) {
        call(6, fd);
        call(1, 0);
    }
    CHECK(child > 0);
    call(WAIT4, child, &status, 0, 0);
    CHECK_IS(call(4, fd, "", 0), -EBADF);
    child = call(RFORK, RFPROC | RFCFDG); /* none */
    if (child == 0)
        call(1, call(4, 1, "", 0) == -EBADF ? 0 : 1);
    CHECK(child > 0);
    call(WAIT4, child, &status, 0, 0);
    CHECK_IS(status, 0);
    child = call(RFORK, RFSPAWN);
    if (child == 0) {
        shared_word = 6;
        call(1, 0);
    }
    CHECK(child > 0);
    CHECK_IS(shared_word, 6);
    call(WAIT4, child, &status, 0, 0);
    int missed = 0; /* a parent that was held up goes on when its child is a zombie, not before */
    for (int i = 0; i < 50; i++) {
        child = call(RFORK, RFSPAWN);
        if (child == 0)
            call(1, 0);
        missed += call(WAIT4, child, &status, 1, 0) != child; /* WNOHANG */
    }
    CHECK_IS(missed, 0);
    CHECK_IS(call(RFORK, RFPROC | RFFDG | RFCFDG), -EINVAL);
    CHECK_IS(call(RFORK, RFSPAWN | RFPROC), -EINVAL);
    CHECK_IS(call(RFORK, 1L << 31 | 1), -EINVAL);
    CHECK_IS(call(RFORK, RFFDG), 0);
}

static void descriptors(void)
{
    int fd = -7, pid = 0;
    long child = call(PDFORK, &fd, 2); /* PD_CLOEXEC */
    if (child == 0)
        for (;;)
            sleep_ms(1000);
    CHECK(child > 0 && fd >= 0);
    CHECK_IS(call(PDGETPID, fd, &pid), 0);
    CHECK_IS(pid, child);
    CHECK_IS(call(92, fd, 1, 0), 1); /* fcntl(F_GETFD) */
    CHECK_IS(call(PDKILL, fd, 500), -EINVAL);
    CHECK_IS(call(PDKILL, fd, 0), 0);
    CHECK_IS(call(PDKILL, fd, 15), 0);
    CHECK_IS(call(WAIT4, child, &status, 0, 0), child);
    CHECK_IS(status, 15);
    CHECK_IS(call(PDKILL, fd, 15), -ESRCH);
    CHECK_IS(call(PDGETPID, 1, &pid), -EINVAL);
    CHECK_IS(call(PDGETPID, 99, &pid), -EBADF);
    CHECK_IS(call(PDFORK, 8, 0), -EFAULT);
}

/* The child of a process with many threads has one of them. */
static volatile int others_run = 1;

static void spin(void *unused)
{
    (void)unused;
    while (others_run)
        call(331);
}

static void from_many(void)
{
    struct guest_thread t[3];
    for (int i = 0; i < 3; i++)
        thread_begin(&t[i], spin, 0);
    for (int i = 0; i < 20; i++) {
        long child = call(FORK);
        if (child == 0) {
            struct guest_thread mine;
            others_run = 0;
            thread_begin(&mine, spin, 0);
            thread_join(&mine);
            call(1, 11);
        }
        call(WAIT4, child, &status, 0, 0);
        if (status != 11 << 8)
            CHECK_IS(status, 11 << 8);
    }
    CHECK_IS(status, 11 << 8);
    others_run = 0;
    for (int i = 0; i < 3; i++)
        thread_join(&t[i]);
}

static void aborts(void)
{
    long child = call(FORK);
    if (child == 0) {
        call(6, 2);
        call(463, "the reason", 0, 0);
        call(1, 0);
    }
    CHECK_IS(call(WAIT4, child, &status, 0, 0), child);
    CHECK_IS(status & 0x7f, 6);
}

static void test(void)
{
    exits();
    deaths();
    stops();
    in_parts();
    sharing();
    kinds();
    descriptors();
    from_many();
    aborts();
}
