/* kevent with its layouts, for calls that differ in nothing but how they take the time limit. */
#ifndef GUISE_BSD_EVENT_QUEUE_H
#define GUISE_BSD_EVENT_QUEUE_H

#include "kqueue.h"

/* a: kq, changelist, nchanges, eventlist, nevents.  old: the structure without extensions. */
long event_queue_call(struct thread *t, const u64 a[MAX_ARGUMENTS], bool old, const struct timespec_host *limit);

#endif
