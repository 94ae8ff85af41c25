/* Memory: mappings with an alignment, moving them, sharing, protection, the break, futexes, and SysV's forms. */
#include "guest.h"

#define PRIVATE 0x1002 /* MAP_ANON | MAP_PRIVATE */
#define SHARED 0x1001
#define FIXED 0x10

static u8 *map(void *at, u64 size, long protection, long flags)
{
    return (u8 *)call(197, at, size, protection, flags, -1, 0, 0);
}

static void mappings(void)
{
    u8 *m = map(0, 8192, 3, PRIVATE);
    CHECK((long)m > 0 && m[0] == 0);
    m[5000] = 7;
    u8 *aligned = map(0, 4096, 3, PRIVATE | 21 << 24); /* MAP_ALIGNED(21) */
    CHECK((long)aligned > 0 && ((u64)aligned & 0x1fffff) == 0);
    u8 *moved = (u8 *)call(411, m, 8192, 0, 16384, 0); /* mremap */
    CHECK((long)moved > 0 && moved[5000] == 7 && moved[16000] == 0);
    CHECK_IS(call(74, moved, 4096, 1), 0); /* mprotect */
    s32 ends[2];
    call(453, ends, 0);
    call(4, ends[1], "x", 1);
    CHECK_IS(call(3, ends[0], moved, 1), -14); /* may not be written */
    CHECK_IS(call(73, moved, 16384), 0);
    CHECK_IS(call(3, ends[0], moved, 1), -14);
    u8 *shared = map(0, 4096, 3, SHARED);
    long child = call(2);
    if (child == 0) {
        shared[0] = 9;
        call(1, 0);
    }
    call(449, child, 0, 0, 0);
    CHECK_IS(shared[0], 9);
    s32 status = -1;
    aligned[0] = 3;
    CHECK_IS(call(273, aligned, 4096, 4), 0); /* minherit: the child begins with zeros */
    child = call(2);
    if (child == 0)
        call(1, aligned[0]);
    call(449, child, &status, 0, 0);
    CHECK(status == 0 && aligned[0] == 3);
    CHECK_IS(call(273, aligned, 4096, 1), 0); /* a copy */
    child = call(2);
    if (child == 0)
        call(1, aligned[0]);
    call(449, child, &status, 0, 0);
    CHECK_IS(status, 3 << 8);
    CHECK_IS(call(75, aligned, 4096, 0), 0);        /* madvise */
    CHECK_IS(call(277, shared, 4096, 4), 0);        /* __msync13, MS_SYNC */
    CHECK_IS(call(203, shared, 4096), 0);           /* mlock */
    CHECK_IS(call(204, shared, 4096), 0);
    u8 resident[1] = {0};
    CHECK_IS(call(78, shared, 4096, resident), 0); /* mincore */
    CHECK_IS(resident[0] & 1, 1);
    CHECK_IS(call(78, shared, 0, resident), -22); /* of no page */
}

static void shared_segments(void)
{
    long id = call(231, 0, 4096, 01600);
    CHECK(id >= 0);
    u8 *at = (u8 *)call(228, id, 0, 0);
    CHECK((long)at > 0);
    at[0] = 5;
    CHECK_IS(call(230, at), 0);
    u8 state[256];
    CHECK_IS(call(443, id, 2, state), 0); /* IPC_STAT */
    CHECK_IS(call(303, id, 2, state), 0); /* and its form of releases up to 5 */
    CHECK_IS(call(443, id, 0, 0), 0);     /* IPC_RMID */
    long set = call(221, 0, 1, 01600);
    CHECK(set >= 0);
    union {
        s32 value;
        void *pointer;
    } argument = {.value = 2};
    CHECK_IS(call(442, set, 0, 8, &argument), 0); /* SETVAL: the union is passed by address */
    CHECK_IS(call(442, set, 0, 5, 0), 2);
    struct {
        u16 number;
        s16 change, flags;
    } take = {0, -2, 04000};
    CHECK_IS(call(222, set, &take, 1), 0);
    CHECK_IS(call(222, set, &take, 1), -35);
    CHECK_IS(call(442, set, 0, 0, 0), 0);
}

static void words(void)
{
    u32 word = 1;
    struct timespec t = {0, 1000000};
    CHECK_IS(call(166, &word, 0 | 128, 0, 0, 0, 0, 0), -35); /* __futex: another value */
    CHECK_IS(call(166, &word, 0 | 128, 1, &t, 0, 0, 0), -60);
    CHECK_IS(call(166, &word, 1 | 128, 1, 0, 0, 0, 0), 0);
    long id = 0;
    CHECK_IS(call(247, 1, &id), 0); /* _ksem_init */
    CHECK_IS(call(253, id), 0);     /* trywait */
    CHECK_IS(call(253, id), -35);
    CHECK_IS(call(251, id), 0);
    CHECK_IS(call(255, id), 0);
}

static void test(void)
{
    mappings();
    shared_segments();
    words();
}
