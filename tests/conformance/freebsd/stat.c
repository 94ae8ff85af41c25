/* stat in all its forms, times, modes and flags of a file. */
#define _WANT_FREEBSD11_STAT
#include <sys/types.h>
#include <sys/fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <errno.h>

#include "scratch.h"

static struct stat st;

static void forms(void)
{
    static struct freebsd11_stat old;
    long fd = make_file("file", "0123456789");
    CHECK_IS(call(SYS_fstat, fd, &st), 0);
    CHECK_IS(st.st_size, 10);
    CHECK_IS(st.st_nlink, 1);
    CHECK_IS(st.st_mode, S_IFREG | 0644);
    CHECK(st.st_ino != 0 && st.st_blksize >= 4096 && st.st_blocks <= 16);
    CHECK(st.st_mtime > 1600000000 && st.st_ctime >= st.st_mtime);
    CHECK(st.st_birthtime == -1 || st.st_birthtime <= st.st_ctime);
    CHECK_IS(st.st_flags, 0);
    CHECK_IS(st.st_bsdflags, 0);
    CHECK_IS(call(SYS_freebsd11_fstat, fd, &old), 0);
    CHECK_IS(old.st_ino, (u32)st.st_ino);
    CHECK(old.st_size == 10 && old.st_mode == st.st_mode && old.st_mtime == st.st_mtime);
    CHECK_IS(call(SYS_freebsd11_stat, "file", &old), 0);
    CHECK(old.st_size == 10 && old.st_nlink == 1 && old.st_birthtim.tv_sec == st.st_birthtim.tv_sec);
    CHECK_IS(call(SYS_freebsd11_lstat, "missing", &old), -ENOENT);
    CHECK_IS(call(SYS_freebsd11_lstat, "file", &old), 0);
    CHECK_IS(old.st_ino, (u32)st.st_ino);
    CHECK_IS(call(SYS_freebsd11_fstatat, AT_FDCWD, "file", &old, 0), 0);
    u32 nstat[32];
    CHECK_IS(call(SYS_freebsd11_nstat, "file", nstat), 0);
    CHECK(nstat[2] == st.st_mode && nstat[20] == 10);
    CHECK_IS(call(SYS_freebsd11_nfstat, fd, nstat), 0);
    CHECK_IS(call(SYS_freebsd11_nlstat, "file", nstat), 0);
    CHECK_IS(call(SYS_fstatat, fd, "", &st, AT_EMPTY_PATH), 0);
    CHECK_IS(call(SYS_fstatat, AT_FDCWD, "file", &st, 0x10), -EINVAL);
    CHECK_IS(call(SYS_fstatat, AT_FDCWD, "file", 8, 0), -EFAULT);
    CHECK_IS(call(SYS_fstat, -1, &st), -EBADF);
    CHECK_IS(call(SYS_fstat, AT_FDCWD, &st), -EBADF);
    CHECK_IS(call(SYS_fstat, 1016, &st), -EBADF);
    call(SYS_close, fd);
}

static void kinds(void)
{
    CHECK_IS(call(SYS_symlink, "file", "link"), 0);
    CHECK_IS(call(SYS_fstatat, AT_FDCWD, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(S_ISLNK(st.st_mode) && st.st_size == 4);
    CHECK_IS(call(SYS_fstatat, AT_FDCWD, "link", &st, 0), 0);
    CHECK(S_ISREG(st.st_mode));
    CHECK_IS(call(SYS_fstatat, AT_FDCWD, "/dev/null", &st, 0), 0);
    CHECK(S_ISCHR(st.st_mode));
    CHECK_IS(major(st.st_rdev), 1);
    CHECK_IS(minor(st.st_rdev), 3);
    s32 ends[2];
    CHECK_IS(call(SYS_pipe2, ends, O_CLOEXEC), 0);
    CHECK_IS(call(SYS_write, ends[1], "abc", 3), 3);
    CHECK_IS(call(SYS_fstat, ends[0], &st), 0);
    CHECK(S_ISFIFO(st.st_mode));
    CHECK_IS(st.st_size, 3);
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
    CHECK_IS(call(SYS_mkfifo, "fifo", 0600), 0);
    CHECK_IS(call(SYS_fstatat, AT_FDCWD, "fifo", &st, 0), 0);
    CHECK_IS(st.st_mode, S_IFIFO | 0600);
    CHECK_IS(call(SYS_mknodat, AT_FDCWD, "fifo2", S_IFIFO | 0600, 0), 0);
    CHECK_IS(call(SYS_mknodat, AT_FDCWD, "bad", S_IFREG | 0600, 0), -EINVAL);
    CHECK_IS(call(SYS_mkfifoat, AT_FDCWD, "fifo", 0600), -EEXIST);
    CHECK_IS(call(SYS_mkfifoat, AT_FDCWD, "fifo3", 0600), 0);
    CHECK_IS(call(SYS_unlink, "fifo3"), 0);
    CHECK_IS(call(SYS_unlink, "fifo2"), 0);
    CHECK_IS(call(SYS_unlink, "fifo"), 0);
    char target[16] = {0};
    CHECK_IS(call(SYS_readlink, "link", target, sizeof(target)), 4);
    CHECK(equal(target, "file"));
    CHECK_IS(call(SYS_readlink, "link", target, 0), 0);
    CHECK_IS(call(SYS_readlinkat, AT_FDCWD, "file", target, 4), -EINVAL);
    CHECK_IS(call(SYS_readlinkat, AT_FDCWD, "link", target, 2), 2);
    CHECK_IS(call(SYS_link, "link", "hard"), 0); /* follows the link */
    CHECK_IS(call(SYS_fstatat, AT_FDCWD, "hard", &st, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(S_ISREG(st.st_mode) && st.st_nlink == 2);
    CHECK_IS(call(SYS_unlink, "hard"), 0);
}

static void times(void)
{
    struct timespec ts[2] = {{1000, 5}, {2000, 6}};
    struct timeval tv[2] = {{3000, 7}, {4000, 8}};
    CHECK_IS(call(SYS_utimensat, AT_FDCWD, "file", ts, 0), 0);
    call(SYS_fstatat, AT_FDCWD, "file", &st, 0);
    CHECK(st.st_atime == 1000 && st.st_atim.tv_nsec == 5 && st.st_mtime == 2000);
    ts[0].tv_nsec = UTIME_OMIT;
    ts[1].tv_nsec = UTIME_NOW;
    CHECK_IS(call(SYS_utimensat, AT_FDCWD, "file", ts, 0), 0);
    call(SYS_fstatat, AT_FDCWD, "file", &st, 0);
    CHECK(st.st_atime == 1000 && st.st_mtime > 1600000000);
    ts[0].tv_nsec = -3;
    CHECK_IS(call(SYS_utimensat, AT_FDCWD, "file", ts, 0), -EINVAL);
    CHECK_IS(call(SYS_utimes, "file", tv), 0);
    call(SYS_fstatat, AT_FDCWD, "file", &st, 0);
    CHECK(st.st_atime == 3000 && st.st_mtim.tv_nsec == 8000);
    CHECK_IS(call(SYS_lutimes, "link", tv), 0);
    call(SYS_fstatat, AT_FDCWD, "link", &st, AT_SYMLINK_NOFOLLOW);
    CHECK_IS(st.st_mtime, 4000);
    long fd = call(SYS_open, "file", O_RDWR, 0);
    CHECK_IS(call(SYS_futimes, fd, 0), 0);
    call(SYS_fstat, fd, &st);
    CHECK(st.st_mtime > 1600000000);
    ts[0].tv_nsec = ts[1].tv_nsec = 9;
    CHECK_IS(call(SYS_futimens, fd, ts), 0);
    call(SYS_fstat, fd, &st);
    CHECK(st.st_atime == 1000 && st.st_atim.tv_nsec == 9);
    CHECK_IS(call(SYS_futimesat, AT_FDCWD, "file", tv), 0);
    tv[0].tv_usec = 1000000;
    CHECK_IS(call(SYS_futimesat, AT_FDCWD, "file", tv), -EINVAL);
    call(SYS_close, fd);
}

static void modes_and_flags(void)
{
    CHECK_IS(call(SYS_fchmodat, AT_FDCWD, "file", 0600, 0), 0);
    CHECK_IS(call(SYS_lchmod, "file", 0640), 0);
    call(SYS_fstatat, AT_FDCWD, "file", &st, 0);
    CHECK_IS(st.st_mode, S_IFREG | 0640);
    CHECK_IS(call(SYS_fchmodat, AT_FDCWD, "file", 0644, AT_SYMLINK_NOFOLLOW), 0);
    CHECK_IS(call(SYS_lchmod, "link", 0600), -EOPNOTSUPP);
    call(SYS_fstatat, AT_FDCWD, "link", &st, AT_SYMLINK_NOFOLLOW);
    CHECK_IS(call(SYS_lchmod, "link", st.st_mode & 07777), 0);
    CHECK_IS(call(SYS_chmod, "file", 01644), call(SYS_geteuid) == 0 ? 0 : -EFTYPE);
    CHECK_IS(call(SYS_chmod, ".", 01700), 0);
    CHECK_IS(call(SYS_chmod, "missing", 01700), -ENOENT);
    CHECK_IS(call(SYS_chflags, "file", 0), 0);
    CHECK_IS(call(SYS_lchflags, "link", 0), 0);
    CHECK_IS(call(SYS_chflags, "file", UF_ARCHIVE), -EOPNOTSUPP);
    CHECK_IS(call(SYS_chflags, "missing", 0), -ENOENT);
    CHECK_IS(call(SYS_chflagsat, AT_FDCWD, "file", 0, AT_SYMLINK_NOFOLLOW), 0);
    long fd = call(SYS_open, "file", O_RDONLY, 0);
    CHECK_IS(call(SYS_fchmod, fd, 01600), call(SYS_geteuid) == 0 ? 0 : -EFTYPE);
    CHECK_IS(call(SYS_fchmod, fd, 0644), 0);
    CHECK_IS(call(SYS_fchmod, 999, 01644), -EBADF);
    CHECK_IS(call(SYS_fchflags, fd, 0), 0);
    CHECK_IS(call(SYS_fchflags, 99, 0), -EBADF);
    if (call(SYS_fchflags, fd, UF_NODUMP) == 0) {
        call(SYS_fstat, fd, &st);
        CHECK_IS(st.st_flags, UF_NODUMP);
    }
    call(SYS_close, fd);
    CHECK_IS(call(SYS_eaccess, "file", 4), 0);
    CHECK_IS(call(SYS_access, "missing", 0), -ENOENT);
    CHECK_IS(call(SYS_faccessat, AT_FDCWD, "file", 4, AT_EACCESS), 0);
}

static void test(void)
{
    scratch_enter();
    call(SYS_umask, 022);
    forms();
    kinds();
    times();
    modes_and_flags();
    CHECK_IS(call(SYS_unlink, "link"), 0);
    CHECK_IS(call(SYS_unlink, "file"), 0);
    scratch_leave();
}
