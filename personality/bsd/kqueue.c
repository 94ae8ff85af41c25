/* kqueue and kevent: the guest's two layouts of struct kevent around the common engine. */
#include "bsd.h"
#include "event_queue.h"

#define SAME(name) _Static_assert((u32)(name) == (u32)BSD_##name, #name)
SAME(EV_ADD);
SAME(EV_DELETE);
SAME(EV_ENABLE);
SAME(EV_DISABLE);
SAME(EV_ONESHOT);
SAME(EV_CLEAR);
SAME(EV_RECEIPT);
SAME(EV_DISPATCH);
SAME(EV_SYSFLAGS);
SAME(EV_ERROR);
SAME(EV_EOF);
SAME(NOTE_LOWAT);
SAME(NOTE_DELETE);
SAME(NOTE_WRITE);
SAME(NOTE_EXTEND);
SAME(NOTE_ATTRIB);
SAME(NOTE_LINK);
SAME(NOTE_RENAME);
SAME(NOTE_REVOKE);
SAME(NOTE_OPEN);
SAME(NOTE_CLOSE);
SAME(NOTE_CLOSE_WRITE);
SAME(NOTE_READ);
SAME(NOTE_EXIT);
SAME(NOTE_FORK);
SAME(NOTE_EXEC);
SAME(NOTE_TRACK);
SAME(NOTE_TRACKERR);
SAME(NOTE_CHILD);
SAME(NOTE_ABSTIME);
SAME(NOTE_FFAND);
SAME(NOTE_FFOR);
SAME(NOTE_FFCOPY);
SAME(NOTE_FFCTRLMASK);
SAME(NOTE_FFLAGSMASK);
SAME(NOTE_TRIGGER);

/* The older structure ends where the extensions begin. */
#define OLD_SIZE offsetof(struct bsd_kevent, ext)

static const u8 filters[] = {
    [WAY_FILTER_PLACE(BSD_EVFILT_READ)] = KFILTER_READ,
    [WAY_FILTER_PLACE(BSD_EVFILT_WRITE)] = KFILTER_WRITE,
    [WAY_FILTER_PLACE(BSD_EVFILT_AIO)] = KFILTER_AIO,
    [WAY_FILTER_PLACE(BSD_EVFILT_VNODE)] = KFILTER_VNODE,
    [WAY_FILTER_PLACE(BSD_EVFILT_PROC)] = KFILTER_PROC,
    [WAY_FILTER_PLACE(BSD_EVFILT_SIGNAL)] = KFILTER_SIGNAL,
    [WAY_FILTER_PLACE(BSD_EVFILT_TIMER)] = KFILTER_TIMER,
    [WAY_FILTER_PLACE(BSD_EVFILT_FS)] = KFILTER_UNSUPPORTED,
    [WAY_FILTER_PLACE(BSD_EVFILT_USER)] = KFILTER_USER,
    [WAY_FILTER_PLACE(BSD_EVFILT_EMPTY)] = KFILTER_EMPTY,
    WAY_OWN_FILTERS
};

static int read_changes(struct kqueue_io *io, struct knote_event *to, int count, size_t size)
{
    struct bsd_kevent k = {0};
    for (; count > 0; count--, to++, io->changes += size) {
        int error = copy_in(&k, io->changes, size);
        if (error)
            return error;
        u32 place = WAY_FILTER_PLACE(k.filter);
        *to = (struct knote_event){
            .ident = k.ident, .guest_filter = (s32)k.filter, .flags = (u16)k.flags, .fflags = k.fflags,
            .data = k.data, .udata = k.udata, .ext = {k.ext[0], k.ext[1], k.ext[2], k.ext[3]},
            .filter = place < ARRAY_LENGTH(filters) ? filters[place] : KFILTER_INVALID,
        };
        if (to->filter == KFILTER_TIMER)
            to->fflags = timer_notes_to_engine(k.fflags);
    }
    return 0;
}

static s64 guest_errno(long error)
{
    if (is_guest_errno(error))
        return guest_errno_of(error);
    return error < 0 ? bsd_errno_from_host((int)-error) : error;
}

static int write_events(struct kqueue_io *io, const struct knote_event *from, int count, size_t size)
{
    for (; count > 0; count--, from++, io->events += size) {
        struct bsd_kevent k = {
            .ident = from->ident, .flags = from->flags, .fflags = from->fflags,
            .data = from->flags & EV_ERROR ? guest_errno(from->data) : from->data, .udata = from->udata,
            .ext = {from->ext[0], from->ext[1], from->ext[2], from->ext[3]},
        };
        k.filter = (typeof(k.filter))from->guest_filter;
        if (from->filter == KFILTER_TIMER)
            k.fflags = timer_notes_from_engine(from->fflags);
        int error = copy_out(io->events, &k, size);
        if (error)
            return error;
    }
    return 0;
}

static int read_new(struct kqueue_io *io, struct knote_event *to, int count)
{
    return read_changes(io, to, count, sizeof(struct bsd_kevent));
}

static int write_new(struct kqueue_io *io, const struct knote_event *from, int count)
{
    return write_events(io, from, count, sizeof(struct bsd_kevent));
}

static int read_old(struct kqueue_io *io, struct knote_event *to, int count)
{
    return read_changes(io, to, count, OLD_SIZE);
}

static int write_old(struct kqueue_io *io, const struct knote_event *from, int count)
{
    return write_events(io, from, count, OLD_SIZE);
}

/* a: kq, changelist, nchanges, eventlist, nevents */
long event_queue_call(struct thread *t, const u64 a[MAX_ARGUMENTS], bool old, const struct timespec_host *limit)
{
    struct kqueue_io io = {
        .read_changes = old ? read_old : read_new,
        .write_events = old ? write_old : write_new,
        .changes = a[1],
        .events = a[3],
    };
    return kqueue_kevent(t, (int)a[0], WAY_EVENT_COUNT(a[2]), WAY_EVENT_COUNT(a[4]), &io, limit);
}

static long kevent(struct thread *t, const u64 a[MAX_ARGUMENTS], bool old)
{
    struct timespec_host limit;
    if (a[5] != 0 && copy_in(&limit, a[5], sizeof(limit)) != 0) /* struct timespec is the same */
        return -EFAULT;
    return event_queue_call(t, a, old, a[5] != 0 ? &limit : NULL);
}

long bsd_sys_kevent(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return kevent(t, a, false);
}

long bsd_sys_old_kevent(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return kevent(t, a, true);
}

long bsd_sys_kqueue(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return kqueue_create(t, false);
}
