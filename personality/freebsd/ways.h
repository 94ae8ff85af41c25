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

/* pathconf's names of its own. */
#define WAY_NAME_MAXIMUM 255
static inline long own_path_limit(u32 name, const struct bsd_stat *st)
{
    switch (name) {
    case BSD__PC_DEALLOC_PRESENT:
        return 1;
    case BSD__PC_ASYNC_IO:
        return 200112; /* the edition of POSIX */
    case BSD__PC_REC_XFER_ALIGN:
        return PAGE;
    case BSD__PC_PRIO_IO:
    case BSD__PC_CAP_PRESENT:
    case BSD__PC_INF_PRESENT:
    case BSD__PC_MAC_PRESENT:
        return 0;
    case BSD__PC_ALLOC_SIZE_MIN:
    case BSD__PC_REC_INCR_XFER_SIZE:
    case BSD__PC_REC_MIN_XFER_SIZE:
        return st->blksize;
    case BSD__PC_REC_MAX_XFER_SIZE:
        return 0x7fffffff; /* no limit of its own */
    default:
        return -EINVAL;
    }
}

/* A system without procfs, which is how FreeBSD comes, shows a process nothing of itself there. */
static inline long own_process_open(struct thread *t UNUSED, u64 path UNUSED, u64 flags UNUSED) { return -ENOENT; }
static inline long own_process_link(struct thread *t UNUSED, u64 path UNUSED, u64 to UNUSED, u64 room UNUSED)
{
    return -ENOENT;
}
static inline long own_process_stat(struct thread *t UNUSED, u64 path UNUSED, u64 flags UNUSED, struct bsd_stat *st UNUSED)
{
    return -ENOENT;
}

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

/* A device that this kernel has and the host has under another name; NULL. */
static inline const char *own_device(u64 path UNUSED) { return NULL; }

/* What the host calls a lack of data: an attribute that is not there. */
#define WAY_NO_ATTRIBUTE (-ENODATA)

/* ---- signals ----------------------------------------------------------------------------------- */

/* kill of all or a group, where the caller may signal none of them. */
#define WAY_NONE_TO_SIGNAL (-EPERM)

/* ---- sysctl ------------------------------------------------------------------------------------ */

/* The length that goes back is that of the whole value, also when less fitted. */
#define WAY_SYSCTL_TELLS_WHOLE_SIZE 0
/* sysctl.name2oid: the one node of those served here that is asked by a new value. */
bool freebsd_name_to_numbers(const u64 a[MAX_ARGUMENTS], long *result);
/* kern.proc.ps_strings.PID and auxv.PID: what another guest's memory has. */
bool freebsd_start_of(const u32 name[4], const u64 a[MAX_ARGUMENTS], long *result);
static inline bool own_sysctl(const u32 *name, u32 count, const u64 a[MAX_ARGUMENTS], long *result)
{
    if (count == 2 && name[0] == BSD_CTL_SYSCTL && name[1] == BSD_CTL_SYSCTL_NAME2OID)
        return freebsd_name_to_numbers(a, result);
    return count == 4 && a[4] == 0 && name[0] == BSD_CTL_KERN && name[1] == BSD_KERN_PROC &&
           (name[2] == BSD_KERN_PROC_PS_STRINGS || name[2] == BSD_KERN_PROC_AUXV) && freebsd_start_of(name, a, result);
}

/* ---- sockets ----------------------------------------------------------------------------------- */

/* What getsockopt says of a switch that is on. */
#define WAY_OPTION_IS_ON(option) (option)

/* ---- event queues ------------------------------------------------------------------------------ */

/* Filters are numbered -1, -2 and so on. */
#define WAY_FILTER_PLACE(filter) ((u32)-(filter))
#define WAY_OWN_FILTERS                                                   \
    [WAY_FILTER_PLACE(0)] = KFILTER_IGNORED,                              \
    [WAY_FILTER_PLACE(BSD_EVFILT_PROCDESC)] = KFILTER_PROCDESC,           \
    [WAY_FILTER_PLACE(BSD_EVFILT_LIO)] = KFILTER_LIO,                     \
    [WAY_FILTER_PLACE(BSD_EVFILT_SENDFILE)] = KFILTER_KERNEL,
#define WAY_EVENT_COUNT(n) ((int)(n)) /* an int */
/* Units of a timer are the engine's own. */
static inline u32 timer_notes_to_engine(u32 notes) { return notes; }
static inline u32 timer_notes_from_engine(u32 notes) { return notes; }

/* ---- memory ------------------------------------------------------------------------------------ */

/* mmap of a file from an offset that no file can have. */
#define WAY_MAPPED_BEYOND_ALL_FILES (-EINVAL)

/* ---- time -------------------------------------------------------------------------------------- */

/* There are many names for two clocks: _FAST and _PRECISE say how much work a reading is worth, and uptime is
 * monotonic time.  All of them are read precisely. */
static inline long own_clock_to_host(s32 clock)
{
    switch (clock) {
    case BSD_CLOCK_REALTIME_PRECISE:
    case BSD_CLOCK_REALTIME_FAST:
    case BSD_CLOCK_SECOND:
        return LINUX_CLOCK_REALTIME;
    case BSD_CLOCK_MONOTONIC_PRECISE:
    case BSD_CLOCK_MONOTONIC_FAST:
    case BSD_CLOCK_UPTIME:
    case BSD_CLOCK_UPTIME_PRECISE:
    case BSD_CLOCK_UPTIME_FAST:
        return LINUX_CLOCK_MONOTONIC;
    case BSD_CLOCK_TAI:
        return LINUX_CLOCK_TAI;
    default:
        return -EINVAL;
    }
}

static inline bool clock_counts_seconds(s32 clock) { return clock == BSD_CLOCK_SECOND; }

/* Only a sleep that was interrupted says what is left of it. */
#define WAY_SLEEP_TELLS_END 0
#define WAY_NEGATIVE_SLEEP(absolute) 0 /* over already */

/* A clock of processor time is a bit and the id of a process or of a thread. */
#define WAY_CLOCK_OF_PROCESS BSD_CPUCLOCK_WHICH_PID
#define WAY_CLOCK_OF_THREAD BSD_CPUCLOCK_WHICH_TID

static inline bool cpu_clock_parts(s32 clock, u32 *id, bool *process)
{
    *id = (u32)clock & BSD_CPUCLOCK_ID_MASK;
    *process = ((u32)clock & BSD_CPUCLOCK_PROCESS_BIT) != 0;
    return ((u32)clock & BSD_CPUCLOCK_BIT) != 0;
}

static inline s32 cpu_clock_of(u32 id, bool process)
{
    return (s32)(BSD_CPUCLOCK_BIT | (process ? BSD_CPUCLOCK_PROCESS_BIT : 0) | id);
}

/* ---- notification ------------------------------------------------------------------------------ */

static inline bool event_is_for_thread(const struct bsd_sigevent *event, s32 *tid)
{
    *tid = event->thread_id;
    return event->notify == BSD_SIGEV_THREAD_ID;
}

static inline bool event_is_for_queue(const struct bsd_sigevent *event)
{
    return event->notify == BSD_SIGEV_KEVENT;
}

/* The flags of its knote, where a thread's number stands otherwise. */
static inline u16 event_queue_flags(const struct bsd_sigevent *event) { return (u16)event->thread_id; }
#define EVENT_FILTER_LIST BSD_EVFILT_LIO

/* lio_listio's requests may have several buffers. */
#define WAY_LISTS_HOLD_VECTORS 1

#endif
