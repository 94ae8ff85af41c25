/* A file's mode, its owner, and its flags (chflags).
 *
 * Of FreeBSD's file flags the host has three: immutable and append-only, which only the superuser may set
 * (SF_IMMUTABLE, SF_APPEND), and "do not dump".  A file that is asked to carry another one is answered as
 * by a file system without it. */
#include "files.h"

#define HERE ((u64)(s64)BSD_AT_FDCWD)
#define AT_FLAGS (BSD_AT_SYMLINK_NOFOLLOW | BSD_AT_RESOLVE_BENEATH | BSD_AT_EMPTY_PATH)

/* ---- modes and owners --------------------------------------------------------------------------- */

#define STICKY 01000

/* Only the superuser may make a file sticky that is no directory. */
static long check_sticky(int fd, u64 path, u64 flags, u64 mode)
{
    struct bsd_stat st;
    if (!(mode & STICKY) || host(__NR_geteuid) == 0)
        return 0;
    long r = read_stat(fd, path, flags, &st);
    if (is_error(r))
        return r;
    return (st.mode & MODE_TYPE) == MODE_DIRECTORY ? 0 : GUEST_ERRNO(BSD_EFTYPE);
}

/* The host keeps no mode of its own for a symbolic link: it can be given the one that it shows, which is
 * what copying a tree asks for. */
static long set_link_mode(int link, u64 mode)
{
    struct bsd_stat st;
    long r = read_stat(link, (u64) "", LINUX_AT_EMPTY_PATH, &st), user = host(__NR_geteuid);
    if (is_error(r))
        return r;
    if (user != 0 && user != (long)st.uid)
        return -EPERM;
    return (st.mode & PERMISSIONS) == mode ? 0 : -EOPNOTSUPP;
}

static long change_mode(struct thread *t, u64 fd, u64 path, u64 mode, u64 flags)
{
    struct place at;
    char link[DESCRIPTOR_PATH];
    long r = place_find(t, fd, path, flags, AT_FLAGS, &at);
    if (is_error(r))
        return r;
    mode &= PERMISSIONS;
    r = check_sticky(at.fd, at.path, at.flags, mode);
    if (is_error(r)) {
        place_end(&at);
        return r;
    }
    if (at.flags == 0) {
        r = host(__NR_fchmodat, at.fd, at.path, mode);
    } else {
        /* Hosts before 6.6 have no chmod with flags: go by a descriptor, which must not be a link's. */
        u64 follow = at.flags & LINUX_AT_SYMLINK_NOFOLLOW ? LINUX_O_NOFOLLOW : 0;
        bool itself = at.flags & LINUX_AT_EMPTY_PATH && at.opened >= 0;
        r = itself ? at.fd : host(__NR_openat, at.fd, at.path, LINUX_O_PATH | LINUX_O_CLOEXEC | follow, 0);
        if (r == -ENOENT && at.flags & LINUX_AT_EMPTY_PATH)
            r = at.fd; /* the empty path: the descriptor itself */
        if (!is_error(r)) {
            int file = (int)r;
            descriptor_path(link, file);
            r = descriptor_type(file) == MODE_LINK ? set_link_mode(file, mode)
                                                   : host(__NR_fchmodat, LINUX_AT_FDCWD, link, mode);
            if (file != at.fd)
                host(__NR_close, file);
        }
    }
    place_end(&at);
    return r;
}

long bsd_sys_fchmodat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_mode(t, a[0], a[1], a[2], a[3]);
}

long bsd_sys_chmod(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_mode(t, HERE, a[0], a[1], 0);
}

long bsd_sys_fchmod(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    int fd = (s32)a[0];
    if (fd_is_reserved(t, fd))
        return -EBADF;
    long r = check_sticky(fd, (u64) "", LINUX_AT_EMPTY_PATH, a[1]);
    return is_error(r) ? r : host(__NR_fchmod, fd, a[1] & PERMISSIONS);
}

long bsd_sys_lchmod(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_mode(t, HERE, a[0], a[1], BSD_AT_SYMLINK_NOFOLLOW);
}

long bsd_sys_fchownat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct place at;
    long r = place_find(t, a[0], a[1], a[4], AT_FLAGS, &at);
    if (is_error(r))
        return r;
    r = host(__NR_fchownat, at.fd, at.path, (u32)a[2], (u32)a[3], at.flags);
    place_end(&at);
    return r;
}

/* ---- flags -------------------------------------------------------------------------------------- */

static const struct {
    u64 guest, host;
} flag_pairs[] = {
    {BSD_SF_IMMUTABLE, LINUX_FS_IMMUTABLE_FL},
    {BSD_SF_APPEND, LINUX_FS_APPEND_FL},
    {BSD_UF_NODUMP, LINUX_FS_NODUMP_FL},
};

/* The file is open for reading, or not at all (O_PATH): then only "no flags" can be true of it. */
static long change_flags(int fd, u64 flags)
{
    u32 old, changed, managed = 0, wanted = 0;
    u64 known = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(flag_pairs); i++) {
        known |= flag_pairs[i].guest;
        managed |= (u32)flag_pairs[i].host;
        if (flags & flag_pairs[i].guest)
            wanted |= (u32)flag_pairs[i].host;
    }
    if (flags & ~known)
        return -EOPNOTSUPP;
    long r = host(__NR_ioctl, fd, LINUX_FS_IOC_GETFLAGS, &old);
    if (is_error(r))
        return wanted ? -EOPNOTSUPP : 0;
    changed = (old & ~managed) | wanted;
    if (changed == old)
        return 0;
    r = host(__NR_ioctl, fd, LINUX_FS_IOC_SETFLAGS, &changed);
    return r == -ENOTTY ? -EOPNOTSUPP : r;
}

static long change_flags_at(struct thread *t, u64 fd, u64 path, u64 flags, u64 at_flags)
{
    struct place at;
    struct bsd_stat st;
    char link[DESCRIPTOR_PATH];
    long r = place_find(t, fd, path, at_flags, AT_FLAGS, &at);
    if (is_error(r))
        return r;
    r = read_stat(at.fd, at.path, at.flags, &st);
    u32 type = st.mode & MODE_TYPE;
    if (is_error(r) || st.flags == flags) {
        place_end(&at);
        return r;
    }
    if (type != MODE_REGULAR && type != MODE_DIRECTORY) {
        place_end(&at); /* opening a device or a pipe has effects of its own */
        return flags ? -EOPNOTSUPP : 0;
    }
    u64 access = LINUX_O_RDONLY | LINUX_O_NONBLOCK | LINUX_O_CLOEXEC;
    if (at.flags & LINUX_AT_EMPTY_PATH && at.opened >= 0) {
        descriptor_path(link, at.fd);
        r = host(__NR_openat, LINUX_AT_FDCWD, link, access, 0);
    } else {
        r = host(__NR_openat, at.fd, at.path, access, 0);
    }
    place_end(&at);
    if (is_error(r))
        return r;
    int file = (int)r;
    r = change_flags(file, flags);
    host(__NR_close, file);
    return r;
}

long bsd_sys_chflags(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_flags_at(t, HERE, a[0], a[1], 0);
}

long bsd_sys_lchflags(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_flags_at(t, HERE, a[0], a[1], BSD_AT_SYMLINK_NOFOLLOW);
}

long bsd_sys_chflagsat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_flags_at(t, a[0], a[1], a[2], a[3]);
}

long bsd_sys_fchflags(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    int fd = (s32)a[0];
    if (fd_is_reserved(t, fd) || is_error(host(__NR_fcntl, fd, LINUX_F_GETFD, 0)))
        return -EBADF;
    return change_flags(fd, a[1]);
}
