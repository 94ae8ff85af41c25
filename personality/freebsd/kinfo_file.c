/* F_KINFO: what the kernel knows of one descriptor, most of all the path of its file. */
#include "fcntl_own.h"

static u32 vnode_type(u32 mode)
{
    switch (mode & MODE_TYPE) {
    case MODE_REGULAR:
        return FREEBSD_KF_VTYPE_VREG;
    case MODE_DIRECTORY:
        return FREEBSD_KF_VTYPE_VDIR;
    case MODE_BLOCK:
        return FREEBSD_KF_VTYPE_VBLK;
    case MODE_CHARACTER:
        return FREEBSD_KF_VTYPE_VCHR;
    case MODE_LINK:
        return FREEBSD_KF_VTYPE_VLNK;
    case MODE_FIFO:
        return FREEBSD_KF_VTYPE_VFIFO;
    default:
        return FREEBSD_KF_VTYPE_VNON;
    }
}

static u32 file_flags(u64 host_flags)
{
    static const u32 pairs[][2] = {
        {LINUX_O_APPEND, FREEBSD_KF_FLAG_APPEND},     {LINUX_O_ASYNC, FREEBSD_KF_FLAG_ASYNC},
        {LINUX_O_NONBLOCK, FREEBSD_KF_FLAG_NONBLOCK}, {LINUX_O_DSYNC, FREEBSD_KF_FLAG_FSYNC},
        {LINUX_O_DIRECT, FREEBSD_KF_FLAG_DIRECT},
    };
    u64 access = host_flags & LINUX_O_ACCMODE;
    u32 flags = access == LINUX_O_RDONLY  ? FREEBSD_KF_FLAG_READ
                : access == LINUX_O_WRONLY ? FREEBSD_KF_FLAG_WRITE
                                           : FREEBSD_KF_FLAG_READ | FREEBSD_KF_FLAG_WRITE;
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++)
        if (host_flags & pairs[i][0])
            flags |= pairs[i][1];
    return flags;
}

long describe_descriptor(int fd, u64 address)
{
    struct freebsd_kinfo_file info;
    struct freebsd_stat st;
    u32 size;
    if (get_u32(address, &size) != 0)
        return -EFAULT;
    if (size != sizeof(info))
        return -EINVAL;
    long flags = host(__NR_fcntl, fd, LINUX_F_GETFL, 0);
    long r = read_stat(fd, (u64) "", LINUX_AT_EMPTY_PATH, &st);
    if (is_error(flags) || is_error(r))
        return is_error(flags) ? flags : r;
    memset(&info, 0, sizeof(info));
    info.structsize = sizeof(info);
    info.fd = fd;
    info.ref_count = 1;
    info.flags = (s32)file_flags((u64)flags);
    long offset = host(__NR_lseek, fd, 0, LINUX_SEEK_CUR);
    info.offset = is_error(offset) ? -1 : offset;
    long length = descriptor_target(fd, (char *)info.path, sizeof(info.path));
    bool named = !is_error(length) && info.path[0] == '/';
    if ((st.mode & MODE_TYPE) == MODE_SOCKET)
        info.type = FREEBSD_KF_TYPE_SOCKET;
    else if ((st.mode & MODE_TYPE) == MODE_FIFO && !named)
        info.type = FREEBSD_KF_TYPE_PIPE;
    else
        info.type = FREEBSD_KF_TYPE_VNODE;
    if (!named)
        memset(info.path, 0, sizeof(info.path));
    if (info.type == FREEBSD_KF_TYPE_VNODE) {
        info.vnode_type = (s32)vnode_type(st.mode);
        info.nlink = st.nlink;
        info.fsid = st.dev;
        info.rdev = st.rdev;
        info.fileid = st.ino;
        info.size = (u64)st.size;
        info.fsid11 = (u32)st.dev;
        info.rdev11 = (u32)st.rdev;
        info.mode = st.mode;
    }
    return copy_out(address, &info, sizeof(info));
}
