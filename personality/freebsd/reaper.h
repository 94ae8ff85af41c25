/* The PROC_REAP_* part of procctl. */
#ifndef GUISE_FREEBSD_REAPER_H
#define GUISE_FREEBSD_REAPER_H

#include "runtime.h"

long reaper_command(struct thread *t, u32 command, u64 data);

#endif
