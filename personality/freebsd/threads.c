/* FreeBSD's threads: thr_new and what a thread asks about itself and of others.
 *
 * Guest thread ids are the host's: the owner words of mutexes must be unique across processes, and the
 * host's PI futexes know only its own ids. */
#include "freebsd.h"
#include "debugger.h"
#include "priority.h"
#include "tasks.h"
#include "thread_state.h"
#include "umtx.h"
#include <linux/fcntl.h>
#include <linux/prctl.h>

#define CARRY 1UL

/* At home a thread starts 8 below a 16-byte boundary, as if the entry had been called, with a zero as the
 * address to return to. */
long freebsd_sys_thr_new(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_thr_param param = {0};
    struct freebsd_rtprio rtp;
    const u32 known = FREEBSD_THR_SUSPENDED | FREEBSD_THR_SYSTEM_SCOPE | FREEBSD_THR_C_RUNTIME;

    if ((s32)a[1] < 0 || (s32)a[1] > (s32)sizeof(param))
        return -EINVAL;
    if (copy_in(&param, a[0], (size_t)a[1]) != 0)
        return -EFAULT;
    if (param.flags & ~known)
        return -EINVAL;
    if (param.rtp != 0) {
        if (copy_in(&rtp, param.rtp, sizeof(rtp)) != 0)
            return -EFAULT;
        long r = freebsd_priority_check(&rtp);
        if (r != 0)
            return r;
    }
    struct frame start = *f;
    start.rip = param.start_func;
    start.rdi = param.arg;
    start.rbp = 0;
    start.rax = 0;
    start.rflags &= ~CARRY;
    start.rsp = ((param.stack_base + param.stack_size) & ~15UL) - 8;
    (void)put_u64(start.rsp, 0);
    long tid = thread_create(t, &start, param.tls_base, param.parent_tid, param.child_tid, sizeof(u64));
    if (tid == -EAGAIN)
        return GUEST_ERRNO(FREEBSD_EPROCLIM);
    if (is_error(tid))
        return tid;
    if (param.rtp != 0)
        freebsd_priority_set((s32)tid, &rtp);
    return 0;
}

long freebsd_sys_thr_self(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return put_u64(a[0], (u64)t->tid);
}

/* The word tells whoever joins that the stack is free, so nothing of the guest's is touched behind it.  The
 * last thread comes back, and its C library ends the process. */
long freebsd_sys_thr_exit(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    const u64 wake_all[MAX_ARGUMENTS] = {a[0], FREEBSD_UMTX_OP_WAKE, ALL_WAITERS};

    debug_thread_ends(t);
    robust_thread_ends(t);
    if (a[0] != 0 && put_u64(a[0], 1) == 0)
        umtx_wait_op(t, FREEBSD_UMTX_OP_WAKE, wake_all);
    if (__atomic_load_n(&t->process->thread_count, __ATOMIC_ACQUIRE) == 1)
        return 0;
    thread_exit(t);
}

/* ---- waiting for thr_wake -------------------------------------------------------------------------- */

static long limit_in(u64 address, struct thread *t, struct umtx_limit *limit, struct umtx_deadline *d)
{
    long r = umtx_limit_in(sizeof(struct freebsd_timespec), address, limit);
    return r != 0 ? r : umtx_deadline_of(t, limit, d);
}

long freebsd_sys_thr_suspend(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct umtx_limit limit;
    struct umtx_deadline d;

    long r = limit_in(a[0], t, &limit, &d);
    if (r != 0)
        return r;
    if (t->next_wait_ends == WAIT_ENDS_ARMED) {
        t->next_wait_ends = 0;
        return 0;
    }
    struct thread_state *s = thread_state_of(t, t->tid);
    if (s == NULL)
        return -ENOMEM;
    while (__atomic_exchange_n(&s->awake, 0, __ATOMIC_SEQ_CST) == 0) {
        r = umtx_sleep((u64)&s->awake, 0, false, ANY_WAITER, &d);
        if (interrupted(r))
            return limit.present ? -EINTR : RESTART;
        if (r != 0 && r != -EAGAIN)
            return r;
    }
    return 0;
}

/* To oneself it means that the next wait, whichever call makes it, fails with EINTR at once: how the thread
 * library keeps a cancellation that comes just before a call from being slept through. */
long freebsd_sys_thr_wake(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s32 tid = (s32)a[0];
    if (tid == t->tid) {
        t->next_wait_ends = WAIT_ENDS_ARMED;
        return 0;
    }
    if (tid <= 0 || is_error(host(__NR_tgkill, t->process->pid, tid, 0)))
        return -ESRCH;
    return thread_state_of(t, tid) != NULL && thread_state_wake(t->process, tid) ? 0 : -ENOMEM;
}

/* The host keeps 15 bytes of a name, FreeBSD 19. */
long freebsd_sys_thr_set_name(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char name[FREEBSD_MAXCOMLEN + 1] = "", path[48];
    s32 tid = (s32)a[0];

    if (a[1] != 0) {
        long r = copy_in_string(name, a[1], sizeof(name));
        if (r == -ENAMETOOLONG)
            r = copy_in(name, a[1], sizeof(name) - 1);
        if (r < 0)
            return r;
        name[sizeof(name) - 1] = 0;
    }
    if (tid == t->tid)
        return host(__NR_prctl, PR_SET_NAME, name, 0, 0, 0);
    if (tid <= 0 || is_error(host(__NR_tgkill, t->process->pid, tid, 0)))
        return -ESRCH;
    format(path, sizeof(path), "/proc/self/task/%d/comm", tid);
    long fd = host(__NR_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (is_error(fd))
        return fd;
    long r = host(__NR_write, fd, name, strlen(name) + 1);
    host(__NR_close, fd);
    return is_error(r) ? r : 0;
}
