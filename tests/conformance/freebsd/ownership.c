/* Who owns a file, where it is, and that it is on the disk: chown and its kin, fchdir, chroot, sync, links
 * and nodes made relative to a directory, and executing an open file. */
#include <sys/types.h>
#include <sys/fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>

#include "scratch.h"

static struct stat st;

static void owners(long file)
{
    long uid = call(SYS_getuid), gid = call(SYS_getgid);
    CHECK_IS(call(SYS_chown, "file", JUNK(uid), JUNK(gid)), 0);
    CHECK_IS(call(SYS_fchown, file, -1, gid), 0);
    CHECK_IS(call(SYS_lchown, "link", uid, -1), 0);
    CHECK_IS(call(SYS_chown, "missing", uid, gid), -ENOENT);
    CHECK_IS(call(SYS_fchown, 999, uid, gid), -EBADF);
    if (call(SYS_geteuid) != 0) {
        CHECK_IS(call(SYS_chown, "file", 0, 0), -EPERM);
        return;
    }
    CHECK_IS(call(SYS_chown, "link", 1001, 1002), 0); /* follows the link */
    CHECK_IS(call(SYS_fstatat, AT_FDCWD, "file", &st, 0), 0);
    CHECK(st.st_uid == 1001 && st.st_gid == 1002);
    CHECK_IS(call(SYS_lchown, "link", 1003, 1004), 0);
    CHECK_IS(call(SYS_fstatat, AT_FDCWD, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(st.st_uid == 1003 && st.st_gid == 1004);
    CHECK_IS(call(SYS_fchown, file, 1005, -1), 0);
    CHECK_IS(call(SYS_fstat, file, &st), 0);
    CHECK(st.st_uid == 1005 && st.st_gid == 1002);
}

static void places(void)
{
    char path[256], here[256];
    long root = call(SYS_open, "/", O_RDONLY | O_DIRECTORY, 0);
    long directory = call(SYS_open, ".", O_RDONLY | O_DIRECTORY, 0);
    int status;
    call(SYS___getcwd, here, sizeof(here));
    CHECK_IS(call(SYS_fchdir, root), 0);
    CHECK_IS(call(SYS___getcwd, path, sizeof(path)), 0);
    CHECK(equal(path, "/"));
    CHECK_IS(call(SYS_fchdir, directory), 0);
    CHECK_IS(call(SYS___getcwd, path, sizeof(path)), 0);
    CHECK(equal(path, here));
    long file = call(SYS_open, "file", O_RDONLY, 0);
    CHECK_IS(call(SYS_fchdir, file), -ENOTDIR);
    CHECK_IS(call(SYS_fchdir, 999), -EBADF);
    long child = call(SYS_fork);
    if (child == 0) {
        long r = call(SYS_chroot, ".");
        if (call(SYS_geteuid) != 0)
            call(SYS_exit, r == -EPERM ? 0 : 1);
        r = r == 0 && call(SYS_chdir, "/") == 0 && call(SYS_access, "/file", 0) == 0 ? 0 : 1;
        call(SYS_exit, r);
    }
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(status, 0);
    CHECK(call(SYS_chroot, "file") < 0); /* ENOTDIR, or EPERM before anything is looked up */
    call(SYS_close, file);
    call(SYS_close, directory);
    call(SYS_close, root);
}

static void relative(void)
{
    char text[16] = {0};
    long directory = call(SYS_open, ".", O_RDONLY | O_DIRECTORY, 0);
    CHECK_IS(call(SYS_symlinkat, "over there", directory, "pointer"), 0);
    CHECK_IS(call(SYS_readlink, "pointer", text, sizeof(text)), 10);
    CHECK(memcmp(text, "over there", 10) == 0);
    CHECK_IS(call(SYS_symlinkat, "x", directory, "pointer"), -EEXIST);
    CHECK_IS(call(SYS_symlinkat, "x", 999, "other"), -EBADF);
    CHECK_IS(call(SYS_unlink, "pointer"), 0);
    CHECK_IS(call(SYS_freebsd11_mknodat, directory, "fifo", S_IFIFO | 0600, 0), 0);
    CHECK_IS(call(SYS_fstatat, directory, "fifo", &st, 0), 0);
    CHECK_IS(st.st_mode, S_IFIFO | 0600);
    CHECK_IS(call(SYS_unlink, "fifo"), 0);
    CHECK_IS(call(SYS_freebsd11_mknod, "fifo", S_IFIFO | 0600, 0), 0);
    CHECK_IS(call(SYS_unlink, "fifo"), 0);
    CHECK_IS(call(SYS_freebsd11_mknod, "file2", S_IFREG | 0600, 0), -EINVAL);
    long r = call(SYS_freebsd11_mknod, "null", S_IFCHR | 0600, 0x103); /* the host's null device */
    if (r == 0) {
        CHECK_IS(call(SYS_fstatat, AT_FDCWD, "null", &st, 0), 0);
        CHECK(S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
        call(SYS_unlink, "null");
    } else {
        CHECK_IS(r, -EPERM);
    }
    call(SYS_close, directory);
}

static void on_disk(long file)
{
    CHECK_IS(call(SYS_fsync, file), 0);
    CHECK_IS(call(SYS_fdatasync, file), 0);
    CHECK_IS(call(SYS_fsync, 999), -EBADF);
    CHECK_IS(call(SYS_fdatasync, 999), -EBADF);
    CHECK_IS(call(SYS_truncate, "file", 5L), 0);
    CHECK_IS(call(SYS_fstat, file, &st), 0);
    CHECK_IS(st.st_size, 5);
    CHECK_IS(call(SYS_truncate, "file", 50000L), 0);
    CHECK_IS(call(SYS_fstat, file, &st), 0);
    CHECK_IS(st.st_size, 50000);
    CHECK_IS(call(SYS_truncate, "file", -1L), -EINVAL);
    CHECK_IS(call(SYS_truncate, ".", 0L), -EISDIR);
    CHECK_IS(call(SYS_truncate, "missing", 0L), -ENOENT);
    CHECK_IS(call(SYS_sync), 0);
}

/* This program again, by a descriptor: with an argument it ends at once (see test). */
static void execute(void)
{
    char *arguments[] = {"again", "ends", 0}, *environment[] = {0};
    int status;
    long program = call(SYS_open, (char *)start_vector[1], O_RDONLY | O_EXEC | O_CLOEXEC, 0);
    CHECK(program >= 0);
    long child = call(SYS_fork);
    if (child == 0) {
        call(SYS_fexecve, program, arguments, environment);
        call(SYS_exit, 99);
    }
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(status, 42 << 8);
    CHECK_IS(call(SYS_fexecve, 999, arguments, environment), -EBADF);
    long directory = call(SYS_open, "/", O_RDONLY, 0);
    CHECK_IS(call(SYS_fexecve, directory, arguments, environment), -EACCES);
    call(SYS_close, directory);
    call(SYS_close, program);
}

static void test(void)
{
    if (start_vector[0] > 1)
        call(SYS_exit, 42);
    execute();
    scratch_enter();
    long file = make_file("file", "0123456789");
    CHECK_IS(call(SYS_symlink, "file", "link"), 0);
    owners(file);
    places();
    relative();
    on_disk(file);
    call(SYS_close, file);
    call(SYS_unlink, "file");
    call(SYS_unlink, "link");
    scratch_leave();
}
