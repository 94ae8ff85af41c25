/* FreeBSD's kqueue and kevent: the two layouts of struct kevent around the common engine. */
#include "bsd.h"
#include "kqueue.h"

#define SAME(name) _Static_assert((u32)(name) == (u32)BSD_##name, #name)
SAME(EV_ADD);
SAME(EV_DELETE);
SAME(EV_ENABLE);
SAME(EV_DISABLE);
SAME(EV_ONESHOT);
SAME(EV_CLEAR);
SAME(EV_RECEIPT);
SAME(EV_DISPATCH);
SAME(EV_FORCEONESHOT);
SAME(EV_KEEPUDATA);
SAME(EV_SYSFLAGS);
SAME(EV_DROP);
SAME(EV_ERROR);
SAME(EV_EOF);
SAME(NOTE_LOWAT);
SAME(NOTE_FILE_POLL);
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
SAME(NOTE_SECONDS);
SAME(NOTE_MSECONDS);
SAME(NOTE_USECONDS);
SAME(NOTE_NSECONDS);
SAME(NOTE_ABSTIME);
SAME(NOTE_FFAND);
SAME(NOTE_FFOR);
SAME(NOTE_FFCOPY);
SAME(NOTE_FFCTRLMASK);
SAME(NOTE_FFLAGSMASK);
SAME(NOTE_TRIGGER);
/* The old structure is the new one without its end. */
_Static_assert(offsetof(struct bsd_kevent, ext) == sizeof(struct bsd_freebsd11_kevent),
               "kevent layouts");

#define EARLIEST_FILTER BSD_EVFILT_EMPTY

static const u8 filters[] = {
    [-BSD_EVFILT_READ] = KFILTER_READ,
    [-BSD_EVFILT_WRITE] = KFILTER_WRITE,
    [-BSD_EVFILT_AIO] = KFILTER_KERNEL,
    [-BSD_EVFILT_VNODE] = KFILTER_VNODE,
    [-BSD_EVFILT_PROC] = KFILTER_PROC,
    [-BSD_EVFILT_SIGNAL] = KFILTER_SIGNAL,
    [-BSD_EVFILT_TIMER] = KFILTER_TIMER,
    [-BSD_EVFILT_PROCDESC] = KFILTER_PROCDESC,
    [-BSD_EVFILT_FS] = KFILTER_UNSUPPORTED,
    [-BSD_EVFILT_LIO] = KFILTER_KERNEL,
    [-BSD_EVFILT_USER] = KFILTER_USER,
    [-BSD_EVFILT_SENDFILE] = KFILTER_KERNEL,
    [-BSD_EVFILT_EMPTY] = KFILTER_EMPTY,
};

static int read_changes(struct kqueue_io *io, struct knote_event *to, int count, size_t size)
{
    struct bsd_kevent k = {0};
    for (; count > 0; count--, to++, io->changes += size) {
        int error = copy_in(&k, io->changes, size);
        if (error)
            return error;
        *to = (struct knote_event){
            .ident = k.ident, .guest_filter = k.filter, .flags = k.flags, .fflags = k.fflags, .data = k.data,
            .udata = k.udata, .ext = {k.ext[0], k.ext[1], k.ext[2], k.ext[3]},
        };
        to->filter = k.filter < 0 && k.filter >= EARLIEST_FILTER ? filters[-k.filter] : KFILTER_INVALID;
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
        const struct bsd_kevent k = {
            .ident = from->ident, .filter = (s16)from->guest_filter, .flags = from->flags,
            .fflags = from->fflags, .data = from->flags & EV_ERROR ? guest_errno(from->data) : from->data,
            .udata = from->udata,
            .ext = {from->ext[0], from->ext[1], from->ext[2], from->ext[3]},
        };
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
    return read_changes(io, to, count, sizeof(struct bsd_freebsd11_kevent));
}

static int write_old(struct kqueue_io *io, const struct knote_event *from, int count)
{
    return write_events(io, from, count, sizeof(struct bsd_freebsd11_kevent));
}

/* a: kq, changelist, nchanges, eventlist, nevents, timeout */
static long kevent(struct thread *t, const u64 a[MAX_ARGUMENTS], struct kqueue_io *io)
{
    struct timespec_host timeout;
    if (a[5]) {
        int error = copy_in(&timeout, a[5], sizeof(timeout)); /* struct timespec is the same */
        if (error)
            return error;
    }
    io->changes = a[1];
    io->events = a[3];
    return kqueue_kevent(t, (int)a[0], (int)a[2], (int)a[4], io, a[5] ? &timeout : NULL);
}

long bsd_sys_kevent(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct kqueue_io io = {.read_changes = read_new, .write_events = write_new};
    return kevent(t, a, &io);
}

long bsd_sys_freebsd11_kevent(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct kqueue_io io = {.read_changes = read_old, .write_events = write_old};
    return kevent(t, a, &io);
}

long bsd_sys_kqueue(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return kqueue_create(t, false);
}

long bsd_sys_kqueuex(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (a[0] & ~(u64)BSD_KQUEUE_CLOEXEC)
        return -EINVAL;
    return kqueue_create(t, (a[0] & BSD_KQUEUE_CLOEXEC) != 0);
}
