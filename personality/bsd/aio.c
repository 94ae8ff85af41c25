/* Asynchronous input and output: making requests and carrying them out. */
#include "aio.h"
#include <linux/poll.h>

#define REQUESTS_MAXIMUM 256 /* vfs.aio.max_aio_queue_per_proc */
#define WAITING_MAXIMUM 64   /* sockets looked at in one sleep */
#define SOURCE_ASYNCHRONOUS -4 /* the host's SI_ASYNCIO */
#define MESSAGE_DONTWAIT 0x40

RUNTIME_LOCK(requests_lock);
static struct request *requests;

void aio_lock(void)
{
    lock_acquire(&requests_lock);
}

void aio_unlock(void)
{
    lock_release(&requests_lock);
}

/* ---- the list ----------------------------------------------------------------------------------- */

static struct request *owned(const struct thread *t, struct request *r)
{
    while (r != NULL && r->owner != t->process)
        r = r->next;
    return r;
}

struct request *aio_first(const struct thread *t)
{
    return owned(t, requests);
}

struct request *aio_next(const struct thread *t, struct request *r)
{
    return owned(t, r->next);
}

struct request *aio_find(const struct thread *t, u64 address)
{
    struct request *r = aio_first(t);
    while (r != NULL && r->address != address)
        r = aio_next(t, r);
    return r;
}

void aio_forget(struct request *r)
{
    struct request **link = &requests;
    while (*link != r)
        link = &(*link)->next;
    *link = r->next;
    runtime_free(r);
}

static void append(struct request *r)
{
    struct request **link = &requests;
    while (*link != NULL)
        link = &(*link)->next;
    *link = r;
}

/* A child starts without requests. */
static void forget_all(struct thread *t UNUSED)
{
    while (requests != NULL)
        aio_forget(requests);
}
ON_FORK_CHILD(forget_all);

/* ---- carrying out ------------------------------------------------------------------------------- */

struct host_message { /* the host's struct msghdr */
    u64 name;
    u32 name_length, pad;
    u64 vector, vector_length, control, control_length;
    u32 flags, pad_end;
};

static long transfer_socket(const struct request *r)
{
    const struct bsd_aiocb *block = &r->block;
    struct host_message message = {.vector = block->buf, .vector_length = block->nbytes};
    u64 number[2] = {block->buf, block->nbytes};
    if (!(r->operation & REQUEST_VECTOR)) {
        message.vector = (u64)number;
        message.vector_length = 1;
    }
    bool reading = (r->operation & ~(u32)REQUEST_VECTOR) == BSD_LIO_READ;
    return host(reading ? __NR_recvmsg : __NR_sendmsg, block->fildes, &message, MESSAGE_DONTWAIT);
}

static long transfer_file(const struct request *r)
{
    const struct bsd_aiocb *block = &r->block;
    switch (r->operation) {
    case BSD_LIO_READ:
        return host(__NR_pread64, block->fildes, block->buf, block->nbytes, block->offset);
    case BSD_LIO_WRITE:
        return host(__NR_pwrite64, block->fildes, block->buf, block->nbytes, block->offset);
    case BSD_LIO_READ | REQUEST_VECTOR:
        return host(__NR_preadv, block->fildes, block->buf, block->nbytes, block->offset, 0);
    case BSD_LIO_WRITE | REQUEST_VECTOR:
        return host(__NR_pwritev, block->fildes, block->buf, block->nbytes, block->offset, 0);
    case REQUEST_FSYNC:
        return host(__NR_fsync, block->fildes);
    case REQUEST_FDATASYNC:
        return host(__NR_fdatasync, block->fildes);
    default:
        return host(__NR_mlock, block->buf, block->nbytes);
    }
}

static long carry_out(const struct request *r)
{
    bool transfer = r->operation < REQUEST_FSYNC;
    bool socket = transfer && descriptor_type(r->block.fildes) == MODE_SOCKET;
    return socket ? transfer_socket(r) : transfer_file(r);
}

void aio_finish(struct request *r, long result)
{
    r->done = true;
    r->error = is_error(result) ? bsd_errno_from_host((int)-result) : 0;
    r->status = is_error(result) ? -1 : result;
}

bool aio_advance(const struct thread *t)
{
    bool any = false;
    for (struct request *r = aio_first(t); r != NULL; r = aio_next(t, r)) {
        if (r->done)
            continue;
        long result = carry_out(r);
        if (result == -EAGAIN)
            continue;
        aio_finish(r, result);
        aio_notify(t, &r->block.sigevent);
        any = true;
    }
    return any;
}

/* ---- making ------------------------------------------------------------------------------------- */

long aio_check_event(const struct bsd_sigevent *event)
{
    s32 tid;
    switch (event->notify) {
    case BSD_SIGEV_NONE:
        return 0;
    case BSD_SIGEV_SIGNAL:
        return bsd_signal_to_host(event->signo) == 0 ? -EINVAL : 0;
    default:
        if (event_is_for_thread(event, &tid))
            return bsd_signal_to_host(event->signo) == 0 ? -EINVAL : 0;
        return event_is_for_queue(event) ? 0 : -EINVAL;
    }
}

void aio_notify(const struct thread *t, const struct bsd_sigevent *event)
{
    s32 tid = 0;
    bool to_thread = event_is_for_thread(event, &tid);
    if (event->notify != BSD_SIGEV_SIGNAL && !to_thread)
        return;
    struct siginfo_host info = {.signo = bsd_signal_to_host(event->signo), .code = SOURCE_ASYNCHRONOUS};
    info.rt.pid = t->process->pid;
    info.rt.value = event->value;
    if (to_thread)
        host(__NR_rt_tgsigqueueinfo, t->process->pid, tid, info.signo, &info);
    else
        host(__NR_rt_sigqueueinfo, t->process->pid, info.signo, &info);
}

static long check_block(struct thread *t, const struct request *r)
{
    const struct bsd_aiocb *block = &r->block;
    long error = aio_check_event(&block->sigevent);
    if (is_error(error) || r->operation == REQUEST_MLOCK)
        return error;
    if (fd_is_reserved(t, block->fildes) || is_error(host(__NR_fcntl, block->fildes, LINUX_F_GETFD, 0)))
        return -EBADF;
    u32 type = descriptor_type(block->fildes);
    bool file = type == MODE_REGULAR || type == MODE_BLOCK || type == MODE_DIRECTORY;
    if (r->operation >= REQUEST_FSYNC)
        return file ? 0 : -EINVAL;
    if (!file && type != MODE_SOCKET)
        return -EOPNOTSUPP;
    if ((file && block->offset < 0) || (!(r->operation & REQUEST_VECTOR) && (s64)block->nbytes < 0))
        return -EINVAL;
    long access = host(__NR_fcntl, block->fildes, LINUX_F_GETFL, 0) & LINUX_O_ACCMODE;
    bool reading = (r->operation & ~(u32)REQUEST_VECTOR) == BSD_LIO_READ;
    return access == (reading ? LINUX_O_WRONLY : LINUX_O_RDONLY) ? -EBADF : 0;
}

long aio_tell_block(u64 address, long status, long error)
{
    struct bsd_aiocb block;
    block.status = (typeof(block.status))status;
    block.error = (typeof(block.error))error;
    if (copy_out(address + offsetof(struct bsd_aiocb, status), &block.status, sizeof(block.status)) != 0 ||
        copy_out(address + offsetof(struct bsd_aiocb, error), &block.error, sizeof(block.error)) != 0)
        return -EFAULT;
    return 0;
}

/* The control block says how its request failed to start; otherwise that it is the kernel's now. */
static long mark_block(u64 address, long error)
{
    long r = aio_tell_block(address, -1, is_error(error) ? bsd_errno_from_host((int)-error) : 0);
    return is_error(r) ? r : error;
}

static u32 count_of(const struct thread *t)
{
    u32 count = 0;
    for (struct request *r = aio_first(t); r != NULL; r = aio_next(t, r))
        count++;
    return count;
}

static long read_block(u64 address, struct bsd_aiocb *block)
{
    return copy_in(block, address, sizeof(*block));
}

static long read_event(u64 address, struct bsd_sigevent *event)
{
    return copy_in(event, address, sizeof(*event));
}

const struct aio_form aio_form_now = {read_block, read_event};

long aio_submit(struct thread *t, u64 address, u32 operation, const struct aio_form *form, struct request_list list)
{
    struct request *r = runtime_alloc(sizeof(*r));
    if (r == NULL)
        return -EAGAIN;
    r->owner = t->process;
    r->address = address;
    r->operation = operation;
    r->token = aio_token();
    r->list = list;
    long error = form->read_block(address, &r->block);
    if (!is_error(error))
        error = mark_block(address, check_block(t, r));
    if (!is_error(error))
        error = mark_block(address, aio_watch(t, r));
    if (is_error(error)) {
        runtime_free(r);
        return error;
    }
    long result = carry_out(r);
    if (result != -EAGAIN)
        aio_finish(r, result);
    aio_lock();
    bool full = count_of(t) >= REQUESTS_MAXIMUM;
    struct request made = *r; /* whoever waits may take it away as soon as it is in the list */
    if (!full)
        append(r);
    aio_unlock();
    if (full) {
        aio_unwatch(t, r);
        runtime_free(r);
        return mark_block(address, -EAGAIN);
    }
    if (result != -EAGAIN)
        aio_notify(t, &made.block.sigevent);
    aio_look(t, &made);
    return 0;
}

/* A number may soon name another file; what still waits on this one cannot go on. */
static void stop_waiting(struct thread *t, int fd)
{
    if (t->in_vfork_child || requests == NULL)
        return;
    aio_lock();
    for (struct request *r = aio_first(t); r != NULL; r = aio_next(t, r))
        if (!r->done && r->block.fildes == fd) {
            aio_finish(r, -ECANCELED);
            aio_notify(t, &r->block.sigevent);
        }
    aio_unlock();
}
ON_FD_CLOSE(stop_waiting);

/* ---- waiting ------------------------------------------------------------------------------------ */

long aio_sleep(struct thread *t, const struct timespec_host *until)
{
    struct bsd_pollfd sockets[WAITING_MAXIMUM];
    struct timespec_host now, left = {0, 0};
    u32 count = 0;
    aio_lock();
    for (struct request *r = aio_first(t); r != NULL && count < WAITING_MAXIMUM; r = aio_next(t, r)) {
        bool reading = (r->operation & ~(u32)REQUEST_VECTOR) == BSD_LIO_READ;
        if (!r->done)
            sockets[count++] = (struct bsd_pollfd){r->block.fildes, reading ? POLLIN : POLLOUT, 0};
    }
    aio_unlock();
    if (until != NULL) {
        long r = clock_read(1 /* CLOCK_MONOTONIC */, &now);
        if (is_error(r))
            return r;
        left.sec = until->sec - now.sec;
        left.nsec = until->nsec - now.nsec;
        if (left.nsec < 0) {
            left.sec--;
            left.nsec += 1000000000;
        }
        if (left.sec < 0)
            return -EAGAIN;
    }
    long r = host_intr(__NR_ppoll, sockets, count, until ? &left : NULL, NULL, 0);
    return r == 0 ? -EAGAIN : r == RESTART ? -EINTR : is_error(r) ? r : 0;
}
