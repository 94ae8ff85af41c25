/* Doing something to every thread of a process: what FreeBSD keeps per process, Linux keeps per thread. */
#ifndef GUISE_FREEBSD_TASKS_H
#define GUISE_FREEBSD_TASKS_H

#include "runtime.h"
#include "abi_freebsd.h"

typedef long (*task_function)(s32 tid, const void *argument);

/* Calls f for each thread of process `pid`.  The first failure, but a thread that has just ended is none;
 * -ESRCH when there is no such process. */
long for_each_task(s32 pid, task_function f, const void *argument);

/* Calls f for each process there is (as /proc shows them). */
long for_each_process(task_function f, const void *argument);

/* A scheduling class for one thread (priority.c): checked beforehand, and given. */
long freebsd_priority_check(const struct freebsd_rtprio *rtp);
long freebsd_priority_set(s32 tid, const struct freebsd_rtprio *rtp);

#endif
