/* open's flags: what each means where FreeBSD and the host differ. */
#include <sys/types.h>
#include <sys/fcntl.h>
#include <sys/stat.h>
#include <errno.h>

#include "scratch.h"

static void plain(void)
{
    char buffer[16] = {0};
    long fd = call(SYS_open, "file", O_RDWR | O_CREAT | O_EXCL, 0640);
    CHECK(fd >= 3);
    CHECK_IS(call(SYS_open, "file", O_RDWR | O_CREAT | O_EXCL, 0640), -EEXIST);
    CHECK_IS(call(SYS_write, fd, "hello", 5), 5);
    CHECK_IS(call(SYS_lseek, fd, 0, 0), 0);
    CHECK_IS(call(SYS_read, fd, buffer, sizeof(buffer)), 5);
    CHECK(equal(buffer, "hello"));
    CHECK_IS(call(SYS_close, fd), 0);
    CHECK_IS(call(SYS_close, fd), -EBADF);
    CHECK_IS(call(SYS_open, "file", O_ACCMODE, 0), -EINVAL);
    CHECK_IS(call(SYS_open, "file", O_EXEC | O_WRONLY, 0), -EINVAL);
    CHECK_IS(call(SYS_open, "missing", O_RDONLY, 0), -ENOENT);
    CHECK_IS(call(SYS_open, 8, O_RDONLY, 0), -EFAULT);
    CHECK_IS(call(SYS_openat, 99, "file", O_RDONLY, 0), -EBADF);
    fd = call(SYS_openat, AT_FDCWD, "file", O_WRONLY | O_APPEND, 0);
    CHECK(fd >= 0);
    CHECK_IS(call(SYS_write, fd, "!", 1), 1);
    CHECK_IS(call(SYS_read, fd, buffer, 1), -EBADF);
    CHECK_IS(call(SYS_fcntl, fd, F_GETFL), O_WRONLY | O_APPEND);
    CHECK_IS(call(SYS_close, fd), 0);
    fd = call(SYS_open, "file", O_RDONLY | O_DIRECT, 0); /* a hint: any buffer will do */
    CHECK_IS(call(SYS_read, fd, buffer + 1, 3), 3);
    call(SYS_close, fd);
}

/* The host's view of this process: FreeBSD has no such place, and the runtime can be seen there. */
static void own_process(void)
{
    struct stat st;
    char buffer[64];
    CHECK_IS(call(SYS_open, "/proc/self/maps", O_RDONLY, 0), -ENOENT);
    CHECK_IS(call(SYS_openat, 99, "/proc/thread-self/maps", O_RDONLY, 0), -ENOENT);
    CHECK_IS(call(SYS_readlink, "/proc/self/exe", buffer, sizeof(buffer)), -ENOENT);
    CHECK_IS(call(SYS_fstatat, AT_FDCWD, "/proc/self/exe", &st, 0), -ENOENT);
}

static void links(void)
{
    CHECK_IS(call(SYS_symlink, "file", "link"), 0);
    CHECK_IS(call(SYS_symlink, "loop", "loop"), 0);
    CHECK_IS(call(SYS_open, "link", O_RDONLY | O_NOFOLLOW, 0), -EMLINK);
    CHECK_IS(call(SYS_open, "link", O_RDONLY | O_NOFOLLOW | O_DIRECTORY, 0), -EMLINK);
    CHECK_IS(call(SYS_open, "loop", O_RDONLY, 0), -ELOOP);
    long fd = call(SYS_open, "link", O_PATH | O_NOFOLLOW, 0);
    CHECK(fd >= 0);
    struct stat st;
    CHECK_IS(call(SYS_fstat, fd, &st), 0);
    CHECK(S_ISLNK(st.st_mode));
    call(SYS_close, fd);
    CHECK_IS(call(SYS_unlink, "link"), 0);
    CHECK_IS(call(SYS_unlink, "loop"), 0);
}

static void directories(void)
{
    CHECK_IS(call(SYS_mkdir, "directory", 0755), 0);
    CHECK_IS(call(SYS_open, "file", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
    CHECK_IS(call(SYS_open, "directory", O_RDWR, 0), -EISDIR);
    long fd = call(SYS_open, "directory", O_RDONLY | O_CREAT, 0700); /* it is there: that will do */
    CHECK(fd >= 0);
    call(SYS_close, fd);
    CHECK_IS(call(SYS_open, "none", O_RDONLY | O_CREAT | O_DIRECTORY, 0700), -ENOENT);
    CHECK_IS(call(SYS_open, "none", O_RDONLY | O_CREAT | O_DIRECTORY | O_EXCL, 0700), -EINVAL);
    fd = call(SYS_open, "directory", O_SEARCH | O_DIRECTORY, 0);
    CHECK(fd >= 0);
    long inner = call(SYS_openat, fd, "inner", O_WRONLY | O_CREAT, 0600);
    CHECK(inner >= 0);
    call(SYS_close, inner);
    CHECK_IS(call(SYS_unlinkat, fd, "inner", 0), 0);
    call(SYS_close, fd);
}

static void beneath(void)
{
    long fd = call(SYS_open, "directory", O_RDONLY | O_DIRECTORY, 0), inner;
    CHECK_IS(call(SYS_openat, fd, "../file", O_RDONLY | O_RESOLVE_BENEATH, 0), -ENOTCAPABLE);
    CHECK_IS(call(SYS_openat, fd, "/etc/passwd", O_RDONLY | O_RESOLVE_BENEATH, 0), -ENOTCAPABLE);
    inner = call(SYS_openat, fd, "../directory/../directory", O_RDONLY, 0);
    CHECK(inner >= 0);
    call(SYS_close, inner);
    inner = call(SYS_openat, fd, "inner", O_RDWR | O_CREAT | O_RESOLVE_BENEATH, 0600);
    CHECK(inner >= 0);
    call(SYS_close, inner);
    struct stat st;
    CHECK_IS(call(SYS_fstatat, fd, "inner", &st, AT_RESOLVE_BENEATH), 0);
    CHECK_IS(call(SYS_fstatat, fd, "../file", &st, AT_RESOLVE_BENEATH), -ENOTCAPABLE);
    CHECK_IS(call(SYS_unlinkat, fd, "../file", AT_RESOLVE_BENEATH), -ENOTCAPABLE);
    CHECK_IS(call(SYS_faccessat, fd, "inner", 4, AT_RESOLVE_BENEATH | AT_EACCESS), 0);
    CHECK_IS(call(SYS_faccessat, fd, "../file", 4, AT_RESOLVE_BENEATH), -ENOTCAPABLE);
    CHECK_IS(call(SYS_faccessat, fd, "inner", 4, 0x800), -EINVAL);
    CHECK_IS(call(SYS_fchownat, fd, "inner", -1, -1, AT_RESOLVE_BENEATH), 0);
    CHECK_IS(call(SYS_fchownat, fd, "../file", -1, -1, AT_RESOLVE_BENEATH), -ENOTCAPABLE);
    CHECK_IS(call(SYS_fchmodat, fd, "inner", 0640, AT_RESOLVE_BENEATH), 0);
    CHECK_IS(call(SYS_fchmodat, fd, "../file", 0600, AT_RESOLVE_BENEATH), -ENOTCAPABLE);
    CHECK_IS(call(SYS_linkat, fd, "inner", fd, "other", AT_RESOLVE_BENEATH), 0);
    CHECK_IS(call(SYS_linkat, fd, "inner", fd, "../other", AT_RESOLVE_BENEATH), -ENOTCAPABLE);
    CHECK_IS(call(SYS_linkat, fd, "../file", fd, "more", AT_RESOLVE_BENEATH), -ENOTCAPABLE);
    CHECK_IS(call(SYS_unlinkat, fd, "other", AT_RESOLVE_BENEATH), 0);
    CHECK_IS(call(SYS_unlinkat, fd, "inner", AT_RESOLVE_BENEATH), 0);
    call(SYS_close, fd);
}

static void empty_path(void)
{
    char buffer[8];
    long fd = call(SYS_open, "file", O_PATH, 0);
    CHECK_IS(call(SYS_read, fd, buffer, 1), -EBADF);
    long again = call(SYS_openat, fd, "", O_RDONLY | O_EMPTY_PATH, 0);
    CHECK(again >= 0);
    CHECK_IS(call(SYS_read, again, buffer, 2), 2);
    CHECK_IS(call(SYS_openat, fd, "", O_RDONLY, 0), -ENOENT);
    call(SYS_close, again);
    call(SYS_close, fd);
}

static void locks(void)
{
    long first = call(SYS_open, "file", O_RDWR | O_EXLOCK, 0);
    CHECK(first >= 0);
    CHECK_IS(call(SYS_open, "file", O_RDONLY | O_SHLOCK | O_NONBLOCK, 0), -EWOULDBLOCK);
    CHECK_IS(call(SYS_open, "file", O_RDWR | O_EXLOCK | O_TRUNC | O_NONBLOCK, 0), -EWOULDBLOCK);
    struct stat st;
    CHECK_IS(call(SYS_fstat, first, &st), 0);
    CHECK_IS(st.st_size, 6); /* not truncated by the one that failed */
    call(SYS_close, first);
    first = call(SYS_open, "file", O_RDONLY | O_SHLOCK, 0);
    long second = call(SYS_open, "file", O_RDONLY | O_SHLOCK | O_NONBLOCK, 0);
    CHECK(first >= 0 && second >= 0);
    call(SYS_close, first);
    call(SYS_close, second);
}

static void execute_only(void)
{
    char buffer[4];
    CHECK_IS(call(SYS_chmod, "file", 0755), 0);
    long fd = call(SYS_open, "file", O_EXEC, 0);
    CHECK(fd >= 0);
    CHECK_IS(call(SYS_read, fd, buffer, 1), -EBADF);
    call(SYS_close, fd);
    CHECK_IS(call(SYS_chmod, "file", 0644), 0);
    CHECK_IS(call(SYS_open, "file", O_EXEC, 0), -EACCES);
    fd = call(SYS_open, "file", O_RDONLY | O_VERIFY | O_TTY_INIT | O_NOCTTY, 0);
    CHECK(fd >= 0);
    call(SYS_close, fd);
}

static void sticky(void)
{
    struct stat st;
    call(SYS_umask, 022);
    long fd = call(SYS_open, "sticky", O_RDWR | O_CREAT, 01666);
    CHECK_IS(call(SYS_fstat, fd, &st), 0);
    CHECK_IS(st.st_mode, S_IFREG | 0644);
    call(SYS_close, fd);
    CHECK_IS(call(SYS_unlink, "sticky"), 0);
    CHECK_IS(call(SYS_unlink, "directory"), -EPERM);
}

static void test(void)
{
    scratch_enter();
    plain();
    own_process();
    links();
    directories();
    beneath();
    empty_path();
    locks();
    execute_only();
    sticky();
    CHECK_IS(call(SYS_rmdir, "directory"), 0);
    CHECK_IS(call(SYS_unlink, "file"), 0);
    scratch_leave();
}
