/* Scheduling of a process's LWPs, for the calls that set it on the way. */
#ifndef GUISE_NETBSD_SCHEDULING_H
#define GUISE_NETBSD_SCHEDULING_H

#include "netbsd.h"

/* For all LWPs of a process.  policy: SCHED_NONE keeps each one's own. */
long scheduling_set(s32 pid, s32 policy, s32 priority);

#endif
