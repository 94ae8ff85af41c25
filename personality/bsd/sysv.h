/* What the three kinds of System V objects have in common: who may do what with one; and how older forms of their
 * structures reach them. */
#ifndef GUISE_BSD_SYSV_H
#define GUISE_BSD_SYSV_H

#include "bsd.h"

void sysv_perm_from_host(const struct linux_ipc_perm *from, struct bsd_ipc_perm *to);
void sysv_perm_to_host(const struct bsd_ipc_perm *from, struct linux_ipc_perm *to);

long sysv_memory_state(s32 id, struct bsd_shmid_ds *state);
long sysv_memory_change(s32 id, const struct bsd_ipc_perm *perm);
long sysv_memory_command(s32 id, s32 command); /* all but IPC_STAT and IPC_SET */

long sysv_queue_state(s32 id, struct bsd_msqid_ds *state);
long sysv_queue_change(s32 id, const struct bsd_ipc_perm *perm, u64 most_bytes);

long sysv_semaphores_state(s32 id, struct bsd_semid_ds *state);
long sysv_semaphores_change(s32 id, const struct bsd_ipc_perm *perm);
/* __semctl, with what carries IPC_STAT's structure out and IPC_SET's in. */
typedef long (*state_mover)(s32 id, u64 address);
long sysv_semaphores_control(const u64 a[MAX_ARGUMENTS], state_mover out, state_mover in);

#endif
