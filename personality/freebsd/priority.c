/* Scheduling: FreeBSD's classes and POSIX's policies, onto the host's policies.
 *
 * FreeBSD counts real-time priorities from 0, the best, to 31 (rtprio), and POSIX ones from 0 to 31, the
 * best; the host from 1 to 99, the best.  FreeBSD's idle class is the host's SCHED_IDLE, without its 32
 * steps. */
#include "freebsd.h"
#include "priority.h"
#include "tasks.h"

#define TIMESHARE_STEPS 103 /* PRI_MAX_TIMESHARE - PRI_MIN_TIMESHARE, sys/priority.h */

struct host_param {
    s32 priority;
};

static long own_id(const struct thread *t, s64 id) { return id == 0 ? t->tid : id; }

/* ---- rtprio ----------------------------------------------------------------------------------------- */

static long host_class(const struct freebsd_rtprio *rtp, s32 *policy, struct host_param *param)
{
    param->priority = 0;
    switch (rtp->type) {
    case FREEBSD_RTP_PRIO_REALTIME:
    case FREEBSD_RTP_PRIO_FIFO:
        *policy = rtp->type == FREEBSD_RTP_PRIO_FIFO ? HOST_FIFO : HOST_RR;
        param->priority = 1 + FREEBSD_RTP_PRIO_MAX - rtp->prio;
        break;
    case FREEBSD_RTP_PRIO_NORMAL:
        *policy = HOST_OTHER;
        return 0;
    case FREEBSD_RTP_PRIO_IDLE:
        *policy = HOST_IDLE;
        break;
    default:
        return -EINVAL;
    }
    return rtp->prio > FREEBSD_RTP_PRIO_MAX ? -EINVAL : 0;
}

long freebsd_priority_set(s32 tid, const struct freebsd_rtprio *rtp)
{
    struct host_param param;
    s32 policy;

    long r = host_class(rtp, &policy, &param);
    return r != 0 ? r : host(__NR_sched_setscheduler, tid, policy, &param);
}

/* What thr_new is asked for is checked before there is a thread.  Only a privileged one may give a class
 * other than the normal one. */
long freebsd_priority_check(const struct freebsd_rtprio *rtp)
{
    struct host_param param;
    s32 policy;

    if (rtp->type == FREEBSD_RTP_PRIO_IDLE)
        return -EINVAL;
    long r = host_class(rtp, &policy, &param);
    if (r == 0 && policy != HOST_OTHER && host(__NR_geteuid) != 0)
        return -EPERM;
    return r;
}

static long priority_get(s32 tid, struct freebsd_rtprio *rtp)
{
    struct host_param param;

    long policy = host(__NR_sched_getscheduler, tid);
    if (policy < 0)
        return policy;
    long r = host(__NR_sched_getparam, tid, &param);
    if (r != 0)
        return r;
    *rtp = (struct freebsd_rtprio){FREEBSD_RTP_PRIO_NORMAL, 0};
    policy &= ~(long)HOST_RESET_ON_FORK;
    if (policy == HOST_FIFO || policy == HOST_RR) {
        s32 prio = 1 + FREEBSD_RTP_PRIO_MAX - param.priority;
        rtp->type = policy == HOST_FIFO ? FREEBSD_RTP_PRIO_FIFO : FREEBSD_RTP_PRIO_REALTIME;
        rtp->prio = prio > 0 ? (u16)prio : 0;
    } else if (policy == HOST_IDLE) {
        rtp->type = FREEBSD_RTP_PRIO_IDLE;
    }
    return 0;
}

static long set_one(s32 tid, const void *rtp) { return freebsd_priority_set(tid, rtp); }

static long rtprio_op(s32 function, s32 id, u64 address, bool whole)
{
    struct freebsd_rtprio rtp;
    long r;

    switch (function) {
    case FREEBSD_RTP_LOOKUP:
        r = priority_get(id, &rtp);
        return r != 0 ? r : copy_out(address, &rtp, sizeof(rtp));
    case FREEBSD_RTP_SET:
        if (copy_in(&rtp, address, sizeof(rtp)) != 0)
            return -EFAULT;
        return whole ? for_each_task(id, set_one, &rtp) : freebsd_priority_set(id, &rtp);
    default:
        return -EINVAL;
    }
}

/* Of a process; 0 means the caller's, but for reading the calling thread. */
long freebsd_sys_rtprio(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s32 pid = (s32)a[1], self = (s32)a[0] == FREEBSD_RTP_LOOKUP ? t->tid : t->process->pid;
    return pid < 0 ? -ESRCH : rtprio_op((s32)a[0], pid ? pid : self, a[2], true);
}

long freebsd_sys_rtprio_thread(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s32 tid = (s32)a[1];
    return tid < 0 ? -ESRCH : rtprio_op((s32)a[0], tid ? tid : t->tid, a[2], false);
}

/* ---- POSIX ------------------------------------------------------------------------------------------ */

static long policy_to_host(s32 policy)
{
    switch (policy) {
    case FREEBSD_SCHED_OTHER:
        return HOST_OTHER;
    case FREEBSD_SCHED_FIFO:
        return HOST_FIFO;
    case FREEBSD_SCHED_RR:
        return HOST_RR;
    default:
        return -EINVAL;
    }
}

static s32 param_to_host(long policy, s32 priority) { return policy == HOST_OTHER ? 0 : priority + 1; }

static bool param_fits(long policy, s32 priority)
{
    return priority >= 0 && priority <= (policy == HOST_OTHER ? TIMESHARE_STEPS : FREEBSD_RTP_PRIO_MAX);
}

long freebsd_sys_sched_setscheduler(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_sched_param wanted;

    if (copy_in(&wanted, a[2], sizeof(wanted)) != 0)
        return -EFAULT;
    long policy = policy_to_host((s32)a[1]);
    if (policy < 0 || !param_fits(policy, wanted.priority))
        return -EINVAL;
    struct host_param param = {param_to_host(policy, wanted.priority)};
    return host(__NR_sched_setscheduler, own_id(t, (s32)a[0]), policy, &param);
}

long freebsd_sys_sched_getscheduler(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    long policy = host(__NR_sched_getscheduler, own_id(t, (s32)a[0]));
    if (policy < 0)
        return policy;
    policy &= ~(long)HOST_RESET_ON_FORK;
    if (policy == HOST_FIFO)
        return FREEBSD_SCHED_FIFO;
    return policy == HOST_RR ? FREEBSD_SCHED_RR : FREEBSD_SCHED_OTHER;
}

long freebsd_sys_sched_setparam(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_sched_param wanted;

    if (copy_in(&wanted, a[1], sizeof(wanted)) != 0)
        return -EFAULT;
    long policy = host(__NR_sched_getscheduler, own_id(t, (s32)a[0]));
    if (policy < 0)
        return policy;
    if (!param_fits(policy, wanted.priority))
        return -EINVAL;
    struct host_param param = {param_to_host(policy & ~(long)HOST_RESET_ON_FORK, wanted.priority)};
    return host(__NR_sched_setparam, own_id(t, (s32)a[0]), &param);
}

long freebsd_sys_sched_getparam(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct host_param param;

    long r = host(__NR_sched_getparam, own_id(t, (s32)a[0]), &param);
    if (r != 0)
        return r;
    struct freebsd_sched_param out = {param.priority > 0 ? param.priority - 1 : 0};
    return copy_out(a[1], &out, sizeof(out));
}

long freebsd_sys_sched_get_priority_max(struct thread *t UNUSED, struct frame *f UNUSED,
                                        const u64 a[MAX_ARGUMENTS])
{
    long policy = policy_to_host((s32)a[0]);
    return policy < 0 ? policy : policy == HOST_OTHER ? TIMESHARE_STEPS : FREEBSD_RTP_PRIO_MAX;
}

long freebsd_sys_sched_get_priority_min(struct thread *t UNUSED, struct frame *f UNUSED,
                                        const u64 a[MAX_ARGUMENTS])
{
    long policy = policy_to_host((s32)a[0]);
    return policy < 0 ? policy : 0;
}
