/* System V objects as releases before 5 showed them: with times of 32 bits. */
#include "netbsd.h"
#include "sysv.h"

static long give_memory(s32 id, u64 to)
{
    struct netbsd_shmid_ds state;
    struct netbsd_shmid_ds13 old;
    long r = sysv_memory_state(id, &state);

    if (r != 0)
        return r;
    memset(&old, 0, sizeof(old));
    old.perm = state.perm;
    old.segsz = state.segsz;
    old.lpid = state.lpid;
    old.cpid = state.cpid;
    old.nattch = state.nattch;
    old.atime = (s32)state.atime;
    old.dtime = (s32)state.dtime;
    old.ctime = (s32)state.ctime;
    return copy_out(to, &old, sizeof(old));
}

long netbsd_sys_shmctl13(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_ipc_perm perm;

    switch ((s32)a[1]) {
    case NETBSD_IPC_STAT:
        return give_memory((s32)a[0], a[2]);
    case NETBSD_IPC_SET:
        return copy_in(&perm, a[2], sizeof(perm)) != 0 ? -EFAULT : sysv_memory_change((s32)a[0], &perm);
    default:
        return sysv_memory_command((s32)a[0], (s32)a[1]);
    }
}

static long give_queue(s32 id, u64 to)
{
    struct netbsd_msqid_ds state;
    struct netbsd_msqid_ds13 old;
    long r = sysv_queue_state(id, &state);

    if (r != 0)
        return r;
    memset(&old, 0, sizeof(old));
    old.perm = state.perm;
    old.qnum = state.qnum;
    old.qbytes = state.qbytes;
    old.lspid = state.lspid;
    old.lrpid = state.lrpid;
    old.stime = (s32)state.stime;
    old.rtime = (s32)state.rtime;
    old.ctime = (s32)state.ctime;
    old.cbytes = state.cbytes;
    return copy_out(to, &old, sizeof(old));
}

long netbsd_sys_msgctl13(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_msqid_ds13 old;

    switch ((s32)a[1]) {
    case NETBSD_IPC_STAT:
        return give_queue((s32)a[0], a[2]);
    case NETBSD_IPC_SET:
        if (copy_in(&old, a[2], sizeof(old)) != 0)
            return -EFAULT;
        return sysv_queue_change((s32)a[0], &old.perm, old.qbytes);
    default:
        return netbsd_sys_msgctl(t, f, a);
    }
}

static long semaphores_out(s32 id, u64 to)
{
    struct netbsd_semid_ds state;
    struct netbsd_semid_ds13 old;
    long r = sysv_semaphores_state(id, &state);

    if (r != 0)
        return r;
    memset(&old, 0, sizeof(old));
    old.perm = state.perm;
    old.nsems = state.nsems;
    old.otime = (s32)state.otime;
    old.ctime = (s32)state.ctime;
    return copy_out(to, &old, sizeof(old));
}

static long semaphores_in(s32 id, u64 from)
{
    struct netbsd_ipc_perm perm;
    return copy_in(&perm, from, sizeof(perm)) != 0 ? -EFAULT : sysv_semaphores_change(id, &perm);
}

long netbsd_sys_semctl13(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return sysv_semaphores_control(a, semaphores_out, semaphores_in);
}

/* Nobody configures semaphores while they are in use; the call is there for a program of old. */
long netbsd_sys_semconfig(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return 0;
}
