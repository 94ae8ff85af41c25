/* FreeBSD's memory calls.
 *
 * Addresses and lengths need not be whole pages here: FreeBSD rounds them outwards where Linux refuses.
 * Its kernel promises more memory than there is, so anonymous memory is mapped without reserve. */
#include "bsd.h"
#include <linux/mman.h>

extern u64 text_start, text_end; /* the runtime itself: what no guest may map over or take away */

#define ADDRESS_END 0x800000000000UL
#define LOW_END (1UL << 31)
#define COLD 20             /* MADV_COLD, host 5.4 */
#define LARGE_PAGE (1UL << 21)

static bool round_out(u64 *address, u64 *size)
{
    u64 offset = *address & (PAGE - 1), end;

    if (__builtin_add_overflow(*address, *size, &end) || end + (PAGE - 1) < end)
        return false;
    *address -= offset;
    *size = (*size + offset + PAGE - 1) & ~(PAGE - 1);
    return true;
}

static bool over_runtime(u64 address, u64 size)
{
    return address < text_end && address + size > (text_start & ~(PAGE - 1));
}

/* ---- mmap ----------------------------------------------------------------------------------------- */

#define MAP_IGNORED (BSD_MAP_RESERVED0020 | BSD_MAP_RESERVED0040)
#define MAP_GUARD_WITH \
    (BSD_MAP_FIXED | BSD_MAP_GUARD | BSD_MAP_EXCL | BSD_MAP_32BIT | \
     BSD_MAP_ALIGNMENT_MASK)
#define MAP_KNOWN                                                                                       \
    (BSD_MAP_SHARED | BSD_MAP_PRIVATE | BSD_MAP_FIXED | BSD_MAP_HASSEMAPHORE |              \
     BSD_MAP_STACK | BSD_MAP_NOSYNC | BSD_MAP_ANON | BSD_MAP_EXCL | BSD_MAP_NOCORE |    \
     BSD_MAP_PREFAULT_READ | BSD_MAP_GUARD | BSD_MAP_32BIT | BSD_MAP_ALIGNMENT_MASK)
#define PROT_ALL (BSD_PROT_READ | BSD_PROT_WRITE | BSD_PROT_EXEC)
#define PROT_READ_WRITE (BSD_PROT_READ | BSD_PROT_WRITE)

struct mapping {
    u64 address, size, offset;
    u32 protection, flags; /* the guest's; the protection bits are the same on both sides */
    s32 fd;
};

/* Split off the highest protection the guest wants ever to have.  The host cannot hold it to that. */
static long split_protection(u32 *protection)
{
    u32 most = *protection >> BSD_PROT_MAX_SHIFT;

    if (*protection & ~(PROT_ALL | PROT_ALL << BSD_PROT_MAX_SHIFT))
        return -EINVAL;
    *protection &= PROT_ALL;
    return most != 0 && (most & *protection) != *protection ? -EOPNOTSUPP : 0;
}

/* The alignment asked for, in bytes; 0: none; -EINVAL. */
static long alignment_of(u32 flags)
{
    u32 align = flags & BSD_MAP_ALIGNMENT_MASK, shift = align >> BSD_MAP_ALIGNMENT_SHIFT;

    if (align == 0)
        return 0;
    if (align == BSD_MAP_ALIGNED_SUPER)
        return LARGE_PAGE;
    if (shift >= 64 || shift < 12)
        return -EINVAL;
    return shift >= 47 ? -ENOMEM : 1L << shift;
}

static long check_mapping(struct mapping *m)
{
    u32 flags = m->flags & ~MAP_IGNORED;
    long r = split_protection(&m->protection);

    if (r != 0)
        return r;
    if (m->size == 0 || ((flags & BSD_MAP_ANON) && (m->fd != -1 || m->offset != 0)))
        return -EINVAL;
    if (flags & BSD_MAP_STACK) {
        if (m->fd != -1 || (m->protection & PROT_READ_WRITE) != PROT_READ_WRITE)
            return -EINVAL;
        flags |= BSD_MAP_ANON;
        m->offset = 0;
    }
    u32 sharing = flags & (BSD_MAP_SHARED | BSD_MAP_PRIVATE);
    if ((flags & ~MAP_KNOWN) || sharing == (BSD_MAP_SHARED | BSD_MAP_PRIVATE) ||
        (flags & (BSD_MAP_EXCL | BSD_MAP_FIXED)) == BSD_MAP_EXCL)
        return -EINVAL;
    if (flags & BSD_MAP_GUARD) {
        if (m->protection != 0 || m->fd != -1 || m->offset != 0 || (flags & ~MAP_GUARD_WITH))
            return -EINVAL;
        flags |= BSD_MAP_ANON;
    } else if (!(flags & BSD_MAP_ANON) && sharing == 0) {
        return -EINVAL;
    }
    m->flags = flags;
    return 0;
}

static u32 host_flags(u32 flags)
{
    u32 host = flags & BSD_MAP_SHARED ? MAP_SHARED : MAP_PRIVATE;

    if (flags & BSD_MAP_ANON)
        host |= MAP_ANONYMOUS | MAP_NORESERVE;
    if (flags & BSD_MAP_FIXED)
        host |= flags & BSD_MAP_EXCL ? MAP_FIXED_NOREPLACE : MAP_FIXED;
    else if (flags & BSD_MAP_32BIT)
        host |= MAP_32BIT;
    return host;
}

/* Reserve more than is needed, keep the part that begins at a multiple of `align`. */
static long reserve_aligned(u64 size, u64 align, u32 low)
{
    long low_end = host(__NR_mmap, 0, size + align, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (low ? MAP_32BIT : 0), -1, 0);
    if (is_error(low_end))
        return low_end;
    u64 start = ((u64)low_end + align - 1) & ~(align - 1), end = (u64)low_end + size + align;
    if (start > (u64)low_end)
        host(__NR_munmap, low_end, start - (u64)low_end);
    if (end > start + size)
        host(__NR_munmap, start + size, end - start - size);
    return (long)start;
}

static long map(struct mapping *m)
{
    u64 in_page = m->offset & (PAGE - 1);
    u32 flags = host_flags(m->flags);
    long align = alignment_of(m->flags);

    if (align < 0)
        return align;
    if (__builtin_add_overflow(m->size, in_page + PAGE - 1, &m->size))
        return -ENOMEM;
    m->size &= ~(PAGE - 1);
    m->offset -= in_page;
    if (m->flags & BSD_MAP_FIXED) {
        m->address -= in_page;
        u64 end = m->flags & BSD_MAP_32BIT ? LOW_END : ADDRESS_END;
        if ((m->address & (PAGE - 1)) || m->address >= end || m->size > end - m->address ||
            over_runtime(m->address, m->size))
            return -EINVAL;
    } else if ((m->flags & BSD_MAP_32BIT) && (m->address >= LOW_END || m->size > LOW_END - m->address)) {
        m->address = 0;
    }
    if (align > (long)PAGE && !(m->flags & BSD_MAP_FIXED)) {
        long place = reserve_aligned(m->size, (u64)align, m->flags & BSD_MAP_32BIT);
        if (is_error(place))
            return place;
        m->address = (u64)place;
        flags = (flags & ~(u32)MAP_32BIT) | MAP_FIXED;
        long r = host(__NR_mmap, place, m->size, m->protection, flags, m->fd, m->offset);
        if (is_error(r))
            host(__NR_munmap, place, m->size);
        return is_error(r) ? r : r + (long)in_page;
    }
    long r = host(__NR_mmap, m->address, m->size, m->protection, flags, m->fd, m->offset);
    if (r == -EEXIST)
        return -ENOMEM;
    return is_error(r) ? r : r + (long)in_page;
}

/* Calls in a file's code may be patched; in memory that the guest writes to, never. */
static void note_code(const struct mapping *m, long at)
{
    u64 low = (u64)at & ~(PAGE - 1);

    if (m->flags & BSD_MAP_FIXED)
        code_range_remove(low, low + m->size);
    if (!(m->flags & BSD_MAP_ANON) && (m->protection & PROT_EXEC) && !(m->protection & PROT_WRITE) &&
        (m->flags & BSD_MAP_PRIVATE))
        code_range_add(low, low + m->size);
}

static long map_checked(struct thread *t, struct mapping *m)
{
    long r = check_mapping(m);

    if (r != 0)
        return r;
    if (!(m->flags & BSD_MAP_ANON) && fd_is_reserved(t, m->fd))
        return -EBADF;
    r = map(m);
    if (is_error(r))
        return r;
    note_code(m, r);
    if (m->flags & BSD_MAP_STACK) /* the page that a growing stack never reaches at home */
        host(__NR_mprotect, r, m->size > PAGE ? PAGE : 0, PROT_NONE);
    if (m->flags & BSD_MAP_NOCORE)
        host(__NR_madvise, r & ~(long)(PAGE - 1), m->size, MADV_DONTDUMP);
    if (m->flags & BSD_MAP_PREFAULT_READ)
        host(__NR_madvise, r & ~(long)(PAGE - 1), m->size, MADV_WILLNEED);
    return r;
}

long bsd_sys_mmap(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct mapping m = {.address = a[0], .size = a[1], .protection = (u32)a[2], .flags = (u32)a[3],
                        .fd = (s32)a[4], .offset = a[5]};
    return map_checked(t, &m);
}

long bsd_sys_freebsd6_mmap(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct mapping m = {.address = a[0], .size = a[1], .protection = (u32)a[2], .flags = (u32)a[3],
                        .fd = (s32)a[4], .offset = a[6]};
    return map_checked(t, &m);
}

/* ---- what is mapped already ------------------------------------------------------------------------- */

long bsd_sys_munmap(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 address = a[0], size = a[1];

    if (size == 0 || !round_out(&address, &size) || over_runtime(address, size))
        return -EINVAL;
    code_range_remove(address, address + size);
    return host(__NR_munmap, address, size);
}

long bsd_sys_mprotect(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 address = a[0], size = a[1];
    u32 protection = (u32)a[2];

    long r = split_protection(&protection);
    if (r != 0)
        return r;
    if (!round_out(&address, &size) || over_runtime(address, size))
        return -EINVAL;
    if ((protection & PROT_WRITE) || !(protection & PROT_EXEC))
        code_range_remove(address, address + size);
    return host(__NR_mprotect, address, size, protection);
}

/* MADV_DONTNEED keeps the contents on FreeBSD, and throws them away on Linux. */
static s32 host_advice(s32 advice)
{
    switch (advice) {
    case BSD_MADV_NORMAL:
        return MADV_NORMAL;
    case BSD_MADV_RANDOM:
        return MADV_RANDOM;
    case BSD_MADV_SEQUENTIAL:
        return MADV_SEQUENTIAL;
    case BSD_MADV_WILLNEED:
        return MADV_WILLNEED;
    case BSD_MADV_DONTNEED:
        return COLD;
    case BSD_MADV_FREE:
        return MADV_FREE;
    case BSD_MADV_NOCORE:
        return MADV_DONTDUMP;
    case BSD_MADV_CORE:
        return MADV_DODUMP;
    default:
        return -1;
    }
}

long bsd_sys_madvise(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 address = a[0], size = a[1];
    s32 advice = (s32)a[2];

    if (advice == BSD_MADV_PROTECT) /* from the killer at the end of memory: a privilege on both sides */
        return -EPERM;
    if (!round_out(&address, &size) || address + size > ADDRESS_END || over_runtime(address, size))
        return -EINVAL;
    if (advice == BSD_MADV_NOSYNC || advice == BSD_MADV_AUTOSYNC)
        return 0; /* when to write back: the host's own choice is within what either allows */
    if (host_advice(advice) < 0)
        return -EINVAL;
    host(__NR_madvise, address, size, host_advice(advice)); /* advice for a hole is no error at home */
    return 0;
}

long bsd_sys_msync(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 address = a[0], size = a[1];
    u32 flags = (u32)a[2], wanted;

    if (!round_out(&address, &size))
        return -EINVAL;
    if ((flags & BSD_MS_ASYNC) && (flags & BSD_MS_INVALIDATE))
        return -EINVAL;
    wanted = flags & BSD_MS_ASYNC ? MS_ASYNC : MS_SYNC;
    if (flags & BSD_MS_INVALIDATE)
        wanted |= MS_INVALIDATE;
    return host_intr(__NR_msync, address, size, wanted);
}

long bsd_sys_minherit(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 address = a[0], size = a[1];

    if (!round_out(&address, &size))
        return -EINVAL;
    switch ((s32)a[2]) {
    case BSD_INHERIT_COPY:
        host(__NR_madvise, address, size, MADV_KEEPONFORK);
        return host(__NR_madvise, address, size, MADV_DOFORK);
    case BSD_INHERIT_NONE:
        return host(__NR_madvise, address, size, MADV_DONTFORK);
    case BSD_INHERIT_ZERO:
        return host(__NR_madvise, address, size, MADV_WIPEONFORK);
    default: /* INHERIT_SHARE: the host decides when a mapping is made whether it is shared */
        return -EINVAL;
    }
}

long bsd_sys_mincore(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host(__NR_mincore, a[0] & ~(PAGE - 1), a[1], a[2]);
}

long bsd_sys_freebsd11_vadvise(struct thread *t UNUSED, struct frame *f UNUSED,
                                   const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return -EINVAL; /* what FreeBSD itself says */
}

/* ---- the break -------------------------------------------------------------------------------------- */

RUNTIME_LOCK(break_lock);

static long move_break(struct process *p, u64 wanted)
{
    u64 base = (p->break_base + PAGE - 1) & ~(PAGE - 1);
    u64 old = (p->break_mapped + PAGE - 1) & ~(PAGE - 1), end;

    if (wanted < base) /* how libc asks where it is */
        return (long)old;
    if (__builtin_add_overflow(wanted, PAGE - 1, &end) || end >= ADDRESS_END)
        return -ENOMEM;
    end &= ~(PAGE - 1);
    long r = 0;
    if (end > old)
        r = host(__NR_mmap, old, end - old, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    else if (end < old)
        r = host(__NR_munmap, end, old - end);
    if (is_error(r))
        return -ENOMEM;
    p->break_mapped = p->break_end = end;
    return (long)end;
}

long bsd_sys_break(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    lock_acquire(&break_lock);
    long r = move_break(t->process, a[0]);
    lock_release(&break_lock);
    return r;
}
