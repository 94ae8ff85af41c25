/* System V objects in the form of FreeBSD 7 and before. */
#include "freebsd.h"
#include "sysv.h"

static void perm_old(const struct freebsd_ipc_perm *from, struct freebsd_ipc_perm_old *to)
{
    *to = (struct freebsd_ipc_perm_old){
        .cuid = (u16)from->cuid, .cgid = (u16)from->cgid, .uid = (u16)from->uid, .gid = (u16)from->gid,
        .mode = from->mode, .seq = from->seq, .key = from->key};
}

static void perm_new(const struct freebsd_ipc_perm_old *from, struct freebsd_ipc_perm *to)
{
    *to = (struct freebsd_ipc_perm){.cuid = from->cuid, .cgid = from->cgid, .uid = from->uid,
                                    .gid = from->gid, .mode = from->mode, .seq = from->seq, .key = from->key};
}

long freebsd_sys_freebsd7_shmctl(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_shmid_ds_old old;
    struct freebsd_shmid_ds state;
    struct freebsd_ipc_perm perm;
    long r;

    switch ((s32)a[1]) {
    case FREEBSD_IPC_STAT:
        r = sysv_memory_state((s32)a[0], &state);
        if (r != 0)
            return r;
        memset(&old, 0, sizeof(old));
        perm_old(&state.perm, &old.perm);
        old.segsz = state.segsz > INT32_MAX ? INT32_MAX : (s32)state.segsz;
        old.lpid = state.lpid;
        old.cpid = state.cpid;
        old.nattch = (s16)state.nattch;
        old.atime = state.atime;
        old.dtime = state.dtime;
        old.ctime = state.ctime;
        return copy_out(a[2], &old, sizeof(old));
    case FREEBSD_IPC_SET:
        if (copy_in(&old, a[2], sizeof(old)) != 0)
            return -EFAULT;
        perm_new(&old.perm, &perm);
        return sysv_memory_change((s32)a[0], &perm);
    default:
        return sysv_memory_command((s32)a[0], (s32)a[1]);
    }
}

long freebsd_sys_freebsd7_msgctl(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_msqid_ds_old old;
    struct freebsd_msqid_ds state;
    struct freebsd_ipc_perm perm;
    long r;

    switch ((s32)a[1]) {
    case FREEBSD_IPC_RMID:
        return host(__NR_msgctl, (s32)a[0], LINUX_IPC_RMID, 0);
    case FREEBSD_IPC_STAT:
        r = sysv_queue_state((s32)a[0], &state);
        if (r != 0)
            return r;
        memset(&old, 0, sizeof(old));
        perm_old(&state.perm, &old.perm);
        old.cbytes = state.cbytes;
        old.qnum = state.qnum;
        old.qbytes = state.qbytes;
        old.lspid = state.lspid;
        old.lrpid = state.lrpid;
        old.stime = state.stime;
        old.rtime = state.rtime;
        old.ctime = state.ctime;
        return copy_out(a[2], &old, sizeof(old));
    case FREEBSD_IPC_SET:
        if (copy_in(&old, a[2], sizeof(old)) != 0)
            return -EFAULT;
        perm_new(&old.perm, &perm);
        return sysv_queue_change((s32)a[0], &perm, old.qbytes);
    default:
        return -EINVAL;
    }
}

static long state_out(s32 id, u64 to)
{
    struct freebsd_semid_ds state;
    struct freebsd_semid_ds_old old;

    long r = sysv_semaphores_state(id, &state);
    if (r != 0)
        return r;
    memset(&old, 0, sizeof(old));
    perm_old(&state.perm, &old.perm);
    old.nsems = state.nsems;
    old.otime = state.otime;
    old.ctime = state.ctime;
    return copy_out(to, &old, sizeof(old));
}

static long state_in(s32 id, u64 from)
{
    struct freebsd_ipc_perm_old old;
    struct freebsd_ipc_perm perm;

    if (copy_in(&old, from, sizeof(old)) != 0)
        return -EFAULT;
    perm_new(&old, &perm);
    return sysv_semaphores_change(id, &perm);
}

long freebsd_sys_freebsd7___semctl(struct thread *t UNUSED, struct frame *f UNUSED,
                                   const u64 a[MAX_ARGUMENTS])
{
    return sysv_semaphores_control(a, state_out, state_in);
}
