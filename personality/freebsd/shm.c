/* POSIX shared memory objects.
 *
 * Named ones are files in /dev/shm, where the host's own programs have theirs, so that both can share.
 * FreeBSD's names may hold slashes: those are written as %2f, and a percent sign as %25.  Anonymous
 * ones are the host's memfd. */
#include "files.h"

#define DIRECTORY "/dev/shm/"
#define OPEN_FLAGS                                                                                  \
    (FREEBSD_O_ACCMODE | FREEBSD_O_CREAT | FREEBSD_O_EXCL | FREEBSD_O_TRUNC | FREEBSD_O_CLOEXEC)
#define MODE_MASK 0777

struct object_name {
    char path[sizeof(DIRECTORY) + 256];
};

/* The file of a name such as /a/b.  0 or -errno. */
static long name_object(u64 address, struct object_name *object)
{
    char name[1024];
    long length = copy_in_string(name, address, sizeof(name));
    if (length < 0)
        return length;
    if (name[0] != '/')
        return -EINVAL;
    size_t used = sizeof(DIRECTORY) - 1;
    memcpy(object->path, DIRECTORY, used);
    for (const char *from = name + 1; *from; from++) {
        bool special = *from == '/' || *from == '%';
        if (used + (special ? 3 : 1) >= sizeof(object->path))
            return -ENAMETOOLONG;
        if (special)
            used += (size_t)format(object->path + used, 4, *from == '/' ? "%%2f" : "%%25");
        else
            object->path[used++] = *from;
    }
    object->path[used] = 0;
    const char *last = object->path + sizeof(DIRECTORY) - 1;
    if (*last == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        return -EINVAL;
    return 0;
}

static long open_anonymous(u64 flags, u64 mode, u64 shm_flags)
{
    if ((flags & FREEBSD_O_ACCMODE) == FREEBSD_O_RDONLY)
        return -EINVAL; /* nobody could ever fill it */
    u64 host_flags = flags & FREEBSD_O_CLOEXEC ? LINUX_MFD_CLOEXEC : 0;
    if (shm_flags & FREEBSD_SHM_ALLOW_SEALING)
        host_flags |= LINUX_MFD_ALLOW_SEALING;
    long fd = host(__NR_memfd_create, "SHM_ANON", host_flags);
    if (is_error(fd))
        return fd;
    long r = host(__NR_fchmod, fd, mode & MODE_MASK);
    if (is_error(r)) {
        host(__NR_close, fd);
        return r;
    }
    return fd;
}

static long open_object(u64 path, u64 flags, u64 mode, u64 shm_flags)
{
    struct object_name object;
    u64 host_flags, access = flags & FREEBSD_O_ACCMODE;
    u64 known = FREEBSD_SHM_ALLOW_SEALING | FREEBSD_SHM_GROW_ON_WRITE | FREEBSD_SHM_LARGEPAGE;
    if ((flags & ~(u64)OPEN_FLAGS) != 0 || (shm_flags & ~known) != 0)
        return -EINVAL;
    if (access != FREEBSD_O_RDONLY && access != FREEBSD_O_RDWR)
        return -EINVAL;
    if (shm_flags & FREEBSD_SHM_LARGEPAGE)
        return -ENOTTY; /* as on a machine without large pages */
    if (path == FREEBSD_SHM_ANON)
        return open_anonymous(flags, mode, shm_flags);
    long r = name_object(path, &object);
    if (is_error(r))
        return r;
    if (access == FREEBSD_O_RDONLY)
        flags &= ~(u64)FREEBSD_O_TRUNC; /* ignored, where the host would truncate */
    if (!freebsd_open_flags_to_host(flags, &host_flags))
        return -EINVAL;
    return host(__NR_openat, LINUX_AT_FDCWD, object.path, host_flags | LINUX_O_NOFOLLOW, mode & MODE_MASK);
}

/* The older call always closes on exec. */
long freebsd_sys_freebsd12_shm_open(struct thread *t UNUSED, struct frame *f UNUSED,
                                    const u64 a[MAX_ARGUMENTS])
{
    return open_object(a[0], (u32)a[1] | FREEBSD_O_CLOEXEC, a[2], 0);
}

/* The name argument is for debuggers alone. */
long freebsd_sys_shm_open2(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return open_object(a[0], (u32)a[1], a[2], (u32)a[3]);
}

long freebsd_sys_shm_unlink(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct object_name object;
    long r = name_object(a[0], &object);
    return is_error(r) ? r : host(__NR_unlink, object.path);
}

long freebsd_sys_shm_rename(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct object_name from, to;
    u64 flags = 0, both = FREEBSD_SHM_RENAME_NOREPLACE | FREEBSD_SHM_RENAME_EXCHANGE;
    if ((a[2] & ~both) != 0 || a[2] == both)
        return -EINVAL;
    if (a[2] & FREEBSD_SHM_RENAME_NOREPLACE)
        flags = LINUX_RENAME_NOREPLACE;
    if (a[2] & FREEBSD_SHM_RENAME_EXCHANGE)
        flags = LINUX_RENAME_EXCHANGE;
    long r = name_object(a[0], &from);
    if (!is_error(r))
        r = name_object(a[1], &to);
    if (is_error(r))
        return r;
    return host(__NR_renameat2, LINUX_AT_FDCWD, from.path, LINUX_AT_FDCWD, to.path, flags);
}
