/* What NetBSD does where the BSDs differ in more than their numbers: personality/bsd/ asks here. */
#ifndef GUISE_NETBSD_WAYS_H
#define GUISE_NETBSD_WAYS_H

/* ---- files ------------------------------------------------------------------------------------- */

/* open of a symbolic link with O_NOFOLLOW. */
#define WAY_LINK_NOT_FOLLOWED GUEST_ERRNO(BSD_EFTYPE)
/* O_CREAT with O_DIRECTORY opens a directory that is there; elsewhere it is an error. */
#define WAY_CREATE_FINDS_DIRECTORY 0
/* __getcwd returns the length of what it wrote. */
#define WAY_GETCWD_TELLS_LENGTH 1

/* pathconf's names of its own. */
#define WAY_NAME_MAXIMUM 255
static inline long own_path_limit(u32 name, const struct bsd_stat *st UNUSED)
{
    return name == BSD__PC_2_SYMLINKS ? 1 : -EINVAL;
}

/* What procfs shows a process of itself, as /proc/self and /proc/curproc: procfs.c. */
long own_process_open(struct thread *t, u64 path, u64 host_flags);
long own_process_link(struct thread *t, u64 path, u64 to, u64 room);
long own_process_stat(struct thread *t, u64 path, u64 host_flags, struct bsd_stat *st);

/* What the guest's kernel calls the host's file systems. */
#define WAY_FILE_SYSTEMS \
    {"ext2", "ffs", BSD_MNT_LOCAL},         {"ext3", "ffs", BSD_MNT_LOCAL}, \
    {"ext4", "ffs", BSD_MNT_LOCAL},         {"xfs", "ffs", BSD_MNT_LOCAL}, \
    {"btrfs", "ffs", BSD_MNT_LOCAL},        {"f2fs", "ffs", BSD_MNT_LOCAL}, \
    {"overlay", "union", BSD_MNT_LOCAL},    {"zfs", "zfs", BSD_MNT_LOCAL}, \
    {"tmpfs", "tmpfs", BSD_MNT_LOCAL},      {"ramfs", "tmpfs", BSD_MNT_LOCAL}, \
    {"vfat", "msdos", BSD_MNT_LOCAL},       {"iso9660", "cd9660", BSD_MNT_LOCAL}, \
    {"udf", "udf", BSD_MNT_LOCAL},          {"devtmpfs", "tmpfs", BSD_MNT_LOCAL}, \
    {"devpts", "ptyfs", BSD_MNT_LOCAL},     {"proc", "procfs", BSD_MNT_LOCAL}, \
    {"nfs", "nfs", 0},                      {"nfs4", "nfs", 0}, \
    {"cifs", "smbfs", 0},                   {"fuse", "puffs", 0}, \
    {"fuseblk", "puffs", BSD_MNT_LOCAL},

/* The host's O_PATH is never shown as a flag of open's. */
static inline bool has_open_path(const struct process *p UNUSED) { return false; }

/* Device numbers are packed as the host packs them. */
static inline u64 device_from_host(u32 major, u32 minor)
{
    return (minor & 0xffU) | (u64)(major & 0xfffU) << 8 | (u64)(minor & 0xfffff00U) << 12;
}
static inline u64 device_to_host(u64 device) { return (u32)device; }

/* Both ends of a pseudo-terminal come from one device. */
static inline const char *own_device(u64 path)
{
    static const char wanted[] = "/dev/ptm";
    char name[sizeof(wanted)];
    return copy_in_string(name, path, sizeof(name)) == (long)strlen(wanted) && strcmp(name, wanted) == 0 ? "/dev/ptmx"
                                                                                                         : NULL;
}

/* What the host calls a lack of data: an attribute that is not there. */
#define WAY_NO_ATTRIBUTE GUEST_ERRNO(BSD_ENOATTR)

/* ---- signals ----------------------------------------------------------------------------------- */

/* kill of all or a group, where the caller may signal none of them. */
#define WAY_NONE_TO_SIGNAL (-ESRCH)

/* ---- sysctl ------------------------------------------------------------------------------------ */

#define WAY_SYSCTL_TELLS_WHOLE_SIZE 1
static inline bool own_sysctl(const u32 *name UNUSED, u32 count UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED,
                              long *result UNUSED)
{
    return false;
}

/* ---- sockets ----------------------------------------------------------------------------------- */

/* What getsockopt says of a switch that is on. */
#define WAY_OPTION_IS_ON(option) 1

/* ---- event queues ------------------------------------------------------------------------------ */

/* Filters are numbered from 0. */
#define WAY_FILTER_PLACE(filter) ((u32)(filter))
#define WAY_OWN_FILTERS [WAY_FILTER_PLACE(BSD_EVFILT_SYSCOUNT)] = KFILTER_INVALID,
/* A size_t here, an int in the engine. */
#define WAY_EVENT_COUNT(n) ((n) > INT32_MAX ? INT32_MAX : (int)(n))

/* The unit of a timer is a number here, a bit in the engine: milliseconds, seconds, microseconds, nanoseconds. */
#define TIMER_UNIT 3U
static inline u32 timer_notes_to_engine(u32 notes)
{
    static const u8 units[] = {2, 1, 4, 8};
    return (notes & ~TIMER_UNIT) | units[notes & TIMER_UNIT];
}
static inline u32 timer_notes_from_engine(u32 notes)
{
    u32 unit = notes & 2 ? 0 : notes & 1 ? 1 : notes & 4 ? 2 : 3;
    return (notes & ~15U) | unit;
}

/* ---- memory ------------------------------------------------------------------------------------ */

/* mmap of a file from an offset that no file can have. */
#define WAY_MAPPED_BEYOND_ALL_FILES (-EOVERFLOW)

/* ---- time -------------------------------------------------------------------------------------- */

static inline long own_clock_to_host(s32 clock UNUSED) { return -EINVAL; }
static inline bool clock_counts_seconds(s32 clock UNUSED) { return false; }

/* A sleep that nothing ended early says that nothing is left of it. */
#define WAY_SLEEP_TELLS_END 1
#define WAY_NEGATIVE_SLEEP(absolute) ((absolute) ? 0 : -EINVAL)

/* A clock of processor time is a bit and the id of a process or of a thread; the bit alone is the caller's. */
#define WAY_CLOCK_OF_PROCESS BSD_P_PID
#define WAY_CLOCK_OF_THREAD BSD_P_LWPID

static inline bool cpu_clock_parts(s32 clock, u32 *id, bool *process)
{
    *id = (u32)clock & (u32)~(BSD_CLOCK_PROCESS_CPUTIME_ID | BSD_CLOCK_THREAD_CPUTIME_ID);
    *process = ((u32)clock & BSD_CLOCK_PROCESS_CPUTIME_ID) != 0;
    return ((u32)clock & (BSD_CLOCK_PROCESS_CPUTIME_ID | BSD_CLOCK_THREAD_CPUTIME_ID)) != 0;
}

static inline s32 cpu_clock_of(u32 id, bool process)
{
    return (s32)((u32)(process ? BSD_CLOCK_PROCESS_CPUTIME_ID : BSD_CLOCK_THREAD_CPUTIME_ID) | id);
}

/* ---- notification ------------------------------------------------------------------------------ */

static inline bool event_is_for_thread(const struct bsd_sigevent *event UNUSED, s32 *tid UNUSED) { return false; }
static inline bool event_is_for_queue(const struct bsd_sigevent *event UNUSED) { return false; }
static inline u16 event_queue_flags(const struct bsd_sigevent *event UNUSED) { return 0; }
#define EVENT_FILTER_LIST 0 /* never */

/* Each of lio_listio's requests has one buffer. */
#define WAY_LISTS_HOLD_VECTORS 0

#endif
