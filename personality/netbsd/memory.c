/* NetBSD's memory calls. */
#include "memory.h"
#include "netbsd.h"

#define COLD 20 /* MADV_COLD, host 5.4 */
#define PROT_ALL (NETBSD_PROT_READ | NETBSD_PROT_WRITE | NETBSD_PROT_EXEC)
#define REMAP_KNOWN (NETBSD_MAP_ALIGNMENT_MASK | NETBSD_MAP_FIXED | NETBSD_MAP_REMAPDUP)

/* In bytes, 0: none; -1: more than the address space has. */
static u64 alignment_of(u32 flags)
{
    u32 shift = flags >> NETBSD_MAP_ALIGNMENT_SHIFT;
    return shift == 0 ? 0 : shift >= 47 ? ~0UL : 1UL << shift;
}

/* a: address, size, protection, flags, descriptor, padding, offset.  What neither shares nor is private is private;
 * the highest protection that the mapping may ever have, which comes with the other, the host cannot hold it to. */
long netbsd_sys_mmap(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 flags = (u32)a[3];
    struct mapping m = {
        .address = a[0], .size = a[1], .protection = (u32)a[2] & PROT_ALL, .fd = (s32)a[4], .offset = a[6],
        .shared = flags & NETBSD_MAP_SHARED, .anonymous = flags & NETBSD_MAP_ANON,
        .fixed = flags & NETBSD_MAP_FIXED, .align = alignment_of(flags),
    };

    if ((s64)m.offset < 0 && !m.anonymous)
        return -EINVAL;
    if ((flags & (NETBSD_MAP_SHARED | NETBSD_MAP_PRIVATE)) == (NETBSD_MAP_SHARED | NETBSD_MAP_PRIVATE))
        return -EINVAL;
    if (m.anonymous && m.fd != -1)
        return -EINVAL;
    if (m.size == 0)
        return m.anonymous ? (long)m.address : -EINVAL;
    if (m.align == ~0UL || (m.fixed && m.align != 0 && (m.address & (m.align - 1))))
        return m.align == ~0UL ? -ENOMEM : -EINVAL;
    if (m.anonymous)
        m.offset = 0;
    long r = map_memory(t, &m);
    if (is_error(r) || !(flags & NETBSD_MAP_WIRED) || m.protection == 0) /* of what nobody may use nothing is locked */
        return r;
    long locked = host(__NR_mlock, r, m.size);
    if (locked != 0)
        host(__NR_munmap, r, m.size);
    return locked != 0 ? locked : r;
}

long netbsd_sys_mprotect(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return protect_memory(a[0], a[1], (u32)a[2] & PROT_ALL);
}

/* The break as a program says it; the result is nothing but success. */
long netbsd_sys_obreak(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    long r = set_break(t, a[0]);
    return is_error(r) ? r : 0;
}

static s32 host_advice(s32 advice)
{
    switch (advice) {
    case NETBSD_MADV_NORMAL:
        return MADV_NORMAL;
    case NETBSD_MADV_RANDOM:
        return MADV_RANDOM;
    case NETBSD_MADV_SEQUENTIAL:
        return MADV_SEQUENTIAL;
    case NETBSD_MADV_WILLNEED:
        return MADV_WILLNEED;
    case NETBSD_MADV_DONTNEED: /* keeps the contents, unlike the host's */
        return COLD;
    case NETBSD_MADV_FREE:
        return MADV_FREE;
    default: /* MADV_SPACEAVAIL too: no BSD ever carried it out */
        return -1;
    }
}

long netbsd_sys_madvise(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 address = a[0], size = a[1];
    s32 advice = host_advice((s32)a[2]);

    if (!round_out(&address, &size) || advice < 0 || over_runtime(address, size))
        return -EINVAL;
    host(__NR_madvise, address, size, advice);
    return 0;
}

long netbsd_sys_msync(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    const u32 known = NETBSD_MS_ASYNC | NETBSD_MS_SYNC | NETBSD_MS_INVALIDATE;
    u64 address = a[0], size = a[1];
    u32 flags = (u32)a[2];

    if ((flags & ~known) || !(flags & known) ||
        (flags & (NETBSD_MS_ASYNC | NETBSD_MS_SYNC)) == (NETBSD_MS_ASYNC | NETBSD_MS_SYNC))
        return -EINVAL;
    if (!round_out(&address, &size))
        return -ENOMEM;
    u32 wanted = (flags & NETBSD_MS_ASYNC ? MS_ASYNC : MS_SYNC) | (flags & NETBSD_MS_INVALIDATE ? MS_INVALIDATE : 0);
    long r = host_intr(__NR_msync, address, size, wanted);
    return r == -ENOMEM ? -EFAULT : r;
}

long netbsd_sys_minherit(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    switch ((s32)a[2]) {
    case NETBSD_MAP_INHERIT_COPY:
        return inherit_memory(a[0], a[1], INHERITED_COPY);
    case NETBSD_MAP_INHERIT_SHARE:
        return inherit_memory(a[0], a[1], INHERITED_SHARED);
    case NETBSD_MAP_INHERIT_NONE:
        return inherit_memory(a[0], a[1], INHERITED_NOT);
    case NETBSD_MAP_INHERIT_ZERO:
        return inherit_memory(a[0], a[1], INHERITED_ZERO);
    default:
        return -EINVAL;
    }
}

static long lock_pages(long call, const u64 a[MAX_ARGUMENTS])
{
    u64 address = a[0], size = a[1];
    return round_out(&address, &size) ? host(call, address, size) : -ENOMEM;
}

/* Over the limit the host says ENOMEM, as of memory that is not there, and EPERM when there is no limit to be within. */
long netbsd_sys_mlock(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct linux_rlimit limit;
    long r = lock_pages(__NR_mlock, a);

    if (r == -EPERM)
        return -EAGAIN;
    if (r == -ENOMEM && host(__NR_prlimit64, 0, LINUX_RLIMIT_MEMLOCK, 0, &limit) == 0 && a[1] > limit.cur)
        return -EAGAIN;
    return r;
}

long netbsd_sys_munlock(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return lock_pages(__NR_munlock, a);
}

long netbsd_sys_mincore(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if ((a[0] & (PAGE - 1)) || a[1] == 0)
        return -EINVAL;
    return host(__NR_mincore, a[0], a[1], a[2]);
}

/* ---- moving what is mapped ---------------------------------------------------------------------------------- */

/* The host moves to a multiple of a page: for more, a place of that kind is looked for first. */
static long place_for(struct thread *t, u64 size, u64 align)
{
    struct mapping m = {.size = size, .fd = -1, .anonymous = true, .align = align};
    return map_memory(t, &m);
}

/* a: old address, old size, new address, new size, flags.  As with mmap an address without MAP_FIXED is a wish. */
long netbsd_sys_mremap(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 from = a[0], old_size = (a[1] + PAGE - 1) & ~(PAGE - 1), to = a[2];
    u64 size = (a[3] + PAGE - 1) & ~(PAGE - 1), align = alignment_of((u32)a[4]);
    bool fixed = a[4] & NETBSD_MAP_FIXED, both = a[4] & NETBSD_MAP_REMAPDUP;

    if ((a[4] & ~(u64)REMAP_KNOWN) || old_size == 0 || size == 0 || (from & (PAGE - 1)) || align == ~0UL ||
        over_runtime(from, old_size))
        return -EINVAL;
    if (fixed && ((to & (PAGE - 1)) || (align != 0 && (to & (align - 1))) || over_runtime(to, size)))
        return -EINVAL;
    if (fixed && both && to == from)
        return -EINVAL;
    if (!fixed && align > PAGE) {
        long place = place_for(t, size, align);
        if (is_error(place))
            return place;
        to = (u64)place;
        fixed = true;
    }
    code_range_remove(from, from + old_size);
    if (both) /* of private memory the host leaves the old place empty instead of the same */
        return host(__NR_mremap, from, 0, size, MREMAP_MAYMOVE | (fixed ? MREMAP_FIXED : 0), to);
    if (fixed && to == from)
        return host(__NR_mremap, from, old_size, size, 0);
    return host(__NR_mremap, from, old_size, size, MREMAP_MAYMOVE | (fixed ? MREMAP_FIXED : 0), to);
}

/* The advice of old, which no BSD carries out; with other words than two it is an error. */
long netbsd_sys_vadvise(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return -EINVAL;
}
