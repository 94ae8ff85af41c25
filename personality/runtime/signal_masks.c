/* Signals that reached a thread and wait for its mask, and the mask: the guest's, and what the host is told. */
#include "debug.h"

void update_pending(struct thread *t)
{
    t->signal_pending = (queued_signals(t) & ~t->mask) != 0;
}

u64 watched_signals;

/* All bits mean that nothing may come in.  With fewer, what a module watches arrives although the
 * guest blocks it, and waits in the thread's queue. */
u64 mask_for_host(u64 guest_mask)
{
    u64 open = guest_mask == ~0UL ? ALWAYS_OPEN : ALWAYS_OPEN | watched_signals;
    return guest_mask & ~open;
}

void set_host_mask(u64 mask)
{
    u64 bits = mask_for_host(mask);
    host(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &bits, 0, 8);
}

void hold_signals(struct thread *t)
{
    set_host_mask(~0UL);
    t->signals_held = 1;
}

u64 queued_signals(const struct thread *t)
{
    u64 bits = 0;
    for (u32 i = 0; i < t->queued; i++)
        bits |= signal_bit(t->queue[i].signo);
    return bits;
}

bool take_first(struct thread *t, u64 set, struct siginfo_host *info)
{
    for (u32 i = 0; i < t->queued; i++) {
        if (!(set & signal_bit(t->queue[i].signo)))
            continue;
        *info = t->queue[i];
        t->queued--;
        for (u32 k = i; k < t->queued; k++)
            t->queue[k] = t->queue[k + 1];
        update_pending(t);
        return true;
    }
    return false;
}

/* With everything blocked, faults that are sent by kill too: the handler adds to the queue. */
bool take_queued_signal(struct thread *t, u64 set, struct siginfo_host *info)
{
    u64 all = ~0UL, before;
    if (!(queued_signals(t) & set))
        return false;
    host(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &all, &before, 8);
    bool taken = take_first(t, set, info);
    host(__NR_rt_sigprocmask, 2, &before, 0, 8);
    return taken;
}

bool signal_is_ignored(const struct thread *t, int signal)
{
    u64 handler = t->process->actions[signal].handler;
    return handler == GUEST_SIG_IGN || (handler == GUEST_SIG_DFL && t->personality->default_ignored(signal));
}

bool drop_ignored_signals(struct thread *t)
{
    if (t->next_wait_ends == WAIT_ENDS_TAKEN) {
        t->next_wait_ends = 0;
        return false;
    }
    for (u32 i = 0; i < t->queued;) {
        int signal = t->queue[i].signo;
        if (!signal_is_ignored(t, signal) || (t->mask & signal_bit(signal))) {
            i++;
            continue;
        }
        t->queued--;
        for (u32 k = i; k < t->queued; k++)
            t->queue[k] = t->queue[k + 1];
    }
    update_pending(t);
    if (t->signal_pending || debug_stop_wanted(t))
        return false;
    t->signals_held = 0;
    set_host_mask(t->mask);
    return true;
}

#define FIRST_QUEUED_SIGNAL 32 /* the host's: those below are pending or not */

void queue_signal(struct thread *t, const struct siginfo_host *info)
{
    bool counts_once = info->signo < FIRST_QUEUED_SIGNAL && (queued_signals(t) & signal_bit(info->signo));
    if (t->queued < QUEUED_SIGNALS && !counts_once)
        t->queue[t->queued++] = *info;
    update_pending(t);
}

/* ---- masks ------------------------------------------------------------------------------------ */

long mask_set(struct thread *t, u64 host_mask)
{
    mask_on_return(t, host_mask);
    if (!t->signal_pending) {
        t->signals_held = 0;
        set_host_mask(t->mask);
        if (t->signal_pending) /* it came in between, and meant everything to stay blocked */
            hold_signals(t);
    }
    return 0;
}

void mask_on_return(struct thread *t, u64 host_mask)
{
    t->mask = host_mask & ~(signal_bit(HOST_SIGKILL) | signal_bit(HOST_SIGSTOP));
    update_pending(t);
}

void temporary_mask(struct thread *t, u64 host_mask)
{
    t->suspended_mask = t->mask;
    t->has_suspended_mask = 1;
    mask_set(t, host_mask);
}

void temporary_mask_end(struct thread *t, long result)
{
    /* With a signal to deliver, the exit builds its frame with the old mask inside. */
    bool interrupted = (result == RESTART || result == -EINTR) && t->signal_pending;
    if (interrupted || !t->has_suspended_mask)
        return;
    t->has_suspended_mask = 0;
    mask_set(t, t->suspended_mask);
}

long suspend_with_mask(struct thread *t, u64 host_mask)
{
    temporary_mask(t, host_mask);
    while (!t->signal_pending)
        host_intr(__NR_pause);
    temporary_mask_end(t, -EINTR);
    return -EINTR;
}
