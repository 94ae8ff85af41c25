/* fcntl: what can be asked of, and set on, one descriptor. */
#include "files.h"

/* What F_SETFL can change; O_SYNC and the read-ahead bit are accepted and fixed at open, as here. */
#define CHANGEABLE (BSD_O_APPEND | BSD_O_ASYNC | BSD_O_NONBLOCK)
#define REPORTED                                                                                   \
    (BSD_O_ACCMODE | BSD_O_APPEND | BSD_O_ASYNC | BSD_O_NONBLOCK | BSD_O_SYNC |  \
     BSD_O_DSYNC | BSD_O_PATH)

static long duplicate_above(int fd, s32 lowest, u64 command)
{
    return lowest < 0 ? -EINVAL : host(__NR_fcntl, fd, command, lowest);
}

static long get_flags(const struct thread *t, int fd)
{
    long r = host(__NR_fcntl, fd, LINUX_F_GETFL, 0);
    if (is_error(r))
        return r;
    /* The host's O_PATH is what O_EXEC opens, and the only way to get one where there is no O_PATH. */
    if (r & LINUX_O_PATH && !has_open_path(t->process))
        return BSD_O_EXEC;
    return (long)(bsd_open_flags_from_host((u64)r) & REPORTED);
}

static long set_flags(int fd, u64 flags)
{
    u64 host_flags;
    if (!bsd_open_flags_to_host(flags & CHANGEABLE, &host_flags))
        return -EINVAL;
    return host(__NR_fcntl, fd, LINUX_F_SETFL, host_flags);
}

/* The host's F_GETOWN cannot tell a process group from an error; F_GETOWN_EX can. */
static long get_owner(struct frame *f, int fd)
{
    struct linux_f_owner_ex owner;
    long r = host(__NR_fcntl, fd, LINUX_F_GETOWN_EX, &owner);
    if (is_error(r))
        return r;
    return bsd_signed_result(f, owner.type == LINUX_F_OWNER_PGRP ? -(long)owner.pid : owner.pid);
}

static long set_owner(int fd, s32 who)
{
    struct linux_f_owner_ex owner = {.type = LINUX_F_OWNER_PID, .pid = who};
    if (who < 0) {
        owner.type = LINUX_F_OWNER_PGRP;
        owner.pid = -who;
    }
    return host(__NR_fcntl, fd, LINUX_F_SETOWN_EX, &owner);
}

static long lock_request(int fd, u64 host_command, u64 address)
{
    struct bsd_flock lock;
    if (copy_in(&lock, address, sizeof(lock)) != 0)
        return -EFAULT;
    long r = record_lock(fd, host_command, &lock);
    return is_error(r) || host_command != LINUX_F_GETLK ? r : copy_out(address, &lock, sizeof(lock));
}

static long add_seals(int fd, u32 seals)
{
    u64 host_seals;
    if (!bsd_seals_to_host(seals, &host_seals))
        return -EINVAL;
    return host(__NR_fcntl, fd, LINUX_F_ADD_SEALS, host_seals);
}

static long get_seals(int fd)
{
    long r = host(__NR_fcntl, fd, LINUX_F_GET_SEALS, 0);
    return is_error(r) ? r : (long)bsd_seals_from_host((u64)r);
}

long bsd_sys_fcntl(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    int fd = (s32)a[0];
    u32 command = (u32)a[1];
    if (fd_is_reserved(t, fd))
        return -EBADF;
    switch (command) {
    case BSD_F_DUPFD:
        return duplicate_above(fd, (s32)a[2], LINUX_F_DUPFD);
    case BSD_F_DUPFD_CLOEXEC:
        return duplicate_above(fd, (s32)a[2], LINUX_F_DUPFD_CLOEXEC);
    case BSD_F_GETFD:
        return host(__NR_fcntl, fd, LINUX_F_GETFD, 0);
    case BSD_F_SETFD:
        return host(__NR_fcntl, fd, LINUX_F_SETFD, a[2] & BSD_FD_CLOEXEC);
    case BSD_F_GETFL:
        return get_flags(t, fd);
    case BSD_F_SETFL:
        return set_flags(fd, a[2]);
    case BSD_F_GETOWN:
        return get_owner(f, fd);
    case BSD_F_SETOWN:
        return set_owner(fd, (s32)a[2]);
    case BSD_F_GETLK:
        return lock_request(fd, LINUX_F_GETLK, a[2]);
    case BSD_F_SETLK:
        return lock_request(fd, LINUX_F_SETLK, a[2]);
    case BSD_F_SETLKW:
        return lock_request(fd, LINUX_F_SETLKW, a[2]);
    case BSD_F_ADD_SEALS:
        return add_seals(fd, (u32)a[2]);
    case BSD_F_GET_SEALS:
        return get_seals(fd);
    default:
        return bsd_own_fcntl(t, fd, command, a[2]);
    }
}
