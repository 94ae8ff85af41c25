/* Making nodes, and the calls that ask about a path without opening it. */
#include "files.h"

#define HERE ((u64)(s64)BSD_AT_FDCWD)

/* ---- nodes -------------------------------------------------------------------------------------- */

long make_node(struct thread *t, u64 fd, u64 path, u64 mode, u64 device)
{
    u64 type = mode & MODE_TYPE;
    if (fd_is_reserved(t, (s32)fd))
        return -EBADF;
    if (type != MODE_CHARACTER && type != MODE_BLOCK && !(type == MODE_FIFO && device == 0))
        return -EINVAL;
    return host(__NR_mknodat, (s32)fd, path, type | (mode & PERMISSIONS), device_to_host(device));
}

long bsd_sys_mknodat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return make_node(t, a[0], a[1], a[2], a[3]);
}

static long make_fifo(struct thread *t, u64 fd, u64 path, u64 mode)
{
    return make_node(t, fd, path, MODE_FIFO | (mode & PERMISSIONS), 0);
}

long bsd_sys_mkfifo(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return make_fifo(t, HERE, a[0], a[1]);
}

long bsd_sys_mkfifoat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return make_fifo(t, a[0], a[1], a[2]);
}

/* ---- further names ------------------------------------------------------------------------------ */

/* Both ends can be kept beneath their directories: the first is a file, the second a name to be made. */
long bsd_sys_linkat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 allowed = BSD_AT_SYMLINK_FOLLOW | BSD_AT_RESOLVE_BENEATH | BSD_AT_EMPTY_PATH;
    u64 beneath = a[4] & BSD_AT_RESOLVE_BENEATH;
    struct place from, to;
    char name[256];
    /* place_find follows a last link unless told otherwise; linkat does so only if asked. */
    u64 flags = beneath && !(a[4] & BSD_AT_SYMLINK_FOLLOW) ? a[4] | BSD_AT_SYMLINK_NOFOLLOW : a[4];
    if (a[4] & ~allowed)
        return -EINVAL;
    long r = place_find(t, a[0], a[1], flags, allowed | BSD_AT_SYMLINK_NOFOLLOW, &from);
    if (is_error(r))
        return r;
    r = place_find_entry(t, a[2], a[3], beneath, BSD_AT_RESOLVE_BENEATH, name, &to);
    if (!is_error(r)) {
        char link[DESCRIPTOR_PATH];
        if (from.opened >= 0) { /* by its descriptor: only the superuser may link one without a path */
            descriptor_path(link, from.fd);
            r = host(__NR_linkat, LINUX_AT_FDCWD, link, to.fd, to.path, LINUX_AT_SYMLINK_FOLLOW);
        } else {
            r = host(__NR_linkat, from.fd, from.path, to.fd, to.path, from.flags);
        }
        place_end(&to);
    }
    place_end(&from);
    return r;
}

/* ---- asking ------------------------------------------------------------------------------------- */

#define ACCESS_FLAGS                                                                               \
    (BSD_AT_EACCESS | BSD_AT_SYMLINK_NOFOLLOW | BSD_AT_RESOLVE_BENEATH | BSD_AT_EMPTY_PATH)

long bsd_sys_faccessat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct place at;
    long r = place_find(t, a[0], a[1], a[3], ACCESS_FLAGS, &at);
    if (is_error(r))
        return r;
    r = host(__NR_faccessat2, at.fd, at.path, (u32)a[2], at.flags);
    place_end(&at);
    return r;
}

long bsd_sys_eaccess(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host(__NR_faccessat2, LINUX_AT_FDCWD, a[0], (u32)a[1], LINUX_AT_EACCESS);
}

static long read_link(struct thread *t, u64 fd, u64 path, u64 to, u64 room)
{
    if (fd_is_reserved(t, (s32)fd))
        return -EBADF;
    if ((s64)room < 0)
        return -EINVAL;
    if (bsd_hides(path))
        return own_process_link(t, path, to, room);
    if (room == 0) /* valid here, an error to the host */
        return file_type((s32)fd, path) == MODE_LINK ? 0 : -EINVAL;
    return host(__NR_readlinkat, (s32)fd, path, to, room > 0x7fffffff ? 0x7fffffff : room);
}

long bsd_sys_readlink(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return read_link(t, HERE, a[0], a[1], a[2]);
}

long bsd_sys_readlinkat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return read_link(t, a[0], a[1], a[2], a[3]);
}

long bsd_sys___getcwd(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char path[1024]; /* PATH_MAX */
    if (a[1] < 2)
        return -EINVAL;
    long length = host(__NR_getcwd, path, sizeof(path));
    if (is_error(length))
        return length == -ERANGE ? -ENOMEM : length;
    if (path[0] != '/')
        return -ENOENT; /* outside of this process's root */
    if ((u64)length > a[1])
        return -ERANGE;
    if (copy_out(a[0], path, (size_t)length) != 0)
        return -EFAULT;
    return WAY_GETCWD_TELLS_LENGTH ? length : 0;
}

/* Hangs up a terminal: the host can do that to terminals, and to nothing else. */
long bsd_sys_revoke(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_stat st;
    long r = read_stat(LINUX_AT_FDCWD, a[0], 0, &st);
    if (is_error(r))
        return r;
    if ((st.mode & MODE_TYPE) != MODE_CHARACTER)
        return -EINVAL;
    r = host(__NR_openat, LINUX_AT_FDCWD, a[0],
             LINUX_O_RDWR | LINUX_O_NONBLOCK | LINUX_O_NOCTTY | LINUX_O_CLOEXEC, 0);
    if (is_error(r))
        return r;
    int terminal = (int)r;
    r = host(__NR_ioctl, terminal, LINUX_TIOCVHANGUP, 0);
    host(__NR_close, terminal);
    return r == -ENOTTY ? -EOPNOTSUPP : r;
}
