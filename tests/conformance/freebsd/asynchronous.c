/* Asynchronous input and output: files, sockets that are not ready yet, lists, cancelling, signals. */
#include <sys/types.h>
#include <sys/event.h>
#include <sys/fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <aio.h>
#include <errno.h>
#include <signal.h>

#include "scratch.h"

static struct aiocb block_for(long fd, void *buffer, size_t size, s64 offset)
{
    struct aiocb block;
    memset(&block, 0, sizeof(block));
    block.aio_fildes = (int)fd;
    block.aio_buf = buffer;
    block.aio_nbytes = size;
    block.aio_offset = offset;
    block.aio_sigevent.sigev_notify = SIGEV_NONE;
    return block;
}

static long file;

static void files(void)
{
    char buffer[16] = {0};
    struct aiocb block = block_for(file, "abcdef", 6, 2);
    CHECK_IS(call(SYS_aio_write, &block), 0);
    CHECK_IS(call(SYS_aio_error, &block), 0);
    CHECK_IS(call(SYS_aio_return, &block), 6);
    CHECK_IS(call(SYS_aio_return, &block), -EINVAL);
    CHECK_IS(call(SYS_aio_error, &block), EINVAL);
    block = block_for(file, buffer, 16, 2);
    CHECK_IS(call(SYS_aio_read, &block), 0);
    struct aiocb *list[2] = {0, &block};
    CHECK_IS(call(SYS_aio_suspend, list, 2, 0), 0);
    CHECK_IS(call(SYS_aio_return, &block), 6);
    CHECK(memcmp(buffer, "abcdef", 6) == 0);
    CHECK_IS(call(SYS_aio_suspend, list, 2, 0), 0); /* all of them are gone */
    block = block_for(file, (void *)8, 16, 0);
    CHECK_IS(call(SYS_aio_read, &block), 0);
    CHECK_IS(call(SYS_aio_error, &block), EFAULT);
    CHECK_IS(call(SYS_aio_return, &block), -EFAULT);
    struct iovec vector[2] = {{"1", 1}, {"23", 2}};
    block = block_for(file, vector, 2, 0);
    CHECK_IS(call(SYS_aio_writev, &block), 0);
    CHECK_IS(call(SYS_aio_return, &block), 3);
    vector[0] = (struct iovec){buffer, 2};
    vector[1] = (struct iovec){buffer + 8, 4};
    CHECK_IS(call(SYS_aio_readv, &block), 0);
    CHECK_IS(call(SYS_aio_return, &block), 6);
    CHECK_IS(call(SYS_aio_fsync, O_SYNC, &block), 0);
    CHECK_IS(call(SYS_aio_return, &block), 0);
    CHECK_IS(call(SYS_aio_fsync, 7, &block), -EINVAL);
    block = block_for(999, buffer, 1, 0);
    CHECK_IS(call(SYS_aio_read, &block), -EBADF);
    CHECK_IS(call(SYS_aio_error, &block), EBADF);
    block = block_for(file, buffer, 1, -1);
    CHECK_IS(call(SYS_aio_read, &block), -EINVAL);
    s32 ends[2];
    call(SYS_pipe2, ends, 0);
    block = block_for(ends[0], buffer, 1, 0);
    CHECK_IS(call(SYS_aio_read, &block), -EOPNOTSUPP);
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
    block = block_for(-1, buffer, sizeof(buffer), 0);
    if (call(SYS_aio_mlock, &block) == 0)
        CHECK(call(SYS_aio_return, &block) <= 0);
}

static void sockets(void)
{
    char buffer[16] = {0};
    s32 ends[2];
    struct timespec soon = {0, 20000000};
    CHECK_IS(call(SYS_socketpair, 1, 1, 0, ends), 0);
    struct aiocb block = block_for(ends[0], buffer, 16, 0), *list[1] = {&block}, *done = 0;
    CHECK_IS(call(SYS_aio_read, &block), 0);
    CHECK_IS(call(SYS_aio_error, &block), EINPROGRESS);
    CHECK_IS(call(SYS_aio_return, &block), -EINVAL);
    CHECK_IS(call(SYS_aio_suspend, list, 1, &soon), -EAGAIN);
    CHECK_IS(call(SYS_aio_waitcomplete, &done, &soon), -EAGAIN);
    CHECK_IS(call(SYS_write, ends[1], "xyz", 3), 3);
    CHECK_IS(call(SYS_aio_waitcomplete, &done, 0), 3);
    CHECK(done == &block && memcmp(buffer, "xyz", 3) == 0);
    CHECK_IS(call(SYS_aio_read, &block), 0);
    CHECK_IS(call(SYS_aio_cancel, ends[0], &block), AIO_CANCELED);
    CHECK_IS(call(SYS_aio_error, &block), ECANCELED);
    CHECK_IS(call(SYS_aio_return, &block), -ECANCELED);
    CHECK_IS(call(SYS_aio_cancel, ends[0], 0), AIO_ALLDONE);
    CHECK_IS(call(SYS_aio_cancel, 999, 0), -EBADF);
    CHECK_IS(call(SYS_aio_read, &block), 0);
    call(SYS_close, ends[0]);
    CHECK_IS(call(SYS_aio_return, &block), -ECANCELED);
    call(SYS_close, ends[1]);
}

static volatile int signals;
static volatile long value;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    signals += signal == SIGUSR2 && info->si_code == SI_ASYNCIO;
    value = info->si_value.sival_int;
}

static void lists(void)
{
    char one[4] = {0}, two[4] = {0};
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    CHECK_IS(call(SYS_sigaction, SIGUSR2, &action, 0), 0);
    struct aiocb first = block_for(file, one, 1, 0), second = block_for(file, two, 2, 1);
    struct aiocb *list[3] = {&first, 0, &second};
    first.aio_lio_opcode = second.aio_lio_opcode = LIO_READ;
    CHECK_IS(call(SYS_lio_listio, LIO_WAIT, list, 3, 0), 0);
    CHECK_IS(call(SYS_aio_return, &first), 1);
    CHECK_IS(call(SYS_aio_return, &second), 2);
    CHECK(equal(one, "1") && equal(two, "23"));
    struct sigevent event;
    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR2;
    event.sigev_value.sival_int = 77;
    CHECK_IS(call(SYS_lio_listio, LIO_NOWAIT, list, 3, &event), 0);
    CHECK_IS(signals, 1);
    CHECK_IS(value, 77);
    call(SYS_aio_return, &first);
    call(SYS_aio_return, &second);
    first.aio_lio_opcode = 99;
    CHECK_IS(call(SYS_lio_listio, LIO_WAIT, list, 1, 0), -EIO);
    CHECK_IS(call(SYS_lio_listio, 5, list, 1, 0), -EINVAL);
    event.sigev_value.sival_int = 78;
    first.aio_sigevent = event;
    CHECK_IS(call(SYS_aio_write, &first), 0);
    CHECK_IS(signals, 2);
    CHECK_IS(value, 78);
    CHECK_IS(call(SYS_aio_return, &first), 1);
    event.sigev_signo = 1000;
    first.aio_sigevent = event;
    CHECK_IS(call(SYS_aio_write, &first), -EINVAL);
}

static struct kevent event;

static long events(long kq, long seconds)
{
    struct timespec limit = {seconds, 0};
    return call(SYS_kevent, kq, 0, 0, &event, 1, &limit);
}

/* SIGEV_KEVENT: what is done at once, what is done later, what is forgotten, and whole lists. */
static void queues(void)
{
    char buffer[4] = {0};
    s32 ends[2];
    long kq = call(SYS_kqueue);
    struct aiocb block = block_for(file, "a", 1, 0), second = block;
    struct kevent change;

    block.aio_sigevent.sigev_notify = SIGEV_KEVENT;
    block.aio_sigevent.sigev_notify_kqueue = (int)file;
    CHECK_IS(call(SYS_aio_write, &block), -EBADF);
    block.aio_sigevent.sigev_notify_kqueue = (int)kq;
    block.aio_sigevent.sigev_value.sival_ptr = (void *)79;
    block.aio_sigevent.sigev_notify_kevent_flags = EV_ERROR;
    CHECK_IS(call(SYS_aio_write, &block), -EINVAL);
    block.aio_sigevent.sigev_notify_kevent_flags = EV_ONESHOT;
    CHECK_IS(call(SYS_aio_write, &block), 0);
    CHECK_IS(events(kq, 5), 1);
    CHECK_IS(event.ident, (u64)&block);
    CHECK_IS(event.filter, EVFILT_AIO);
    CHECK_IS(event.flags, EV_EOF | EV_ONESHOT);
    CHECK_IS(event.data, 0);
    CHECK_IS((long)event.udata, 79);
    CHECK_IS(events(kq, 0), 0);
    CHECK_IS(call(SYS_aio_return, &block), 1);
    block.aio_sigevent.sigev_notify_kevent_flags = 0; /* it stays until the outcome is taken */
    block.aio_buf = (void *)8;
    CHECK_IS(call(SYS_aio_write, &block), 0);
    CHECK_IS(events(kq, 5), 1);
    CHECK_IS(event.data, EFAULT);
    CHECK_IS(events(kq, 0), 1);
    CHECK_IS(call(SYS_aio_return, &block), -EFAULT);
    CHECK_IS(events(kq, 0), 0);
    EV_SET(&change, (u64)&block, EVFILT_AIO, EV_ADD, 0, 0, 0);
    CHECK_IS(call(SYS_kevent, kq, &change, 1, 0, 0, 0), -EPERM);
    /* a socket where nothing has come yet */
    CHECK_IS(call(SYS_socketpair, 1, 1, 0, ends), 0);
    block.aio_fildes = ends[0];
    block.aio_buf = buffer;
    CHECK_IS(call(SYS_aio_read, &block), 0);
    CHECK_IS(events(kq, 0), 0);
    CHECK_IS(call(SYS_write, ends[1], "b", 1), 1);
    CHECK_IS(events(kq, 5), 1);
    CHECK_IS(event.ident, (u64)&block);
    CHECK_IS(call(SYS_aio_return, &block), 1);
    /* a list, of which one has to wait */
    struct aiocb *list[2] = {&block, &second};
    struct sigevent all = block.aio_sigevent;
    block.aio_sigevent.sigev_notify = SIGEV_NONE;
    block.aio_lio_opcode = LIO_READ;
    second.aio_lio_opcode = LIO_WRITE;
    CHECK_IS(call(SYS_lio_listio, LIO_NOWAIT, list, 2, &all), 0);
    CHECK_IS(events(kq, 0), 0);
    CHECK_IS(call(SYS_write, ends[1], "c", 1), 1);
    CHECK_IS(events(kq, 5), 1);
    CHECK_IS(event.ident, (u64)list);
    CHECK_IS(event.filter, EVFILT_LIO);
    CHECK_IS(event.flags, 0);
    CHECK_IS((long)event.udata, 79);
    CHECK_IS(call(SYS_aio_return, &block), 1);
    CHECK_IS(events(kq, 0), 1);
    CHECK_IS(call(SYS_aio_return, &second), 1);
    CHECK_IS(events(kq, 0), 0);
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
    call(SYS_close, kq);
}

static void test(void)
{
    scratch_enter();
    file = make_file("file", "");
    files();
    sockets();
    lists();
    queues();
    call(SYS_close, file);
    call(SYS_unlink, "file");
    scratch_leave();
}
