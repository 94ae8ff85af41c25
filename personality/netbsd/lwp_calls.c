/* Making LWPs, and what they ask about themselves and each other. */
#include "lwp.h"
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/prctl.h>

_Static_assert(NETBSD_LWPCTL_CPU_NONE == ON_NO_CPU && sizeof(struct netbsd_lwpctl) == sizeof(struct shown_cpu) &&
                   offsetof(struct netbsd_lwpctl, pctr) == offsetof(struct shown_cpu, given_up),
               "what the runtime writes");

/* The thread begins at the start code with nothing but a stack; its first call enters the context. */
long netbsd_sys__lwp_create(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct lwp_start *start = runtime_alloc(sizeof(*start));
    if (start == NULL)
        return -ENOMEM;
    struct netbsd_ucontext *uc = &start->context;
    long r = copy_in(uc, a[0], sizeof(*uc));
    if (r == 0)
        r = uc->flags & NETBSD__UC_CPU ? context_check(uc) : -EINVAL;
    if (r == 0)
        r = put_u32(a[2], 0);
    u64 code = netbsd_start_code();
    struct lwp *l = r == 0 && code != 0 ? lwp_new(t->process) : NULL;
    if (l == NULL) {
        runtime_free(start);
        return r != 0 ? r : -ENOMEM;
    }
    if (!(uc->flags & NETBSD__UC_SIGMASK))
        netbsd_sigset_from_host(t->mask, &uc->sigmask);
    uc->flags |= NETBSD__UC_SIGMASK;
    start->held = (a[1] & NETBSD_LWP_SUSPENDED) != 0;
    l->detached = (a[1] & NETBSD_LWP_DETACHED) != 0;
    l->start = start;
    lwp_of(t)->made = l;
    const struct frame first = {.rip = code, .rsp = uc->mcontext.rsp, .rflags = 0x202};
    long tid = thread_create(t, &first, t->guest_fs_base, (u64)&l->tid, 0, sizeof(u32));
    if (is_error(tid)) {
        if (lwp_of(t)->made == l) { /* it did not come to be a thread */
            lwp_of(t)->made = NULL;
            lwp_free(l);
        }
        return tid;
    }
    put_u32(a[2], (u32)tid);
    return 0;
}

long lwp_begin(struct thread *t)
{
    struct lwp *l = lwp_of(t);
    struct lwp_start *start = l->start;

    while (__atomic_load_n(&start->held, __ATOMIC_ACQUIRE) != 0)
        host(__NR_futex, &start->held, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
    const struct netbsd_ucontext uc = start->context;
    lwps_lock();
    l->start = NULL;
    lwps_unlock();
    runtime_free(start);
    return context_enter(t, &uc);
}

long netbsd_sys__lwp_continue(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    lwps_lock();
    struct lwp *l = lwp_find(t->process, (s32)a[0]);
    bool there = l != NULL && !l->departed;
    if (there && l->start != NULL) {
        __atomic_store_n(&l->start->held, 0, __ATOMIC_RELEASE);
        host(__NR_futex, &l->start->held, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
    }
    lwps_unlock();
    return there ? 0 : -ESRCH;
}

long netbsd_sys__lwp_exit(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    if (__atomic_load_n(&t->process->thread_count, __ATOMIC_ACQUIRE) == 1)
        process_exit(t, 0);
    thread_exit(t);
}

long netbsd_sys__lwp_self(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return t->tid;
}

/* ---- waiting for others to depart ------------------------------------------------------------------------- */

/* One look, with the lock held: the LWP that has departed, 0 to wait, or -errno. */
static long look_for_departed(struct thread *t, s32 wanted, struct lwp **found)
{
    struct lwp *own = lwp_of(t);
    u32 candidates = 0, waiting = 0, alive = 0;

    for (struct lwp *l = lwp_first(t->process); l != NULL; l = lwp_next(t->process, l)) {
        alive += !l->departed;
        waiting += !l->departed && l->waits_for != 0;
        if (wanted != 0 && l->tid == wanted) {
            if (l->detached)
                return -EINVAL;
            if (l == own || l->waits_for == own->tid)
                return -EDEADLK;
            if (l->waiter == 0)
                l->waiter = own->tid;
        } else if (wanted != 0 || l == own || l->detached) {
            continue;
        }
        candidates++;
        if (l->departed && (wanted != 0 || l->waiter == 0)) {
            *found = l;
            return l->tid;
        }
    }
    if (candidates == 0)
        return -ESRCH;
    return waiting == alive ? -EDEADLK : 0;
}

static long wait_for(struct thread *t, s32 wanted)
{
    struct lwp *own = lwp_of(t), *found = NULL;
    long r;

    own->waits_for = wanted != 0 ? wanted : -1;
    for (;;) {
        u32 seen = lwp_departures();
        lwps_lock();
        r = look_for_departed(t, wanted, &found);
        if (found != NULL)
            found->detached = true; /* nobody else's from here on */
        lwps_unlock();
        if (r != 0)
            break;
        r = lwp_await_departure(seen);
        if (r == RESTART || r == -EINTR)
            break;
    }
    own->waits_for = 0;
    if (found != NULL) {
        lwp_free(found);
        return r;
    }
    lwps_lock();
    struct lwp *l = wanted != 0 ? lwp_find(t->process, wanted) : NULL;
    if (l != NULL && l->waiter == own->tid)
        l->waiter = 0;
    lwps_unlock();
    lwp_tell_waiters(); /* they look again whether all are waiting */
    return r;
}

long netbsd_sys__lwp_wait(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    long r = wait_for(t, (s32)a[0]);
    if (r < 0)
        return r;
    return a[1] != 0 ? put_u32(a[1], (u32)r) : 0;
}

long netbsd_sys__lwp_detach(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    long r = 0;

    lwps_lock();
    struct lwp *l = lwp_find(t->process, (s32)a[0]);
    bool gone = l != NULL && l->departed && !l->detached;
    if (l == NULL)
        r = -ESRCH;
    else if (l->detached)
        r = -EINVAL;
    else
        l->detached = true;
    lwps_unlock();
    if (gone)
        lwp_free(l);
    if (r == 0)
        lwp_tell_waiters();
    return r;
}

/* ---- others ------------------------------------------------------------------------------------------------ */

static bool is_there(const struct thread *t, s32 tid)
{
    lwps_lock();
    const struct lwp *l = lwp_find(t->process, tid);
    bool there = l != NULL && !l->departed;
    lwps_unlock();
    return there;
}

long netbsd_sys__lwp_kill(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 signal = (u32)a[1];
    int host_signal = signal != 0 && signal <= NETBSD_MAXSIG ? netbsd_signal_to_host((int)signal) : 0;

    if (signal > NETBSD_MAXSIG || (signal != 0 && host_signal == 0))
        return -EINVAL;
    if (!is_there(t, (s32)a[0]))
        return -ESRCH;
    return host(__NR_tgkill, t->process->pid, (s32)a[0], host_signal);
}

/* The target's next wait, or the one it is in, fails with EINTR. */
static void wake(struct thread *t, int host_signal)
{
    if (host_signal == WAKE_SIGNAL)
        t->next_wait_ends = WAIT_ENDS_ARMED;
}
ON_SIGNAL(wake);

static bool wants_wake(struct thread *t UNUSED, int host_signal) { return host_signal == WAKE_SIGNAL; }
WANTS_SIGNAL(wants_wake);

long netbsd_sys__lwp_wakeup(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s32 tid = (s32)a[0];

    if (tid == t->tid) {
        t->next_wait_ends = WAIT_ENDS_ARMED;
        return -ENODEV; /* it was not asleep */
    }
    return is_there(t, tid) ? host(__NR_tgkill, t->process->pid, tid, WAKE_SIGNAL) : -ESRCH;
}

long netbsd_sys__lwp_setname(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char name[NETBSD_MAXCOMLEN] = "", path[48];
    s32 tid = (s32)a[0] != 0 ? (s32)a[0] : t->tid;
    long r = copy_in_string(name, a[1], sizeof(name));

    if (r < 0 && r != -ENAMETOOLONG)
        return r;
    name[sizeof(name) - 1] = 0;
    lwps_lock();
    struct lwp *l = lwp_find(t->process, tid);
    bool there = l != NULL && !l->departed;
    if (there)
        memcpy(l->name, name, sizeof(name));
    lwps_unlock();
    if (!there)
        return -ESRCH;
    /* The host shows the name to whoever looks at its threads. */
    format(path, sizeof(path), "/proc/self/task/%d/comm", tid);
    long fd = host(__NR_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (!is_error(fd)) {
        host(__NR_write, fd, name, strlen(name) + 1);
        host(__NR_close, fd);
    }
    return 0;
}

long netbsd_sys__lwp_getname(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char name[NETBSD_MAXCOMLEN];
    s32 tid = (s32)a[0] != 0 ? (s32)a[0] : t->tid;

    lwps_lock();
    const struct lwp *l = lwp_find(t->process, tid);
    bool there = l != NULL && !l->departed;
    if (there)
        memcpy(name, l->name, sizeof(name));
    lwps_unlock();
    if (!there)
        return -ESRCH;
    size_t length = strlen(name) + 1, room = a[2] < sizeof(name) ? a[2] : sizeof(name);
    long r = copy_out(a[1], name, length < room ? length : room);
    return r == 0 && length > room ? -ENAMETOOLONG : r;
}

/* The processor is the one of the time of the call: a thread may be moved and nobody tells.  What libraries look at is
 * that there is one while the thread runs, which indexes their tables, and none while it waits. */
long netbsd_sys__lwp_ctl(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if ((u32)a[0] & ~(u32)(NETBSD_LWPCTL_FEATURE_CURCPU | NETBSD_LWPCTL_FEATURE_PCTR))
        return -ENODEV;
    struct lwp *l = lwp_of(t);
    long r = put_u64(a[1], (u64)&l->control);
    if (r != 0)
        return r;
    host(__NR_getcpu, &l->control.cpu, 0, 0);
    t->shown_cpu = &l->control;
    return 0;
}
