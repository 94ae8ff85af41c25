/* What an administrator asks of a machine, as far as asking changes nothing of it: clocks that are only looked at, or set to
 * what is no time; roots, revoked terminals, locked memory, classes and processors of LWPs. */
#include "guest.h"

#define NO_TIME 8 /* an address that holds none */

static int is_root(void) { return call(25) == 0; }

static void clocks(void)
{
    struct {
        s64 sec;
        s32 usec, pad;
    } left = {-1, -1, 0};
    struct {
        s64 sec, usec; /* the lower half says it */
    } none = {0, 0xdeadbeef000f4240}, old_left = {-1, -1};
    struct timespec bad = {0, 1000000000};
    struct {
        s32 sec, pad;
        s64 nsec;
    } old_bad = {0, 0, 1000000000};
    u8 state[128] = {0};

    CHECK_IS(call(419, 0, 0), 0); /* __settimeofday50: no time, nothing to do */
    CHECK_IS(call(419, NO_TIME, 0), -14);
    CHECK_IS(call(122, 0, 0), 0);
    CHECK_IS(call(122, &none, 0), -22); /* compat_50_settimeofday */
    CHECK_IS(call(419, &none, 0), -22);
    CHECK_IS(call(428, 0, &bad), -22); /* __clock_settime50 */
    CHECK_IS(call(428, 77, &bad), -22);
    CHECK_IS(call(428, 0, NO_TIME), -14);
    CHECK_IS(call(233, 0, &old_bad), -22); /* compat_50_clock_settime */
    CHECK_IS(call(421, 0, &left), is_root() ? 0 : -1); /* __adjtime50: what is left of an adjustment */
    CHECK_IS(left.sec, is_root() ? 0 : -1);
    CHECK_IS(call(140, 0, &old_left), is_root() ? 0 : -1);
    CHECK_IS(old_left.sec, is_root() ? 0 : -1);
    CHECK(call(176, state) >= 0); /* ntp_adjtime, of nothing */
    CHECK_IS(call(176, NO_TIME), -14);
}

static s32 in_child(int (*body)(void))
{
    s32 status = -1;
    long child = call(2);
    if (child == 0)
        call(1, body());
    call(449, child, &status, 0, 0);
    return status >> 8;
}

static int another_root(void)
{
    u32 st[38];
    long r = call(61, "inside");
    if (!is_root())
        return r == -1 ? 0 : 1;
    return r == 0 && call(441, "here", st) == 0 && call(441, "/here", st) == 0 && call(441, "/dev", st) == -2 ? 0 : 2;
}

/* By a descriptor; the working directory, which is below it, stays. */
static int root_of_descriptor(void)
{
    u32 st[38];
    s32 above = (s32)call(5, ".", 0, 0), file = (s32)call(5, "inside/here", 0, 0);
    call(12, "inside");
    long r = call(297, above);
    if (call(297, 999) != (is_root() ? -9 : -1) || call(297, file) != (is_root() ? -20 : -1))
        return 1;
    if (!is_root())
        return r == -1 ? 0 : 2;
    return r == 0 && call(441, "here", st) == 0 && call(441, "/inside/here", st) == 0 && call(441, "/dev", st) == -2 ? 0 : 3;
}

static int locked(void)
{
    long r = call(242, 1); /* mlockall of what there is, which may be more than one may */
    if (r != 0 && r != -12)
        return 1;
    return call(243) == 0 && call(242, 0) == -22 ? 0 : 2;
}

static void memory(void)
{
    static u8 ending __attribute__((section(".bss.zzz")));
    u8 *end = (u8 *)(((u64)&ending + 0x10000) & ~0xfffUL);
    CHECK_IS(call(17, end + 8192), 0); /* break */
    end[8000] = 1;
    CHECK_IS(end[8000], 1);
    CHECK_IS(call(17, end), 0);
    s32 ends[2];
    call(453, ends, 0);
    CHECK_IS(call(4, ends[1], end + 8000, 1), -14); /* it is gone */
    CHECK_IS(call(72, 0), -22);                     /* vadvise */
    CHECK_IS(in_child(locked), 0);
    s32 file = (s32)call(500, "name", 1); /* memfd_create, MFD_CLOEXEC */
    CHECK(file > 2 && call(92, file, 1, 0) == 1);
    CHECK_IS(call(4, file, "four", 4), 4);
    CHECK_IS(call(500, "name", 0x80), -22);
    u64 base = 0, wanted;
    CHECK_IS(call(165, 15, &base), 0); /* sysarch, X86_GET_FSBASE */
    wanted = (u64)&base;
    CHECK_IS(call(165, 17, &wanted), 0);
    CHECK_IS(call(165, 15, &base), 0);
    CHECK_IS(base, wanted);
    CHECK_IS(call(165, 99, 0), -22);
}

static void lwps(void)
{
    struct {
        u64 next, offset, pending;
    } head = {0};
    head.next = (u64)&head;
    u64 seen = 0, size = 0;
    CHECK_IS(call(167, &head, sizeof(head)), 0); /* __futex_set_robust_list */
    CHECK_IS(call(167, &head, 1), -22);
    CHECK_IS(call(168, 0, &seen, &size), 0);
    CHECK(seen == (u64)&head && size == sizeof(head));
    s32 priority = -1, nobody = 64;
    CHECK_IS(call(346, 0, 0, 0, &priority), 0);   /* _sched_setparam: SCHED_OTHER */
    CHECK_IS(call(346, 0, 0, 0, &nobody), -22);
    u32 set[4] = {1, 0, 0, 0}, got[4] = {0};
    CHECK_IS(call(348, 0, 0, sizeof(set), set), 0); /* _sched_setaffinity */
    CHECK_IS(call(349, 0, 0, sizeof(got), got), 0);
    CHECK_IS(got[0], 1);
    CHECK_IS(call(351, 10), 0); /* _sched_protect */
    CHECK_IS(call(351, -1), 0);
    CHECK_IS(call(351, -1), -22);
    s32 psid = -1;
    CHECK_IS(call(414, -2, 0, &psid), 0); /* pset_assign: PS_QUERY */
    CHECK_IS(psid, 0);
    CHECK_IS(call(306, "label", "data", 4), 0); /* utrace, of whom nobody traces */
}

static void test(void)
{
    clocks();
    call(136, "inside", 0755);
    call(6, call(5, "inside/here", 0x202, 0644));
    CHECK_IS(in_child(another_root), 0);
    CHECK_IS(in_child(root_of_descriptor), 0);
    CHECK_IS(call(61, "nowhere"), is_root() ? -2 : call(61, "nowhere"));
    CHECK_IS(call(56, "nowhere"), -2);       /* revoke */
    CHECK_IS(call(56, "inside/here"), -22);  /* a terminal or a disk it must be */
    memory();
    lwps();
}
