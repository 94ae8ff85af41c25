/* getdirentries: large directories, small buffers, positions, the old form; paths of descriptors. */
#define _WANT_FREEBSD11_DIRENT
#include <sys/types.h>
#include <sys/dirent.h>
#include <sys/fcntl.h>
#include <errno.h>

#include "scratch.h"

#define FILES 3000
#define NAME_START 24

static char buffer[8192] __attribute__((aligned(8)));
static u8 seen[FILES];

static void name_of(char *to, int i)
{
    to[0] = 0;
    append(to, "entry-with-a-name-of-some-length-");
    append_number(to, i);
}

static int number_in(const char *name)
{
    int value = 0;
    if (memcmp(name, "entry-with-a-name-of-some-length-", 33) != 0)
        return -1;
    for (const char *p = name + 33; *p; p++)
        value = value * 10 + (*p - '0');
    return value;
}

/* Reads all of it with a buffer of that size; how many entries, or a negative error. */
static long read_all(long fd, size_t room, int *good)
{
    long count = 0, got;
    s64 base = -1, last = -2;
    *good = 1;
    while ((got = call(SYS_getdirentries, fd, buffer, room, &base)) > 0) {
        if (base == last)
            *good = 0;
        last = base;
        for (long at = 0; at < got;) {
            struct dirent *entry = (void *)(buffer + at);
            if (entry->d_reclen % 8 || entry->d_reclen < NAME_START + entry->d_namlen + 1 ||
                length(entry->d_name) != entry->d_namlen)
                *good = 0;
            int i = number_in(entry->d_name);
            if (i >= 0 && i < FILES) {
                seen[i]++;
                if (entry->d_type != DT_REG || entry->d_fileno == 0)
                    *good = 0;
            } else if (entry->d_type != DT_DIR) {
                *good = 0;
            }
            count++;
            at += entry->d_reclen;
        }
    }
    return got < 0 ? got : count;
}

static int each_once(void)
{
    int good = 1;
    for (int i = 0; i < FILES; i++) {
        good &= seen[i] == 1;
        seen[i] = 0;
    }
    return good;
}

static void sizes(long fd)
{
    static const size_t rooms[] = {8192, 4096, 1024, 512, 100};
    int good;
    for (int i = 0; i < 5; i++) {
        CHECK_IS(call(SYS_lseek, fd, 0, 0), 0);
        CHECK_IS(read_all(fd, rooms[i], &good), FILES + 2);
        CHECK(good);
        CHECK(each_once());
    }
    call(SYS_lseek, fd, 0, 0);
    CHECK_IS(call(SYS_getdirentries, fd, buffer, 8, 0), -EINVAL);
}

/* d_off of an entry is where the next one starts, and so is the base of the next block. */
static void positions(long fd)
{
    s64 base;
    char next[256];
    call(SYS_lseek, fd, 0, 0);
    long got = call(SYS_getdirentries, fd, buffer, 4096, &base);
    CHECK_IS(base, 0);
    struct dirent *first = (void *)buffer, *second = (void *)(buffer + first->d_reclen);
    CHECK(got > first->d_reclen);
    memcpy(next, second->d_name, second->d_namlen + 1);
    CHECK_IS(call(SYS_lseek, fd, first->d_off, 0), first->d_off);
    CHECK(call(SYS_getdirentries, fd, buffer, 4096, &base) > 0);
    CHECK_IS(base, ((struct dirent *)buffer)->d_off == base ? -1 : base);
    CHECK(equal(((struct dirent *)buffer)->d_name, next));
}

static void old_form(long fd)
{
    long count = 0, got, base;
    int good = 1;
    call(SYS_lseek, fd, 0, 0);
    while ((got = call(SYS_freebsd11_getdirentries, fd, buffer, sizeof(buffer), &base)) > 0)
        for (long at = 0; at < got; count++) {
            struct freebsd11_dirent *entry = (void *)(buffer + at);
            good &= entry->d_reclen % 4 == 0 && entry->d_namlen == length(entry->d_name);
            at += entry->d_reclen;
        }
    CHECK_IS(count, FILES + 2);
    CHECK(good);
    call(SYS_lseek, fd, 0, 0);
    CHECK(call(SYS_freebsd11_getdents, fd, buffer, 512) > 250);
}

static void paths(long fd)
{
    char path[1024];
    CHECK_IS(call(SYS___getcwd, path, sizeof(path)), 0);
    CHECK(equal(path, scratch_));
    CHECK_IS(call(SYS___getcwd, path, 3), -ERANGE);
    CHECK_IS(call(SYS___getcwd, path, 1), -EINVAL);
    CHECK_IS(call(SYS___realpathat, fd, "../directory/.", path, sizeof(path), 0), 0);
    CHECK(memcmp(path, scratch_, length(scratch_)) == 0 && equal(path + length(scratch_), "/directory"));
    CHECK_IS(call(SYS___realpathat, fd, ".", path, sizeof(path), 1), -EINVAL);
    CHECK_IS(call(SYS___realpathat, fd, "missing", path, sizeof(path), 0), -ENOENT);
}

/* A slash behind a link's name: the link is followed, whatever the call. */
static void trailing_slashes(void)
{
    CHECK_IS(call(SYS_symlink, "real", "link"), 0);
    CHECK_IS(call(SYS_symlink, "turn/", "turn"), 0);
    CHECK_IS(call(SYS_mkdir, "link", 0700), -EEXIST);
    CHECK_IS(call(SYS_mkdir, "link/", 01777), 0);
    CHECK_IS(call(SYS_rename, "link/", "other"), 0);
    CHECK_IS(call(SYS_renameat, AT_FDCWD, "other", AT_FDCWD, "link/"), 0);
    CHECK_IS(call(SYS_mkdirat, AT_FDCWD, "real/inner", 0700), 0);
    CHECK_IS(call(SYS_rmdir, "link/"), -ENOTEMPTY);
    CHECK_IS(call(SYS_rmdir, "link/inner/"), 0);
    CHECK_IS(call(SYS_unlink, "link/"), -EPERM);
    CHECK_IS(call(SYS_rmdir, "link/"), 0);
    CHECK_IS(call(SYS_rmdir, "link/"), -ENOENT);
    CHECK_IS(call(SYS_rmdir, "link"), -ENOTDIR);
    CHECK_IS(call(SYS_rmdir, "turn/"), -ELOOP);
    CHECK_IS(call(SYS_unlink, "link"), 0);
    CHECK_IS(call(SYS_unlink, "turn"), 0);
}

static void test(void)
{
    char name[64];
    int bad = 0;
    scratch_enter();
    CHECK_IS(call(SYS_mkdir, "directory", 0700), 0);
    long fd = call(SYS_open, "directory", O_RDONLY | O_DIRECTORY, 0);
    for (int i = 0; i < FILES; i++) {
        name_of(name, i);
        long file = call(SYS_openat, fd, name, O_WRONLY | O_CREAT, 0600);
        bad += file < 0;
        call(SYS_close, file);
    }
    CHECK_IS(bad, 0);
    sizes(fd);
    positions(fd);
    old_form(fd);
    paths(fd);
    for (int i = 0; i < FILES; i++) {
        name_of(name, i);
        bad += call(SYS_unlinkat, fd, name, 0) != 0;
    }
    CHECK_IS(bad, 0);
    CHECK_IS(call(SYS_unlinkat, AT_FDCWD, "directory", AT_REMOVEDIR), 0);
    CHECK_IS(call(SYS_getdirentries, fd, buffer, 4096, 0), -ENOENT);
    call(SYS_close, fd);
    trailing_slashes();
    fd = make_file("file", "");
    CHECK_IS(call(SYS_getdirentries, fd, buffer, 4096, 0), -EINVAL);
    CHECK_IS(call(SYS_funlinkat, AT_FDCWD, "file", 0, 0), -EDEADLK);
    CHECK_IS(call(SYS_funlinkat, AT_FDCWD, "file", fd, 0), 0);
    call(SYS_close, fd);
    scratch_leave();
}
