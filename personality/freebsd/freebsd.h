/* What the files of the FreeBSD personality share: the generated ABI and a few services. */
#ifndef GUISE_FREEBSD_H
#define GUISE_FREEBSD_H

#include "bsd.h"

#define FREEBSD_DEFAULT_RELEASE 1402000 /* osreldate of 14.2-RELEASE, sys/param.h */

int freebsd_start(struct thread *t, struct frame *f, const struct start_info *s);
int freebsd_deliver(struct thread *t, struct frame *f, const struct delivery *d);
bool freebsd_default_ignored(int host_signal);
int freebsd_fault_signal(const struct siginfo_host *info, u64 trap);

#endif
