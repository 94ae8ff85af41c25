/* _umtx_op: waiting for a word to change, with every form of limit, and waking those who wait. */
#include "threads.h"

#define EFAULT 14
#define EINVAL 22
#define ETIMEDOUT 60
#define WAIT_UINT 11
#define WAIT_UINT_PRIVATE 15
#define WAKE_PRIVATE 16
#define NWAKE_PRIVATE 21
#define ABSTIME 1

static u32 word, others[3];
static long long_word;

static void changed_words(void)
{
    word = 5;
    CHECK_IS(umtx(&word, WAIT_UINT, 4, 0, 0), 0);
    CHECK_IS(umtx(&word, WAIT_UINT_PRIVATE, 4, 0, 0), 0);
    long_word = 1L << 40;
    CHECK_IS(umtx(&long_word, OP_WAIT, 0, 0, 0), 0);
    CHECK_IS(umtx((void *)16, WAIT_UINT, 0, 0, 0), -EFAULT);
    CHECK_IS(umtx(&word, 99, 0, 0, 0), -EINVAL);
    CHECK_IS(umtx(&word, -1, 0, 0, 0), -EINVAL);
}

static s64 waited(long op, const void *size, const void *limit, long *result)
{
    s64 before = nanoseconds();
    if (op == OP_WAIT)
        *result = umtx(&long_word, op, long_word, size, limit);
    else
        *result = umtx(&word, op, word, size, limit);
    return nanoseconds() - before;
}

static void limits(void)
{
    struct timespec relative = {0, 30000000}, now;
    struct umtx_time full = {{0, 30000000}, 0, 4};
    long r;

    s64 took = waited(WAIT_UINT, 0, &relative, &r);
    CHECK_IS(r, -ETIMEDOUT);
    CHECK(took >= 30000000 && took < 2000000000);
    took = waited(OP_WAIT, (void *)sizeof(relative), &relative, &r);
    CHECK_IS(r, -ETIMEDOUT);
    CHECK(took >= 30000000);
    took = waited(WAIT_UINT_PRIVATE, (void *)sizeof(full), &full, &r);
    CHECK_IS(r, -ETIMEDOUT);
    CHECK(took >= 30000000);
    for (int clock = 0; clock <= 12; clock += 4) {
        call(232, clock, &now);
        full = (struct umtx_time){{now.sec, now.nsec + 30000000}, ABSTIME, (u32)clock};
        if (full.timeout.nsec >= 1000000000) {
            full.timeout.nsec -= 1000000000;
            full.timeout.sec++;
        }
        took = waited(WAIT_UINT_PRIVATE, (void *)sizeof(full), &full, &r);
        CHECK_IS(r, -ETIMEDOUT);
        CHECK(took >= 25000000 && took < 2000000000);
    }
    full = (struct umtx_time){{1, 0}, ABSTIME, 0}; /* long ago */
    took = waited(WAIT_UINT, (void *)sizeof(full), &full, &r);
    CHECK_IS(r, -ETIMEDOUT);
    CHECK(took < 1000000000);
    relative.nsec = 1000000000;
    waited(WAIT_UINT, 0, &relative, &r);
    CHECK_IS(r, -EINVAL);
    CHECK_IS(umtx(&word, WAIT_UINT, word, 0, (void *)8), -EFAULT);
}

struct sleeper {
    u32 *word;
    long op, result;
    u32 asleep;
};

static void sleep_once(void *of)
{
    struct sleeper *s = of;
    struct timespec limit = {20, 0};
    __atomic_store_n(&s->asleep, 1, __ATOMIC_SEQ_CST);
    s->result = umtx(s->word, s->op, 0, 0, &limit);
}

/* Either form of wake-up reaches either form of sleeper in private memory. */
static void forms(void)
{
    static const long wait_op[] = {WAIT_UINT, WAIT_UINT_PRIVATE}, wake_op[] = {OP_WAKE, WAKE_PRIVATE};

    for (int i = 0; i < 4; i++) {
        struct guest_thread t;
        struct sleeper s = {&word, wait_op[i & 1], -1, 0};
        word = 0;
        CHECK_IS(thread_begin(&t, sleep_once, &s), 0);
        while (!__atomic_load_n(&s.asleep, __ATOMIC_SEQ_CST))
            call(331);
        sleep_ms(20);
        s64 before = nanoseconds();
        word = 1;
        CHECK_IS(umtx(&word, wake_op[i >> 1], 1, 0, 0), 0);
        thread_join(&t);
        CHECK_IS(s.result, 0);
        CHECK(nanoseconds() - before < 5000000000);
    }
}

static void many(void)
{
    struct guest_thread t[6];
    struct sleeper s[6];
    u32 *list[3] = {&others[0], &others[1], &others[2]};

    for (int i = 0; i < 6; i++) {
        s[i] = (struct sleeper){&others[i % 3], WAIT_UINT_PRIVATE, -1, 0};
        thread_begin(&t[i], sleep_once, &s[i]);
    }
    for (int i = 0; i < 6; i++)
        while (!__atomic_load_n(&s[i].asleep, __ATOMIC_SEQ_CST))
            call(331);
    sleep_ms(30);
    CHECK_IS(umtx(list, NWAKE_PRIVATE, 3, 0, 0), 0);
    for (int i = 0; i < 6; i++) {
        thread_join(&t[i]);
        CHECK_IS(s[i].result, 0);
    }
    CHECK_IS(umtx((void *)8, NWAKE_PRIVATE, 2, 0, 0), -EFAULT);
}

/* Two threads hand a word to and fro: one wake-up lost, and the program would never end. */
static u32 turn;

static void ping_pong(void *side)
{
    u32 mine = (u32)(u64)side;
    for (u32 i = 0; i < 5000; i++) {
        u32 seen;
        while ((seen = __atomic_load_n(&turn, __ATOMIC_SEQ_CST)) % 2 != mine)
            umtx(&turn, mine ? WAIT_UINT : WAIT_UINT_PRIVATE, seen, 0, 0);
        __atomic_add_fetch(&turn, 1, __ATOMIC_SEQ_CST);
        umtx(&turn, mine ? WAKE_PRIVATE : OP_WAKE, 1, 0, 0);
    }
}

static void minimum(void)
{
    long least = -1;
    CHECK_IS(umtx(0, 28, 0, 0, 0), 0);
    CHECK_IS(umtx(0, 28, 50000, 0, 0), 0);
    CHECK_IS(umtx(0, 27, 0, &least, 0), 0);
    CHECK_IS(least, 50000);
    CHECK_IS(umtx(0, 28, -1, 0, 0), -EINVAL);
    CHECK_IS(umtx(0, 28, 0, 0, 0), 0);
}

static void test(void)
{
    struct guest_thread t;

    changed_words();
    limits();
    forms();
    many();
    CHECK_IS(thread_begin(&t, ping_pong, (void *)1), 0);
    ping_pong(0);
    thread_join(&t);
    CHECK_IS(turn, 10000);
    minimum();
}
