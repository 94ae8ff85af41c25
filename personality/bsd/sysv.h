/* What the three kinds of System V objects have in common: who may do what with one. */
#ifndef GUISE_BSD_SYSV_H
#define GUISE_BSD_SYSV_H

#include "runtime.h"
#include "abi_bsd.h"

void sysv_perm_from_host(const struct linux_ipc_perm *from, struct bsd_ipc_perm *to);
void sysv_perm_to_host(const struct bsd_ipc_perm *from, struct linux_ipc_perm *to);
/* The form of FreeBSD 7 and before. */
void sysv_perm_old(const struct bsd_ipc_perm *from, struct bsd_ipc_perm_old *to);
void sysv_perm_new(const struct bsd_ipc_perm_old *from, struct bsd_ipc_perm *to);

#endif
