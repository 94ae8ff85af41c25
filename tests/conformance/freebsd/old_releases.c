/* Calls in the form of FreeBSD 4 and 6, which stock kernels still serve (COMPAT_FREEBSD4, COMPAT_FREEBSD6). */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <aio.h>
#include <errno.h>
#include <signal.h>

#include "scratch.h"

struct statfs_4 { /* struct ostatfs on a 64-bit machine */
    long spare2, bsize, iosize, blocks, bfree, bavail, files, ffree;
    s32 fsid[2];
    u32 owner;
    int type, flags;
    long sync_writes, async_writes;
    char type_name[16], on_name[72];
    long sync_reads, async_reads;
    short spare1;
    char from_name[72];
    short spare3;
    long spare[2];
};
_Static_assert(sizeof(struct statfs_4) == 304, "sys/mount.h");

static void mounted(void)
{
    static struct statfs_4 old, all[8];
    static struct statfs now;
    long fd = call(SYS_open, "/", O_RDONLY, 0);
    memset(&old, 0x55, sizeof(old));
    CHECK_IS(call(157, "/", &old), 0);
    CHECK_IS(call(SYS_statfs, "/", &now), 0);
    CHECK(old.blocks == (long)now.f_blocks && old.bsize == (long)now.f_bsize && old.type == (int)now.f_type);
    CHECK(old.fsid[0] == now.f_fsid.val[0] && old.spare2 == 0 && old.spare[1] == 0);
    CHECK(equal(old.on_name, "/") && equal(old.type_name, now.f_fstypename));
    memset(&old, 0, sizeof(old));
    CHECK_IS(call(158, fd, &old), 0);
    CHECK(equal(old.on_name, "/"));
    CHECK_IS(call(158, 999, &old), -EBADF);
    CHECK_IS(call(157, "/missing", &old), -ENOENT);
    CHECK_IS(call(157, "/", 8), -EFAULT);
    long count = call(18, 0, 0, MNT_NOWAIT);
    CHECK_IS(count, call(SYS_getfsstat, 0, 0, MNT_NOWAIT));
    CHECK_IS(call(18, all, sizeof(all[0]) * 2 - 1, MNT_NOWAIT), 1);
    CHECK(all[0].on_name[0] == '/' && all[1].on_name[0] == 0);
    CHECK_IS(call(18, all, -1L, MNT_NOWAIT), -EINVAL);
    call(SYS_close, fd);
}

static void names(void)
{
    char name[5][32], domain[256];
    memset(name, 'x', sizeof(name));
    CHECK_IS(call(164, name), 0);
    CHECK(equal(name[0], "FreeBSD") && equal(name[4], "amd64"));
    CHECK(name[1][0] != 'x' && name[2][0] >= '1' && name[2][0] <= '9');
    CHECK_IS(name[3][0], 0);
    CHECK_IS(call(164, 8), -EFAULT);
    CHECK_IS(call(162, domain, sizeof(domain)), 0);
    CHECK(length(domain) < 64);
    CHECK_IS(call(162, domain, 0), -ENOMEM);
    if (call(SYS_geteuid) == 0 && call(SYS_setresuid, -1, 65534, -1) == 0) {
        CHECK_IS(call(163, "guise", 5), -EPERM);
        call(SYS_setresuid, -1, 0, -1);
    }
}

/* The headers count: 4 of 6 bytes are theirs, so that 2 of the file follow. */
static void send_file(void)
{
    int ends[2];
    char got[32];
    struct iovec head = {"HEAD", 4}, tail = {"T", 1};
    struct sf_hdtr around = {&head, 1, &tail, 1};
    off_t sent = -1;
    long fd = make_file("file", "0123456789");
    CHECK_IS(call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends), 0);
    CHECK_IS(call(336, fd, ends[0], 1L, 6L, &around, &sent, 0), 0);
    CHECK_IS(sent, 7);
    CHECK_IS(call(SYS_read, ends[1], got, sizeof(got)), 7);
    CHECK(memcmp(got, "HEAD12T", 7) == 0);
    CHECK_IS(call(SYS_sendfile, fd, ends[0], 1L, 6L, &around, &sent, 0), 0);
    CHECK_IS(sent, 11);
    CHECK_IS(call(SYS_read, ends[1], got, sizeof(got)), 11);
    CHECK(memcmp(got, "HEAD123456T", 11) == 0);
    CHECK_IS(call(336, 999, ends[0], 0L, 0L, 0L, &sent, 0), -EBADF);
    CHECK_IS(call(336, fd, ends[0], -1L, 0L, 0L, &sent, 0), -EINVAL);
    call(SYS_close, fd);
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
}

static volatile int caught;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    caught = signal == SIGUSR1 && info->si_signo == SIGUSR1 && info->si_pid == call(SYS_getpid);
    call(344, context); /* leaves the handler as returning from it does */
    __builtin_trap();
}

static void signals(void)
{
    struct sigaction action, before;
    sigset_t mask;
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    CHECK_IS(call(342, SIGUSR1, &action, 0), 0);
    CHECK_IS(call(SYS_sigaction, SIGUSR1, 0, &before), 0);
    CHECK(before.sa_sigaction == handler && before.sa_flags == SA_SIGINFO);
    CHECK_IS(call(SYS_kill, call(SYS_getpid), SIGUSR1), 0);
    CHECK_IS(caught, 1);
    CHECK_IS(call(SYS_sigprocmask, SIG_BLOCK, 0, &mask), 0);
    CHECK_IS(mask.__bits[0], 0);
    CHECK_IS(call(342, SIGKILL, &action, 0), -EINVAL);
    CHECK_IS(call(344, 8), -EFAULT);
}

struct aiocb_6 { /* struct oaiocb: its event was 16 bytes */
    int fildes;
    s64 offset;
    void *buffer;
    size_t nbytes;
    int notify, signo;
    void *value;
    int opcode, priority;
    long status, error;
    void *info;
};
_Static_assert(sizeof(struct aiocb_6) == 80, "kern/vfs_aio.c");

static void asynchronous(void)
{
    char buffer[8] = {0};
    u64 canary[2] = {0x5555, 0x5555}; /* what a longer event would be read from */
    sigset_t wanted = {{1 << (SIGUSR2 - 1), 0, 0, 0}};
    siginfo_t info;
    int got = 0;
    long fd = call(SYS_open, "file", O_RDWR, 0);
    struct {
        struct aiocb_6 block;
        u64 canary[2];
    } one = {{(int)fd, 3, buffer, 4, SIGEV_NONE, 0, 0, 0, 0, 0, 0, 0}, {canary[0], canary[1]}};
    CHECK_IS(call(318, &one.block), 0);
    CHECK_IS(call(SYS_aio_return, &one.block), 4);
    CHECK(memcmp(buffer, "3456", 4) == 0 && one.canary[0] == 0x5555);
    one.block.buffer = "abcd";
    one.block.notify = SIGEV_SIGNAL;
    one.block.signo = SIGUSR2;
    call(SYS_sigprocmask, SIG_BLOCK, &wanted, 0);
    CHECK_IS(call(319, &one.block), 0);
    CHECK_IS(call(SYS_sigwaitinfo, &wanted, &info), SIGUSR2);
    CHECK_IS(info.si_code, SI_ASYNCIO);
    CHECK_IS(call(SYS_aio_return, &one.block), 4);
    one.block.notify = 2; /* SIGEV_THREAD was not known then */
    CHECK_IS(call(319, &one.block), -EINVAL);

    struct aiocb_6 *list[2] = {&one.block, 0};
    struct {
        int notify, signo;
        void *value;
    } event = {SIGEV_SIGNAL, SIGUSR2, 0};
    one.block.notify = SIGEV_NONE;
    one.block.opcode = LIO_READ;
    one.block.buffer = buffer;
    CHECK_IS(call(320, LIO_WAIT, list, 2, 0), 0);
    CHECK_IS(call(SYS_aio_return, &one.block), 4);
    CHECK(memcmp(buffer, "abcd", 4) == 0);
    CHECK_IS(call(320, LIO_NOWAIT, list, 1, &event), 0);
    CHECK_IS(call(SYS_sigwait, &wanted, &got), 0);
    CHECK_IS(got, SIGUSR2);
    CHECK_IS(call(SYS_aio_return, &one.block), 4);
    event.notify = 2;
    CHECK_IS(call(320, LIO_NOWAIT, list, 1, &event), -EINVAL);
    CHECK_IS(call(320, 7, list, 1, 0), -EINVAL);
    call(SYS_close, fd);
}

static void test(void)
{
    scratch_enter();
    mounted();
    names();
    send_file();
    signals();
    asynchronous();
    call(SYS_unlink, "file");
    scratch_leave();
}
