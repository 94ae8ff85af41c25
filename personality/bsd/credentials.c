/* Who a process is.  On FreeBSD credentials belong to the process, on the host to each thread: a change
 * here is made in every thread (all_threads.c), so that no thread keeps a privilege another has given up. */
#include "bsd.h"
#include "all_threads.h"

#define MOST_GROUPS (BSD_NGROUPS_MAX + 1)
#define KEEP (~0U)

static u32 changed; /* since exec: what issetugid tells */

struct ids {
    u32 real, effective, saved;
};

static long read_ids(long call, struct ids *ids)
{
    return host(call, &ids->real, &ids->effective, &ids->saved);
}

static long change_ids(struct thread *t, long call, u32 real, u32 effective, u32 saved)
{
    const u64 arguments[3] = {real, effective, saved};
    long r = in_all_threads(t, call, arguments);
    if (r == 0)
        __atomic_store_n(&changed, 1, __ATOMIC_RELAXED);
    return r;
}

/* All three ids, whoever asks: the superuser for any, others for the real or the effective one.  The saved
 * one is not enough here, though the host would allow it (kern_prot.c is built without _POSIX_SAVED_IDS). */
static long become(struct thread *t, long get_call, long set_call, u32 id)
{
    struct ids ids;
    long r = read_ids(get_call, &ids);

    if (r != 0)
        return r;
    if (id != ids.real && id != ids.effective && host(__NR_geteuid) != 0)
        return -EPERM;
    return change_ids(t, set_call, id, id, id);
}

long bsd_sys_setuid(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return become(t, __NR_getresuid, __NR_setresuid, (u32)a[0]);
}

long bsd_sys_setgid(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return become(t, __NR_getresgid, __NR_setresgid, (u32)a[0]);
}

long bsd_sys_seteuid(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_ids(t, __NR_setresuid, KEEP, (u32)a[0], KEEP);
}

long bsd_sys_setegid(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_ids(t, __NR_setresgid, KEEP, (u32)a[0], KEEP);
}

long bsd_sys_setreuid(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_ids(t, __NR_setreuid, (u32)a[0], (u32)a[1], 0);
}

long bsd_sys_setregid(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_ids(t, __NR_setregid, (u32)a[0], (u32)a[1], 0);
}

long bsd_sys_setresuid(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_ids(t, __NR_setresuid, (u32)a[0], (u32)a[1], (u32)a[2]);
}

long bsd_sys_setresgid(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return change_ids(t, __NR_setresgid, (u32)a[0], (u32)a[1], (u32)a[2]);
}

/* Every address may be NULL here; the host insists on all three. */
static long tell_ids(long call, const u64 a[MAX_ARGUMENTS])
{
    struct ids ids;
    long r = read_ids(call, &ids);

    if (r == 0 && a[0] != 0)
        r = put_u32(a[0], ids.real);
    if (r == 0 && a[1] != 0)
        r = put_u32(a[1], ids.effective);
    if (r == 0 && a[2] != 0)
        r = put_u32(a[2], ids.saved);
    return r;
}

long bsd_sys_getresuid(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return tell_ids(__NR_getresuid, a);
}

long bsd_sys_getresgid(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return tell_ids(__NR_getresgid, a);
}

long bsd_sys_issetugid(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    struct ids uid, gid;

    if (read_ids(__NR_getresuid, &uid) != 0 || read_ids(__NR_getresgid, &gid) != 0)
        return 1;
    return __atomic_load_n(&changed, __ATOMIC_RELAXED) != 0 || uid.real != uid.effective ||
           gid.real != gid.effective;
}

/* ---- groups: up to FreeBSD 14 the first of them is the effective group id ----------------------------- */

long bsd_sys_freebsd14_getgroups(struct thread *t UNUSED, struct frame *f UNUSED,
                                     const u64 a[MAX_ARGUMENTS])
{
    u32 list[MOST_GROUPS];
    s32 room = (s32)a[0], n = 1;

    list[0] = (u32)host(__NR_getegid);
    long others = host(__NR_getgroups, MOST_GROUPS - 1, list + 1);
    if (others < 0)
        return others;
    for (s32 i = 1; i <= others; i++)
        if (list[i] != list[0])
            list[n++] = list[i];
    if (room == 0)
        return n;
    if (room < n)
        return -EINVAL;
    return copy_out(a[1], list, (size_t)n * sizeof(u32)) != 0 ? -EFAULT : n;
}

static long set_groups(struct thread *t, const u32 *list, s32 n)
{
    const u64 arguments[3] = {(u64)n, (u64)list, 0};
    long r = in_all_threads(t, __NR_setgroups, arguments);
    if (r == 0)
        __atomic_store_n(&changed, 1, __ATOMIC_RELAXED);
    return r;
}

static long groups_in(const u64 a[MAX_ARGUMENTS], u32 list[MOST_GROUPS])
{
    if ((s32)a[0] < 0 || (s32)a[0] > (s32)MOST_GROUPS)
        return -EINVAL;
    return copy_in(list, a[1], (size_t)a[0] * sizeof(u32));
}

long bsd_sys_freebsd14_setgroups(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 list[MOST_GROUPS];
    long r = groups_in(a, list);

    if (r != 0)
        return r;
    s32 n = (s32)a[0];
    r = set_groups(t, n > 0 ? list + 1 : list, n > 0 ? n - 1 : 0);
    return r == 0 && n > 0 ? change_ids(t, __NR_setresgid, KEEP, list[0], KEEP) : r;
}

long bsd_sys_setgroups(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 list[MOST_GROUPS];
    long r = groups_in(a, list);
    return r != 0 ? r : set_groups(t, list, (s32)a[0]);
}
