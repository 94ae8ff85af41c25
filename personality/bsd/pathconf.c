/* pathconf: limits of a file and of the file system it is on, with the BSDs' values.
 *
 * They are those of FreeBSD's usual file system (UFS without access control lists), except where the
 * host's own limit is what a program will meet. */
#include "files.h"

#define LINK_MAXIMUM 65000 /* of ext4 */
#define PATH_MAXIMUM 1024
#define PIPE_ATOMIC 512
#define LINE_MAXIMUM 255
#define SYMLINK_MAXIMUM 1024
#define ACL_ENTRIES 3 /* owner, group, others */

static long value_of(int dirfd, u64 path, u64 flags, u32 name)
{
    struct bsd_stat st;
    long r = read_stat(dirfd, path, flags, &st);
    if (is_error(r))
        return r;
    u32 type = st.mode & MODE_TYPE;
    switch (name) {
    case BSD__PC_LINK_MAX:
        return LINK_MAXIMUM;
    case BSD__PC_NAME_MAX:
        return WAY_NAME_MAXIMUM;
    case BSD__PC_PATH_MAX:
        return PATH_MAXIMUM;
    case BSD__PC_CHOWN_RESTRICTED:
    case BSD__PC_NO_TRUNC:
    case BSD__PC_SYNC_IO:
        return 1;
    case BSD__PC_FILESIZEBITS:
        return 64;
    case BSD__PC_SYMLINK_MAX:
        return SYMLINK_MAXIMUM;
    case BSD__PC_ACL_PATH_MAX:
        return ACL_ENTRIES;
    case BSD__PC_ACL_EXTENDED:
    case BSD__PC_ACL_NFS4:
        return 0;
    case BSD__PC_PIPE_BUF:
        return type == MODE_FIFO || type == MODE_DIRECTORY || type == MODE_SOCKET ? PIPE_ATOMIC : -EINVAL;
    case BSD__PC_MAX_CANON:
    case BSD__PC_MAX_INPUT:
        return type == MODE_CHARACTER ? LINE_MAXIMUM : -EINVAL;
    case BSD__PC_VDISABLE:
        return type == MODE_CHARACTER ? BSD__POSIX_VDISABLE : -EINVAL;
    case BSD__PC_MIN_HOLE_SIZE:
        return st.blksize;
    default:
        return own_path_limit(name, &st);
    }
}

long bsd_sys_pathconf(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return value_of(LINUX_AT_FDCWD, a[0], 0, (u32)a[1]);
}

long bsd_sys_lpathconf(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return value_of(LINUX_AT_FDCWD, a[0], LINUX_AT_SYMLINK_NOFOLLOW, (u32)a[1]);
}

long bsd_sys_fpathconf(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]) || (s32)a[0] < 0)
        return -EBADF;
    return value_of((s32)a[0], (u64) "", LINUX_AT_EMPTY_PATH, (u32)a[1]);
}
