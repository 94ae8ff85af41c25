/* Doing something to every thread of a process: what FreeBSD keeps per process, Linux keeps per thread. */
#ifndef GUISE_BSD_TASKS_H
#define GUISE_BSD_TASKS_H

#include "runtime.h"

/* The host's scheduling policies, and the bit that it adds to one. */
#define HOST_OTHER 0
#define HOST_FIFO 1
#define HOST_RR 2
#define HOST_BATCH 3
#define HOST_IDLE 5
#define HOST_RESET_ON_FORK 0x40000000

typedef long (*task_function)(s32 tid, const void *argument);

/* Calls f for each thread of process `pid`.  The first failure, but a thread that has just ended is none;
 * -ESRCH when there is no such process. */
long for_each_task(s32 pid, task_function f, const void *argument);

/* Calls f for each process there is (as /proc shows them). */
long for_each_process(task_function f, const void *argument);

#endif
