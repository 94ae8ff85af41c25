/* What is stored in and beside files: vectors, modes, flags, attributes of both interfaces, asynchronous transfers. */
#include "guest.h"

struct vector {
    const void *base;
    u64 length;
};

static s32 fd;

static u32 mode_of(const char *path)
{
    u32 st[38];
    return call(441, path, st) ? 0 : st[2] & 07777;
}

static void transfers(void)
{
    char one[4] = "", two[8] = "";
    struct vector out[2] = {{"abc", 3}, {"defgh", 5}}, in[2] = {{one, 3}, {two, 5}};
    CHECK_IS(call(121, fd, out, 2), 8); /* writev */
    CHECK_IS(call(199, fd, 0, 0, 0), 0);
    CHECK_IS(call(120, fd, in, 2), 8); /* readv */
    CHECK(memcmp(one, "abc", 3) == 0 && memcmp(two, "defgh", 5) == 0);
    CHECK_IS(call(290, fd, out, 2, 0, 4), 8); /* pwritev */
    CHECK_IS(call(289, fd, in, 1, 0, 4), 3);
    CHECK(memcmp(one, "abc", 3) == 0);
    CHECK_IS(call(95, fd), 0);
    CHECK_IS(call(241, fd), 0);
    CHECK_IS(call(36), 0);
    CHECK_IS(call(200, "f", 0, 6), 0); /* truncate */
    CHECK_IS(call(480, fd, 0, 0, 3), 0); /* fdiscard */
    CHECK_IS(call(173, fd, one, 1, 0, 1), 1);
    CHECK_IS(one[0], 0);
}

static void modes(void)
{
    s32 here = (s32)call(5, ".", 0, 0);
    CHECK_IS(call(15, "f", 0640), 0);
    CHECK_IS(mode_of("f"), 0640);
    CHECK_IS(call(124, fd, 0600), 0);
    CHECK_IS(mode_of("f"), 0600);
    CHECK_IS(call(16, "f", -1, -1), 0);
    CHECK_IS(call(123, fd, -1, -1), 0);
    CHECK_IS(call(275, "f", -1, -1), 0);
    CHECK_IS(call(464, here, "f", -1, -1, 0), 0); /* fchownat */
    CHECK_IS(call(33, "f", 4), 0);
    CHECK_IS(call(33, "nothing", 4), -2);
    CHECK_IS(call(9, "f", "g"), 0);
    CHECK_IS(call(9, "f", "g"), -17);
    CHECK_IS(call(10, "g"), 0);
    CHECK_IS(call(468, here, "f", 2, 0) > 0, 1); /* openat */
    CHECK_IS(call(459, here, "p", 0600), 0);     /* mkfifoat */
    CHECK_IS(call(460, here, "q", 0010600, 0, 0), 0);
    CHECK_IS(call(471, here, "p", 0), 0);
    CHECK_IS(call(471, here, "q", 0), 0);
    char text_[16];
    CHECK_IS(call(57, "f", "s"), 0);
    CHECK_IS(call(58, "s", text_, 16), 1); /* readlink */
    CHECK_IS(call(58, "f", text_, 16), -22);
    CHECK_IS(call(34, "f", 0x80000000), call(35, fd, 0x80000000)); /* chflags, fchflags: no such flag */
}

static void attributes(void)
{
    char got[64];
    CHECK_IS(call(364, fd, 1, "a", "one", 3), 3); /* extattr_set_fd */
    CHECK_IS(call(365, fd, 1, "a", got, 64), 3);
    CHECK(memcmp(got, "one", 3) == 0);
    CHECK_IS(call(370, fd, 1, got, 64), 2); /* a length and a name */
    CHECK(got[0] == 1 && got[1] == 'a');
    CHECK_IS(call(371, "f", 1, got, 64), 2);
    CHECK_IS(call(372, "f", 1, got, 64), 2);
    CHECK_IS(call(368, "f", 1, "a", got, 64), 3);
    CHECK_IS(call(366, fd, 1, "a"), 0);
    CHECK_IS(call(365, fd, 1, "a", got, 64), -93); /* ENOATTR */
    CHECK_IS(call(375, "f", "user.b", "two", 3, 0), 0); /* setxattr */
    CHECK_IS(call(375, "f", "user.b", "two", 3, 1), -17); /* XATTR_CREATE */
    CHECK_IS(call(378, "f", "user.b", got, 64), 3);
    CHECK_IS(call(379, "f", "user.b", got, 64), 3);
    CHECK_IS(call(380, fd, "user.b", got, 64), 3);
    CHECK_IS(call(381, "f", got, 64), 7);
    CHECK(equal(got, "user.b"));
    CHECK_IS(call(382, "f", got, 64), 7);
    CHECK_IS(call(383, fd, got, 64), 7);
    CHECK_IS(call(377, fd, "user.c", "x", 1, 0), 0);
    CHECK_IS(call(386, fd, "user.c"), 0);
    CHECK_IS(call(384, "f", "user.b"), 0);
    CHECK_IS(call(384, "f", "user.b"), -93);
}

struct aiocb {
    s64 offset;
    void *buffer;
    u64 size;
    s32 fd, operation, priority, pad;
    struct {
        s32 kind, signal;
        s64 value;
        void *unused[2];
    } event;
    s32 state, error;
    s64 result;
};

static void asynchronous(void)
{
    char text_[8] = "";
    struct timespec soon = {5, 0};
    struct aiocb write = {.buffer = "later", .size = 5, .fd = fd}, read = {.buffer = text_, .size = 5, .fd = fd};
    struct aiocb *list[1] = {&write};
    CHECK_IS(call(405, &write), 0); /* aio_write */
    CHECK_IS(call(438, list, 1, &soon), 0); /* __aio_suspend50 */
    CHECK_IS(call(400, &write), 0);
    CHECK_IS(call(403, &write), 5);
    CHECK_IS(call(402, &read), 0);
    list[0] = &read;
    CHECK_IS(call(438, list, 1, &soon), 0);
    CHECK_IS(call(403, &read), 5);
    CHECK(equal(text_, "later"));
}

static void test(void)
{
    fd = (s32)call(5, "f", 0x202, 0644);
    CHECK(fd > 2);
    transfers();
    modes();
    attributes();
    asynchronous();
}
