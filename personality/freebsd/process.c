/* Making processes in ways of FreeBSD's own, and ending them. */
#include "process.h"
#include "thread_state.h"
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <linux/signal.h>

/* ---- rfork ------------------------------------------------------------------------------------------ */

static void close_range_of(struct thread *t, int low, int high)
{
    for (int fd = low; fd <= high; fd++)
        if (!is_error(host(__NR_fcntl, fd, F_GETFD)))
            fd_closing(t, fd);
    host(__NR_close_range, low, high, 0);
}

static void close_all(struct thread *t)
{
    struct linux_rlimit limit = {.cur = 1024};
    int base = t->process->reserved_base, end = base + t->process->reserved_count;

    host(__NR_prlimit64, 0, LINUX_RLIMIT_NOFILE, 0, &limit);
    close_range_of(t, 0, base - 1);
    if (limit.cur > (u64)end)
        close_range_of(t, end, limit.cur > 65536 ? 65535 : (int)limit.cur - 1);
}

/* Without RFPROC: divorce this process's descriptors from those it shares them with. */
static long divorce(struct thread *t, u32 flags)
{
    if (flags & (FREEBSD_RFFDG | FREEBSD_RFCFDG)) {
        long r = host(__NR_unshare, CLONE_FILES);
        if (r != 0)
            return r;
    }
    if (flags & FREEBSD_RFCFDG)
        close_all(t);
    return 0;
}

#define RFORK_SERVED (FREEBSD_RFPROC | FREEBSD_RFFDG | FREEBSD_RFCFDG | FREEBSD_RFMEM | FREEBSD_RFPPWAIT)

/* A child that shares memory can only be one the parent waits for: two threads of two processes on one
 * stack is what programs mean to leave at once, and the host's child would need a runtime of its own.
 * RFNOWAIT, RFTHREAD, RFSIGSHARE, RFTSIGZMB and RFLINUXTHPN are relations between parent and child that
 * the host does not have; a kernel that knows no such flag says EINVAL.  RFSPAWN is what posix_spawn asks
 * for: vfork, with caught signals at their defaults; its child changes them before anything else. */
long freebsd_sys_rfork(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    u32 flags = (u32)a[0];

    if (flags & FREEBSD_RFSPAWN)
        return flags == FREEBSD_RFSPAWN ? bsd_fork(t, f, FORK_SHARE, 0) : -EINVAL;
    if ((flags & ~RFORK_SERVED) ||
        (flags & (FREEBSD_RFFDG | FREEBSD_RFCFDG)) == (FREEBSD_RFFDG | FREEBSD_RFCFDG))
        return -EINVAL;
    if (!(flags & FREEBSD_RFPROC))
        return flags & FREEBSD_RFMEM ? -EINVAL : divorce(t, flags);
    if (flags & FREEBSD_RFMEM)
        return -EINVAL;
    u64 files = flags & (FREEBSD_RFFDG | FREEBSD_RFCFDG) ? 0 : CLONE_FILES;
    long pid = bsd_fork(t, f, FORK_COPY, files);
    if (pid == 0 && (flags & FREEBSD_RFCFDG))
        close_all(t);
    return pid;
}

/* ---- processes as descriptors ------------------------------------------------------------------------ */

/* Unlike at home, the child is also an ordinary one for wait(-1) and SIGCHLD, and closing the descriptor
 * does not kill it: the host ties neither to a pidfd. */
long freebsd_sys_pdfork(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    const u32 known = FREEBSD_PD_DAEMON | FREEBSD_PD_CLOEXEC;

    if ((u32)a[1] & ~known)
        return -EINVAL;
    if (put_u32(a[0], (u32)-1) != 0)
        return -EFAULT;
    long pid = bsd_fork(t, f, FORK_COPY, 0);
    if (pid <= 0)
        return pid;
    long fd = host(__NR_pidfd_open, pid, 0);
    if (is_error(fd)) {
        host(__NR_kill, pid, 9);
        return fd;
    }
    if (!((u32)a[1] & FREEBSD_PD_CLOEXEC))
        host(__NR_fcntl, fd, F_SETFD, 0);
    put_u32(a[0], (u32)fd);
    return pid;
}

long freebsd_sys_pdkill(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    int signal = (int)a[1];

    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    if (signal != 0 && (signal = freebsd_signal_to_host(signal)) == 0)
        return -EINVAL;
    long r = host(__NR_pidfd_send_signal, (s32)a[0], signal, 0, 0);
    return r == -EBADF && !is_error(host(__NR_fcntl, (s32)a[0], F_GETFD)) ? -EINVAL : r;
}

/* The host tells a pidfd's process in text only: "Pid:\t123" among the lines of its fdinfo. */
static long pid_of(s32 fd)
{
    char path[48], text[512];

    if (is_error(host(__NR_fcntl, fd, F_GETFD)))
        return -EBADF;
    format(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    long info = host(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (is_error(info))
        return info;
    long n = host(__NR_read, info, text, sizeof(text) - 1);
    host(__NR_close, info);
    if (is_error(n))
        return n;
    text[n] = 0;
    for (char *at = text; *at != 0; at++) {
        if ((at != text && at[-1] != '\n') || memcmp(at, "Pid:\t", 5) != 0)
            continue;
        long pid = 0;
        for (at += 5; *at >= '0' && *at <= '9'; at++)
            pid = pid * 10 + (*at - '0');
        return pid > 0 ? pid : -ESRCH;
    }
    return -EINVAL;
}

long freebsd_sys_pdgetpid(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    long pid = pid_of((s32)a[0]);
    return pid < 0 ? pid : put_u32(a[1], (u32)pid);
}

/* ---- the end ---------------------------------------------------------------------------------------- */

long freebsd_sys_exit(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    robust_process_ends(t);
    umtx_shared_process_ends(t);
    process_exit(t, (int)(a[0] & 0xff));
}

/* The reason goes to the kernel's log at home; here it goes where the program's own complaints go. */
long freebsd_sys_abort2(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    const struct guest_action dfl = {0};
    char why[128] = "";
    bool sane = (s32)a[1] >= 0 && (s32)a[1] <= 16;

    if (a[0] != 0 && copy_in_string(why, a[0], sizeof(why)) < 0)
        sane = false;
    runtime_log("abort2(%s)", sane ? why : "?");
    int signal = sane ? 6 /* SIGABRT */ : 9;
    action_set(t, signal, &dfl, NULL);
    mask_set(t, t->mask & ~signal_bit(signal));
    host(__NR_tgkill, t->process->pid, t->tid, signal);
    return -EINTR;
}
