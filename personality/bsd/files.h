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
/* Cuts slashes off the end of a path of `length` bytes; where its last component begins. */
long last_component(char *path, long *length);

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

long read_stat(int dirfd, u64 path, u64 host_flags, struct bsd_stat *st);
/* The same for a descriptor, and for a file as an *at call names it. */
long stat_descriptor(struct thread *t, u64 fd, struct bsd_stat *st);
long stat_at(struct thread *t, u64 fd, u64 path, u64 flags, struct bsd_stat *st);
/* unlinkat, with the guest's AT_REMOVEDIR and AT_RESOLVE_BENEATH. */
#define REMOVE_FLAGS (BSD_AT_REMOVEDIR | BSD_AT_RESOLVE_BENEATH)
long remove_name(struct thread *t, u64 fd, u64 path, u64 flags);
/* Calls that not every kernel has a number for. */
long bsd_sys_renameat(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS]);
/* mknod: `device` in the guest's form. */
long make_node(struct thread *t, u64 fd, u64 path, u64 mode, u64 device);

/* ---- directories -------------------------------------------------------------------------------- */

/* Writes an entry in one of the guest's forms and returns its size, which is never more than twice that of the
 * host's. */
typedef size_t (*entry_writer)(void *to, const struct linux_dirent64 *from);
#define ENTRY_MAXIMUM 544 /* of every form, in bytes */
static inline size_t entry_size(size_t size, size_t unit) { return (size + unit - 1) & ~(unit - 1); }
/* C libraries skip entries numbered 0, for deleted ones; cut to 32 bits it must not become one. */
static inline u64 entry_number(const struct linux_dirent64 *from) { return (u32)from->ino ? from->ino : 1; }
/* getdirentries and getdents.  base: guest address for the position before, or 0. */
long list_directory(struct thread *t, u64 fd, u64 to, u64 room, u64 base, entry_writer write);

/* ---- mounted file systems ----------------------------------------------------------------------- */

struct mount_entry {
    u64 id;
    const char *point, *type, *source;
};
/* Calls visit for each mount until it returns other than 0, which is then the result. */
long each_mount(long (*visit)(const struct mount_entry *entry, void *context), void *context);
/* The guest's word for a type of file system that both have, and MNT_LOCAL or not; the host's own word, marked
 * with MNT_IGNORE, for others.  Returns the guest's number of the type. */
u32 file_system_type(const char *host_type, const char **name, u64 *flags);
/* The guest's MNT_* for the host's ST_*, as statfs gives those, of a file system mounted on `point`. */
u64 mount_flags_of(u64 host_flags, const char *point);
/* Copies a name that may be cut short; `to` is zeroed already. */
void copy_text(u8 *to, size_t room, const char *from);

/* The mount that a file is on, and the host's numbers of it: `give` is called once. */
typedef long (*mount_receiver)(const struct mount_entry *entry, const struct linux_statfs *numbers, u64 to);
long mount_of_path(u64 path, u64 to, mount_receiver give);
long mount_of_descriptor(struct thread *t, u64 fd, u64 to, mount_receiver give);
/* All mounts one after the other, `size` bytes each, as far as there is room; to 0: only how many. */
long all_mounts(u64 to, u64 room, u64 size, mount_receiver give);

/* ---- requests of ioctl -------------------------------------------------------------------------- */

/* `data` is the guest's third argument: an address, or a number for requests that carry one. */
long bsd_terminal_ioctl(struct thread *t, int fd, u64 command, u64 data);
long bsd_socket_ioctl(struct thread *t, int fd, u64 command, u64 data);
/* A pseudo-terminal's controlling side, with its other side ready to be opened. */
long open_pseudo_terminal(u64 host_flags);
long terminal_is_master(int fd); /* 0, or -ENOTTY */
/* The name under /dev that a descriptor's device has; a terminal's controlling side has the other side's.
 * Its length or -errno. */
long device_name(int fd, char *name, size_t room);
/* In each kernel's own folder: requests of the group 'f', and of terminals, that it alone has; -ENOTTY. */
long own_file_request(int fd, u32 command, u64 data);
long own_terminal_request(struct thread *t, int fd, u32 command, u64 data);

/* ---- descriptors -------------------------------------------------------------------------------- */

/* Calls visit for every open descriptor of [low, high], the runtime's own left out. */
typedef void (*descriptor_visitor)(struct thread *t, int fd, void *context);
void each_descriptor(struct thread *t, u32 low, u32 high, descriptor_visitor visit, void *context);
/* dup2 with the host's O_CLOEXEC or 0. */
long duplicate_onto(struct thread *t, int from, int to, u64 host_flags);
/* The host's close_range of all but the runtime's own, and all of it with those told who watch them. */
long close_around_reserved(struct thread *t, u32 low, u32 high, u64 flags);
long close_between(struct thread *t, u32 low, u32 high);
/* fcntl's record locks: the host's F_GETLK, F_SETLK or F_SETLKW. */
long record_lock(int fd, u64 host_command, struct bsd_flock *lock);

#endif
