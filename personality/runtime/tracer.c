/* Who may look into this process.
 *
 * Where Yama is on (kernel.yama.ptrace_scope=1, as on Ubuntu) only ancestors may read another
 * process's memory, and the supervisor is nobody's ancestor.  So the launcher says who it is, and
 * every process names it: the permission is a task's own, kept over exec but not handed to children. */
#include "core.h"
#include <linux/prctl.h>

static s32 supervisor; /* its pid here, 0 where no permission is needed; the same in every process */

void name_tracer(s32 pid)
{
    supervisor = pid;
    if (pid != 0)
        host(__NR_prctl, PR_SET_PTRACER, pid, 0, 0, 0);
}

s32 named_tracer(void) { return supervisor; }

static void name_tracer_in_child(struct thread *t UNUSED) { name_tracer(supervisor); }
ON_FORK_CHILD(name_tracer_in_child);
