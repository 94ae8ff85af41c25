/* Credentials, limits, priorities, processor sets, procctl and names. */
#include "threads.h"

#define EPERM 1
#define ESRCH 3
#define EFAULT 14
#define EINVAL 22
#define ERANGE 34
#define EDEADLK 11

static void limits(void)
{
    struct {
        s64 cur, max;
    } limit, again;

    for (int which = 0; which < 16; which++) {
        CHECK_IS(call(194, which, &limit), 0);
        CHECK(limit.cur >= 0 && limit.cur <= limit.max);
    }
    CHECK_IS(call(194, 16, &limit), -EINVAL);
    CHECK_IS(call(194, 0, 8), -EFAULT);
    call(194, 8, &limit); /* RLIMIT_NOFILE */
    CHECK_IS(call(89), limit.cur);
    limit.cur -= 1;
    CHECK_IS(call(195, 8, &limit), 0);
    CHECK_IS(call(89), limit.cur);
    limit.cur = limit.max = 4096;
    CHECK_IS(call(195, 9, &limit), 0); /* RLIMIT_SBSIZE: kept */
    CHECK_IS(call(194, 9, &again), 0);
    CHECK_IS(again.cur, 4096);
    call(194, 4, &limit); /* RLIMIT_CORE: a soft limit above the hard one is lowered */
    s64 hard = limit.max;
    limit.max = hard > 1000 ? 1000 : hard;
    limit.cur = limit.max == 1000 ? 1001 : limit.max;
    CHECK_IS(call(195, 4, &limit), 0);
    call(194, 4, &again);
    CHECK_IS(again.cur, limit.max);
}

static void priorities(void)
{
    struct {
        u16 type, prio;
    } class = {9, 9};
    int param = -1;

    CHECK_IS(call(166, 0, 0, &class), 0);
    CHECK_IS(class.type, 3);
    CHECK_IS(class.prio, 0);
    CHECK_IS(call(466, 0, 0, &class), 0);
    CHECK_IS(class.type, 3);
    CHECK_IS(call(466, 1, 0, &class), 0);
    CHECK_IS(call(166, 7, 0, &class), -EINVAL);
    CHECK_IS(call(466, 0, 0x3ffffff, &class), -ESRCH);
    class.type = 77;
    CHECK_IS(call(166, 1, 0, &class), -EINVAL);
    CHECK_IS(call(330, 0), 2);
    CHECK_IS(call(328, 0, &param), 0);
    CHECK_IS(param, 0);
    CHECK_IS(call(332, 1), 31);
    CHECK_IS(call(333, 1), 0);
    CHECK_IS(call(332, 9), -EINVAL);
    CHECK_IS(call(329, 0, 2, &param), 0);
    int nice = (int)call(100, 0, 0); /* whoever starts the test may be nice already */
    CHECK(nice >= -20 && nice < 20);
    CHECK_IS(call(96, 0, 0, nice < 15 ? nice + 3 : nice), 0);
    CHECK_IS((int)call(100, 0, 0), nice < 15 ? nice + 3 : nice);
    CHECK_IS(call(100, 9, 0), -EINVAL);
    CHECK_IS(call(100, 0, 0x3ffffff), -ESRCH);
}

static void processors(void)
{
    u64 mask[16], all[16], domains[4];
    int id = -1, policy = -1;
    long tid;

    call(432, &tid);
    memset(all, 0xff, sizeof(all));
    CHECK_IS(call(487, 3, 2, -1L, sizeof(all), all), 0);
    CHECK(all[0] != 0);
    CHECK_IS(all[15], 0);
    CHECK_IS(call(487, 3, 1, tid, sizeof(mask), mask), 0);
    CHECK_IS(mask[0], all[0]);
    CHECK_IS(call(487, 1, 2, -1L, sizeof(mask), mask), 0);
    CHECK_IS(call(487, 3, 2, -1L, 0, mask), -ERANGE);
    CHECK_IS(call(487, 3, 2, -1L, 256, mask), -ERANGE);
    CHECK_IS(call(487, 3, 2, 0x3ffffffL, sizeof(mask), mask), -ESRCH);
    CHECK_IS(call(487, 9, 2, -1L, sizeof(mask), mask), -EINVAL);
    memset(mask, 0, sizeof(mask));
    CHECK_IS(call(488, 3, 1, -1L, sizeof(mask), mask), -EDEADLK);
    mask[0] = all[0] & -all[0];
    CHECK_IS(call(488, 3, 2, -1L, sizeof(mask), mask), 0);
    CHECK_IS(call(487, 3, 1, -1L, sizeof(mask), mask), 0);
    CHECK_IS(mask[0], all[0] & -all[0]);
    CHECK_IS(call(581) >= 0, 1);
    CHECK_IS(call(488, 3, 2, -1L, sizeof(all), all), 0);
    CHECK_IS(call(486, 2, 2, -1L, &id), 0);
    CHECK_IS(id, 1);
    CHECK_IS(call(486, 3, 2, -1L, &id), -EINVAL);
    CHECK_IS(call(561, 3, 2, -1L, sizeof(domains), domains, &policy), 0);
    CHECK_IS(domains[0], 1);
    CHECK(policy >= 1 && policy <= 4);
}

static void credentials(void)
{
    u32 groups[1024], id[3];
    char name[64];

    memset(name, 'x', sizeof(name));
    CHECK_IS(call(360, &id[0], &id[1], &id[2]), 0);
    CHECK_IS(id[0], call(24));
    CHECK_IS(call(360, 0, &id[1], 0), 0);
    long n = call(79, 0, 0);
    CHECK(n >= 1);
    CHECK_IS(call(79, 1024, groups), n);
    CHECK_IS(groups[0], call(43)); /* the first is the effective one */
    if (n > 1)
        CHECK_IS(call(79, 1, groups), -EINVAL);
    CHECK_IS(call(253), 0); /* issetugid */
    CHECK_IS(call(49, name, sizeof(name)), 0);
    CHECK(length(name) < 33);
    CHECK_IS(call(49, name, 0), -ERANGE);
    CHECK_IS(call(523, name, sizeof(name)), 0);
    CHECK(equal(name, "default"));
    CHECK_IS(call(23, call(24)), 0); /* setuid(getuid()) */
    if (call(25) != 0) {
        CHECK_IS(call(23, 0), -EPERM);
        CHECK_IS(call(50, "root"), -EPERM);
    }
}

/* A change of the user is one for every thread. */
static volatile int go;
static long seen_uid;

static void look(void *unused)
{
    (void)unused;
    while (!go)
        call(331);
    seen_uid = call(25);
}

static void in_every_thread(void)
{
    struct guest_thread t;
    int status;

    long child = call(2);
    if (child == 0) {
        thread_begin(&t, look, 0);
        sleep_ms(10);
        long uid = call(24) == 0 ? 1234 : call(24);
        long r = call(23, uid);
        go = 1;
        thread_join(&t);
        call(1, r == 0 && seen_uid == uid && call(25) == uid ? 0 : 1);
    }
    CHECK_IS(call(7, child, &status, 0, 0), child);
    CHECK_IS(status, 0);
}

static void asking(void)
{
    int value = -9;
    struct {
        u32 flags, children, descendants;
        int reaper, pid;
        u32 pad[15];
    } reaper;

    CHECK_IS(call(544, 0, 0, 12, &value), 0); /* PDEATHSIG_STATUS */
    CHECK_IS(value, 0);
    value = 15;
    CHECK_IS(call(544, 0, call(20), 11, &value), 0);
    value = -9;
    CHECK_IS(call(544, 0, 0, 12, &value), 0);
    CHECK_IS(value, 15);
    value = 900;
    CHECK_IS(call(544, 0, 0, 11, &value), -EINVAL);
    CHECK_IS(call(544, 0, 0, 8, &value), 0); /* TRACE_STATUS */
    CHECK_IS(value, 0);
    CHECK_IS(call(544, 0, 0, 3, 0), -EINVAL); /* REAP_RELEASE without */
    CHECK_IS(call(544, 0, 0, 2, 0), 0);
    long child = call(2);
    if (child == 0)
        for (;;)
            sleep_ms(1000);
    CHECK_IS(call(544, 0, 0, 4, &reaper), 0);
    CHECK_IS(reaper.flags, 1);
    CHECK_IS(reaper.children, 1);
    CHECK_IS(reaper.descendants, 1);
    CHECK_IS(reaper.pid, child);
    CHECK_IS(reaper.reaper, call(20));
    struct {
        int sig;
        u32 flags;
        int subtree;
        u32 killed;
        int first;
        u32 pad[15];
    } kill = {.sig = 9};
    CHECK_IS(call(544, 0, 0, 6, &kill), 0);
    CHECK_IS(kill.killed, 1);
    CHECK_IS(kill.first, -1);
    int status = 0;
    CHECK_IS(call(7, child, &status, 0, 0), child);
    CHECK_IS(status, 9);
    CHECK_IS(call(544, 0, 0, 3, 0), 0);
    CHECK_IS(call(544, 0, 0, 99, &value), -EINVAL);
    CHECK_IS(call(544, 0, 0x3ffffffL, 12, &value), -ESRCH);
    CHECK_IS(call(335, "x", 1), 0); /* utrace */
}

static void identifiers(void)
{
    u8 uuid[3][16];
    CHECK_IS(call(392, uuid, 3), 0);
    CHECK_IS(uuid[0][7] >> 4, 1);
    CHECK_IS(uuid[0][8] >> 6, 2);
    CHECK(memcmp(uuid[0], uuid[1], 16) != 0);
    CHECK_IS(call(392, uuid, 0), -EINVAL);
    CHECK_IS(call(392, uuid, 4096), -EINVAL);
}

static void test(void)
{
    limits();
    priorities();
    processors();
    credentials();
    in_every_thread();
    asking();
    identifiers();
}
