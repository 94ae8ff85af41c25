/* Files: every layout of struct stat, directories, statvfs, calls relative to a directory, times, locks, old numbers. */
#include "guest.h"

struct stat {
    u64 device;
    u32 mode, pad;
    u64 number;
    u32 links, user, group, pad2;
    u64 special;
    struct timespec access, modification, change, birth;
    s64 size, blocks;
    s32 block_size;
    u32 flags, generation, spare[2], pad3;
};
struct stat30 {
    u32 device, mode;
    u64 number;
    u32 links, user, group, special;
    struct {
        s32 sec, pad;
        s64 nsec;
    } access, modification, change, birth;
    s64 size, blocks;
    u32 block_size, flags, generation, spare[3];
};
struct stat13 {
    u32 device, number, mode, links, user, group, special, pad;
    struct {
        s32 sec, pad;
        s64 nsec;
    } access, modification, change;
    s64 size, blocks;
    u32 block_size, flags, generation, spare;
    struct {
        s32 sec, pad;
        s64 nsec;
    } birth;
};
struct entry {
    u64 number;
    u16 record, length;
    u8 type;
    char name[511];
};
struct old_entry {
    u32 number;
    u16 record;
    u8 type, length;
    char name[256];
};
_Static_assert(sizeof(struct stat) == 152 && sizeof(struct stat30) == 136 && sizeof(struct stat13) == 128, "layouts");

#define REGULAR 0100000
#define O_RDWR 2
#define O_CREAT 0x200
#define O_EXCL 0x800
#define O_DIRECTORY 0x200000
#define AT_FDCWD -100

static void states(void)
{
    struct stat st, linked;
    struct stat30 old;
    struct stat13 older;
    s32 fd = (s32)call(5, "file", O_RDWR | O_CREAT | O_EXCL, 0640);
    CHECK(fd > 0);
    CHECK_IS(call(5, "file", O_RDWR | O_CREAT | O_EXCL, 0640), -17);
    CHECK_IS(call(4, fd, "0123456789", 10), 10);
    CHECK_IS(call(440, fd, &st), 0); /* __fstat50 */
    CHECK(st.mode == (REGULAR | 0640) && st.size == 10 && st.links == 1 && st.block_size > 0);
    CHECK_IS(call(388, fd, &old), 0); /* compat_50___fstat30 */
    CHECK(old.mode == st.mode && old.size == 10 && old.number == st.number);
    CHECK(old.modification.sec == (s32)st.modification.sec && old.modification.nsec == st.modification.nsec);
    CHECK_IS(call(279, fd, &older), 0); /* compat_30___fstat13 */
    CHECK(older.mode == st.mode && older.size == 10 && older.number == (u32)st.number);
    CHECK_IS(call(57, "file", "link"), 0);
    CHECK_IS(call(441, "link", &linked), 0); /* __lstat50 */
    CHECK_IS(linked.mode & 0170000, 0120000);
    CHECK_IS(call(439, "link", &linked), 0);
    CHECK(linked.number == st.number && linked.device == st.device);
    CHECK_IS(call(466, AT_FDCWD, "link", &linked, 0x200), 0); /* fstatat, AT_SYMLINK_NOFOLLOW */
    CHECK_IS(linked.size, 4);
    CHECK_IS(call(387, "link", &old), 0);
    CHECK_IS(old.size, 10);
    CHECK_IS(call(389, "link", &old), 0);
    CHECK_IS(old.size, 4);
    CHECK_IS(call(278, "link", &older), 0);
    CHECK_IS(call(280, "link", &older), 0);
    CHECK_IS(older.size, 4);
    CHECK_IS(call(439, "nothing", &st), -2);
    CHECK_IS(call(439, "file", 8), -14);
    CHECK_IS(call(5, "link", 0x100, 0), -79); /* O_NOFOLLOW: EFTYPE */

    CHECK_IS(call(199, fd, 0, 4, 0), 4); /* lseek, a padding argument */
    char byte;
    CHECK_IS(call(173, fd, &byte, 1, 0, 7), 1); /* pread */
    CHECK_IS(byte, '7');
    CHECK_IS(call(174, fd, "x", 1, 0, 20), 1);
    CHECK_IS(call(201, fd, 0, 15), 0); /* ftruncate */
    CHECK_IS(call(354, fd, 0x20, 0, 0), 0);   /* fsync_range, FFILESYNC */
    CHECK_IS(call(354, fd, 0x10, 2, 5), 0);   /* FDATASYNC */
    CHECK_IS(call(354, fd, 0x30, 0, 0), -22); /* one of the two */
    CHECK_IS(call(354, fd, 0, 0, 0), -22);
    CHECK_IS(call(354, fd, 0x10, 10, -20), -22);
    CHECK_IS(call(479, fd, 0, 0, 100), 0);    /* posix_fallocate */
    call(440, fd, &st);
    CHECK_IS(st.size, 100);
    struct timespec times[2] = {{1000, 5}, {2000, 7}};
    CHECK_IS(call(472, fd, times), 0); /* futimens */
    call(440, fd, &st);
    CHECK(st.access.sec == 1000 && st.modification.sec == 2000 && st.modification.nsec == 7);
    times[0].nsec = 0x3ffffffe; /* UTIME_OMIT */
    times[1].sec = 3000;
    CHECK_IS(call(467, AT_FDCWD, "file", times, 0), 0);
    call(440, fd, &st);
    CHECK(st.access.sec == 1000 && st.modification.sec == 3000);
    struct {
        s64 sec;
        s32 usec, pad;
    } micro[2] = {{10, 1, 0}, {20, 2, 0}};
    CHECK_IS(call(420, "file", micro), 0); /* __utimes50 */
    call(440, fd, &st);
    CHECK(st.modification.sec == 20 && st.modification.nsec == 2000);
    CHECK_IS(call(6, fd), 0);
}

static void directories(void)
{
    u8 buffer[4096] __attribute__((aligned(8)));
    CHECK_IS(call(136, "folder", 0755), 0);
    CHECK_IS(call(136, "folder", 0755), -17);
    CHECK_IS(call(6, call(5, "folder/inside", O_RDWR | O_CREAT, 0600)), 0);
    s32 fd = (s32)call(5, "folder", O_DIRECTORY, 0);
    CHECK_IS(call(461, fd, "deeper", 0700), 0); /* mkdirat */
    int seen = 0;
    for (long got; (got = call(390, fd, buffer, sizeof(buffer))) > 0;) /* __getdents30 */
        for (long at = 0; at < got;) {
            struct entry *e = (struct entry *)(buffer + at);
            if (equal(e->name, "inside"))
                seen += e->type == 8 && e->length == 6 && e->number != 0;
            if (equal(e->name, "deeper"))
                seen += e->type == 4;
            if (equal(e->name, ".") || equal(e->name, ".."))
                seen += e->type == 4;
            at += e->record;
        }
    CHECK_IS(seen, 4);
    CHECK_IS(call(199, fd, 0, 0, 0), 0);
    seen = 0;
    for (long got; (got = call(272, fd, buffer, sizeof(buffer))) > 0;) /* compat_30_getdents */
        for (long at = 0; at < got;) {
            struct old_entry *e = (struct old_entry *)(buffer + at);
            seen += equal(e->name, "inside") && e->type == 8 && e->length == 6;
            at += e->record;
        }
    CHECK_IS(seen, 1);
    CHECK_IS(call(458, fd, "inside", fd, "renamed"), 0); /* renameat */
    CHECK_IS(call(462, fd, "renamed", 4, 0), 0);         /* faccessat */
    CHECK_IS(call(457, fd, "renamed", AT_FDCWD, "hard", 0), 0);
    CHECK_IS(call(463, fd, "renamed", 0444, 0), 0);
    CHECK_IS(call(471, fd, "deeper", 0), -1); /* EPERM: a directory */
    CHECK_IS(call(471, fd, "deeper", 0x800), 0);
    CHECK_IS(call(470, "target", fd, "symbolic"), 0);
    char text_[64] = "";
    CHECK_IS(call(469, fd, "symbolic", text_, sizeof(text_)), 6);
    CHECK(equal(text_, "target"));
    CHECK_IS(call(137, "folder"), -66); /* ENOTEMPTY */
    CHECK_IS(call(13, fd), 0);
    long size = call(296, buffer, sizeof(buffer)); /* __getcwd */
    CHECK(size > 7 && equal((char *)buffer + size - 7, "folder"));
    CHECK_IS(call(296, buffer, 2), -34);
    CHECK_IS(call(12, ".."), 0);
    CHECK_IS(call(128, "hard", "file"), 0); /* rename */
}

static void file_systems(void)
{
    u64 state[512], old[512];
    struct {
        u64 flag, block_size, fragment, transfer;
        u64 blocks, free, available, reserved, files, files_free;
    } *st = (void *)state;
    memset(state, 0xee, sizeof(state));
    CHECK_IS(call(484, ".", state, 1), 0); /* __statvfs190 */
    CHECK(st->block_size >= 512 && st->blocks >= st->free && st->free >= st->available);
    s32 fd = (s32)call(5, ".", 0, 0);
    CHECK_IS(call(485, fd, state, 1), 0);
    CHECK_IS(call(357, ".", old, 1), 0);
    CHECK_IS(old[1], st->block_size);
    CHECK_IS(call(358, fd, old, 1), 0);
    CHECK_IS(call(484, "nothing", state, 1), -2);
    long count = call(483, 0, 0, 2); /* getvfsstat */
    CHECK(count > 0);
    CHECK_IS(call(356, 0, 0, 2), count);
    CHECK_IS(call(191, ".", 4), 255); /* pathconf, _PC_NAME_MAX: as of FFS */
    CHECK_IS(call(192, fd, 4), 255);
    CHECK_IS(call(499, ".", 99), -22);
}

static void locks(void)
{
    struct {
        s64 start, length;
        s32 pid;
        s16 type, whence;
    } lock = {0, 10, 0, 3, 0};
    s32 fd = (s32)call(5, "locked", O_RDWR | O_CREAT, 0600), status;
    CHECK_IS(call(92, fd, 8, &lock), 0); /* F_SETLK */
    long child = call(2);
    if (child == 0) {
        long r = call(92, fd, 8, &lock);
        lock.type = 3;
        long s = call(92, fd, 7, &lock);
        call(1, r == -35 && s == 0 && lock.pid == call(39) && lock.type == 3 ? 0 : 1);
    }
    CHECK_IS(call(449, child, &status, 0, 0), child);
    CHECK_IS(status, 0);
    CHECK_IS(call(131, fd, 6), 0); /* flock */
    CHECK_IS(call(92, 40, 10, 0), 0);     /* F_CLOSEM: what was inherited */
    s32 again = (s32)call(92, fd, 0, 50); /* F_DUPFD */
    CHECK_IS(again, 50);
    CHECK_IS(call(92, 0, 11, 0), again); /* F_MAXFD */
    CHECK_IS(call(92, 40, 10, 0), 0);
    CHECK_IS(call(92, again, 1, 0), -9);
    char path[1024] = "";
    CHECK_IS(call(92, fd, 15, path), 0); /* F_GETPATH */
    CHECK(path[0] == '/' && equal(path + length(path) - 7, "/locked"));
    CHECK_IS(call(454, fd, 60, 0x400000), 60); /* dup3 */
    CHECK_IS(call(92, 60, 1, 0), 1);
    CHECK_IS(call(454, fd, fd, 0), fd);
    CHECK_IS(call(132, "pipe", 0600), 0); /* mkfifo */
    CHECK_IS(call(10, "pipe"), 0);
    CHECK_IS(call(10, "folder"), -1);
    char name[16];
    CHECK_IS(call(361, "locked", 1, "colour", "blue", 4), 4); /* extattr_set_file of the user's */
    CHECK_IS(call(362, "locked", 1, "colour", name, 16), 4);
    CHECK_IS(call(363, "locked", 1, "colour"), 0);
}

static void test(void)
{
    call(60, 022);
    states();
    directories();
    file_systems();
    locks();
}
