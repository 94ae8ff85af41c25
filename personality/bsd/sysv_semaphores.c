/* System V semaphores: the host's, with FreeBSD's commands and structures. */
#include "bsd.h"
#include "sysv.h"

#define MOST_OPERATIONS 500 /* the host's own limit, kernel.sem */

_Static_assert(sizeof(struct bsd_sembuf) == 6, "the same on both sides");
_Static_assert(BSD_IPC_NOWAIT == LINUX_IPC_NOWAIT && BSD_SEM_UNDO == 0x1000,
               "the same on both sides");

void sysv_perm_from_host(const struct linux_ipc_perm *from, struct bsd_ipc_perm *to)
{
    *to = (struct bsd_ipc_perm){.cuid = from->cuid, .cgid = from->cgid, .uid = from->uid,
                                    .gid = from->gid, .mode = (u16)from->mode, .seq = from->seq,
                                    .key = from->key};
}

void sysv_perm_to_host(const struct bsd_ipc_perm *from, struct linux_ipc_perm *to)
{
    to->uid = from->uid;
    to->gid = from->gid;
    to->mode = from->mode;
}

long bsd_sys_semget(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host(__NR_semget, (s32)a[0], (s32)a[1], (s32)a[2]);
}

long bsd_sys_semop(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (a[2] > MOST_OPERATIONS)
        return -E2BIG;
    return host_intr(__NR_semop, (s32)a[0], a[1], a[2]);
}

long bsd_sys_semtimedop(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (a[2] > MOST_OPERATIONS)
        return -E2BIG;
    return host_intr(__NR_semtimedop, (s32)a[0], a[1], a[2], a[3]);
}

/* The guest's union of a number, a structure and an array comes by address here, not by value. */
static long union_in(u64 address, u64 *value) { return get_u64(address, value); }

long sysv_semaphores_state(s32 id, struct bsd_semid_ds *state)
{
    struct linux_semid_ds host_state;

    memset(&host_state, 0, sizeof(host_state));
    long r = host(__NR_semctl, id, 0, LINUX_IPC_STAT, &host_state);
    if (is_error(r))
        return r;
    memset(state, 0, sizeof(*state));
    sysv_perm_from_host(&host_state.perm, &state->perm);
    state->nsems = (u16)host_state.nsems;
    state->otime = host_state.otime;
    state->ctime = host_state.ctime;
    return 0;
}

long sysv_semaphores_change(s32 id, const struct bsd_ipc_perm *perm)
{
    struct linux_semid_ds host_state;

    memset(&host_state, 0, sizeof(host_state));
    sysv_perm_to_host(perm, &host_state.perm);
    return host(__NR_semctl, id, 0, LINUX_IPC_SET, &host_state);
}

static long state_out(s32 id, u64 to)
{
    struct bsd_semid_ds state;
    long r = sysv_semaphores_state(id, &state);
    return r != 0 ? r : copy_out(to, &state, sizeof(state));
}

static long state_in(s32 id, u64 from)
{
    struct bsd_semid_ds state;
    return copy_in(&state, from, sizeof(state)) != 0 ? -EFAULT : sysv_semaphores_change(id, &state.perm);
}

long sysv_semaphores_control(const u64 a[MAX_ARGUMENTS], state_mover out, state_mover in)
{
    s32 id = (s32)a[0], number = (s32)a[1];
    u64 value = 0;

    switch ((s32)a[2]) {
    case BSD_IPC_RMID:
        return host(__NR_semctl, id, 0, LINUX_IPC_RMID, 0);
    case BSD_IPC_STAT:
        return union_in(a[3], &value) != 0 ? -EFAULT : out(id, value);
    case BSD_IPC_SET:
        return union_in(a[3], &value) != 0 ? -EFAULT : in(id, value);
    case BSD_GETVAL:
        return host(__NR_semctl, id, number, LINUX_GETVAL, 0);
    case BSD_GETPID:
        return host(__NR_semctl, id, number, LINUX_GETPID, 0);
    case BSD_GETNCNT:
        return host(__NR_semctl, id, number, LINUX_GETNCNT, 0);
    case BSD_GETZCNT:
        return host(__NR_semctl, id, number, LINUX_GETZCNT, 0);
    case BSD_SETVAL:
        if (union_in(a[3], &value) != 0)
            return -EFAULT;
        return host(__NR_semctl, id, number, LINUX_SETVAL, (s32)value);
    case BSD_GETALL:
        return union_in(a[3], &value) != 0 ? -EFAULT : host(__NR_semctl, id, 0, LINUX_GETALL, value);
    case BSD_SETALL:
        return union_in(a[3], &value) != 0 ? -EFAULT : host(__NR_semctl, id, 0, LINUX_SETALL, value);
    default: /* SEM_STAT and SEM_INFO, by index into the kernel's table, for ipcs alone */
        return -EINVAL;
    }
}

long bsd_sys_semctl(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return sysv_semaphores_control(a, state_out, state_in);
}
