/* Changing the entries of a directory: mkdir, rmdir, unlink, rename.
 *
 * The two kernels part ways over a last name that is a symbolic link with a slash behind it: FreeBSD
 * follows the link, so that rmdir("link/") removes the directory that it leads to, while the host
 * refuses.  That is only looked into when the host has refused. */
#include "files.h"

#define HERE ((u64)(s64)BSD_AT_FDCWD)
#define PATH_ROOM 1024
#define LINKS_MAXIMUM 32 /* FreeBSD's MAXSYMLINKS */

struct followed {
    char path[PATH_ROOM];
};

static bool may_be_link(long r)
{
    return r == -ENOTDIR || r == -EEXIST || r == -EISDIR || r == -ENOENT || r == -EINVAL;
}

/* Replaces a last link, "a/link/" to "a/target/".  1: done; 0: there is none; or -errno. */
static long follow_once(int dirfd, struct followed *to)
{
    char target[PATH_ROOM];
    size_t length = strlen(to->path), end = length;
    while (end > 0 && to->path[end - 1] == '/')
        end--;
    if (end == 0 || end == length)
        return 0;
    to->path[end] = 0;
    long got = host(__NR_readlinkat, dirfd, to->path, target, sizeof(target) - 2);
    to->path[end] = '/';
    if (is_error(got))
        return 0;
    size_t size = (size_t)got, start = end;
    while (start > 0 && to->path[start - 1] != '/')
        start--;
    if (target[0] == '/')
        start = 0;
    if (start + size + 2 > sizeof(to->path))
        return -ENAMETOOLONG;
    memcpy(to->path + start, target, size);
    to->path[start + size] = '/';
    to->path[start + size + 1] = 0;
    return 1;
}

/* The path with its last links followed.  1: it is another one now; 0: it is not; or -errno. */
static long follow(int dirfd, u64 path, struct followed *to)
{
    long r = copy_in_string(to->path, path, sizeof(to->path));
    if (r < 0)
        return r;
    for (int links = 0; links <= LINKS_MAXIMUM; links++) {
        r = follow_once(dirfd, to);
        if (r <= 0)
            return r < 0 ? r : links > 0;
    }
    return -ELOOP;
}

/* ---- removing ----------------------------------------------------------------------------------- */

static long remove_place(const struct place *at)
{
    struct followed other;
    long r = host(__NR_unlinkat, at->fd, at->path, at->flags);
    if (may_be_link(r)) {
        long links = follow(at->fd, at->path, &other);
        if (links != 0)
            r = links < 0 ? links : host(__NR_unlinkat, at->fd, other.path, at->flags);
    }
    return r == -EISDIR ? -EPERM : r; /* unlink of a directory */
}

long remove_name(struct thread *t, u64 fd, u64 path, u64 flags)
{
    struct place at;
    char name[256];
    long r = place_find_entry(t, fd, path, flags, REMOVE_FLAGS, name, &at);
    if (is_error(r))
        return r;
    r = remove_place(&at);
    place_end(&at);
    return r;
}

long bsd_sys_unlink(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return remove_name(t, HERE, a[0], 0);
}

long bsd_sys_unlinkat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return remove_name(t, a[0], a[1], a[2]);
}

long bsd_sys_rmdir(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return remove_name(t, HERE, a[0], BSD_AT_REMOVEDIR);
}

/* ---- making and renaming ------------------------------------------------------------------------ */

static long make_directory(struct thread *t, u64 fd, u64 path, u64 mode)
{
    struct followed other;
    int dirfd = (s32)fd;
    if (fd_is_reserved(t, dirfd))
        return -EBADF;
    mode &= 0777;
    long r = host(__NR_mkdirat, dirfd, path, mode);
    if (may_be_link(r)) {
        long links = follow(dirfd, path, &other);
        if (links != 0)
            r = links < 0 ? links : host(__NR_mkdirat, dirfd, other.path, mode);
    }
    return r;
}

long bsd_sys_mkdir(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return make_directory(t, HERE, a[0], a[1]);
}

long bsd_sys_mkdirat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return make_directory(t, a[0], a[1], a[2]);
}

static long rename_entry(struct thread *t, u64 from_fd, u64 from, u64 to_fd, u64 to)
{
    struct followed other_from, other_to;
    int from_dir = (s32)from_fd, to_dir = (s32)to_fd;
    if (fd_is_reserved(t, from_dir) || fd_is_reserved(t, to_dir))
        return -EBADF;
    long r = host(__NR_renameat, from_dir, from, to_dir, to);
    if (!may_be_link(r))
        return r;
    long first = follow(from_dir, from, &other_from), second = follow(to_dir, to, &other_to);
    if (first < 0 || second < 0)
        return first < 0 ? first : second;
    if (first == 0 && second == 0)
        return r;
    return host(__NR_renameat, from_dir, first == 1 ? (u64)other_from.path : from, to_dir,
                second == 1 ? (u64)other_to.path : to);
}

long bsd_sys_rename(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return rename_entry(t, HERE, a[0], HERE, a[1]);
}

long bsd_sys_renameat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return rename_entry(t, a[0], a[1], a[2], a[3]);
}
