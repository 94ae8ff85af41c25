/* Extended attributes by the calls that NetBSD shares with the host: names with their namespace in front.  What the
 * host calls a lack of data, it calls a lack of an attribute. */
#include "files.h"
#include "netbsd.h"

static long result_of(long r)
{
    if (r == -ENODATA)
        return WAY_NO_ATTRIBUTE;
    return r == -EOPNOTSUPP ? GUEST_ERRNO(NETBSD_ENOTSUP) : r;
}

#define BY_PATH(name)                                                                                      \
    long netbsd_sys_##name(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])    \
    {                                                                                                      \
        return result_of(host(__NR_##name, a[0], a[1], a[2], a[3], a[4]));                                 \
    }
#define BY_DESCRIPTOR(name)                                                                                \
    long netbsd_sys_##name(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])           \
    {                                                                                                      \
        if (fd_is_reserved(t, (s32)a[0]))                                                                  \
            return -EBADF;                                                                                 \
        return result_of(host(__NR_##name, (s32)a[0], a[1], a[2], a[3], a[4]));                            \
    }

BY_PATH(setxattr)
BY_PATH(lsetxattr)
BY_PATH(getxattr)
BY_PATH(lgetxattr)
BY_PATH(listxattr)
BY_PATH(llistxattr)
BY_PATH(removexattr)
BY_PATH(lremovexattr)
BY_DESCRIPTOR(fsetxattr)
BY_DESCRIPTOR(fgetxattr)
BY_DESCRIPTOR(flistxattr)
BY_DESCRIPTOR(fremovexattr)
