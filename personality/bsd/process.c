/* Making processes and executing programs. */
#include "process.h"

/* fork returns twice in one frame; %rdx tells the child from the parent, as libc's stubs of old expect. */
long bsd_fork(struct thread *t, struct frame *f, u32 kind, u64 clone_flags)
{
    u64 rdx = f->rdx;

    f->rdx = 1;
    long pid = process_fork(t, f, kind, clone_flags);
    if (pid != 0)
        f->rdx = is_error(pid) ? rdx : 0;
    return pid;
}

long bsd_sys_fork(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return bsd_fork(t, f, FORK_COPY, 0);
}

long bsd_sys_vfork(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return bsd_fork(t, f, FORK_SHARE, 0);
}

long bsd_sys_execve(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return process_exec(t, -1, a[0], a[1], a[2]);
}

long bsd_sys_fexecve(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if ((s32)a[0] < 0 || fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    return process_exec(t, (s32)a[0], 0, a[1], a[2]);
}
