/* What the three kinds of System V objects have in common: who may do what with one. */
#ifndef GUISE_FREEBSD_SYSV_H
#define GUISE_FREEBSD_SYSV_H

#include "runtime.h"
#include "abi_freebsd.h"

void sysv_perm_from_host(const struct linux_ipc_perm *from, struct freebsd_ipc_perm *to);
void sysv_perm_to_host(const struct freebsd_ipc_perm *from, struct linux_ipc_perm *to);
/* The form of FreeBSD 7 and before. */
void sysv_perm_old(const struct freebsd_ipc_perm *from, struct freebsd_ipc_perm_old *to);
void sysv_perm_new(const struct freebsd_ipc_perm_old *from, struct freebsd_ipc_perm *to);

#endif
