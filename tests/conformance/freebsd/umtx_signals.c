/* What a signal does to those who wait in _umtx_op: some go on, some tell, whatever the handler asked for. */
#include "threads.h"

#define EINTR 4
#define SETITIMER 83
#define SIGACTION 416
#define SIGALRM 14
#define SA_RESTART 2

static volatile int handled;
static u32 mutex[8], word, sem[2];

static void on_alarm(int signal)
{
    (void)signal;
    handled++;
}

static void alarm_in(long ms, int flags)
{
    struct {
        void (*handler)(int);
        int flags;
        u32 mask[4];
    } action = {on_alarm, flags, {0}};
    s64 timer[4] = {0, 0, 0, ms * 1000};

    handled = 0;
    call(SIGACTION, SIGALRM, &action, 0);
    call(SETITIMER, 0, timer, 0);
}

static long self(void)
{
    long tid;
    call(432, &tid);
    return tid;
}

/* Holds the mutex for a while, with the alarm blocked so that the waiter gets it. */
static void hold(void *unused)
{
    u32 alarm[4] = {1U << (SIGALRM - 1), 0, 0, 0};
    (void)unused;
    call(340, 1, alarm, 0);
    umtx(mutex, 5, 0, 0, 0);
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    sleep_ms(150);
    umtx(mutex, 6, 0, 0, 0);
}

static long interrupted_lock(long op, int flags, const void *limit, u32 kind)
{
    struct guest_thread t;

    memset(mutex, 0, sizeof(mutex));
    mutex[1] = kind;
    word = 0;
    thread_begin(&t, hold, 0);
    while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0)
        call(331);
    alarm_in(40, flags);
    long r = umtx(mutex, op, 0, 0, limit);
    long seen = handled;
    if (op == 5 && r == 0) {
        CHECK_IS(mutex[0] & 0x7fffffff, self());
        umtx(mutex, 6, 0, 0, 0);
    }
    thread_join(&t);
    CHECK_IS(seen, 1);
    return r;
}

static void test(void)
{
    struct timespec limit = {10, 0};
    struct umtx_time absolute = {{0, 0}, 1, 4};

    CHECK_IS(interrupted_lock(5, 0, 0, 0), 0); /* MUTEX_LOCK goes on after any handler */
    CHECK_IS(interrupted_lock(5, SA_RESTART, 0, 0), 0);
    CHECK_IS(interrupted_lock(5, 0, 0, 4), 0); /* with inheritance too */
    CHECK_IS(interrupted_lock(5, SA_RESTART, &limit, 0), -EINTR);
    CHECK_IS(interrupted_lock(17, 0, 0, 0), -EINTR); /* MUTEX_WAIT tells */
    CHECK_IS(interrupted_lock(17, SA_RESTART, 0, 0), 0);

    word = 0;
    alarm_in(30, SA_RESTART);
    CHECK_IS(umtx(&word, 11, 0, 0, 0), -EINTR); /* WAIT_UINT is not taken up again */
    CHECK_IS(handled, 1);
    alarm_in(30, 0);
    CHECK_IS(umtx(&word, 15, 0, 0, &limit), -EINTR);
    alarm_in(30, 0);
    CHECK_IS(umtx(sem, 23, 0, 0, 0), -EINTR); /* SEM2_WAIT */
    sem[0] = 0;
    alarm_in(30, SA_RESTART);
    CHECK_IS(umtx(sem, 23, 0, 0, &limit), -EINTR); /* a relative limit cannot be */
    sem[0] = 0;
    alarm_in(30, SA_RESTART);
    call(232, 4, &absolute.timeout);
    absolute.timeout.nsec += 120000000;
    if (absolute.timeout.nsec >= 1000000000) {
        absolute.timeout.nsec -= 1000000000;
        absolute.timeout.sec++;
    }
    CHECK_IS(umtx(sem, 23, 0, (void *)sizeof(absolute), &absolute), -60); /* an absolute one can */
    CHECK_IS(handled, 1);
    alarm_in(30, SA_RESTART);
    limit = (struct timespec){0, 200000000};
    CHECK_IS(call(442, &limit), -EINTR); /* thr_suspend */
}
