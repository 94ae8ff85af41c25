/* FreeBSD's memory calls. */
#include "memory.h"

#define COLD 20             /* MADV_COLD, host 5.4 */
#define LARGE_PAGE (1UL << 21)

/* ---- mmap ----------------------------------------------------------------------------------------- */

#define MAP_IGNORED (FREEBSD_MAP_RESERVED0020 | FREEBSD_MAP_RESERVED0040)
#define MAP_GUARD_WITH \
    (FREEBSD_MAP_FIXED | FREEBSD_MAP_GUARD | FREEBSD_MAP_EXCL | FREEBSD_MAP_32BIT | \
     FREEBSD_MAP_ALIGNMENT_MASK)
#define MAP_KNOWN                                                                                       \
    (FREEBSD_MAP_SHARED | FREEBSD_MAP_PRIVATE | FREEBSD_MAP_FIXED | FREEBSD_MAP_HASSEMAPHORE |              \
     FREEBSD_MAP_STACK | FREEBSD_MAP_NOSYNC | FREEBSD_MAP_ANON | FREEBSD_MAP_EXCL | FREEBSD_MAP_NOCORE |    \
     FREEBSD_MAP_PREFAULT_READ | FREEBSD_MAP_GUARD | FREEBSD_MAP_32BIT | FREEBSD_MAP_ALIGNMENT_MASK)
#define PROT_ALL (FREEBSD_PROT_READ | FREEBSD_PROT_WRITE | FREEBSD_PROT_EXEC)
#define PROT_READ_WRITE (FREEBSD_PROT_READ | FREEBSD_PROT_WRITE)

/* Split off the highest protection the guest wants ever to have.  The host cannot hold it to that. */
static long split_protection(u32 *protection)
{
    u32 most = *protection >> FREEBSD_PROT_MAX_SHIFT;

    if (*protection & ~(PROT_ALL | PROT_ALL << FREEBSD_PROT_MAX_SHIFT))
        return -EINVAL;
    *protection &= PROT_ALL;
    return most != 0 && (most & *protection) != *protection ? -EOPNOTSUPP : 0;
}

/* The alignment asked for, in bytes; 0: none; -EINVAL. */
static long alignment_of(u32 flags)
{
    u32 align = flags & FREEBSD_MAP_ALIGNMENT_MASK, shift = align >> FREEBSD_MAP_ALIGNMENT_SHIFT;

    if (align == 0)
        return 0;
    if (align == FREEBSD_MAP_ALIGNED_SUPER)
        return LARGE_PAGE;
    if (shift >= 64 || shift < 12)
        return -EINVAL;
    return shift >= 47 ? -ENOMEM : 1L << shift;
}

/* As the guest asked: its flags, with what they imply. */
struct request {
    struct mapping m;
    u32 flags;
};

static long check_request(struct request *q)
{
    struct mapping *m = &q->m;
    u32 flags = q->flags & ~MAP_IGNORED;
    long r = split_protection(&m->protection);

    if (r != 0)
        return r;
    if (m->size == 0 || ((flags & FREEBSD_MAP_ANON) && (m->fd != -1 || m->offset != 0)))
        return -EINVAL;
    if (flags & FREEBSD_MAP_STACK) {
        if (m->fd != -1 || (m->protection & PROT_READ_WRITE) != PROT_READ_WRITE)
            return -EINVAL;
        flags |= FREEBSD_MAP_ANON;
        m->offset = 0;
    }
    u32 sharing = flags & (FREEBSD_MAP_SHARED | FREEBSD_MAP_PRIVATE);
    if ((flags & ~MAP_KNOWN) || sharing == (FREEBSD_MAP_SHARED | FREEBSD_MAP_PRIVATE) ||
        (flags & (FREEBSD_MAP_EXCL | FREEBSD_MAP_FIXED)) == FREEBSD_MAP_EXCL)
        return -EINVAL;
    if (flags & FREEBSD_MAP_GUARD) {
        if (m->protection != 0 || m->fd != -1 || m->offset != 0 || (flags & ~MAP_GUARD_WITH))
            return -EINVAL;
        flags |= FREEBSD_MAP_ANON;
    } else if (!(flags & FREEBSD_MAP_ANON) && sharing == 0) {
        return -EINVAL;
    }
    q->flags = flags;
    return 0;
}

static long map_request(struct thread *t, struct request *q)
{
    struct mapping *m = &q->m;
    long r = check_request(q);

    if (r != 0)
        return r;
    m->shared = q->flags & FREEBSD_MAP_SHARED;
    m->anonymous = q->flags & FREEBSD_MAP_ANON;
    m->fixed = q->flags & FREEBSD_MAP_FIXED;
    m->exclusive = q->flags & FREEBSD_MAP_EXCL;
    m->low = q->flags & FREEBSD_MAP_32BIT;
    long align = alignment_of(q->flags);
    if (align < 0)
        return align;
    m->align = (u64)align;
    r = map_memory(t, m);
    if (is_error(r))
        return r;
    if (q->flags & FREEBSD_MAP_STACK) /* the page that a growing stack never reaches at home */
        host(__NR_mprotect, r, m->size > PAGE ? PAGE : 0, PROT_NONE);
    if (q->flags & FREEBSD_MAP_NOCORE)
        host(__NR_madvise, r & ~(long)(PAGE - 1), m->size, MADV_DONTDUMP);
    if (q->flags & FREEBSD_MAP_PREFAULT_READ)
        host(__NR_madvise, r & ~(long)(PAGE - 1), m->size, MADV_WILLNEED);
    return r;
}

long freebsd_sys_mmap(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct request q = {
        .m = {.address = a[0], .size = a[1], .protection = (u32)a[2], .fd = (s32)a[4], .offset = a[5]},
        .flags = (u32)a[3],
    };
    return map_request(t, &q);
}

/* ---- what is mapped already ------------------------------------------------------------------------- */

long freebsd_sys_mprotect(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 protection = (u32)a[2];
    long r = split_protection(&protection);
    return r != 0 ? r : protect_memory(a[0], a[1], protection);
}

/* MADV_DONTNEED keeps the contents on FreeBSD, and throws them away on Linux. */
static s32 host_advice(s32 advice)
{
    switch (advice) {
    case FREEBSD_MADV_NORMAL:
        return MADV_NORMAL;
    case FREEBSD_MADV_RANDOM:
        return MADV_RANDOM;
    case FREEBSD_MADV_SEQUENTIAL:
        return MADV_SEQUENTIAL;
    case FREEBSD_MADV_WILLNEED:
        return MADV_WILLNEED;
    case FREEBSD_MADV_DONTNEED:
        return COLD;
    case FREEBSD_MADV_FREE:
        return MADV_FREE;
    case FREEBSD_MADV_NOCORE:
        return MADV_DONTDUMP;
    case FREEBSD_MADV_CORE:
        return MADV_DODUMP;
    default:
        return -1;
    }
}

long freebsd_sys_madvise(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 address = a[0], size = a[1];
    s32 advice = (s32)a[2];

    if (advice == FREEBSD_MADV_PROTECT) /* from the killer at the end of memory: a privilege on both sides */
        return -EPERM;
    if (!round_out(&address, &size) || address + size > ADDRESS_END || over_runtime(address, size))
        return -EINVAL;
    if (advice == FREEBSD_MADV_NOSYNC || advice == FREEBSD_MADV_AUTOSYNC)
        return 0; /* when to write back: the host's own choice is within what either allows */
    if (host_advice(advice) < 0)
        return -EINVAL;
    host(__NR_madvise, address, size, host_advice(advice)); /* advice for a hole is no error at home */
    return 0;
}

long freebsd_sys_msync(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 address = a[0], size = a[1];
    u32 flags = (u32)a[2], wanted;

    if (!round_out(&address, &size))
        return -EINVAL;
    if ((flags & FREEBSD_MS_ASYNC) && (flags & FREEBSD_MS_INVALIDATE))
        return -EINVAL;
    wanted = flags & FREEBSD_MS_ASYNC ? MS_ASYNC : MS_SYNC;
    if (flags & FREEBSD_MS_INVALIDATE)
        wanted |= MS_INVALIDATE;
    return host_intr(__NR_msync, address, size, wanted);
}

long freebsd_sys_minherit(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    switch ((s32)a[2]) {
    case FREEBSD_INHERIT_COPY:
        return inherit_memory(a[0], a[1], INHERITED_COPY);
    case FREEBSD_INHERIT_NONE:
        return inherit_memory(a[0], a[1], INHERITED_NOT);
    case FREEBSD_INHERIT_ZERO:
        return inherit_memory(a[0], a[1], INHERITED_ZERO);
    default: /* INHERIT_SHARE */
        return -EINVAL;
    }
}

long freebsd_sys_mincore(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host(__NR_mincore, a[0] & ~(PAGE - 1), a[1], a[2]);
}

long freebsd_sys_freebsd11_vadvise(struct thread *t UNUSED, struct frame *f UNUSED,
                                   const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return -EINVAL; /* what FreeBSD itself says */
}
