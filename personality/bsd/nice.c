/* How nice processes are to others. */
#include "bsd.h"

/* The host's raw call says 20 - nice, since it has no other way to tell a result from an error.  The guest's
 * result is an int, so what is below zero goes back as one. */
long bsd_sys_getpriority(struct thread *t UNUSED, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    long r = host(__NR_getpriority, (s32)a[0], (s32)a[1]);
    return is_error(r) ? r : bsd_signed_result(f, 20 - (s32)r);
}

long bsd_sys_setpriority(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host(__NR_setpriority, (s32)a[0], (s32)a[1], (s32)a[2]);
}
