/* kevent: the changes, then the wait.
 *
 * A call without changes costs one host call: epoll is asked for as many events as the guest has
 * room for, waiting unless knotes are active already; what it says activates knotes, and those
 * are reported from the head of the active list.  Knotes that do not fit stay active, and the
 * queue is made readable for the next caller. */
#include "internal.h"

#define STACK_EVENTS 256
#define NANOSECONDS 1000000000L

u64 scan_number;

/* Takes the next event from the active list; false when there is none in this pass.  `limit` keeps
 * knotes that stay active from being reported twice by one call. */
static bool take_event(struct thread *t, struct kqueue *kq, u32 *limit, struct knote_event *to)
{
    while (*limit && kq->first) {
        struct knote *kn = kq->first;
        const struct filter *filter = knote_filter_of(kn);
        bool repeats = kn->set != SET_NONE && !node_is_edge(kn->node, kn->set);
        --*limit;
        knote_unqueue(kn);
        if (kn->status & STATUS_DISABLED)
            continue;
        if (kn->event.flags & EV_DROP) {
            knote_drop(t, kn);
            continue;
        }
        bool holds = filter->holds(t, kn);
        if (kn->event.flags & EV_ONESHOT) {
            *to = kn->event;
            if (filter->report)
                filter->report(kn, to);
            knote_drop(t, kn);
            return true;
        }
        kn->status &= (u8)~STATUS_ACTIVE;
        if (!holds) {
            if (repeats)
                node_quiet(t, kn->node);
            continue;
        }
        *to = kn->event;
        if (filter->report) {
            filter->report(kn, to);
        } else if (kn->event.flags & EV_CLEAR) {
            kn->event.data = 0;
            kn->event.fflags = 0;
        }
        if (kn->event.flags & EV_DISPATCH)
            kn->status |= STATUS_DISABLED;
        else if (!(kn->event.flags & EV_CLEAR) && !repeats)
            knote_activate(t, kn);
        return true;
    }
    return false;
}

/* Whether the number was closed and registered again while an event of the old file was under way. */
static bool watches(const struct kqueue *kq, int fd)
{
    struct slot *slot = slot_of(fd);
    struct node *node = slot ? slot->nodes : NULL;
    while (node && node->queue != kq)
        node = node->next_same_fd;
    return node != NULL;
}

static void take_host_events(struct thread *t, struct kqueue *kq, const struct epoll_event *events, long n)
{
    for (long i = 0; i < n; i++) {
        u64 data = events[i].data;
        if (DATA_IS_SOURCE(data)) {
            source_ready(t, kq, (enum source)(data & 0xff));
            continue;
        }
        struct node *node = node_of_event(data);
        if (node && node->queue == kq)
            node_ready(t, node, SET_MAIN, events[i].events);
        else if (!node && !watches(kq, (int)(u32)data)) /* closed behind our back: no event of it is ours */
            host(__NR_epoll_ctl, kq->fd, EPOLL_CTL_DEL, (u32)data, &events[i]);
    }
}

/* Events to the guest: how many, or -errno.  Called and left with the lock held. */
static long collect(struct thread *t, struct kqueue *kq, const struct epoll_event *host_events_, long n,
                    int room, struct kqueue_io *io)
{
    struct knote_event batch[KQUEUE_BATCH];
    long produced = 0;
    int error = 0;
    scanning = kq;
    scan_number++;
    take_host_events(t, kq, host_events_, n);
    u32 limit = kq->active;
    while (!error && produced < room) {
        int count = 0;
        while (count < KQUEUE_BATCH && produced + count < room && take_event(t, kq, &limit, &batch[count]))
            count++;
        if (!count)
            break;
        scanning = NULL;
        lock_release(&kqueue_lock);
        error = io->write_events(io, batch, count);
        lock_acquire(&kqueue_lock);
        scanning = kq;
        scan_number++; /* what epoll said may no longer be so */
        produced += count;
    }
    scanning = NULL;
    if (timers_changed)
        timers_program(t);
    wake_if_active(t, kq);
    return error ? error : produced;
}

static long wait_host(int fd, struct epoll_event *events, int room, const struct timespec_host *left)
{
    if (left && !left->sec && !left->nsec)
        return host(__NR_epoll_wait, fd, events, room, 0);
    static bool no_nanoseconds;
    if (!no_nanoseconds) {
        long n = host_intr(__NR_epoll_pwait2, fd, events, room, left, 0, 8);
        if (n != -ENOSYS)
            return n;
        no_nanoseconds = true;
    }
    long milliseconds = -1;
    if (left) {
        if (left->sec > 2000000)
            milliseconds = 2000000000;
        else
            milliseconds = left->sec * 1000 + (left->nsec + 999999) / 1000000;
    }
    return host_intr(__NR_epoll_pwait, fd, events, room, milliseconds, 0, 8);
}

/* The guest's room may be any number; what the host can report at once is bounded by what is watched. */
static int most_host_events(const struct kqueue *kq, int room)
{
    u32 watched = kq->node_count + SOURCE_COUNT;
    if (watched < STACK_EVENTS)
        watched = STACK_EVENTS;
    return (u32)room < watched ? room : (int)watched;
}

long queue_scan(struct thread *t, struct kqueue *kq, int room, struct kqueue_io *io,
                const struct timespec_host *timeout)
{
    static const struct timespec_host at_once;
    struct epoll_event stack_events[STACK_EVENTS], *events = stack_events;
    struct timespec_host left;
    u64 deadline = 0;
    long result;
    int host_room = most_host_events(kq, room);

    if (timeout && (timeout->sec < 0 || timeout->nsec < 0 || timeout->nsec >= NANOSECONDS))
        return -EINVAL;
    if (timeout && timeout->sec > 0x7fffffff)
        timeout = NULL;
    if (host_room > STACK_EVENTS) {
        events = runtime_alloc((size_t)host_room * sizeof(*events));
        if (!events) {
            events = stack_events;
            host_room = STACK_EVENTS;
        }
    }
    if (timeout) {
        left = *timeout;
        if (left.sec || left.nsec)
            deadline = monotonic_now() + (u64)left.sec * NANOSECONDS + (u64)left.nsec;
    }
    for (;;) {
        bool at_hand = kq->active != 0;
        int fd = kq->fd;
        if (kq->closed) {
            result = -EBADF;
            break;
        }
        lock_release(&kqueue_lock);
        long n = wait_host(fd, events, host_room, at_hand ? &at_once : timeout ? &left : NULL);
        lock_acquire(&kqueue_lock);
        if (n == RESTART || n == -EINTR) {
            result = -EINTR; /* kevent is not restarted, whatever SA_RESTART says */
            if (!drop_ignored_signals(t))
                break;
            n = 0;
        }
        if (n < 0) {
            result = n;
            break;
        }
        result = collect(t, kq, events, n, room, io);
        if (result || (timeout && !deadline))
            break;
        if (timeout) {
            u64 now = monotonic_now();
            if (now >= deadline)
                break;
            left.sec = (s64)((deadline - now) / NANOSECONDS);
            left.nsec = (s64)((deadline - now) % NANOSECONDS);
        }
    }
    if (events != stack_events)
        runtime_free(events);
    return result;
}

/* Called and left with the lock held.  *done: the result is final, nothing is waited for. */
static long apply_changes(struct thread *t, struct kqueue *kq, int changes, int *room, struct kqueue_io *io,
                          bool *done)
{
    struct knote_event batch[KQUEUE_BATCH];
    long receipts = 0;
    *done = true;
    while (changes > 0) {
        int count = changes < KQUEUE_BATCH ? changes : KQUEUE_BATCH;
        lock_release(&kqueue_lock);
        long error = io->read_changes(io, batch, count);
        lock_acquire(&kqueue_lock);
        if (error)
            return error;
        if (kq->closed)
            return -EBADF;
        for (int i = 0; i < count; i++) {
            struct knote_event *change = &batch[i];
            if (change->filter == KFILTER_IGNORED)
                continue;
            change->flags &= (u16)~EV_SYSFLAGS;
            scanning = kq; /* woken once, when all changes are made */
            error = knote_change(t, kq, change);
            scanning = NULL;
            if (!error && !(change->flags & EV_RECEIPT))
                continue;
            if (!*room)
                return error;
            change->flags = EV_ERROR;
            change->data = error;
            lock_release(&kqueue_lock);
            io->write_events(io, change, 1); /* a bad address goes unnoticed here, as at home */
            lock_acquire(&kqueue_lock);
            --*room;
            receipts++;
        }
        changes -= count;
    }
    *done = receipts != 0;
    return receipts;
}

long kqueue_kevent(struct thread *t, int fd, int changes, int events, struct kqueue_io *io,
                   const struct timespec_host *timeout)
{
    bool done = false;
    if (events < 0)
        return -EINVAL;
    lock_acquire(&kqueue_lock);
    struct kqueue *kq = queue_find(t, fd);
    if (!kq) {
        lock_release(&kqueue_lock);
        return -EBADF;
    }
    kq->references++;
    long result = 0;
    if (changes > 0) {
        result = apply_changes(t, kq, changes, &events, io, &done);
        if (timers_changed)
            timers_program(t);
        if (done || !events)
            wake_if_active(t, kq);
    }
    if (!done && events)
        result = queue_scan(t, kq, events, io, timeout);
    queue_release(t, kq);
    lock_release(&kqueue_lock);
    signals_tell_core(t);
    return result;
}
