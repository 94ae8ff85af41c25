/* Resource limits and their usage.
 *
 * Ten of FreeBSD's limits are the host's under other numbers.  The other six bound things that the host
 * does not count (socket buffers, pseudo-terminals, swap, kqueues, shared umtx objects, pipe buffers): what a
 * program sets is kept, passed to its children and told to whoever asks. */
#include "bsd.h"

#define HOST_INFINITY (~0UL)
#define GUEST_INFINITY ((s64)BSD_RLIM_INFINITY)
#define FIRST_KEPT BSD_RLIMIT_SBSIZE

static struct bsd_rlimit kept[BSD_RLIM_NLIMITS] LARGE;
static u32 kept_known; /* bit per limit that was ever set */
RUNTIME_LOCK(kept_lock);

static s64 from_host(u64 value) { return value >= (u64)GUEST_INFINITY ? GUEST_INFINITY : (s64)value; }

/* A negative limit has always meant none. */
static u64 to_host(s64 value)
{
    return value < 0 || value == GUEST_INFINITY ? HOST_INFINITY : (u64)value;
}

static long get(u32 which, struct bsd_rlimit *limit)
{
    struct linux_rlimit host_limit;

    if (which >= BSD_RLIM_NLIMITS)
        return -EINVAL;
    long resource = bsd_rlimit_resource_to_host((long)which);
    if (resource < 0) {
        lock_acquire(&kept_lock);
        if (kept_known & 1U << which)
            *limit = kept[which];
        else
            *limit = (struct bsd_rlimit){GUEST_INFINITY, GUEST_INFINITY};
        lock_release(&kept_lock);
        return 0;
    }
    long r = host(__NR_prlimit64, 0, resource, 0, &host_limit);
    if (r != 0)
        return r;
    limit->cur = from_host(host_limit.cur);
    limit->max = from_host(host_limit.max);
    return 0;
}

/* FreeBSD lowers a soft limit that is above the hard one, where Linux refuses. */
static long set(u32 which, const struct bsd_rlimit *wanted)
{
    struct linux_rlimit host_limit = {to_host(wanted->cur), to_host(wanted->max)};
    struct bsd_rlimit old;

    long r = get(which, &old);
    if (r != 0)
        return r;
    long resource = bsd_rlimit_resource_to_host((long)which);
    if (resource >= 0) {
        if (host_limit.cur > host_limit.max && host_limit.cur <= to_host(old.max))
            host_limit.cur = host_limit.max;
        r = host(__NR_prlimit64, 0, resource, &host_limit, 0);
        return r == -EINVAL && host_limit.cur > host_limit.max ? -EPERM : r;
    }
    struct bsd_rlimit fresh = {from_host(host_limit.cur), from_host(host_limit.max)};
    if ((fresh.cur > old.max || fresh.max > old.max) && host(__NR_geteuid) != 0)
        return -EPERM;
    if (fresh.cur > fresh.max)
        fresh.cur = fresh.max;
    lock_acquire(&kept_lock);
    kept[which] = fresh;
    kept_known |= 1U << which;
    lock_release(&kept_lock);
    return 0;
}

long bsd_sys_getrlimit(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_rlimit limit;
    long r = get((u32)a[0], &limit);
    return r != 0 ? r : copy_out(a[1], &limit, sizeof(limit));
}

long bsd_sys_setrlimit(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_rlimit limit;
    return copy_in(&limit, a[1], sizeof(limit)) != 0 ? -EFAULT : set((u32)a[0], &limit);
}

long bsd_sys_getdtablesize(struct thread *t UNUSED, struct frame *f UNUSED,
                               const u64 a[MAX_ARGUMENTS] UNUSED)
{
    struct bsd_rlimit limit;
    long r = get(BSD_RLIMIT_NOFILE, &limit);
    return r != 0 ? r : limit.cur > INT32_MAX ? INT32_MAX : limit.cur;
}
