/* _umtx_op's condition variables, reader-writer locks and semaphores, used the way libthr and libc do. */
#include "threads.h"

#define EPERM 1
#define EINVAL 22
#define EAGAIN 35
#define ETIMEDOUT 60

#define MUTEX_LOCK 5
#define MUTEX_UNLOCK 6
#define CV_WAIT 8
#define CV_SIGNAL 9
#define CV_BROADCAST 10
#define RW_RDLOCK 12
#define RW_WRLOCK 13
#define RW_UNLOCK 14
#define SEM_WAIT 19
#define SEM_WAKE 20
#define SEM2_WAIT 23
#define SEM2_WAKE 24

struct umutex {
    u32 owner, flags, ceilings[2];
    u64 next;
    u32 spare[2];
};

struct ucond {
    u32 has_waiters, flags, clock, spare;
};

struct urwlock {
    u32 state, flags, blocked_readers, blocked_writers, spare[4];
};

#define WRITE_OWNER 0x80000000U
#define WRITE_WAITERS 0x40000000U
#define READ_WAITERS 0x20000000U

static int swap(u32 *word, u32 old, u32 fresh)
{
    return __atomic_compare_exchange_n(word, &old, fresh, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* ---- a bounded queue of one place: a signal that got lost would stop it ------------------------------ */

static struct umutex m;
static struct ucond changed;
static volatile int full;
static volatile long passed;

static void signal_changed(void)
{
    if (changed.has_waiters)
        umtx(&changed, CV_BROADCAST, 0, 0, 0);
}

static void await_state(int wanted)
{
    umtx(&m, MUTEX_LOCK, 0, 0, 0);
    while (full != wanted) {
        umtx(&changed, CV_WAIT, 0, &m, 0);
        umtx(&m, MUTEX_LOCK, 0, 0, 0);
    }
}

static void produce(void *n)
{
    for (long i = 0; i < (long)n; i++) {
        await_state(0);
        full = 1;
        signal_changed();
        umtx(&m, MUTEX_UNLOCK, 0, 0, 0);
    }
}

static void consume(void *n)
{
    for (long i = 0; i < (long)n; i++) {
        await_state(1);
        full = 0;
        passed++;
        signal_changed();
        umtx(&m, MUTEX_UNLOCK, 0, 0, 0);
    }
}

/* One sleeps until it is signalled, then the object is free of waiters. */
static void sleep_on_it(void *unused)
{
    (void)unused;
    umtx(&m, MUTEX_LOCK, 0, 0, 0);
    umtx(&changed, CV_WAIT, 0, &m, 0);
}

static void one_waiter(void)
{
    struct guest_thread t;

    m.owner = 0;
    changed = (struct ucond){0, 0, 0, 0};
    thread_begin(&t, sleep_on_it, 0);
    while (changed.has_waiters == 0)
        call(331);
    sleep_ms(20);
    CHECK_IS(umtx(&changed, CV_SIGNAL, 0, 0, 0), 0);
    CHECK_IS(changed.has_waiters, 0);
    thread_join(&t);
    CHECK_IS(umtx(&changed, CV_SIGNAL, 0, 0, 0), 0);
    CHECK_IS(changed.has_waiters, 0);
}

static void condition_variables(void)
{
    struct guest_thread t[4];
    struct timespec limit = {0, 20000000};

    thread_begin(&t[0], produce, (void *)1000);
    thread_begin(&t[1], produce, (void *)1000);
    thread_begin(&t[2], consume, (void *)1000);
    thread_begin(&t[3], consume, (void *)1000);
    for (int i = 0; i < 4; i++)
        thread_join(&t[i]);
    CHECK_IS(passed, 2000);

    umtx(&m, MUTEX_LOCK, 0, 0, 0);
    s64 before = nanoseconds();
    CHECK_IS(umtx(&changed, CV_WAIT, 0, &m, &limit), -ETIMEDOUT);
    CHECK(nanoseconds() - before >= 20000000);
    CHECK_IS(m.owner & 0x7fffffff, 0);
    CHECK_IS(changed.has_waiters, 0); /* nobody is left: it may be destroyed */
    changed.clock = 4;
    umtx(&m, MUTEX_LOCK, 0, 0, 0);
    struct timespec now;
    call(232, 4, &now);
    now.sec -= 1;
    CHECK_IS(umtx(&changed, CV_WAIT, 6, &m, &now), -ETIMEDOUT); /* CLOCKID | ABSTIME */
    changed.clock = 14;
    umtx(&m, MUTEX_LOCK, 0, 0, 0);
    CHECK_IS(umtx(&changed, CV_WAIT, 6, &m, &now), -EINVAL);
    umtx(&m, MUTEX_UNLOCK, 0, 0, 0);
    CHECK_IS(umtx(&changed, CV_WAIT, 0, &m, 0), -EPERM);
    CHECK_IS(umtx(&changed, CV_BROADCAST, 0, 0, 0), 0);
    CHECK_IS(changed.has_waiters, 0);
}

/* ---- reader-writer locks ---------------------------------------------------------------------------- */

static struct urwlock rw;
static volatile long written, torn;

static void read_lock(void)
{
    u32 state = rw.state;
    if (!(state & (WRITE_OWNER | WRITE_WAITERS)) && swap(&rw.state, state, state + 1))
        return;
    while (umtx(&rw, RW_RDLOCK, 0, 0, 0) != 0)
        ;
}

static void write_lock(void)
{
    if (swap(&rw.state, 0, WRITE_OWNER))
        return;
    while (umtx(&rw, RW_WRLOCK, 0, 0, 0) != 0)
        ;
}

static void unlock_writer(void)
{
    if (!swap(&rw.state, WRITE_OWNER, 0))
        umtx(&rw, RW_UNLOCK, 0, 0, 0);
}

static void unlock_reader(void)
{
    for (;;) {
        u32 state = rw.state;
        if ((state & (WRITE_WAITERS | READ_WAITERS)) && (state & 0x1fffffff) == 1) {
            umtx(&rw, RW_UNLOCK, 0, 0, 0);
            return;
        }
        if (swap(&rw.state, state, state - 1))
            return;
    }
}

static void writer(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1500; i++) {
        write_lock();
        written++;
        if (i % 64 == 0)
            call(331);
        written++;
        unlock_writer();
    }
}

static void reader(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1500; i++) {
        read_lock();
        torn += written % 2;
        if (i % 64 == 0)
            call(331);
        unlock_reader();
    }
}

static void timed_writer(void *unused)
{
    (void)unused;
    for (int i = 0; i < 300; i++) {
        struct timespec limit = {0, 100000};
        if (umtx(&rw, RW_WRLOCK, 0, 0, &limit) != 0)
            continue;
        written += 2;
        unlock_writer();
    }
}

static void rwlocks(u32 flags)
{
    struct guest_thread t[5];
    struct timespec limit = {0, 20000000};

    rw = (struct urwlock){.flags = flags};
    written = torn = 0;
    thread_begin(&t[0], writer, 0);
    thread_begin(&t[1], reader, 0);
    thread_begin(&t[2], writer, 0);
    thread_begin(&t[3], reader, 0);
    thread_begin(&t[4], timed_writer, 0);
    for (int i = 0; i < 5; i++)
        thread_join(&t[i]);
    CHECK(written >= 6000);
    CHECK_IS(torn, 0);
    CHECK_IS(rw.state & ~(READ_WAITERS | WRITE_WAITERS), 0);
    CHECK_IS(rw.blocked_readers, 0);
    CHECK_IS(rw.blocked_writers, 0);

    rw = (struct urwlock){.flags = flags};
    CHECK_IS(umtx(&rw, RW_UNLOCK, 0, 0, 0), -EPERM);
    CHECK_IS(umtx(&rw, RW_RDLOCK, 0, 0, 0), 0);
    CHECK_IS(umtx(&rw, RW_RDLOCK, 0, 0, 0), 0);
    CHECK_IS(rw.state, 2);
    CHECK_IS(umtx(&rw, RW_WRLOCK, 0, 0, &limit), -ETIMEDOUT);
    CHECK_IS(rw.state & ~WRITE_WAITERS, 2);
    CHECK_IS(umtx(&rw, RW_UNLOCK, 0, 0, 0), 0);
    CHECK_IS(umtx(&rw, RW_UNLOCK, 0, 0, 0), 0);
    CHECK_IS(umtx(&rw, RW_WRLOCK, 0, 0, 0), 0);
    CHECK_IS(umtx(&rw, RW_RDLOCK, 0, 0, &limit), -ETIMEDOUT);
    CHECK_IS(umtx(&rw, RW_UNLOCK, 0, 0, 0), 0);
    rw.state = 0x1fffffff;
    CHECK_IS(umtx(&rw, RW_RDLOCK, 0, 0, 0), -EAGAIN);
}

/* ---- semaphores ------------------------------------------------------------------------------------- */

static struct {
    u32 count, flags;
} sem;

static void post(void)
{
    u32 count = sem.count;
    while (!swap(&sem.count, count, count + 1))
        count = sem.count;
    if (count & 0x80000000)
        umtx(&sem, SEM2_WAKE, 0, 0, 0);
}

static void take(void)
{
    for (;;) {
        u32 count = sem.count;
        if ((count & 0x7fffffff) == 0)
            umtx(&sem, SEM2_WAIT, 0, 0, 0);
        else if (swap(&sem.count, count, count - 1))
            return;
    }
}

static void post_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3000; i++)
        post();
}

static void take_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3000; i++)
        take();
}

static void take_one(void *unused)
{
    (void)unused;
    take();
}

static void semaphores(void)
{
    struct guest_thread t[4];
    struct {
        struct umtx_time limit;
        struct timespec rest;
    } timed = {{{0, 20000000}, 0, 0}, {7, 7}};
    struct {
        u32 has_waiters, count, flags;
    } old = {0, 0, 0};

    thread_begin(&t[0], post_many, 0);
    thread_begin(&t[1], take_many, 0);
    thread_begin(&t[2], post_many, 0);
    thread_begin(&t[3], take_many, 0);
    for (int i = 0; i < 4; i++)
        thread_join(&t[i]);
    CHECK_IS(sem.count & 0x7fffffff, 0);
    sem.count = 0;
    thread_begin(&t[0], take_one, 0);
    while (sem.count == 0)
        call(331);
    sleep_ms(20);
    post();
    thread_join(&t[0]);
    CHECK_IS(sem.count, 0); /* nobody waits, nothing says so */
    CHECK_IS(umtx(&sem, SEM2_WAIT, 0, (void *)sizeof(timed), &timed), -ETIMEDOUT);
    CHECK_IS(sem.count, 0x80000000);
    sem.count = 1;
    CHECK_IS(umtx(&sem, SEM2_WAIT, 0, 0, 0), 0);
    CHECK_IS(umtx(&old, SEM_WAIT, 0, (void *)sizeof(timed), &timed), -ETIMEDOUT);
    CHECK_IS(old.has_waiters, 1);
    old.count = 1;
    CHECK_IS(umtx(&old, SEM_WAIT, 0, 0, 0), 0);
    CHECK_IS(umtx(&old, SEM_WAKE, 0, 0, 0), 0);
}

static void test(void)
{
    condition_variables();
    one_waiter();
    rwlocks(0);
    rwlocks(2);
    semaphores();
}
