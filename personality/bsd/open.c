/* open and openat.
 *
 * A BSD's open can also lock the file; FreeBSD's stays below a directory, opens for execution or search alone and
 * reopens a descriptor, NetBSD's insists on a regular file.  It never makes a terminal the controlling one,
 * treats O_DIRECT as a hint, and tells a refused symbolic link from a chain that is too long (ELOOP). */
#include "files.h"

/* The host takes no other flag together with O_PATH. */
#define PATH_FLAGS (LINUX_O_PATH | LINUX_O_CLOEXEC | LINUX_O_DIRECTORY | LINUX_O_NOFOLLOW)
#define LOCK_FLAGS (BSD_O_SHLOCK | BSD_O_EXLOCK)
/* Nobody may set the sticky bit while creating. */
#define CREATION_MODE 06777

static long host_flags_of(u64 flags, u64 *host_flags)
{
    u64 access = flags & BSD_O_ACCMODE;
    u64 directory_create = BSD_O_CREAT | BSD_O_DIRECTORY;
    if (flags & BSD_O_PATH)
        flags &= ~(u64)BSD_O_ACCMODE;
    else if (flags & BSD_O_EXEC ? access != 0 : access == BSD_O_ACCMODE)
        return -EINVAL;
    if ((flags & directory_create) == directory_create) {
        if (!WAY_CREATE_FINDS_DIRECTORY || flags & BSD_O_EXCL)
            return -EINVAL;
        flags &= ~(u64)BSD_O_CREAT; /* a directory is never created, only found */
    }
    if (!bsd_open_flags_to_host(flags & ~(u64)(BSD_O_DIRECT | BSD_O_ASYNC), host_flags))
        return -EINVAL;
    *host_flags |= LINUX_O_NOCTTY;
    if (flags & (BSD_O_PATH | BSD_O_EXEC))
        *host_flags = (*host_flags | LINUX_O_PATH) & PATH_FLAGS;
    return 0;
}

static bool is_empty_string(u64 path)
{
    char first = 1;
    return copy_in(&first, path, 1) == 0 && first == 0;
}

static long open_place(int dirfd, u64 path, u64 flags, u64 host_flags, u64 mode)
{
    char link[DESCRIPTOR_PATH];
    mode &= CREATION_MODE;
    if (flags & BSD_O_EMPTY_PATH && is_empty_string(path)) {
        if (dirfd == LINUX_AT_FDCWD)
            return host_intr(__NR_openat, dirfd, ".", host_flags, 0);
        descriptor_path(link, dirfd);
        return host_intr(__NR_openat, LINUX_AT_FDCWD, link, host_flags & ~(u64)LINUX_O_NOFOLLOW, 0);
    }
    if (flags & BSD_O_RESOLVE_BENEATH)
        return open_beneath(dirfd, path, host_flags, mode);
    return host_intr(__NR_openat, dirfd, path, host_flags, mode);
}

/* The host's reasons for refusing, where the guest's kernel has others. */
static long refused(int dirfd, u64 path, u64 flags, long r)
{
    if ((r == -ELOOP || r == -ENOTDIR) && flags & BSD_O_NOFOLLOW &&
        file_type(dirfd, path) == MODE_LINK)
        return WAY_LINK_NOT_FOLLOWED;
    if (r == -ENXIO && file_type(dirfd, path) == MODE_SOCKET)
        return -EOPNOTSUPP;
    return r;
}

static long check_execute(int fd)
{
    long r = host(__NR_faccessat2, fd, "", LINUX_X_OK, LINUX_AT_EMPTY_PATH | LINUX_AT_EACCESS);
    return r == -EPERM ? -EACCES : r;
}

static long lock_whole(int fd, u64 flags)
{
    u64 operation = flags & BSD_O_EXLOCK ? LINUX_LOCK_EX : LINUX_LOCK_SH;
    if (flags & BSD_O_NONBLOCK)
        operation |= LINUX_LOCK_NB;
    long r = host_intr(__NR_flock, fd, operation);
    if (r == RESTART && flags & BSD_O_EXCL)
        return -EINTR; /* the file exists now: opening again would fail */
    if (!is_error(r) && flags & BSD_O_TRUNC)
        r = host(__NR_ftruncate, fd, 0);
    return r;
}

/* Looked at beforehand: opening a device or a pipe has effects of its own. */
static bool is_special(int dirfd, u64 path, u64 no_follow)
{
    struct bsd_stat st;
    u64 flags = no_follow ? LINUX_AT_SYMLINK_NOFOLLOW : 0;
    return !is_error(read_stat(dirfd, path, flags, &st)) && (st.mode & MODE_TYPE) != MODE_REGULAR;
}

static long open_file(struct thread *t, u64 at, u64 path, u64 flags, u64 mode)
{
    int dirfd = (s32)at;
    u64 host_flags;
    long r = host_flags_of(flags, &host_flags);
    if (is_error(r))
        return r;
    if (fd_is_reserved(t, dirfd))
        return -EBADF;
    if (flags & BSD_O_REGULAR && is_special(dirfd, path, flags & BSD_O_NOFOLLOW))
        return GUEST_ERRNO(BSD_EFTYPE);
    if (bsd_hides(path))
        return own_process_open(t, path, host_flags);
    bool truncate_later = flags & LOCK_FLAGS && flags & BSD_O_ACCMODE;
    if (truncate_later)
        host_flags &= ~(u64)LINUX_O_TRUNC;
    r = open_place(dirfd, path, flags, host_flags, mode);
    const char *device = r == -ENOENT ? own_device(path) : NULL;
    if (device != NULL)
        r = open_place(dirfd, (u64)device, flags, host_flags, mode);
    /* An existing directory may be opened with O_CREAT, as long as it is only read. */
    u64 writing = BSD_O_ACCMODE | BSD_O_TRUNC | BSD_O_EXCL;
    if (r == -EISDIR && flags & BSD_O_CREAT && !(flags & writing))
        r = open_place(dirfd, path, flags, host_flags & ~(u64)LINUX_O_CREAT, 0);
    if (is_error(r))
        return refused(dirfd, path, flags, r);
    long after = 0;
    if (flags & BSD_O_EXEC)
        after = check_execute((int)r);
    else if (flags & LOCK_FLAGS && !(flags & BSD_O_PATH))
        after = lock_whole((int)r, truncate_later ? flags : flags & ~(u64)BSD_O_TRUNC);
    if (is_error(after)) {
        host(__NR_close, r);
        return after;
    }
    return r;
}

long bsd_sys_open(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return open_file(t, (u64)(s64)LINUX_AT_FDCWD, a[0], a[1], a[2]);
}

long bsd_sys_openat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return open_file(t, a[0], a[1], a[2], a[3]);
}
