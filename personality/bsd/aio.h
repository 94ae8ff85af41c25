/* Asynchronous input and output between its files: the requests that are under way or done.
 *
 * A request on a file is carried out when it is made: nobody can tell that from a fast disk.  One on a
 * socket that is not ready waits, and is tried again whenever the program asks about its requests or
 * waits for one.  As on a FreeBSD with its default settings, other descriptors cannot be used. */
#ifndef GUISE_BSD_AIO_H
#define GUISE_BSD_AIO_H

#include "files.h"

/* What lio_listio was given, if a kqueue is told when all of it is done: the address, and a number that no other
 * list or request has.  0: none. */
struct request_list {
    u64 address, token;
};
#define NO_LIST ((struct request_list){0, 0})

struct request {
    struct request *next;
    const struct process *owner; /* a vfork child sees its parent's memory, not its requests */
    u64 address;                 /* the guest's control block: its name for the request */
    struct bsd_aiocb block;  /* as it was when the request was made */
    u64 token;                   /* no other request or list has it */
    struct request_list list;
    u32 operation;               /* BSD_LIO_*, or one of those below */
    bool done;
    long status; /* bytes, or -1 */
    s32 error;   /* the guest's errno, 0 if none */
};

#define REQUEST_VECTOR 4 /* beside BSD_LIO_READ and BSD_LIO_WRITE: several buffers */
#define REQUEST_FSYNC 0x100
#define REQUEST_FDATASYNC 0x101
#define REQUEST_MLOCK 0x102

void aio_lock(void);
void aio_unlock(void);

/* With the lock held: */
struct request *aio_first(const struct thread *t);
struct request *aio_next(const struct thread *t, struct request *r);
struct request *aio_find(const struct thread *t, u64 address);
void aio_forget(struct request *r);
void aio_finish(struct request *r, long result);
/* Tries what can go on now; true if anything got done. */
bool aio_advance(const struct thread *t);

/* What the control block itself says: the result, and the guest's errno.  0 or -EFAULT. */
long aio_tell_block(u64 address, long status, long error);
/* How a release laid out what a program hands over; what comes back lies where it always did. */
struct aio_form {
    long (*read_block)(u64 address, struct bsd_aiocb *block); /* 0 or -errno */
    long (*read_event)(u64 address, struct bsd_sigevent *event);
};
extern const struct aio_form aio_form_now;

/* Makes a request, perhaps of a list.  0 or -errno, which the control block then says as well. */
long aio_submit(struct thread *t, u64 address, u32 operation, const struct aio_form *form, struct request_list list);
/* lio_listio, with its arguments. */
long aio_submit_list(struct thread *t, const u64 a[MAX_ARGUMENTS], const struct aio_form *form);
/* Tells the program that something is done, as a struct sigevent asks for. */
void aio_notify(const struct thread *t, const struct bsd_sigevent *event);
long aio_check_event(const struct bsd_sigevent *event);

/* aio_queue.c: SIGEV_KEVENT.  All without the lock, and of no effect for requests that ask for something else. */
u64 aio_token(void);
long aio_watch(struct thread *t, const struct request *r); /* 0 or -errno */
void aio_look(struct thread *t, const struct request *r);
void aio_unwatch(struct thread *t, const struct request *r); /* a copy of one that is gone */
long aio_watch_list(struct thread *t, struct request_list list, const struct bsd_sigevent *event);
void aio_look_list(struct thread *t, struct request_list list);

/* Sleeps until a socket of an unfinished request is ready, at most until the time (NULL: for ever).
 * 0, -EAGAIN when the time is over, -EINTR. */
long aio_sleep(struct thread *t, const struct timespec_host *until);

#endif
