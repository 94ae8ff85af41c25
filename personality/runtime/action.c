/* The guest's signal actions, and what the host is told to do for each. */
#include "debug.h"

RUNTIME_LEAF_LOCK(action_lock);

/* What the host ignores by itself: such a signal is never ignored there by mistake. */
static bool host_ignores(int signal)
{
    return signal == HOST_SIGCHLD || signal == HOST_SIGURG || signal == HOST_SIGWINCH;
}

static void tell_host(struct thread *t, int signal, const struct guest_action *a)
{
    struct host_sigaction h = {0, HOST_SA_RESTORER, (u64)host_restorer, 0};
    bool ignored = a->handler == GUEST_SIG_IGN ||
                   (a->handler == GUEST_SIG_DFL && t->personality->default_ignored(signal));
    bool watched = ignored && signal_is_wanted(t, signal);
    bool ours = (ALWAYS_OPEN & signal_bit(signal)) || watched || (debug_active && !ignored);
    if (a->handler > GUEST_SIG_IGN || ours) {
        /* Everything but faults is blocked while the host's handler runs.  SA_RESTART always: the
         * kernel then shows by the instruction pointer that a call may be restarted. */
        h.handler = (u64)host_signal_handler;
        h.mask = mask_for_host(~0UL);
        h.flags |= HOST_SA_SIGINFO | HOST_SA_ONSTACK | HOST_SA_RESTART;
    } else if (ignored) {
        h.handler = GUEST_SIG_IGN;
    }
    /* What the host ignores by itself stays at its default: programs inherit what is ignored, and a
     * child's end must stay waitable. */
    if (host_ignores(signal) && a->handler == GUEST_SIG_DFL && !ours)
        h.handler = GUEST_SIG_DFL;
    if (signal == HOST_SIGCHLD && a->handler == GUEST_SIG_IGN && ours)
        h.flags |= HOST_SA_NOCLDWAIT; /* what ignoring it means on the host */
    if (a->flags & ACTION_NOCLDSTOP)
        h.flags |= HOST_SA_NOCLDSTOP;
    if (a->flags & ACTION_NOCLDWAIT)
        h.flags |= HOST_SA_NOCLDWAIT;
    host(__NR_rt_sigaction, signal, &h, 0, 8);
}

long action_set(struct thread *t, int signal, const struct guest_action *wanted, struct guest_action *old)
{
    if (signal < 1 || signal > HOST_SIGNALS)
        return -EINVAL;
    struct guest_action *slot = &t->process->actions[signal];
    if (wanted == NULL) {
        *old = *slot;
        return 0;
    }
    if (signal == HOST_SIGKILL || signal == HOST_SIGSTOP)
        return -EINVAL;
    lock_acquire(&action_lock);
    if (old != NULL)
        *old = *slot;
    *slot = *wanted;
    tell_host(t, signal, wanted);
    lock_release(&action_lock);
    return 0;
}

void actions_tell_host(struct thread *t)
{
    lock_acquire(&action_lock);
    for (int signal = 1; signal <= HOST_SIGNALS; signal++)
        if (signal != HOST_SIGKILL && signal != HOST_SIGSTOP)
            tell_host(t, signal, &t->process->actions[signal]);
    lock_release(&action_lock);
}

void action_refresh(struct thread *t, int signal)
{
    if (signal < 1 || signal > HOST_SIGNALS || signal == HOST_SIGKILL || signal == HOST_SIGSTOP)
        return;
    lock_acquire(&action_lock);
    tell_host(t, signal, &t->process->actions[signal]);
    if (signal_is_wanted(t, signal))
        watched_signals |= signal_bit(signal);
    else
        watched_signals &= ~signal_bit(signal);
    lock_release(&action_lock);
    if (!t->signals_held)
        set_host_mask(t->mask);
}

/* The first program of a run is told by the host what its starter ignores.  What the guest's kernel ignores
 * by default needs no saying; where the host does not, that looks the same. */
static u64 ignored_at_start(const struct process *p)
{
    u64 bits = 0;
    for (int signal = 1; signal <= HOST_SIGNALS; signal++) {
        struct host_sigaction h;
        if (host(__NR_rt_sigaction, signal, 0, &h, 8) == 0 && h.handler == GUEST_SIG_IGN &&
            (!p->personality->default_ignored(signal) || host_ignores(signal)))
            bits |= signal_bit(signal);
    }
    return bits;
}

/* Once, before the first guest instruction: what was ignored stays ignored, faults come to us. */
void signals_init(struct process *p, const struct boot *b)
{
    struct thread *t = current_thread();
    u64 ignored = b->again ? b->ignored : ignored_at_start(p);
    for (int signal = 1; signal <= HOST_SIGNALS; signal++) {
        if (signal == HOST_SIGKILL || signal == HOST_SIGSTOP)
            continue;
        bool by_default = p->personality->default_ignored(signal);
        if ((ignored & signal_bit(signal)) && (!by_default || p->personality->child_stays_ignored))
            p->actions[signal].handler = GUEST_SIG_IGN;
        if ((ALWAYS_OPEN & signal_bit(signal)) || (by_default && !host_ignores(signal)) || debug_active)
            tell_host(t, signal, &p->actions[signal]);
    }
}

static void host_action(int signal, u64 handler)
{
    struct host_sigaction h = {handler, HOST_SA_RESTORER, (u64)host_restorer, 0};
    host(__NR_rt_sigaction, signal, &h, 0, 8);
}

/* The host resets handlers at exec, ours for ignored signals included; those must be ignored there
 * too.  What only the guest's kernel ignores by default the next program may see otherwise. */
u64 actions_before_exec(struct process *p)
{
    u64 ignored = 0;
    for (int signal = 1; signal <= HOST_SIGNALS; signal++) {
        if (p->actions[signal].handler == GUEST_SIG_IGN) {
            ignored |= signal_bit(signal);
            host_action(signal, GUEST_SIG_IGN);
        } else if (p->personality->default_ignored(signal) && !host_ignores(signal)) {
            host_action(signal, GUEST_SIG_DFL);
        }
    }
    return ignored;
}
