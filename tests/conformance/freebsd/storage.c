/* Space of files, shared memory objects, extended attributes, limits, mounted file systems, sendfile. */
#define _WANT_FREEBSD11_STATFS
#include <sys/types.h>
#include <sys/param.h>
#include <sys/extattr.h>
#include <sys/fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/unistd.h>
#include <errno.h>

#include "scratch.h"

static struct stat st;

static void space(void)
{
    char buffer[16];
    struct spacectl_range range = {0, 4096}, left;
    long fd = make_file("file", "0123456789"), copy = make_file("copy", "");
    CHECK_IS(call(SYS_posix_fallocate, fd, 0, 8192), 0);
    call(SYS_fstat, fd, &st);
    CHECK_IS(st.st_size, 8192);
    CHECK_IS(call(SYS_posix_fallocate, fd, -1, 10), EINVAL); /* the error is the result */
    CHECK_IS(call(SYS_posix_fallocate, 999, 0, 10), EBADF);
    CHECK_IS(call(SYS_posix_fadvise, fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    CHECK_IS(call(SYS_posix_fadvise, fd, 0, 0, 17), EINVAL);
    s64 from = 2, to = 1;
    CHECK_IS(call(SYS_copy_file_range, fd, &from, copy, &to, 4, 0), 4);
    CHECK(from == 6 && to == 5);
    CHECK_IS(call(SYS_pread, copy, buffer, 8, 0), 5);
    CHECK(memcmp(buffer, "\0002345", 5) == 0);
    CHECK_IS(call(SYS_copy_file_range, fd, 0, copy, 0, 4, 1), -EINVAL);
    CHECK_IS(call(SYS_fspacectl, fd, SPACECTL_DEALLOC, &range, 0, &left), 0);
    CHECK(left.r_offset == 4096 && left.r_len == 0);
    CHECK_IS(call(SYS_pread, fd, buffer, 4, 0), 4);
    CHECK(memcmp(buffer, "\0\0\0\0", 4) == 0);
    call(SYS_fstat, fd, &st);
    CHECK_IS(st.st_size, 8192);
    CHECK_IS(call(SYS_fspacectl, fd, 9, &range, 0, &left), -EINVAL);
    range.r_len = 0;
    CHECK_IS(call(SYS_fspacectl, fd, SPACECTL_DEALLOC, &range, 0, &left), -EINVAL);
    CHECK_IS(call(SYS_fspacectl, fd, SPACECTL_DEALLOC, 8, 0, &left), -EFAULT);
    call(SYS_close, fd);
    call(SYS_close, copy);
    fd = call(SYS_open, "/proc/version", O_RDONLY, 0); /* from another file system */
    copy = call(SYS_open, "copy", O_RDWR | O_TRUNC, 0);
    if (fd >= 0)
        CHECK(call(SYS_copy_file_range, fd, 0, copy, 0, 100, 0) >= 0);
    call(SYS_close, fd);
    call(SYS_close, copy);
    call(SYS_unlink, "copy");
}

static void shared(void)
{
    long fd = call(SYS_shm_open2, SHM_ANON, O_RDWR | O_CLOEXEC, 0600, SHM_ALLOW_SEALING, 0);
    CHECK(fd >= 0);
    CHECK_IS(call(SYS_ftruncate, fd, 4096), 0);
    CHECK_IS(call(SYS_fstat, fd, &st), 0);
    CHECK_IS(st.st_mode, S_IFREG | 0600);
    CHECK_IS(call(SYS_fcntl, fd, F_GET_SEALS), 0);
    CHECK_IS(call(SYS_fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    CHECK_IS(call(SYS_fcntl, fd, F_GET_SEALS), F_SEAL_SHRINK);
    CHECK_IS(call(SYS_ftruncate, fd, 0), -EPERM);
    CHECK_IS(call(SYS_fcntl, fd, F_ADD_SEALS, 0x100), -EINVAL);
    call(SYS_close, fd);
    CHECK_IS(call(SYS_shm_open2, SHM_ANON, O_RDONLY, 0600, 0, 0), -EINVAL);
    CHECK_IS(call(SYS_shm_open2, "/x", O_RDWR | O_APPEND, 0600, 0, 0), -EINVAL);
    CHECK_IS(call(SYS_shm_open2, "no-slash", O_RDWR | O_CREAT, 0600, 0, 0), -EINVAL);
    char one[64] = "/guise/test%", two[64] = "/guise/test%";
    append_number(one, call(SYS_getpid));
    append_number(two, call(SYS_getpid));
    append(two, "b");
    CHECK_IS(call(SYS_freebsd12_shm_open, one, O_RDWR, 0600), -ENOENT);
    fd = call(SYS_freebsd12_shm_open, one, O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0);
    CHECK_IS(call(SYS_fcntl, fd, F_GETFD), FD_CLOEXEC);
    CHECK_IS(call(SYS_write, fd, "abc", 3), 3);
    CHECK_IS(call(SYS_freebsd12_shm_open, one, O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
    CHECK_IS(call(SYS_shm_rename, one, two, SHM_RENAME_NOREPLACE), 0);
    CHECK_IS(call(SYS_shm_rename, one, two, 3), -EINVAL);
    CHECK_IS(call(SYS_shm_unlink, one), -ENOENT);
    CHECK_IS(call(SYS_shm_unlink, two), 0);
    call(SYS_close, fd);
}

static void attributes(void)
{
    char buffer[64] = {0};
    CHECK_IS(call(SYS_extattr_get_file, "file", EXTATTR_NAMESPACE_USER, "none", buffer, 8), -ENOATTR);
    CHECK_IS(call(SYS_extattr_get_file, "missing", EXTATTR_NAMESPACE_USER, "none", buffer, 8), -ENOENT);
    long r = call(SYS_extattr_set_file, "file", EXTATTR_NAMESPACE_USER, "colour", "green", 5);
    if (r != -EOPNOTSUPP) {
        CHECK_IS(r, 5);
        CHECK_IS(call(SYS_extattr_get_file, "file", EXTATTR_NAMESPACE_USER, "colour", 0, 0), 5);
        CHECK_IS(call(SYS_extattr_get_file, "file", EXTATTR_NAMESPACE_USER, "colour", buffer, 64), 5);
        CHECK(memcmp(buffer, "green", 5) == 0);
        CHECK_IS(call(SYS_extattr_get_link, "file", EXTATTR_NAMESPACE_USER, "colour", buffer + 8, 2), 2);
        CHECK(equal(buffer + 8, "gr"));
        CHECK_IS(call(SYS_extattr_set_link, "file", EXTATTR_NAMESPACE_USER, "ab", "", 0), 0);
        CHECK_IS(call(SYS_extattr_list_file, "file", EXTATTR_NAMESPACE_USER, 0, 0), 10);
        CHECK_IS(call(SYS_extattr_list_file, "file", EXTATTR_NAMESPACE_USER, buffer, 64), 10);
        CHECK(memcmp(buffer, "\006colour\002ab", 10) == 0 || memcmp(buffer, "\002ab\006colour", 10) == 0);
        long fd = call(SYS_open, "file", O_RDWR, 0);
        CHECK_IS(call(SYS_extattr_delete_fd, fd, EXTATTR_NAMESPACE_USER, "ab"), 0);
        CHECK_IS(call(SYS_extattr_list_fd, fd, EXTATTR_NAMESPACE_USER, buffer, 64), 7);
        CHECK_IS(call(SYS_extattr_set_fd, fd, EXTATTR_NAMESPACE_USER, "colour", "red", 3), 3);
        CHECK_IS(call(SYS_extattr_get_fd, fd, EXTATTR_NAMESPACE_USER, "colour", buffer, 64), 3);
        call(SYS_close, fd);
        CHECK_IS(call(SYS_extattr_delete_file, "file", EXTATTR_NAMESPACE_USER, "colour"), 0);
        CHECK_IS(call(SYS_extattr_delete_link, "file", EXTATTR_NAMESPACE_USER, "colour"), -ENOATTR);
        CHECK_IS(call(SYS_extattr_set_link, "file", EXTATTR_NAMESPACE_USER, "last", "1", 1), 1);
        CHECK_IS(call(SYS_extattr_delete_link, "file", EXTATTR_NAMESPACE_USER, "last"), 0);
        CHECK_IS(call(SYS_extattr_list_link, "file", EXTATTR_NAMESPACE_USER, buffer, 64), 0);
    }
    CHECK_IS(call(SYS_extattr_get_file, "file", 9, "none", buffer, 8), -EPERM);
    CHECK_IS(call(SYS___acl_get_file, "file", 2, buffer), -EOPNOTSUPP);
    CHECK_IS(call(SYS___acl_get_link, "missing", 2, buffer), -ENOENT);
    CHECK_IS(call(SYS___acl_get_fd, 999, 2, buffer), -EBADF);
    CHECK_IS(call(SYS___acl_set_fd, 1, 2, buffer), -EOPNOTSUPP);
    CHECK_IS(call(SYS___acl_set_file, "file", 2, buffer), -EOPNOTSUPP);
    CHECK_IS(call(SYS___acl_set_link, "file", 2, buffer), -EOPNOTSUPP);
    CHECK_IS(call(SYS___acl_delete_file, "file", 2), -EOPNOTSUPP);
    CHECK_IS(call(SYS___acl_delete_link, "missing", 2), -ENOENT);
    CHECK_IS(call(SYS___acl_delete_fd, 1, 2), -EOPNOTSUPP);
    CHECK_IS(call(SYS___acl_aclcheck_file, "file", 2, buffer), -EOPNOTSUPP);
    CHECK_IS(call(SYS___acl_aclcheck_link, "missing", 2, buffer), -ENOENT);
    CHECK_IS(call(SYS___acl_aclcheck_fd, 1, 2, buffer), -EOPNOTSUPP);
}

static void limits(void)
{
    CHECK_IS(call(SYS_pathconf, "file", _PC_NAME_MAX), 255);
    CHECK_IS(call(SYS_pathconf, "file", _PC_PATH_MAX), 1024);
    CHECK_IS(call(SYS_lpathconf, "file", _PC_ACL_EXTENDED), 0);
    CHECK_IS(call(SYS_pathconf, "file", _PC_PIPE_BUF), -EINVAL);
    CHECK_IS(call(SYS_pathconf, ".", _PC_PIPE_BUF), 512);
    CHECK_IS(call(SYS_pathconf, "missing", _PC_NAME_MAX), -ENOENT);
    CHECK_IS(call(SYS_pathconf, "file", 1000), -EINVAL);
    CHECK_IS(call(SYS_fpathconf, 999, _PC_NAME_MAX), -EBADF);
    long fd = call(SYS_open, "/dev/null", O_RDWR, 0);
    CHECK_IS(call(SYS_fpathconf, fd, _PC_VDISABLE), 255);
    call(SYS_close, fd);
}

static struct statfs mounted[64];

static void mounts(void)
{
    static struct freebsd11_statfs old;
    struct statfs *root = &mounted[0];
    CHECK_IS(call(SYS_statfs, "/", root), 0);
    CHECK_IS(root->f_version, STATFS_VERSION);
    CHECK(equal(root->f_mntonname, "/"));
    CHECK(root->f_bsize != 0 && root->f_blocks >= root->f_bfree && root->f_namemax == 255);
    CHECK(root->f_flags & MNT_ROOTFS);
    CHECK_IS(call(SYS_statfs, "/dev/null", root), 0);
    CHECK(equal(root->f_fstypename, "devfs") || equal(root->f_fstypename, "tmpfs"));
    CHECK_IS(call(SYS_statfs, "/missing", root), -ENOENT);
    CHECK_IS(call(SYS_freebsd11_statfs, "/", &old), 0);
    CHECK(old.f_version == FREEBSD11_STATFS_VERSION && equal(old.f_mntonname, "/"));
    long fd = call(SYS_open, ".", O_RDONLY, 0);
    CHECK_IS(call(SYS_fstatfs, fd, root), 0);
    CHECK_IS(call(SYS_freebsd11_fstatfs, fd, &old), 0);
    CHECK_IS(old.f_bsize, root->f_bsize);
    call(SYS_close, fd);
    s32 ends[2];
    call(SYS_pipe2, ends, 0);
    CHECK_IS(call(SYS_fstatfs, ends[0], root), -EINVAL);
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
    long count = call(SYS_getfsstat, 0, 0, MNT_NOWAIT);
    CHECK(count > 0);
    CHECK_IS(call(SYS_getfsstat, mounted, sizeof(mounted), MNT_NOWAIT), count < 64 ? count : 64);
    int found = 0;
    for (long i = 0; i < count && i < 64; i++)
        found += equal(mounted[i].f_mntonname, "/");
    CHECK(found >= 1);
    CHECK_IS(call(SYS_getfsstat, mounted, sizeof(mounted[0]) + 5, MNT_WAIT), 1);
    CHECK_IS(call(SYS_freebsd11_getfsstat, 0, 0, MNT_NOWAIT), count);
    CHECK_IS(call(SYS_getfsstat, 0, 0, 7), -EINVAL);
}

/* Each of the mounts, asked for twice and then in turns, says the same of itself as the list does. */
static void mounts_again(void)
{
    static struct statfs one;
    long count = call(SYS_getfsstat, mounted, sizeof(mounted), MNT_NOWAIT);
    if (count > 64)
        count = 64;
    for (int round = 0; round < 3; round++)
        for (long i = 0; i < count; i++)
            for (int twice = 0; twice < 2; twice++) {
                if (call(SYS_statfs, mounted[i].f_mntonname, &one) != 0)
                    continue; /* out of reach */
                int covered = 0;
                for (long above = i + 1; above < count; above++)
                    covered |= equal(mounted[above].f_mntonname, mounted[i].f_mntonname);
                if (covered)
                    continue;
                CHECK(equal(one.f_mntonname, mounted[i].f_mntonname));
                CHECK(equal(one.f_fstypename, mounted[i].f_fstypename));
                CHECK(equal(one.f_mntfromname, mounted[i].f_mntfromname));
            }
}

static void sending(void)
{
    s32 ends[2];
    char buffer[64] = {0};
    struct iovec head = {"<<", 2}, tail = {">>>", 3};
    struct sf_hdtr around = {&head, 1, &tail, 1};
    s64 sent = -1;
    long fd = make_file("file", "0123456789");
    CHECK_IS(call(SYS_socketpair, 1, 1, 0, ends), 0); /* AF_UNIX, SOCK_STREAM */
    CHECK_IS(call(SYS_sendfile, fd, ends[0], 2, 5, 0, &sent, 0), 0);
    CHECK_IS(sent, 5);
    CHECK_IS(call(SYS_read, ends[1], buffer, 64), 5);
    CHECK(memcmp(buffer, "23456", 5) == 0);
    CHECK_IS(call(SYS_sendfile, fd, ends[0], 8, 0, &around, &sent, 0), 0);
    CHECK_IS(sent, 7);
    CHECK_IS(call(SYS_read, ends[1], buffer, 64), 7);
    CHECK(memcmp(buffer, "<<89>>>", 7) == 0);
    CHECK_IS(call(SYS_sendfile, fd, fd, 0, 0, 0, &sent, 0), -ENOTSOCK);
    CHECK_IS(call(SYS_sendfile, ends[0], ends[0], 0, 0, 0, &sent, 0), -EINVAL);
    CHECK_IS(call(SYS_sendfile, fd, ends[0], -1, 0, 0, &sent, 0), -EINVAL);
    CHECK_IS(call(SYS_sendfile, 999, ends[0], 0, 0, 0, &sent, 0), -EBADF);
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
    /* An empty file sends nothing, and still needs somebody at the other end of a stream. */
    call(SYS_ftruncate, fd, 0);
    long alone = call(SYS_socket, 1, 1, 0), datagrams = call(SYS_socket, 1, 2, 0);
    CHECK_IS(call(SYS_sendfile, fd, alone, 0, 0, 0, 0, 0), -ENOTCONN);
    CHECK_IS(call(SYS_sendfile, fd, datagrams, 0, 0, 0, 0, 0), -EINVAL);
    call(SYS_close, alone);
    call(SYS_close, datagrams);
    call(SYS_close, fd);
}

static void test(void)
{
    scratch_enter();
    space();
    shared();
    attributes();
    limits();
    mounts();
    mounts_again();
    sending();
    call(SYS_unlink, "file");
    scratch_leave();
}
