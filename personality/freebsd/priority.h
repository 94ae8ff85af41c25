/* Scheduling classes of single threads, for the calls that give one. */
#ifndef GUISE_FREEBSD_PRIORITY_H
#define GUISE_FREEBSD_PRIORITY_H

#include "freebsd.h"

/* A scheduling class for one thread: checked beforehand, and given. */
long freebsd_priority_check(const struct freebsd_rtprio *rtp);
long freebsd_priority_set(s32 tid, const struct freebsd_rtprio *rtp);

#endif
