/* rename as NetBSD does it: of two names of one file, the first goes away; POSIX and the host keep both. */
#include "files.h"
#include "netbsd.h"

#define PATH_ROOM 1024

struct entry {
    struct netbsd_stat directory;
    char name[PATH_ROOM];
};

static long read_entry(s32 fd, u64 path, struct entry *e)
{
    char whole[PATH_ROOM];
    long length = copy_in_string(whole, path, sizeof(whole));

    if (length < 0)
        return length;
    long start = last_component(whole, &length);
    memcpy(e->name, whole + start, (size_t)(length - start) + 1);
    whole[start] = 0;
    return read_stat(fd, (u64)(start > 0 ? whole : "."), 0, &e->directory);
}

static bool same_file(const struct netbsd_stat *a, const struct netbsd_stat *b)
{
    return a->dev == b->dev && a->ino == b->ino;
}

static bool same_entry(s32 from, u64 path, s32 to, u64 new_path)
{
    struct entry a, b;
    return read_entry(from, path, &a) == 0 && read_entry(to, new_path, &b) == 0 &&
           same_file(&a.directory, &b.directory) && strcmp(a.name, b.name) == 0;
}

/* a: as renameat. */
long netbsd_sys_renameat_apart(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    s32 from = (s32)a[0] == NETBSD_AT_FDCWD ? LINUX_AT_FDCWD : (s32)a[0];
    s32 to = (s32)a[2] == NETBSD_AT_FDCWD ? LINUX_AT_FDCWD : (s32)a[2];
    struct netbsd_stat left, made;
    long r = bsd_sys_renameat(t, f, a);

    if (is_error(r) || read_stat(from, a[1], LINUX_AT_SYMLINK_NOFOLLOW, &left) != 0)
        return r;
    if (read_stat(to, a[3], LINUX_AT_SYMLINK_NOFOLLOW, &made) != 0 || !same_file(&left, &made) ||
        same_entry(from, a[1], to, a[3]))
        return r;
    return host(__NR_unlinkat, from, a[1], 0);
}
