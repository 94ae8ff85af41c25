/* What concerns a symbolic link itself: modes, flags, attributes and access lists of it and of files. */
#include "guest.h"

static s32 fd;

/* Of the link itself where there is one. */
static u32 mode_of(const char *path)
{
    u32 st[38];
    return call(441, path, st) ? 0 : st[2] & 07777;
}

static void modes(void)
{
    CHECK_IS(call(274, "f", 0640), 0); /* lchmod */
    CHECK_IS(mode_of("f"), 0640);
    CHECK_IS(call(274, "nothing", 0640), -2);
    CHECK_IS(call(274, "l", mode_of("l")), 0);
    CHECK_IS(call(274, "l", 0641), -45);
    CHECK_IS(call(304, "nothing", 0), -2); /* lchflags */
    CHECK_IS(call(304, "f", 0x80000000), call(34, "f", 0x80000000)); /* as chflags: no such flag */
}

static void attributes(void)
{
    char got[16];
    CHECK_IS(call(367, "f", 1, "a", "one", 3), 3); /* extattr_set_link */
    CHECK_IS(call(368, "f", 1, "a", got, 16), 3);
    CHECK(memcmp(got, "one", 3) == 0);
    CHECK_IS(call(369, "f", 1, "a"), 0); /* extattr_delete_link */
    CHECK_IS(call(369, "f", 1, "a"), -93);
    CHECK_IS(call(376, "f", "user.b", "two", 3, 0), 0); /* lsetxattr */
    CHECK_IS(call(379, "f", "user.b", got, 16), 3);
    CHECK_IS(call(385, "f", "user.b"), 0); /* lremovexattr */
    CHECK_IS(call(385, "f", "user.b"), -93);
}

#define EOPNOTSUPP (-45)

/* No file system here keeps NetBSD's lists: what a kernel says of one that has none. */
static void access_lists(void)
{
    u8 list[512] = {0};
    CHECK_IS(call(487, "l", 2, list), EOPNOTSUPP); /* __acl_get_link */
    CHECK_IS(call(488, "l", 2, list), EOPNOTSUPP);
    CHECK_IS(call(489, "l", 2), EOPNOTSUPP);
    CHECK_IS(call(490, "l", 2, list), EOPNOTSUPP);
    CHECK_IS(call(491, "f", 2, list), EOPNOTSUPP); /* __acl_get_file */
    CHECK_IS(call(492, "f", 2, list), EOPNOTSUPP);
    CHECK_IS(call(491, "nothing", 2, list), -2);
    CHECK_IS(call(493, fd, 2, list), EOPNOTSUPP); /* __acl_get_fd */
    CHECK_IS(call(494, fd, 2, list), EOPNOTSUPP);
    CHECK_IS(call(493, 999, 2, list), -9);
    CHECK_IS(call(495, "f", 2), EOPNOTSUPP);
    CHECK_IS(call(496, fd, 2), EOPNOTSUPP);
    CHECK_IS(call(497, "f", 2, list), EOPNOTSUPP);
    CHECK_IS(call(498, fd, 2, list), EOPNOTSUPP);
}

static void test(void)
{
    fd = (s32)call(5, "f", 0x202, 0644);
    CHECK(fd > 2);
    CHECK_IS(call(57, "f", "l"), 0);
    modes();
    attributes();
    access_lists();
}
