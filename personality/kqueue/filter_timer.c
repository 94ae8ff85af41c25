/* TIMER, and the clock that all queues share.
 *
 * One timerfd stands at the earliest deadline among the knotes that could become active; when it
 * fires, every knote that is due becomes active in its own queue.  Expirations are counted by
 * arithmetic when a knote is reported, so that one nobody reads costs nothing. */
#include <linux/timerfd.h>

#include "internal.h"

#define NANOSECONDS 1000000000L
#define NEVER 0x7fffffffffffffffL
#define POLL_INTERVAL 20000000UL
#define NOTE_UNITS (NOTE_SECONDS | NOTE_MSECONDS | NOTE_USECONDS | NOTE_NSECONDS)
#define CLOCK_REALTIME_HOST 0
#define CLOCK_MONOTONIC_HOST 1

bool timers_changed;

static struct class_list timers;
static u64 programmed;

static u64 now_of(int clock)
{
    struct timespec_host ts = {0, 0};
    clock_read(clock, &ts);
    return (u64)ts.sec * NANOSECONDS + (u64)ts.nsec;
}

u64 monotonic_now(void)
{
    return now_of(CLOCK_MONOTONIC_HOST);
}

static u64 *deadline_of(struct knote *kn)
{
    return kn->event.filter == KFILTER_TIMER ? &kn->timer.next : &kn->polled.next;
}

void timers_add(struct knote *kn)
{
    if (kn->event.filter != KFILTER_TIMER)
        kn->polled.next = monotonic_now() + POLL_INTERVAL;
    class_add(&timers, kn);
    timers_changed = true;
}

void timers_remove(struct knote *kn)
{
    class_remove(&timers, kn);
    timers_changed = true;
}

static bool can_fire(const struct knote *kn)
{
    return !(kn->status & (STATUS_QUEUED | STATUS_DISABLED));
}

void timers_program(struct thread *t)
{
    u64 earliest = NEVER;
    timers_changed = false;
    for (struct knote *kn = timers.first; kn; kn = kn->class_next)
        if (can_fire(kn) && *deadline_of(kn) < earliest)
            earliest = *deadline_of(kn);
    if (earliest == programmed)
        return;
    struct {
        struct timespec_host interval, value;
    } setting = {{0, 0}, {0, 0}};
    if (earliest != NEVER) {
        setting.value.sec = (s64)(earliest / NANOSECONDS);
        setting.value.nsec = (s64)(earliest % NANOSECONDS);
        if (!earliest)
            setting.value.nsec = 1; /* zero would disarm it */
    }
    int fd = source_fd(t, SOURCE_TIMER);
    if (fd >= 0 && host(__NR_timerfd_settime, fd, TFD_TIMER_ABSTIME, &setting, 0) == 0)
        programmed = earliest;
}

static void look(struct thread *t, struct knote *kn, u64 now)
{
    bool holds = knote_filter_of(kn)->holds(t, kn);
    if (holds && !(kn->polled.held && (kn->event.flags & EV_CLEAR)))
        knote_activate(t, kn);
    kn->polled.held = holds;
    kn->polled.next = now + POLL_INTERVAL;
}

void timers_expire(struct thread *t)
{
    u64 now = monotonic_now();
    for (struct knote *kn = timers.first; kn; kn = kn->class_next) {
        if (!can_fire(kn) || *deadline_of(kn) > now)
            continue;
        if (kn->event.filter == KFILTER_TIMER)
            knote_activate(t, kn);
        else
            look(t, kn, now);
    }
    programmed = 0; /* it has fired: readable until it is set again */
    timers_changed = true;
}

void timers_forget(void)
{
    timers.first = NULL;
    programmed = 0;
    timers_changed = false;
}

int poll_now_and_then(struct thread *t, struct knote *kn)
{
    if (kn->status & STATUS_POLLED)
        return 0;
    int error = source_watch(t, kn->queue, SOURCE_TIMER);
    if (error)
        return error;
    kn->status |= STATUS_POLLED;
    timers_add(kn);
    return 0;
}

void poll_no_more(struct knote *kn)
{
    if (kn->status & STATUS_POLLED)
        timers_remove(kn);
    kn->status &= (u8)~STATUS_POLLED;
}

/* ---- the filter ------------------------------------------------------------------------------ */

static int interval_of(const struct knote *kn, u64 *ns)
{
    u64 unit;
    switch (kn->saved_fflags & NOTE_UNITS) {
    case NOTE_SECONDS:
        unit = NANOSECONDS;
        break;
    case 0:
    case NOTE_MSECONDS:
        unit = 1000000;
        break;
    case NOTE_USECONDS:
        unit = 1000;
        break;
    case NOTE_NSECONDS:
        unit = 1;
        break;
    default:
        return -EINVAL;
    }
    *ns = (u64)kn->saved_data > NEVER / unit ? NEVER : (u64)kn->saved_data * unit;
    return 0;
}

static int timer_start(struct knote *kn)
{
    u64 ns, now = monotonic_now();
    if (kn->saved_data < 0 || (kn->saved_fflags & ~(u32)(NOTE_UNITS | NOTE_ABSTIME)))
        return -EINVAL;
    if (kn->saved_data == 0 && !(kn->event.flags & EV_ONESHOT))
        kn->saved_data = 1;
    int error = interval_of(kn, &ns);
    if (error)
        return error;
    kn->timer.period = 0;
    if (kn->saved_fflags & NOTE_ABSTIME) {
        u64 boot = now_of(CLOCK_REALTIME_HOST) - now;
        kn->timer.next = ns > boot ? ns - boot : 0;
    } else {
        kn->timer.next = ns > NEVER - now ? NEVER : now + ns;
        if (!(kn->event.flags & EV_ONESHOT))
            kn->timer.period = ns;
    }
    timers_changed = true;
    return 0;
}

static int timer_attach(struct thread *t, struct knote *kn)
{
    int error = timer_start(kn);
    if (!error)
        error = source_watch(t, kn->queue, SOURCE_TIMER);
    if (error)
        return error;
    if (!(kn->saved_fflags & NOTE_ABSTIME))
        kn->event.flags |= EV_CLEAR;
    timers_add(kn);
    return 0;
}

static void timer_detach(struct thread *t UNUSED, struct knote *kn)
{
    timers_remove(kn);
}

static bool timer_holds(struct thread *t UNUSED, struct knote *kn)
{
    u64 now = monotonic_now();
    if (kn->timer.next <= now && kn->timer.next != NEVER) {
        u64 expirations = 1;
        if (kn->timer.period) {
            expirations += (now - kn->timer.next) / kn->timer.period;
            kn->timer.next += expirations * kn->timer.period;
        } else {
            kn->timer.next = NEVER;
        }
        kn->event.data += (s64)expirations;
    }
    timers_changed = true;
    return kn->event.data != 0;
}

/* Adding a timer again starts it anew and forgets what had expired. */
static void timer_touch(struct thread *t UNUSED, struct knote *kn, struct knote_event *change)
{
    timers_changed = true;
    if (!(change->flags & EV_ADD))
        return;
    knote_unqueue(kn);
    kn->status &= (u8)~STATUS_ACTIVE;
    kn->event.flags &= (u16)~EV_ERROR;
    kn->event.data = 0;
    kn->saved_fflags = change->fflags;
    kn->saved_data = change->data;
    int error = timer_start(kn);
    if (error) {
        kn->timer.next = NEVER;
        kn->event.flags |= EV_ERROR;
        kn->event.data = error;
    }
}

static void timer_report(struct knote *kn, struct knote_event *to UNUSED)
{
    if (kn->event.flags & EV_CLEAR)
        kn->event.data = 0;
}

const struct filter filter_timer = {
    .attach = timer_attach,
    .detach = timer_detach,
    .holds = timer_holds,
    .touch = timer_touch,
    .report = timer_report,
};
