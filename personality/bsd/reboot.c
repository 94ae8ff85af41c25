/* Stopping the system: a guest's is its zone. */
#include "bsd.h"

/* Without a power of its own, and with a root file system that stays. */
long bsd_sys_reboot(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 how = (u32)a[0];

    if (how & BSD_RB_REROOT)
        return -EPERM;
    return zone_end(how & (BSD_RB_HALT | BSD_RB_POWEROFF) ? ZONE_HALT : ZONE_REBOOT);
}
