/* System V message queues: the host's.  A message (a long and the text) is the same on both sides. */
#include "bsd.h"
#include "sysv.h"

_Static_assert(BSD_IPC_NOWAIT == LINUX_IPC_NOWAIT && BSD_MSG_NOERROR == 0x1000,
               "flags are passed on as they are");

long bsd_sys_msgget(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host(__NR_msgget, (s32)a[0], (s32)a[1]);
}

long bsd_sys_msgsnd(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host_intr(__NR_msgsnd, (s32)a[0], a[1], a[2], (s32)a[3] & BSD_IPC_NOWAIT);
}

long bsd_sys_msgrcv(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    const u32 known = BSD_IPC_NOWAIT | BSD_MSG_NOERROR;
    return host_intr(__NR_msgrcv, (s32)a[0], a[1], a[2], a[3], (u32)a[4] & known);
}

long sysv_queue_state(s32 id, struct bsd_msqid_ds *state)
{
    struct linux_msqid_ds host_state;

    memset(&host_state, 0, sizeof(host_state));
    long r = host(__NR_msgctl, id, LINUX_IPC_STAT, &host_state);
    if (is_error(r))
        return r;
    memset(state, 0, sizeof(*state));
    sysv_perm_from_host(&host_state.perm, &state->perm);
    state->cbytes = host_state.cbytes;
    state->qnum = host_state.qnum;
    state->qbytes = host_state.qbytes;
    state->lspid = host_state.lspid;
    state->lrpid = host_state.lrpid;
    state->stime = host_state.stime;
    state->rtime = host_state.rtime;
    state->ctime = host_state.ctime;
    return 0;
}

long sysv_queue_change(s32 id, const struct bsd_ipc_perm *perm, u64 most_bytes)
{
    struct linux_msqid_ds host_state;

    memset(&host_state, 0, sizeof(host_state));
    sysv_perm_to_host(perm, &host_state.perm);
    host_state.qbytes = most_bytes;
    return host(__NR_msgctl, id, LINUX_IPC_SET, &host_state);
}

long bsd_sys_msgctl(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_msqid_ds state;
    long r;

    switch ((s32)a[1]) {
    case BSD_IPC_RMID:
        return host(__NR_msgctl, (s32)a[0], LINUX_IPC_RMID, 0);
    case BSD_IPC_STAT:
        r = sysv_queue_state((s32)a[0], &state);
        return r != 0 ? r : copy_out(a[2], &state, sizeof(state));
    case BSD_IPC_SET:
        if (copy_in(&state, a[2], sizeof(state)) != 0)
            return -EFAULT;
        return sysv_queue_change((s32)a[0], &state.perm, state.qbytes);
    default:
        return -EINVAL;
    }
}
