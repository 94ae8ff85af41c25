/* Nodes with device numbers, in the forms of now and before; removing a name that is still that of an open file;
 * the whole name of a file. */
#include "files.h"

#define HERE ((u64)(s64)FREEBSD_AT_FDCWD)

long freebsd_sys_freebsd11_mknod(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return make_node(t, HERE, a[0], a[1], (u32)a[2]);
}

long freebsd_sys_freebsd11_mknodat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return make_node(t, a[0], a[1], a[2], (u32)a[3]);
}

long freebsd_sys___realpathat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char path[1024];
    if (a[4] != 0)
        return -EINVAL;
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    long r = host(__NR_openat, (s32)a[0], a[1], LINUX_O_PATH | LINUX_O_CLOEXEC, 0);
    if (is_error(r))
        return r;
    int file = (int)r;
    r = descriptor_target(file, path, sizeof(path));
    host(__NR_close, file);
    if (is_error(r))
        return r;
    if (path[0] != '/')
        return -ENOENT;
    if ((u64)r + 1 > a[3])
        return -ENOMEM;
    return copy_out(a[2], path, (size_t)r + 1);
}

/* Removes the name only if it is still that of the open file. */
long freebsd_sys_funlinkat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_stat named, opened;
    int fd = (s32)a[2];
    if (fd == FREEBSD_FD_NONE)
        return remove_name(t, a[0], a[1], a[3]);
    if (fd_is_reserved(t, fd) || fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    if (a[3] & ~(u64)REMOVE_FLAGS)
        return -EINVAL;
    long r = read_stat(fd, (u64) "", LINUX_AT_EMPTY_PATH, &opened);
    if (is_error(r))
        return r;
    r = read_stat((s32)a[0], a[1], LINUX_AT_SYMLINK_NOFOLLOW, &named);
    if (is_error(r))
        return r;
    if (named.dev != opened.dev || named.ino != opened.ino)
        return -EDEADLK;
    return remove_name(t, a[0], a[1], a[3]);
}
