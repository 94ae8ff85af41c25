/* kqueue on a host that has epoll: what BSD personalities build their kevent calls from.
 *
 * The engine is kernel-neutral: events are a struct knote_event with the flags and NOTE_* values
 * that all BSDs share (where one differs, its wrapper converts), and the guest's own struct kevent
 * is read and written by the wrapper through a struct kqueue_io.
 *
 * A kqueue descriptor is a real epoll descriptor, so it can be polled, watched by another kqueue,
 * duplicated and closed like any other.  Its knotes live in the runtime.
 */
#ifndef GUISE_KQUEUE_H
#define GUISE_KQUEUE_H

#include "runtime.h"

enum knote_filter {
    KFILTER_INVALID, /* the wrapper's word for a number its kernel does not know: EINVAL */
    KFILTER_READ,
    KFILTER_WRITE,
    KFILTER_EMPTY,
    KFILTER_VNODE,
    KFILTER_PROC,
    KFILTER_PROCDESC,
    KFILTER_SIGNAL,
    KFILTER_TIMER,
    KFILTER_USER,
    KFILTER_AIO, /* attached by kqueue_attach_request alone: EPERM */
    KFILTER_LIO,
    KFILTER_KERNEL,      /* only the guest's kernel itself may attach these: EPERM */
    KFILTER_UNSUPPORTED, /* known to the guest's kernel, attached by none here: ENXIO */
    KFILTER_IGNORED,     /* a change with it changes nothing: FreeBSD's filter 0 */
    KFILTER_COUNT,
};

/* In an event with EV_ERROR, `data` is 0 or a negative errno as handlers return it. */
struct knote_event {
    u64 ident;
    u32 filter; /* enum knote_filter */
    s32 guest_filter; /* as the guest wrote it: goes back unchanged */
    u16 flags;
    u32 fflags;
    s64 data;
    u64 udata;
    u64 ext[4];
};

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_DISPATCH 0x0080
#define EV_FORCEONESHOT 0x0100
#define EV_KEEPUDATA 0x0200
#define EV_SYSFLAGS 0xf000
#define EV_DROP 0x1000 /* internal: goes away without being reported */
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

#define NOTE_LOWAT 0x0001
#define NOTE_FILE_POLL 0x0002

#define NOTE_DELETE 0x0001
#define NOTE_WRITE 0x0002
#define NOTE_EXTEND 0x0004
#define NOTE_ATTRIB 0x0008
#define NOTE_LINK 0x0010
#define NOTE_RENAME 0x0020
#define NOTE_REVOKE 0x0040
#define NOTE_OPEN 0x0080
#define NOTE_CLOSE 0x0100
#define NOTE_CLOSE_WRITE 0x0200
#define NOTE_READ 0x0400

#define NOTE_EXIT 0x80000000u
#define NOTE_FORK 0x40000000u
#define NOTE_EXEC 0x20000000u
#define NOTE_TRACK 0x00000001
#define NOTE_TRACKERR 0x00000002
#define NOTE_CHILD 0x00000004

#define NOTE_SECONDS 0x1
#define NOTE_MSECONDS 0x2
#define NOTE_USECONDS 0x4
#define NOTE_NSECONDS 0x8
#define NOTE_ABSTIME 0x10

#define NOTE_FFNOP 0x00000000u
#define NOTE_FFAND 0x40000000u
#define NOTE_FFOR 0x80000000u
#define NOTE_FFCOPY 0xc0000000u
#define NOTE_FFCTRLMASK 0xc0000000u
#define NOTE_FFLAGSMASK 0x00ffffffu
#define NOTE_TRIGGER 0x01000000u

/* The guest's two lists.  Both functions advance and return 0 or -errno; count <= KQUEUE_BATCH. */
#define KQUEUE_BATCH 16
struct kqueue_io {
    int (*read_changes)(struct kqueue_io *io, struct knote_event *to, int count);
    int (*write_events)(struct kqueue_io *io, const struct knote_event *from, int count);
    u64 changes, events; /* guest addresses of the next element */
};

/* A new kqueue: its descriptor or -errno. */
long kqueue_create(struct thread *t, bool close_on_exec);
/* kevent(2): applies changes, then waits for up to `events` events; timeout NULL: for ever.
 * Returns the number of events written or -errno, never RESTART: kevent is not restarted. */
long kqueue_kevent(struct thread *t, int fd, int changes, int events, struct kqueue_io *io,
                   const struct timespec_host *timeout);
/* Whether a descriptor of this process is a kqueue (for fstat, read, write, fcntl). */
bool kqueue_is(struct thread *t, int fd);

/* shutdown(2) was called for a socket: the host does not wake those who watch their own end of one. */
void kqueue_socket_shut(struct thread *t, int fd);

/* A knote for an asynchronous request: `event` says filter (AIO or LIO), ident, flags and udata; `token` is no other
 * request's.  `done` answers whether it is done, and its `data`; it is called with the engine's lock held.
 * 0 or -errno: -EBADF where fd is no kqueue. */
typedef bool request_query(struct thread *t, u64 token, s64 *data);
long kqueue_attach_request(struct thread *t, int fd, const struct knote_event *event, u64 token, request_query *done);
/* It may be done; its outcome was taken.  `event` as above, of which filter and ident count. */
void kqueue_look_at_request(struct thread *t, const struct knote_event *event, u64 token);
void kqueue_forget_request(struct thread *t, const struct knote_event *event, u64 token);

/* Descriptors of the runtime's own that the engine uses, counted from process->reserved_base. */
#define KQUEUE_RESERVED_FIRST 2
#define KQUEUE_RESERVED_COUNT 5

#endif
