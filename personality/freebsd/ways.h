/* What FreeBSD does where the BSDs differ in more than their numbers: personality/bsd/ asks here. */
#ifndef GUISE_FREEBSD_WAYS_H
#define GUISE_FREEBSD_WAYS_H

/* ---- files ------------------------------------------------------------------------------------- */

/* open of a symbolic link with O_NOFOLLOW. */
#define WAY_LINK_NOT_FOLLOWED (-EMLINK)
/* O_CREAT with O_DIRECTORY opens a directory that is there; elsewhere it is an error. */
#define WAY_CREATE_FINDS_DIRECTORY 1
/* __getcwd returns the length of what it wrote. */
#define WAY_GETCWD_TELLS_LENGTH 0

/* What the guest's kernel calls the host's file systems. */
#define WAY_FILE_SYSTEMS \
    {"ext2", "ufs", BSD_MNT_LOCAL},         {"ext3", "ufs", BSD_MNT_LOCAL}, \
    {"ext4", "ufs", BSD_MNT_LOCAL},         {"xfs", "ufs", BSD_MNT_LOCAL}, \
    {"btrfs", "ufs", BSD_MNT_LOCAL},        {"f2fs", "ufs", BSD_MNT_LOCAL}, \
    {"overlay", "unionfs", BSD_MNT_LOCAL},  {"zfs", "zfs", BSD_MNT_LOCAL}, \
    {"tmpfs", "tmpfs", BSD_MNT_LOCAL},      {"ramfs", "tmpfs", BSD_MNT_LOCAL}, \
    {"vfat", "msdosfs", BSD_MNT_LOCAL},     {"iso9660", "cd9660", BSD_MNT_LOCAL}, \
    {"udf", "udf", BSD_MNT_LOCAL},          {"devtmpfs", "devfs", BSD_MNT_LOCAL}, \
    {"devpts", "devfs", BSD_MNT_LOCAL},     {"proc", "procfs", BSD_MNT_LOCAL}, \
    {"nfs", "nfs", 0},                          {"nfs4", "nfs", 0}, \
    {"cifs", "smbfs", 0},                       {"9p", "p9fs", 0}, \
    {"virtiofs", "fusefs", 0},                  {"fuse", "fusefs", 0}, \
    {"fuseblk", "fusefs", BSD_MNT_LOCAL},   {"squashfs", "squashfs", BSD_MNT_LOCAL}, \
    {"erofs", "erofs", BSD_MNT_LOCAL},                                              

/* There is an O_PATH. */
#define FIRST_WITH_PATH 1400000
static inline bool has_open_path(const struct process *p) { return bsd_release(p) >= FIRST_WITH_PATH; }

/* Device numbers have the upper bits of both halves on top. */
static inline u64 device_from_host(u32 major, u32 minor)
{
    return (u64)(major & 0xffffff00U) << 32 | (major & 0xffU) << 8 | (u64)(minor & 0xff00U) << 24 |
           (minor & 0xffff00ffU);
}

/* The host's packed form, as mknod takes it. */
static inline u64 device_to_host(u64 device)
{
    u64 major = (device >> 32 & 0xffffff00U) | (device >> 8 & 0xffU);
    u64 minor = (device >> 24 & 0xff00U) | (device & 0xffff00ffU);
    return (minor & 0xffU) | (major & 0xfffU) << 8 | (minor & 0xfffff00U) << 12;
}

/* ---- event queues ------------------------------------------------------------------------------ */

/* Filters are numbered -1, -2 and so on. */
#define WAY_FILTER_PLACE(filter) ((u32)-(filter))
#define WAY_OWN_FILTERS                                                   \
    [WAY_FILTER_PLACE(BSD_EVFILT_PROCDESC)] = KFILTER_PROCDESC,           \
    [WAY_FILTER_PLACE(BSD_EVFILT_LIO)] = KFILTER_KERNEL,                  \
    [WAY_FILTER_PLACE(BSD_EVFILT_SENDFILE)] = KFILTER_KERNEL,
#define WAY_EVENT_COUNT(n) ((int)(n)) /* an int */
/* Units of a timer are the engine's own. */
static inline u32 timer_notes_to_engine(u32 notes) { return notes; }
static inline u32 timer_notes_from_engine(u32 notes) { return notes; }

#endif
