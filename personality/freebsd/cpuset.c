/* Processor sets and memory domains.
 *
 * A guest's masks are the host's affinity masks.  FreeBSD also numbers sets and hands processes from one to
 * another; the host has no such sets, so there is one, the default, and none can be made. */
#include "freebsd.h"
#include "tasks.h"

#define MASK_BYTES (FREEBSD_CPU_MAXSIZE / 8)
#define DEFAULT_SET 1
#define ROOT_SET 0

struct cpu_mask {
    u64 word[MASK_BYTES / 8];
};

static struct cpu_mask everything; /* what the process could use when it first asked */
static u32 everything_known;

static long read_affinity(s32 tid, struct cpu_mask *mask)
{
    memset(mask, 0, sizeof(*mask));
    long r = host(__NR_sched_getaffinity, tid, sizeof(*mask), mask);
    return is_error(r) ? r : 0;
}

static long available(struct cpu_mask *mask)
{
    if (!__atomic_load_n(&everything_known, __ATOMIC_ACQUIRE)) {
        struct cpu_mask now;
        long r = read_affinity(0, &now);
        if (r != 0)
            return r;
        everything = now;
        __atomic_store_n(&everything_known, 1, __ATOMIC_RELEASE);
    }
    *mask = everything;
    return 0;
}

static u32 bytes_in_use(const struct cpu_mask *mask)
{
    u32 n = ARRAY_LENGTH(mask->word);
    while (n > 0 && mask->word[n - 1] == 0)
        n--;
    return n * 8;
}

/* A thread id, a process id, or -1 for the caller.  *whole: every thread of a process is meant. */
static long target(struct thread *t, u32 which, s64 id, s32 *tid, bool *whole)
{
    *whole = which == FREEBSD_CPU_WHICH_PID ||
             (which == FREEBSD_CPU_WHICH_TIDPID && (id == -1 || id == t->process->pid));
    if (which != FREEBSD_CPU_WHICH_TID && which != FREEBSD_CPU_WHICH_PID && which != FREEBSD_CPU_WHICH_TIDPID)
        return -ESRCH; /* interrupts, jails and domains are not the guest's */
    if (id != -1 && (id <= 0 || id > INT32_MAX))
        return -ESRCH;
    *tid = id != -1 ? (s32)id : *whole ? t->process->pid : t->tid;
    return 0;
}

long freebsd_sys_cpuset_getaffinity(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct cpu_mask mask, all;
    s32 tid = 0;
    bool whole;

    long r = available(&all);
    if (r != 0)
        return r;
    if (a[3] > MASK_BYTES || a[3] < bytes_in_use(&all))
        return -ERANGE;
    if ((u32)a[1] == FREEBSD_CPU_WHICH_CPUSET) {
        if ((s64)a[2] != -1 && (s64)a[2] != DEFAULT_SET && (s64)a[2] != ROOT_SET)
            return -ESRCH;
    } else if ((r = target(t, (u32)a[1], (s64)a[2], &tid, &whole)) != 0) {
        return r;
    }
    switch ((u32)a[0]) {
    case FREEBSD_CPU_LEVEL_ROOT:
    case FREEBSD_CPU_LEVEL_CPUSET:
        mask = all;
        break;
    case FREEBSD_CPU_LEVEL_WHICH:
        if ((u32)a[1] == FREEBSD_CPU_WHICH_CPUSET)
            mask = all;
        else
            r = read_affinity(tid == t->tid ? 0 : tid, &mask);
        break;
    default:
        return -EINVAL;
    }
    return r != 0 ? r : copy_out(a[4], &mask, (size_t)a[3]);
}

static long set_affinity(s32 tid, const void *mask)
{
    long r = host(__NR_sched_setaffinity, tid, sizeof(struct cpu_mask), mask);
    return is_error(r) ? r : 0;
}

long freebsd_sys_cpuset_setaffinity(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct cpu_mask mask = {{0}}, all;
    s32 tid;
    bool whole, some = false;

    long r = available(&all);
    if (r != 0)
        return r;
    if (a[3] > MASK_BYTES || a[3] < bytes_in_use(&all))
        return -ERANGE;
    if (copy_in(&mask, a[4], (size_t)a[3]) != 0)
        return -EFAULT;
    for (u32 i = 0; i < ARRAY_LENGTH(mask.word); i++) {
        some |= mask.word[i] != 0;
        if (mask.word[i] & ~all.word[i])
            return -EINVAL;
    }
    if (!some)
        return -EDEADLK;
    if ((u32)a[0] != FREEBSD_CPU_LEVEL_WHICH)
        return (u32)a[0] - FREEBSD_CPU_LEVEL_ROOT <= FREEBSD_CPU_LEVEL_CPUSET - FREEBSD_CPU_LEVEL_ROOT
                   ? -EPERM
                   : -EINVAL;
    r = target(t, (u32)a[1], (s64)a[2], &tid, &whole);
    if (r != 0)
        return r;
    return whole ? for_each_task(tid, set_affinity, &mask) : set_affinity(tid, &mask);
}

long freebsd_sys_cpuset_getid(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s32 tid;
    bool whole;

    if ((u32)a[1] != FREEBSD_CPU_WHICH_CPUSET) {
        long r = target(t, (u32)a[1], (s64)a[2], &tid, &whole);
        if (r != 0)
            return r;
    }
    switch ((u32)a[0]) {
    case FREEBSD_CPU_LEVEL_ROOT:
        return put_u32(a[3], ROOT_SET);
    case FREEBSD_CPU_LEVEL_CPUSET:
        return put_u32(a[3], DEFAULT_SET);
    default:
        return -EINVAL;
    }
}

/* ---- memory domains: one, the host's own policy --------------------------------------------------- */

#define DOMAIN_BYTES_LEAST 8
#define DOMAIN_BYTES_MOST 32

long freebsd_sys_cpuset_getdomain(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 mask[DOMAIN_BYTES_MOST / 8] = {1};
    s32 tid;
    bool whole;

    if (a[3] < DOMAIN_BYTES_LEAST || a[3] > DOMAIN_BYTES_MOST)
        return -ERANGE;
    if ((u32)a[0] < FREEBSD_CPU_LEVEL_ROOT || (u32)a[0] > FREEBSD_CPU_LEVEL_WHICH)
        return -EINVAL;
    if ((u32)a[1] != FREEBSD_CPU_WHICH_CPUSET) {
        long r = target(t, (u32)a[1], (s64)a[2], &tid, &whole);
        if (r != 0)
            return r;
    }
    if (copy_out(a[4], mask, (size_t)a[3]) != 0)
        return -EFAULT;
    return put_u32(a[5], FREEBSD_DOMAINSET_POLICY_FIRSTTOUCH);
}

/* Asking for what is so anyway succeeds; anything else needs domains that the guest was not told of. */
long freebsd_sys_cpuset_setdomain(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 mask[DOMAIN_BYTES_MOST / 8] = {0};

    if (a[3] < DOMAIN_BYTES_LEAST || a[3] > DOMAIN_BYTES_MOST)
        return -ERANGE;
    if (copy_in(mask, a[4], (size_t)a[3]) != 0)
        return -EFAULT;
    bool known = (s32)a[5] >= FREEBSD_DOMAINSET_POLICY_ROUNDROBIN &&
                 (s32)a[5] <= FREEBSD_DOMAINSET_POLICY_INTERLEAVE;
    if (mask[0] != 1 || (mask[1] | mask[2] | mask[3]) != 0 || !known)
        return -EINVAL;
    return 0;
}

long freebsd_sys_sched_getcpu(struct thread *t UNUSED, struct frame *f UNUSED,
                              const u64 a[MAX_ARGUMENTS] UNUSED)
{
    u32 cpu = 0;
    long r = host(__NR_getcpu, &cpu, 0, 0);
    return r != 0 ? r : (long)cpu;
}
