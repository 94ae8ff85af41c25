/* The calls of asynchronous input and output: asking about requests, waiting for them, lists of them. */
#include "aio.h"

#define LIST_MAXIMUM 256

static long now_plus(u64 limit_address, struct timespec_host *until)
{
    struct bsd_timespec limit;
    if (copy_in(&limit, limit_address, sizeof(limit)) != 0)
        return -EFAULT;
    if (limit.sec < 0 || limit.nsec < 0 || limit.nsec >= 1000000000)
        return -EINVAL;
    long r = clock_read(1 /* CLOCK_MONOTONIC */, until);
    until->sec += limit.sec;
    until->nsec += limit.nsec;
    if (until->nsec >= 1000000000) {
        until->sec++;
        until->nsec -= 1000000000;
    }
    return r;
}

/* Lets go of a finished request, whose copy stays for aio_unwatch, and gives its outcome, to the control block as
 * well. */
static long take(struct request *r, struct request *taken)
{
    *taken = *r;
    aio_forget(r);
    if (aio_tell_block(taken->address, taken->status, taken->error) != 0)
        return -EFAULT;
    return taken->error ? GUEST_ERRNO(taken->error) : taken->status;
}

#define SUBMIT(name, operation)                                                                     \
    long bsd_sys_##name(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])    \
    {                                                                                               \
        return aio_submit(t, a[0], operation, &aio_form_now, NO_LIST);                                     \
    }

SUBMIT(aio_read, BSD_LIO_READ)
SUBMIT(aio_write, BSD_LIO_WRITE)

long bsd_sys_aio_fsync(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if ((u32)a[0] != BSD_O_SYNC && (u32)a[0] != BSD_O_DSYNC)
        return -EINVAL;
    u32 operation = (u32)a[0] == BSD_O_SYNC ? REQUEST_FSYNC : REQUEST_FDATASYNC;
    return aio_submit(t, a[1], operation, &aio_form_now, NO_LIST);
}

long bsd_sys_aio_error(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    aio_lock();
    aio_advance(t);
    struct request *r = aio_find(t, a[0]);
    long error = r == NULL ? -1 : r->done ? r->error : BSD_EINPROGRESS;
    aio_unlock();
    if (error >= 0)
        return error;
    /* Perhaps one that never started. */
    u64 status, reason;
    if (get_u64(a[0] + offsetof(struct bsd_aiocb, status), &status) != 0 ||
        get_u64(a[0] + offsetof(struct bsd_aiocb, error), &reason) != 0)
        return BSD_EINVAL;
    return status == (u64)-1 ? (long)(u32)reason : BSD_EINVAL;
}

long bsd_sys_aio_return(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    aio_lock();
    struct request *r = aio_first(t);
    while (r != NULL && !(r->address == a[0] && r->done))
        r = aio_next(t, r);
    struct request taken;
    bool found = r != NULL;
    long result = found ? take(r, &taken) : -EINVAL;
    aio_unlock();
    if (found)
        aio_unwatch(t, &taken);
    return result;
}

long bsd_sys_aio_cancel(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    int fd = (s32)a[0];
    long result = BSD_AIO_ALLDONE;
    if (fd_is_reserved(t, fd) || is_error(host(__NR_fcntl, fd, LINUX_F_GETFD, 0)))
        return -EBADF;
    aio_lock();
    for (struct request *r = aio_first(t); r != NULL; r = aio_next(t, r)) {
        if (r->done || r->block.fildes != fd || (a[1] != 0 && r->address != a[1]))
            continue;
        aio_finish(r, -ECANCELED);
        aio_notify(t, &r->block.sigevent);
        result = BSD_AIO_CANCELED;
    }
    aio_unlock();
    return result;
}

/* ---- waiting ------------------------------------------------------------------------------------ */

enum progress { ALL_GONE, SOME_DONE, ALL_WAITING };

static enum progress look(const struct thread *t, const u64 *list, u64 count)
{
    enum progress found = ALL_GONE;
    aio_lock();
    aio_advance(t);
    for (u64 i = 0; i < count && found != SOME_DONE; i++) {
        struct request *r = aio_find(t, list[i]);
        if (r != NULL)
            found = r->done ? SOME_DONE : ALL_WAITING;
    }
    aio_unlock();
    return found;
}

long bsd_sys_aio_suspend(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 list[LIST_MAXIMUM];
    struct timespec_host until;
    s32 count = (s32)a[1];
    if (count < 0 || count > LIST_MAXIMUM)
        return -EINVAL;
    long r = a[2] ? now_plus(a[2], &until) : 0;
    if (is_error(r))
        return r;
    if (count > 0 && copy_in(list, a[0], (u64)count * sizeof(list[0])) != 0)
        return -EFAULT;
    while (look(t, list, (u64)count) == ALL_WAITING) {
        r = aio_sleep(t, a[2] ? &until : NULL);
        if (is_error(r))
            return r;
    }
    return 0;
}

long bsd_sys_aio_waitcomplete(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct timespec_host until;
    long r = a[1] ? now_plus(a[1], &until) : 0;
    if (is_error(r))
        return r;
    if (put_u64(a[0], 0) != 0)
        return -EFAULT;
    for (;;) {
        bool any = false;
        aio_lock();
        aio_advance(t);
        struct request *done = aio_first(t);
        while (done != NULL && !done->done) {
            any = true;
            done = aio_next(t, done);
        }
        struct request taken = {0};
        r = done ? take(done, &taken) : -EAGAIN;
        aio_unlock();
        if (taken.address != 0) {
            aio_unwatch(t, &taken);
            return put_u64(a[0], taken.address) != 0 ? -EFAULT : r;
        }
        if (!any && a[1] == 0)
            return -EAGAIN; /* nothing could ever end the wait */
        r = aio_sleep(t, a[1] ? &until : NULL);
        if (is_error(r))
            return r;
    }
}

/* ---- lists -------------------------------------------------------------------------------------- */

static long submit_entry(struct thread *t, u64 address, const struct aio_form *form, struct request_list whole)
{
    u32 operation;
    if (get_u32(address + offsetof(struct bsd_aiocb, lio_opcode), &operation) != 0)
        return -EFAULT;
    switch (operation) {
    case BSD_LIO_NOP:
        return 0;
    case BSD_LIO_READ:
    case BSD_LIO_WRITE:
        return aio_submit(t, address, operation, form, whole);
    default:
        return WAY_LISTS_HOLD_VECTORS && (operation == (BSD_LIO_READ | REQUEST_VECTOR) ||
                                          operation == (BSD_LIO_WRITE | REQUEST_VECTOR))
                   ? aio_submit(t, address, operation, form, whole)
                   : -EINVAL;
    }
}

static bool any_waiting(const struct thread *t, const u64 *list, s32 count)
{
    bool waiting = false;
    aio_lock();
    aio_advance(t);
    for (s32 i = 0; i < count; i++) {
        struct request *r = list[i] ? aio_find(t, list[i]) : NULL;
        waiting |= r != NULL && !r->done;
    }
    aio_unlock();
    return waiting;
}

long aio_submit_list(struct thread *t, const u64 a[MAX_ARGUMENTS], const struct aio_form *form)
{
    u64 list[LIST_MAXIMUM];
    struct bsd_sigevent event = {.notify = BSD_SIGEV_NONE};
    struct request_list whole = NO_LIST;
    u32 mode = (u32)a[0];
    s32 count = (s32)a[2];
    if ((mode != BSD_LIO_NOWAIT && mode != BSD_LIO_WAIT) || count < 0 || count > LIST_MAXIMUM)
        return -EINVAL;
    if (count > 0 && copy_in(list, a[1], (u64)count * sizeof(list[0])) != 0)
        return -EFAULT;
    if (a[3] && mode == BSD_LIO_NOWAIT) {
        long r = form->read_event(a[3], &event);
        if (!is_error(r))
            r = aio_check_event(&event);
        if (!is_error(r) && event_is_for_queue(&event)) {
            whole = (struct request_list){a[1], aio_token()};
            r = aio_watch_list(t, whole, &event);
        }
        if (is_error(r))
            return r;
    }
    bool failed = false, full = false;
    for (s32 i = 0; i < count; i++) {
        long r = list[i] ? submit_entry(t, list[i], form, whole) : 0;
        full |= r == -EAGAIN;
        failed |= is_error(r) && r != -EAGAIN;
    }
    /* A signal for the whole list is sent when all of it is done, which nobody but a waiter would notice
     * for a socket that is not ready: then the list is waited for. */
    bool wait = mode == BSD_LIO_WAIT || (event.notify != BSD_SIGEV_NONE && !whole.token);
    while (wait && any_waiting(t, list, count)) {
        long r = aio_sleep(t, NULL);
        if (is_error(r))
            return r;
    }
    aio_notify(t, &event);
    aio_look_list(t, whole);
    return failed ? -EIO : full ? -EAGAIN : 0;
}

long bsd_sys_lio_listio(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return aio_submit_list(t, a, &aio_form_now);
}
