/* Scheduling: policies, priorities, processors, by process and LWP.
 *
 * NetBSD's real-time priorities go from 0 to 63, the best; the host's from 1 to 99. */
#include "scheduling.h"
#include "lwp.h"
#include "tasks.h"

#define PRIORITY_MAXIMUM 63
#define NO_PRIORITY (-1)
#define USER_PRIORITY 43 /* what a LWP of no special class has, with a processor to itself */
#define MASK_BYTES 1024
#define PROTECT_END (-1)

struct wanted {
    s32 policy, priority;
};

static long set_one(s32 tid, const void *wanted)
{
    const struct wanted *w = wanted;
    long policy = w->policy;

    if (policy == NETBSD_SCHED_NONE) {
        policy = host(__NR_sched_getscheduler, tid);
        if (policy < 0)
            return policy;
        policy &= ~(long)HOST_RESET_ON_FORK;
    } else {
        policy = policy == NETBSD_SCHED_FIFO ? HOST_FIFO : policy == NETBSD_SCHED_RR ? HOST_RR : HOST_OTHER;
    }
    bool real_time = policy == HOST_FIFO || policy == HOST_RR;
    if (!real_time && w->priority != NO_PRIORITY && w->policy == NETBSD_SCHED_NONE)
        return -EINVAL;
    s32 param = !real_time ? 0 : w->priority == NO_PRIORITY ? 1 : w->priority + 1;
    return host(__NR_sched_setscheduler, tid, policy, &param);
}

static long check(const struct wanted *w)
{
    bool fine = (w->policy == NETBSD_SCHED_NONE ||
                 (w->policy >= NETBSD_SCHED_OTHER && w->policy <= NETBSD_SCHED_RR)) &&
                (w->priority == NO_PRIORITY || (w->priority >= 0 && w->priority <= PRIORITY_MAXIMUM));
    return fine ? 0 : -EINVAL;
}

long scheduling_set(s32 pid, s32 policy, s32 priority)
{
    const struct wanted w = {policy, priority};
    long r = check(&w);
    return r != 0 ? r : for_each_task(pid, set_one, &w);
}

struct target {
    s32 pid, tid; /* of the process; tid 0: all its LWPs */
};

static long target_of(const struct thread *t, const u64 a[MAX_ARGUMENTS], struct target *to)
{
    *to = (struct target){(s32)a[0] != 0 ? (s32)a[0] : t->process->pid, (s32)a[1]};
    if (to->pid < 0 || to->tid < 0)
        return -EINVAL;
    return to->tid != 0 ? host(__NR_tgkill, to->pid, to->tid, 0) : host(__NR_kill, to->pid, 0);
}

long netbsd_sys__sched_setparam(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_sched_param param;
    struct target to;

    if (copy_in(&param, a[3], sizeof(param)) != 0)
        return -EFAULT;
    const struct wanted w = {(s32)a[2], param.priority};
    if (w.policy == NETBSD_SCHED_NONE && w.priority == NO_PRIORITY)
        return 0;
    long r = check(&w);
    if (r == 0)
        r = target_of(t, a, &to);
    if (r != 0)
        return r;
    return to.tid != 0 ? set_one(to.tid, &w) : for_each_task(to.pid, set_one, &w);
}

long netbsd_sys__sched_getparam(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_sched_param param = {USER_PRIORITY};
    u32 told = NETBSD_SCHED_OTHER;
    struct target to;
    s32 priority;

    long r = target_of(t, a, &to);
    if (r != 0)
        return r;
    s32 tid = to.tid != 0 ? to.tid : to.pid;
    long policy = host(__NR_sched_getscheduler, tid);
    if (policy < 0)
        return policy;
    policy &= ~(long)HOST_RESET_ON_FORK;
    r = host(__NR_sched_getparam, tid, &priority);
    if (r != 0)
        return r;
    if (policy == HOST_FIFO || policy == HOST_RR) {
        told = policy == HOST_FIFO ? NETBSD_SCHED_FIFO : NETBSD_SCHED_RR;
        param.priority = priority - 1 < PRIORITY_MAXIMUM ? priority - 1 : PRIORITY_MAXIMUM;
    }
    if (a[2] != 0 && put_u32(a[2], told) != 0)
        return -EFAULT;
    return a[3] != 0 ? copy_out(a[3], &param, sizeof(param)) : 0;
}

/* Of a real-time LWP alone it changes anything, and that needs a privilege: only the nesting is kept. */
long netbsd_sys__sched_protect(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct lwp *l = lwp_of(t);
    s32 priority = (s32)a[0];

    if (priority == PROTECT_END) {
        if (l->protected == 0)
            return -EINVAL;
        l->protected--;
        return 0;
    }
    if (priority < 0)
        return -ENOENT;
    if (priority > PRIORITY_MAXIMUM)
        return -EPERM;
    l->protected++;
    return 0;
}

/* ---- processors ----------------------------------------------------------------------------------------- */

/* Words of 32 bits, the lowest processor first: what the host has too.  An LWP that nobody has bound shows none. */
static bool somebody_bound;

struct mask {
    u8 bits[MASK_BYTES];
    size_t size;
    bool empty;
};

static long bind_one(s32 tid, const void *mask)
{
    const struct mask *m = mask;
    return host(__NR_sched_setaffinity, tid, m->size, m->bits);
}

long netbsd_sys__sched_setaffinity(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct mask m = {.size = MASK_BYTES, .empty = true};
    struct target to;

    if (a[2] > sizeof(m.bits))
        return -EINVAL;
    if (copy_in(m.bits, a[3], a[2]) != 0)
        return -EFAULT;
    for (size_t i = 0; i < a[2]; i++)
        m.empty &= m.bits[i] == 0;
    if (m.empty) /* no longer bound */
        memset(m.bits, 0xff, sizeof(m.bits));
    long r = target_of(t, a, &to);
    if (r != 0)
        return r;
    r = to.tid != 0 ? bind_one(to.tid, &m) : for_each_task(to.pid, bind_one, &m);
    if (r == 0)
        somebody_bound = !m.empty;
    return r == -EINVAL ? -EPERM : r;
}

long netbsd_sys__sched_getaffinity(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct mask m = {.size = MASK_BYTES};
    struct target to;

    if (a[2] > sizeof(m.bits))
        return -EINVAL;
    long r = target_of(t, a, &to);
    if (r == 0 && somebody_bound)
        r = host(__NR_sched_getaffinity, to.tid != 0 ? to.tid : to.pid, sizeof(m.bits), m.bits);
    return r < 0 ? r : copy_out(a[3], m.bits, a[2]);
}

/* Every processor and every LWP is in the set of all. */
static long query_set(s32 set, u64 old)
{
    if (set != NETBSD_PS_QUERY)
        return set == NETBSD_PS_NONE || set == NETBSD_PS_MYID ? -EPERM : -EINVAL;
    return old != 0 ? put_u32(old, NETBSD_PS_NONE) : 0;
}

long netbsd_sys_pset_assign(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return query_set((s32)a[0], a[2]);
}

long netbsd_sys_pset_bind(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return query_set((s32)a[3], a[4]);
}
