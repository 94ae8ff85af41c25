/* _umtx_op's mutexes, used the way libthr uses them: plain, with inheritance, with a ceiling, and robust. */
#include "threads.h"

#define EPERM 1
#define EDEADLK 11
#define EBUSY 16
#define EINVAL 22
#define ETIMEDOUT 60
#define ENOTRECOVERABLE 95
#define EOWNERDEAD 96

#define TRYLOCK 4
#define LOCK 5
#define UNLOCK 6
#define SET_CEILING 7
#define AWAIT 17
#define WAKE2 22
#define ROBUST_LISTS 26

#define CONTESTED 0x80000000U
#define OWNER_DEAD 0x80000010U
#define NOT_RECOVERABLE 0x80000011U
#define INHERIT 4
#define PROTECT 8
#define ROBUST 0x10
#define NOT_CONSISTENT 0x20

struct umutex {
    u32 owner, flags, ceilings[2];
    u64 next;
    u32 spare[2];
};

static long self(void)
{
    long tid;
    call(432, &tid);
    return tid;
}

static int swap(u32 *word, u32 old, u32 fresh)
{
    return __atomic_compare_exchange_n(word, &old, fresh, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* What _thr_umutex_lock and _thr_umutex_unlock do. */
static void lock(struct umutex *m, u32 id)
{
    for (;;) {
        u32 owner = m->owner;
        if (m->flags & (INHERIT | PROTECT)) {
            if (!(m->flags & PROTECT) && swap(&m->owner, 0, id))
                return;
            if (umtx(m, LOCK, 0, 0, 0) == 0)
                return;
        } else {
            if ((owner & ~CONTESTED) == 0 && swap(&m->owner, owner, id | owner))
                return;
            umtx(m, AWAIT, 0, 0, 0);
        }
    }
}

static void unlock(struct umutex *m, u32 id)
{
    if (m->flags & (INHERIT | PROTECT | ROBUST)) {
        if (!(m->flags & PROTECT) && swap(&m->owner, id, 0))
            return;
        umtx(m, UNLOCK, 0, 0, 0);
        return;
    }
    u32 owner = m->owner;
    while (!swap(&m->owner, owner, 0))
        owner = m->owner;
    if (owner & CONTESTED)
        umtx(m, WAKE2, m->flags, 0, 0);
}

static struct umutex m;
static volatile long counter;

static void count(void *unused)
{
    u32 id = (u32)self();
    (void)unused;
    for (int i = 0; i < 3000; i++) {
        lock(&m, id);
        long seen = counter;
        if (i % 64 == 0)
            call(331);
        counter = seen + 1;
        unlock(&m, id);
    }
}

static void contention(u32 flags, u32 initial)
{
    struct guest_thread t[4];
    m = (struct umutex){.flags = flags, .owner = initial};
    counter = 0;
    for (int i = 0; i < 4; i++)
        thread_begin(&t[i], count, 0);
    for (int i = 0; i < 4; i++)
        thread_join(&t[i]);
    CHECK_IS(counter, 12000);
    CHECK_IS(m.owner & ~CONTESTED, 0);
}

static void results(void)
{
    u32 id = (u32)self();
    struct timespec limit = {0, 20000000};

    m = (struct umutex){0};
    CHECK_IS(umtx(&m, TRYLOCK, 0, 0, 0), 0);
    CHECK_IS(m.owner, id);
    CHECK_IS(umtx(&m, TRYLOCK, 0, 0, 0), -EBUSY);
    CHECK_IS(umtx(&m, LOCK, 0, 0, &limit), -ETIMEDOUT);
    CHECK_IS(umtx(&m, AWAIT, 0, 0, &limit), -ETIMEDOUT);
    CHECK_IS(umtx(&m, UNLOCK, 0, 0, 0), 0);
    CHECK_IS(m.owner & ~CONTESTED, 0);
    CHECK_IS(umtx(&m, UNLOCK, 0, 0, 0), -EPERM);
    CHECK_IS(umtx(&m, AWAIT, 0, 0, 0), 0);
    m = (struct umutex){.flags = INHERIT | PROTECT};
    CHECK_IS(umtx(&m, LOCK, 0, 0, 0), -EINVAL);
    m = (struct umutex){.flags = INHERIT};
    CHECK_IS(umtx(&m, LOCK, 0, 0, 0), 0);
    CHECK_IS(m.owner, id);
    CHECK_IS(umtx(&m, LOCK, 0, 0, 0), -EDEADLK);
    CHECK_IS(umtx(&m, UNLOCK, 0, 0, 0), 0);
    CHECK_IS(umtx(&m, UNLOCK, 0, 0, 0), -EPERM);
}

static void ceilings(void)
{
    u32 old = 77;
    m = (struct umutex){.flags = PROTECT, .owner = CONTESTED, .ceilings = {3, 0}};
    CHECK_IS(umtx(&m, SET_CEILING, 5, &old, 0), 0);
    CHECK_IS(old, 3);
    CHECK_IS(m.ceilings[0], 5);
    CHECK_IS(m.owner, CONTESTED);
    CHECK_IS(umtx(&m, SET_CEILING, 32, &old, 0), -EINVAL);
    CHECK_IS(umtx(&m, LOCK, 0, 0, 0), 0);
    CHECK_IS(umtx(&m, TRYLOCK, 0, 0, 0), -EBUSY);
    CHECK_IS(umtx(&m, SET_CEILING, 6, &old, 0), 0);
    CHECK_IS(old, 5);
    CHECK_IS(umtx(&m, UNLOCK, 0, 0, 0), 0);
    CHECK_IS(m.owner, CONTESTED);
    m.ceilings[0] = 40;
    CHECK_IS(umtx(&m, LOCK, 0, 0, 0), -EINVAL);
    m = (struct umutex){0};
    CHECK_IS(umtx(&m, SET_CEILING, 1, 0, 0), -EINVAL);
}

/* A thread ends with two robust mutexes in its list and a third that it was just taking. */
static struct umutex held[3];

static void die_holding(void *unused)
{
    static u64 head, private_head, entering;
    const u64 lists[3] = {(u64)&head, (u64)&private_head, (u64)&entering};
    u32 id = (u32)self();

    (void)unused;
    umtx(0, ROBUST_LISTS, sizeof(lists), lists, 0);
    for (int i = 0; i < 3; i++) {
        held[i] = (struct umutex){.flags = ROBUST, .owner = id};
        umtx(&held[i], TRYLOCK, 0, 0, 0);
    }
    held[0].next = (u64)&held[1];
    private_head = (u64)&held[0];
    entering = (u64)&held[2];
    sleep_ms(50);
}

static long waiter_result;

static void wait_for_dead(void *unused)
{
    (void)unused;
    while (held[0].owner == 0)
        call(331);
    waiter_result = umtx(&held[0], LOCK, 0, 0, 0);
}

static void robust(void)
{
    struct guest_thread dying, waiting;
    u32 id = (u32)self();

    thread_begin(&dying, die_holding, 0);
    thread_begin(&waiting, wait_for_dead, 0);
    thread_join(&dying);
    thread_join(&waiting);
    CHECK_IS(waiter_result, -EOWNERDEAD);
    CHECK_IS(held[0].owner & ~CONTESTED, waiting.tid);
    CHECK_IS(held[1].owner, OWNER_DEAD);
    CHECK_IS(held[2].owner, OWNER_DEAD);
    CHECK_IS(umtx(&held[1], AWAIT, 0, 0, 0), 0);
    CHECK_IS(umtx(&held[1], LOCK, 0, 0, 0), -EOWNERDEAD);
    CHECK_IS(held[1].owner, id | CONTESTED);
    held[1].flags |= NOT_CONSISTENT;
    CHECK_IS(umtx(&held[1], UNLOCK, 0, 0, 0), 0);
    CHECK_IS(held[1].owner, NOT_RECOVERABLE);
    CHECK_IS(umtx(&held[1], LOCK, 0, 0, 0), -ENOTRECOVERABLE);
    CHECK_IS(umtx(&held[1], TRYLOCK, 0, 0, 0), -ENOTRECOVERABLE);
    CHECK_IS(umtx(0, ROBUST_LISTS, 25, 0, 0), -EINVAL);
}

/* One process holds it, another waits: shared memory, and the word alone connects them. */
static void between_processes(void)
{
    struct umutex *shared = map_memory(4096, SHARED_MEMORY);
    volatile long *total = (long *)(shared + 2);

    *shared = (struct umutex){.flags = 1};
    long child = call(2);
    u32 id = (u32)self();
    for (int i = 0; i < 2000; i++) {
        lock(shared, id);
        long seen = *total;
        if (i % 64 == 0)
            call(331);
        *total = seen + 1;
        unlock(shared, id);
    }
    if (child == 0)
        call(1, 0);
    CHECK(child > 0);
    CHECK_IS(call(7, child, 0, 0, 0), child);
    CHECK_IS(*total, 4000);
}

static void test(void)
{
    results();
    contention(0, 0);
    contention(INHERIT, 0);
    contention(PROTECT, CONTESTED);
    contention(ROBUST, 0);
    contention(ROBUST | INHERIT, 0);
    ceilings();
    robust();
    between_processes();
}
