/* What the files of the file family share: finding a file as an *at call names it, device numbers,
 * and the mount table. */
#ifndef GUISE_BSD_FILES_H
#define GUISE_BSD_FILES_H

#include "bsd.h"

#define MODE_TYPE 0170000
#define MODE_FIFO 0010000
#define MODE_CHARACTER 0020000
#define MODE_DIRECTORY 0040000
#define MODE_BLOCK 0060000
#define MODE_REGULAR 0100000
#define MODE_LINK 0120000
#define MODE_SOCKET 0140000
#define PERMISSIONS 07777

/* ---- naming a file ------------------------------------------------------------------------------ */

/* A file as the host's *at calls take it.  `path` is an address of the guest or of ours: the host does
 * not mind. */
struct place {
    int fd;
    u64 path;
    u64 flags;  /* the host's AT_* */
    int opened; /* ours to close, or -1 */
};

/* From a guest's (fd, path, AT_* flags), of which `allowed` are valid for this call.  AT_RESOLVE_BENEATH is
 * carried out here.  0, or -errno and nothing to end. */
long place_find(struct thread *t, u64 fd, u64 path, u64 flags, u64 allowed, struct place *at);
/* The same for calls that change a directory: `name` gets room for the last component, and the place is
 * that name in its directory. */
long place_find_entry(struct thread *t, u64 fd, u64 path, u64 flags, u64 allowed, char name[256],
                      struct place *at);
void place_end(struct place *at);

/* openat2 that stays below dirfd; ENOTCAPABLE if the path leaves it. */
long open_beneath(int dirfd, u64 path, u64 host_flags, u64 mode);

/* The type bits of a file's mode, 0 if it is not there.  Never follows a last symbolic link. */
u32 file_type(int dirfd, u64 path);
u32 descriptor_type(int fd);

/* "/proc/self/fd/N": the way to a descriptor's file for calls that take only a path. */
#define DESCRIPTOR_PATH 32
void descriptor_path(char to[DESCRIPTOR_PATH], int fd);
/* What that link says, NUL-terminated.  Length or -errno. */
long descriptor_target(int fd, char *to, size_t room);

/* ---- inodes ------------------------------------------------------------------------------------- */

/* Device numbers are packed differently: FreeBSD's has the upper bits of both halves on top. */
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

long read_stat(int dirfd, u64 path, u64 host_flags, struct bsd_stat *st);

/* ---- mounted file systems ----------------------------------------------------------------------- */

struct mount_entry {
    u64 id;
    const char *point, *type, *source;
};
/* Calls visit for each mount until it returns other than 0, which is then the result. */
long each_mount(long (*visit)(const struct mount_entry *entry, void *context), void *context);
/* Fills in what the mount table and the host's statfs say of one file system. */
void describe_mount(const struct mount_entry *entry, const struct linux_statfs *from,
                    struct bsd_statfs *to);

/* ---- requests of ioctl -------------------------------------------------------------------------- */

/* `data` is the guest's third argument: an address, or a number for requests that carry one. */
long bsd_terminal_ioctl(struct thread *t, int fd, u64 command, u64 data);
/* Defined by whoever serves sockets. */
long bsd_socket_ioctl(struct thread *t, int fd, u64 command, u64 data) __attribute__((weak));

/* ---- descriptors -------------------------------------------------------------------------------- */

/* dup2 with the host's O_CLOEXEC or 0. */
long duplicate_onto(struct thread *t, int from, int to, u64 host_flags);
/* fcntl's record locks, by the guest's command, and what it says of a descriptor. */
long record_lock(int fd, u32 command, u64 address);
long describe_descriptor(int fd, u64 address);

#endif
