/* Copies of descriptors, closing many, fcntl's commands, pipes, event counters. */
#include <sys/types.h>
#include <sys/fcntl.h>
#include <sys/user.h>
#include <sys/eventfd.h>
#include <sys/specialfd.h>
#include <sys/uio.h>
#include <sys/unistd.h>
#include <errno.h>
#include <signal.h>

#include "scratch.h"

static int is_open(long fd)
{
    return call(SYS_fcntl, fd, F_GETFD) >= 0;
}

static void copies(void)
{
    long fd = make_file("file", "abc");
    long copy = call(SYS_dup, fd);
    CHECK(copy > fd);
    CHECK_IS(call(SYS_dup, 999), -EBADF);
    CHECK_IS(call(SYS_dup2, fd, 50), 50);
    CHECK_IS(call(SYS_dup2, fd, fd), fd);
    CHECK_IS(call(SYS_dup2, 999, 50), -EBADF);
    CHECK(is_open(50));
    CHECK_IS(call(SYS_dup2, fd, 1016), -EBADF); /* not in reach */
    CHECK_IS(call(SYS_dup2, fd, -1), -EBADF);
    CHECK_IS(call(SYS_fcntl, fd, F_DUPFD, 60), 60);
    CHECK_IS(call(SYS_fcntl, fd, F_DUPFD, -1), -EINVAL);
    CHECK_IS(call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 60), 61);
    CHECK_IS(call(SYS_fcntl, 61, F_GETFD), FD_CLOEXEC);
    CHECK_IS(call(SYS_fcntl, fd, F_DUP2FD, 62), 62);
    CHECK_IS(call(SYS_fcntl, 62, F_GETFD), 0);
    CHECK_IS(call(SYS_fcntl, fd, F_DUP2FD_CLOEXEC, 62), 62);
    CHECK_IS(call(SYS_fcntl, 62, F_GETFD), FD_CLOEXEC);
    CHECK_IS(call(SYS_fcntl, 62, F_SETFD, 0), 0);
    CHECK_IS(call(SYS_fcntl, 62, F_GETFD), 0);
    CHECK_IS(call(SYS_fcntl, 62, F_DUP2FD_CLOEXEC, 62), 62);
    CHECK_IS(call(SYS_fcntl, 62, F_GETFD), FD_CLOEXEC);
    CHECK_IS(call(SYS_fcntl, fd, 99, 0), -EINVAL);
    CHECK_IS(call(SYS_close_range, 60, 61, 0), 0);
    CHECK(!is_open(60) && !is_open(61) && is_open(62));
    CHECK_IS(call(SYS_close_range, 62, 62, CLOSE_RANGE_CLOEXEC), 0);
    CHECK_IS(call(SYS_close_range, 5, 4, 0), -EINVAL);
    CHECK_IS(call(SYS_close_range, 5, 6, 1), -EINVAL);
    CHECK_IS(call(SYS_freebsd12_closefrom, 50), 0);
    CHECK(!is_open(50) && !is_open(62) && is_open(fd) && is_open(copy));
    CHECK_IS(call(SYS_getpid) > 0, 1); /* the runtime is still there */
    CHECK(call(SYS_getdtablesize) >= 256);
    call(SYS_close, copy);
    call(SYS_close, fd);
}

static void flags(void)
{
    s32 ends[2];
    CHECK_IS(call(SYS_pipe2, ends, O_NONBLOCK), 0);
    CHECK_IS(call(SYS_pipe2, ends, O_APPEND), -EINVAL);
    CHECK_IS(call(SYS_fcntl, ends[0], F_GETFL), O_RDONLY | O_NONBLOCK);
    CHECK_IS(call(SYS_fcntl, ends[1], F_GETFL), O_WRONLY | O_NONBLOCK);
    char byte;
    CHECK_IS(call(SYS_read, ends[0], &byte, 1), -EAGAIN);
    CHECK_IS(call(SYS_fcntl, ends[0], F_SETFL, O_ASYNC), 0);
    CHECK_IS(call(SYS_fcntl, ends[0], F_GETFL), O_RDONLY | O_ASYNC);
    CHECK_IS(call(SYS_fcntl, ends[0], F_SETFL, 0), 0);
    CHECK_IS(call(SYS_fcntl, ends[0], F_SETOWN, -call(SYS_getpgrp)), 0);
    CHECK_IS((s32)call(SYS_fcntl, ends[0], F_GETOWN), -call(SYS_getpgrp));
    CHECK_IS(call(SYS_fcntl, ends[0], F_SETOWN, call(SYS_getpid)), 0);
    CHECK_IS(call(SYS_fcntl, ends[0], F_GETOWN), call(SYS_getpid));
    CHECK_IS(call(SYS_fcntl, ends[0], F_RDAHEAD, 1), -EBADF);
    CHECK_IS(call(SYS_fcntl, ends[0], F_ISUNIONSTACK, 0), 0);
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
    long first = call(SYS_freebsd10_pipe), second = second_result;
    CHECK(first >= 0 && second > first);
    CHECK_IS(call(SYS_write, second, "x", 1), 1);
    CHECK_IS(call(SYS_read, first, &byte, 1), 1);
    call(SYS_close, first);
    call(SYS_close, second);
    long fd = call(SYS_open, "file", O_RDWR | O_SYNC | O_APPEND, 0);
    CHECK_IS(call(SYS_fcntl, fd, F_GETFL) & ~O_DSYNC, O_RDWR | O_SYNC | O_APPEND);
    CHECK_IS(call(SYS_fcntl, fd, F_SETFL, O_NONBLOCK), 0);
    CHECK_IS(call(SYS_fcntl, fd, F_RDAHEAD, 1), 0);
    CHECK_IS(call(SYS_fcntl, fd, F_READAHEAD, 4096), 0);
    call(SYS_close, fd);
}

static void described(void)
{
    static struct kinfo_file info;
    long fd = call(SYS_open, "file", O_RDONLY, 0);
    CHECK_IS(call(SYS_fcntl, fd, F_KINFO, &info), -EINVAL);
    info.kf_structsize = sizeof(info);
    CHECK_IS(call(SYS_fcntl, fd, F_KINFO, &info), 0);
    CHECK_IS(info.kf_fd, fd);
    CHECK_IS(info.kf_type, KF_TYPE_VNODE);
    CHECK_IS(info.kf_vnode_type, KF_VTYPE_VREG);
    CHECK_IS(info.kf_un.kf_file.kf_file_size, 3);
    CHECK_IS(info.kf_flags, KF_FLAG_READ);
    CHECK(memcmp(info.kf_path, scratch_, length(scratch_)) == 0 &&
          equal(info.kf_path + length(scratch_), "/file"));
    call(SYS_close, fd);
}

static void locks(void)
{
    struct flock lock = {0, 10, 0, F_WRLCK, 0, 0};
    long fd = call(SYS_open, "file", O_RDWR, 0);
    CHECK_IS(call(SYS_fcntl, fd, F_SETLK, &lock), 0);
    long child = call(SYS_fork);
    if (child == 0) {
        struct flock probe = {0, 0, 0, F_WRLCK, 0, 77};
        int bad = 0;
        bad |= call(SYS_fcntl, fd, F_GETLK, &probe) != 0;
        bad |= (probe.l_type != F_WRLCK || probe.l_start != 0 || probe.l_len != 10) << 1;
        bad |= (probe.l_pid != call(SYS_getppid) || probe.l_sysid != 0) << 2;
        probe = (struct flock){5, 1, 0, F_RDLCK, 0, 0};
        bad |= (call(SYS_fcntl, fd, F_SETLK, &probe) != -EAGAIN) << 3;
        probe = (struct flock){20, 1, 0, F_RDLCK, 0, 0};
        bad |= (call(SYS_fcntl, fd, F_OSETLK, &probe) != 0) << 4;
        call(SYS_exit, bad);
    }
    s32 status = -1;
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(status, 0);
    struct flock probe = {0, 0, 5, F_WRLCK, 0, 77};
    CHECK_IS(call(SYS_fcntl, fd, F_GETLK, &probe), 0);
    CHECK(probe.l_type == F_UNLCK && probe.l_pid == 5 && probe.l_sysid == 77);
    lock.l_type = F_UNLCK;
    CHECK_IS(call(SYS_fcntl, fd, F_SETLKW, &lock), 0);
    lock.l_type = 9;
    CHECK_IS(call(SYS_fcntl, fd, F_SETLK, &lock), -EINVAL);
    CHECK_IS(call(SYS_fcntl, fd, F_SETLK, 8), -EFAULT);
    call(SYS_close, fd);
    s32 ends[2];
    call(SYS_pipe2, ends, 0);
    lock.l_type = F_RDLCK;
    CHECK_IS(call(SYS_flock, 999, 1), -EBADF);
    long one = call(SYS_open, "file", O_RDONLY, 0), other = call(SYS_open, "file", O_RDONLY, 0);
    CHECK_IS(call(SYS_flock, one, LOCK_EX), 0);
    CHECK_IS(call(SYS_flock, other, LOCK_SH | LOCK_NB), -EAGAIN);
    CHECK_IS(call(SYS_flock, one, LOCK_SH), 0);
    CHECK_IS(call(SYS_flock, other, LOCK_SH | LOCK_NB), 0);
    CHECK_IS(call(SYS_flock, one, LOCK_EX | LOCK_NB), -EAGAIN);
    CHECK_IS(call(SYS_flock, other, LOCK_UN), 0);
    CHECK_IS(call(SYS_flock, one, LOCK_EX | LOCK_NB), 0);
    CHECK_IS(call(SYS_flock, one, LOCK_NB), -EBADF); /* neither to lock nor to unlock */
    CHECK_IS(call(SYS_flock, ends[0], LOCK_EX), -EOPNOTSUPP);
    call(SYS_close, one);
    call(SYS_close, other);
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
}

static void counters(void)
{
    struct specialfd_eventfd wanted = {3, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE};
    u64 value = 0;
    long fd = call(SYS___specialfd, SPECIALFD_EVENTFD, &wanted, sizeof(wanted));
    CHECK(fd >= 0);
    CHECK_IS(call(SYS_fcntl, fd, F_GETFD), FD_CLOEXEC);
    CHECK_IS(call(SYS_read, fd, &value, 8), 8);
    CHECK_IS(value, 1);
    call(SYS_read, fd, &value, 8);
    call(SYS_read, fd, &value, 8);
    CHECK_IS(call(SYS_read, fd, &value, 8), -EAGAIN);
    CHECK_IS(call(SYS___specialfd, 7, &wanted, sizeof(wanted)), -EINVAL);
    wanted.flags = 2;
    CHECK_IS(call(SYS___specialfd, SPECIALFD_EVENTFD, &wanted, sizeof(wanted)), -EINVAL);
    call(SYS_close, fd);
}

static void vectors(void)
{
    char one[4] = {0}, two[8] = {0};
    struct iovec out[2] = {{"abc", 3}, {"defgh", 5}}, in[2] = {{one, 3}, {two, 8}};
    long fd = call(SYS_open, "file", O_RDWR | O_TRUNC, 0);
    CHECK_IS(call(SYS_writev, fd, out, JUNK(2)), 8);
    CHECK_IS(call(SYS_pwritev, fd, out, JUNK(2), 4L), 8);
    CHECK_IS(call(SYS_preadv, fd, in, JUNK(2), 2L), 10);
    CHECK(equal(one, "cda") && memcmp(two, "bcdefgh", 7) == 0);
    CHECK_IS(call(SYS_lseek, fd, 0L, 1), 8); /* these leave the file's own position alone */
    CHECK_IS(call(SYS_readv, fd, in, 2), 4);
    CHECK_IS(call(SYS_preadv, fd, in, 0, 0L), 0);
    CHECK_IS(call(SYS_preadv, fd, in, 1025, 0L), -EINVAL);
    CHECK_IS(call(SYS_preadv, fd, in, 1, -1L), -EINVAL);
    CHECK_IS(call(SYS_pwritev, 999, out, 2, 0L), -EBADF);
    in[1].iov_base = (void *)8;
    CHECK_IS(call(SYS_preadv, fd, in + 1, 1, 0L), -EFAULT);
    call(SYS_close, fd);
}

static void test(void)
{
    scratch_enter();
    copies();
    flags();
    described();
    locks();
    counters();
    vectors();
    CHECK_IS(call(SYS_unlink, "file"), 0);
    scratch_leave();
}
