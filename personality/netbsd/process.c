/* Making processes in ways of NetBSD's own, ending them, and the ids that come in pairs. */
#include "process.h"
#include "netbsd.h"
#include <linux/sched.h>

/* Three calls of old have a second result, which programs of today do not look at. */
long netbsd_sys_getpid(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    f->rdx = (u64)host(__NR_getppid);
    return t->process->pid;
}

long netbsd_sys_getuid(struct thread *t UNUSED, struct frame *f, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    f->rdx = (u64)host(__NR_geteuid);
    return host(__NR_getuid);
}

long netbsd_sys_getgid(struct thread *t UNUSED, struct frame *f, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    f->rdx = (u64)host(__NR_getegid);
    return host(__NR_getgid);
}

long netbsd_sys_exit(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    process_exit(t, (int)(a[0] & 0xff));
}

/* A child that shares memory can only be one the parent waits for: the host's would need a runtime of its own. */
long netbsd_sys_clone(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    u32 flags = (u32)a[0], signal = flags & NETBSD_CLONE_CSIGNAL;
    struct clone_request c = {0};
    struct frame start = *f;

    if (signal > NETBSD_MAXSIG || (flags & NETBSD_CLONE_PTRACE) ||
        ((flags & NETBSD_CLONE_SIGHAND) && !(flags & NETBSD_CLONE_VM)))
        return -EINVAL;
    c.flags = signal != 0 ? (u64)netbsd_signal_to_host((int)signal) : 0;
    c.flags |= (flags & NETBSD_CLONE_FS ? CLONE_FS : 0) | (flags & NETBSD_CLONE_FILES ? CLONE_FILES : 0);
    if (a[1] != 0)
        start.rsp = a[1];
    if (flags & NETBSD_CLONE_VFORK)
        c.flags |= CLONE_VFORK;
    if (flags & NETBSD_CLONE_VM)
        return flags & NETBSD_CLONE_VFORK ? process_clone(t, &start, FORK_SHARE, &c) : -EINVAL;
    long pid = process_clone(t, &start, FORK_COPY, &c);
    if (pid == 0)
        f->rsp = start.rsp;
    return pid;
}
