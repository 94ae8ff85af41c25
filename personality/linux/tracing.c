/* ptrace by a guest.
 *
 * A tracer expects its program's own calls and maps, and in a guest it would meet the runtime's.  So what a
 * traced process executes is run by the host, if it is a program of the host's: debuggers and strace, which start
 * what they trace, work as without Guise.  Whoever attaches to a guest that runs already sees the runtime
 * in it. */
#include "linux.h"
#include <linux/ptrace.h>

extern struct process main_process;

/* Another process of the same runtime at the same address, as a child that was forked, is told that it is
 * traced; of any other nothing is changed. */
static void tell(s32 pid, bool traced)
{
    struct process theirs;
    const u64 here[2] = {(u64)&theirs, sizeof(theirs)}, there[2] = {(u64)&main_process, sizeof(theirs)};
    const u64 from[2] = {(u64)&traced, sizeof(traced)}, to[2] = {(u64)&main_process.is_traced, sizeof(traced)};

    if (host(__NR_process_vm_readv, pid, here, 1, there, 1, 0) == sizeof(theirs) && theirs.pid == pid &&
        theirs.personality == main_process.personality && theirs.control_fd == main_process.control_fd)
        host(__NR_process_vm_writev, pid, from, 1, to, 1, 0);
}

long linux_sys_ptrace(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    long r = host(__NR_ptrace, a[0], a[1], a[2], a[3]);

    if (r == 0 && a[0] == PTRACE_TRACEME)
        t->process->is_traced = true;
    else if (r == 0 && (a[0] == PTRACE_SEIZE || a[0] == PTRACE_ATTACH))
        tell((s32)a[1], true);
    else if (r == 0 && a[0] == PTRACE_DETACH)
        tell((s32)a[1], false);
    return r;
}

/* No tracer comes along, or one that follows forks: then the program is the host's already. */
static void not_traced(struct thread *t) { t->process->is_traced = false; }
ON_FORK_CHILD(not_traced);
