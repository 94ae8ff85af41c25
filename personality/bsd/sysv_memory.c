/* System V shared memory: the host's segments, attached by the host. */
#include "bsd.h"
#include "sysv.h"

#define HOST_SHM_RDONLY 0x1000
#define HOST_SHM_RND 0x2000
#define HOST_SHM_REMAP 0x4000

_Static_assert(BSD_SHM_RDONLY == HOST_SHM_RDONLY && BSD_SHM_RND == HOST_SHM_RND &&
                   (BSD_SHM_REMAP & ~HOST_SHM_REMAP) == 0,
               "flags are passed on as they are");

long bsd_sys_shmget(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    const u32 known = BSD_IPC_CREAT | BSD_IPC_EXCL | 0777;
    return host(__NR_shmget, (s32)a[0], a[1], (u32)a[2] & known);
}

long bsd_sys_shmat(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    const u32 known = BSD_SHM_RDONLY | BSD_SHM_RND | BSD_SHM_REMAP;
    return host(__NR_shmat, (s32)a[0], a[1], (u32)a[2] & known);
}

long bsd_sys_shmdt(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host(__NR_shmdt, a[0]);
}

long sysv_memory_state(s32 id, struct bsd_shmid_ds *state)
{
    struct linux_shmid_ds host_state;

    memset(&host_state, 0, sizeof(host_state));
    long r = host(__NR_shmctl, id, LINUX_IPC_STAT, &host_state);
    if (is_error(r))
        return r;
    memset(state, 0, sizeof(*state));
    sysv_perm_from_host(&host_state.perm, &state->perm);
    state->segsz = host_state.segsz;
    state->lpid = host_state.lpid;
    state->cpid = host_state.cpid;
    state->nattch = (u32)host_state.nattch;
    state->atime = host_state.atime;
    state->dtime = host_state.dtime;
    state->ctime = host_state.ctime;
    return 0;
}

long sysv_memory_change(s32 id, const struct bsd_ipc_perm *perm)
{
    struct linux_shmid_ds host_state;

    memset(&host_state, 0, sizeof(host_state));
    sysv_perm_to_host(perm, &host_state.perm);
    return host(__NR_shmctl, id, LINUX_IPC_SET, &host_state);
}

long sysv_memory_command(s32 id, s32 command)
{
    switch (command) {
    case BSD_IPC_RMID:
        return host(__NR_shmctl, id, LINUX_IPC_RMID, 0);
    case BSD_SHM_LOCK:
        return host(__NR_shmctl, id, LINUX_SHM_LOCK, 0);
    case BSD_SHM_UNLOCK:
        return host(__NR_shmctl, id, LINUX_SHM_UNLOCK, 0);
    default: /* SHM_STAT, SHM_INFO and IPC_INFO, about the kernel's table, for ipcs alone */
        return -EINVAL;
    }
}

long bsd_sys_shmctl(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_shmid_ds state;
    long r;

    switch ((s32)a[1]) {
    case BSD_IPC_STAT:
        r = sysv_memory_state((s32)a[0], &state);
        return r != 0 ? r : copy_out(a[2], &state, sizeof(state));
    case BSD_IPC_SET:
        return copy_in(&state, a[2], sizeof(state)) != 0 ? -EFAULT : sysv_memory_change((s32)a[0], &state.perm);
    default:
        return sysv_memory_command((s32)a[0], (s32)a[1]);
    }
}
