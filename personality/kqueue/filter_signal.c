/* SIGNAL: how often a signal arrived, whatever was done about it.
 *
 * The core tells of arrivals in its signal handler, where one can only add to a counter and write
 * an eventfd; whoever waits in a queue with such knotes compares the counters.  Other threads keep
 * what they block from us until they next change their mask. */
#include "internal.h"

static struct class_list signals;
static u32 arrived[GUEST_SIGNALS] LARGE;
static u32 wanted[GUEST_SIGNALS] LARGE;
static bool told[GUEST_SIGNALS];
static bool interest_changed;

static bool is_wanted(int guest_signal)
{
    return (u32)guest_signal < GUEST_SIGNALS && __atomic_load_n(&wanted[guest_signal], __ATOMIC_RELAXED);
}

static bool kqueue_wants_signal(struct thread *t, int host_signal)
{
    return slot_limit() != 0 && !in_shared_child(t) && is_wanted(t->personality->signal_from_host(host_signal));
}
WANTS_SIGNAL(kqueue_wants_signal);

static void kqueue_signal(struct thread *t, int host_signal)
{
    int signal = t->personality->signal_from_host(host_signal);
    if (!is_wanted(signal) || in_shared_child(t))
        return;
    u64 one = 1;
    __atomic_fetch_add(&arrived[signal], 1, __ATOMIC_RELEASE);
    host(__NR_write, source_fd(t, SOURCE_SIGNAL), &one, sizeof(one));
}
ON_SIGNAL(kqueue_signal);

void signals_tell_core(struct thread *t)
{
    if (!__atomic_load_n(&interest_changed, __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&interest_changed, false, __ATOMIC_RELEASE);
    for (int signal = 1; signal < GUEST_SIGNALS; signal++) {
        bool want = is_wanted(signal);
        if (__atomic_exchange_n(&told[signal], want, __ATOMIC_ACQ_REL) != want)
            action_refresh(t, t->personality->signal_to_host(signal));
    }
}

void signals_reset(void)
{
    signals.first = NULL;
    memset(wanted, 0, sizeof(wanted));
    interest_changed = true;
}

static void change_interest(const struct knote *kn, int by)
{
    if (kn->event.ident >= GUEST_SIGNALS)
        return; /* such a signal never comes */
    __atomic_fetch_add(&wanted[kn->event.ident], (u32)by, __ATOMIC_RELEASE);
    __atomic_store_n(&interest_changed, true, __ATOMIC_RELEASE);
}

static u32 arrivals(const struct knote *kn)
{
    return kn->event.ident < GUEST_SIGNALS ? __atomic_load_n(&arrived[kn->event.ident], __ATOMIC_ACQUIRE) : 0;
}

static int signal_attach(struct thread *t, struct knote *kn)
{
    int error = source_watch(t, kn->queue, SOURCE_SIGNAL);
    if (error)
        return error;
    kn->event.flags |= EV_CLEAR;
    kn->signal.seen = arrivals(kn);
    class_add(&signals, kn);
    change_interest(kn, 1);
    return 0;
}

static void signal_detach(struct thread *t UNUSED, struct knote *kn)
{
    class_remove(&signals, kn);
    change_interest(kn, -1);
}

static bool signal_holds(struct thread *t UNUSED, struct knote *kn)
{
    u32 now = arrivals(kn);
    kn->event.data += (u32)(now - (u32)kn->signal.seen);
    kn->signal.seen = now;
    return kn->event.data != 0;
}

void signals_drain(struct thread *t)
{
    u64 count;
    host(__NR_read, source_fd(t, SOURCE_SIGNAL), &count, sizeof(count));
    for (struct knote *kn = signals.first; kn; kn = kn->class_next)
        if (signal_holds(t, kn))
            knote_activate(t, kn);
}

const struct filter filter_signal = {
    .attach = signal_attach,
    .detach = signal_detach,
    .holds = signal_holds,
};
