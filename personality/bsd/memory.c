/* What the BSDs' memory calls have in common.
 *
 * Addresses and lengths need not be whole pages here: a BSD rounds them outwards where Linux refuses.  Its kernel
 * promises more memory than there is, so anonymous memory is mapped without reserve. */
#include "memory.h"

extern u64 text_start, text_end; /* the runtime itself: what no guest may map over or take away */

#define LOW_END (1UL << 31)

bool round_out(u64 *address, u64 *size)
{
    u64 offset = *address & (PAGE - 1), end;

    if (__builtin_add_overflow(*address, *size, &end) || end + (PAGE - 1) < end)
        return false;
    *address -= offset;
    *size = (*size + offset + PAGE - 1) & ~(PAGE - 1);
    return true;
}

bool over_runtime(u64 address, u64 size)
{
    return address < text_end && address + size > (text_start & ~(PAGE - 1));
}

/* ---- mmap ----------------------------------------------------------------------------------------- */

static u32 host_flags(const struct mapping *m)
{
    u32 host = m->shared ? MAP_SHARED : MAP_PRIVATE;

    if (m->anonymous)
        host |= MAP_ANONYMOUS | MAP_NORESERVE;
    if (m->fixed)
        host |= m->exclusive ? MAP_FIXED_NOREPLACE : MAP_FIXED;
    else if (m->low)
        host |= MAP_32BIT;
    return host;
}

/* Reserve more than is needed, keep the part that begins at a multiple of `align`. */
static long reserve_aligned(u64 size, u64 align, bool low)
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

static long place_aligned(const struct mapping *m)
{
    long place = reserve_aligned(m->size, m->align, m->low);
    if (is_error(place))
        return place;
    u32 flags = (host_flags(m) & ~(u32)MAP_32BIT) | MAP_FIXED;
    long r = host(__NR_mmap, place, m->size, m->protection, flags, m->fd, m->offset);
    if (is_error(r))
        host(__NR_munmap, place, m->size);
    return r;
}

static long map(struct mapping *m)
{
    u64 in_page = m->offset & (PAGE - 1);
    long r;

    if (__builtin_add_overflow(m->size, in_page + PAGE - 1, &m->size))
        return -ENOMEM;
    m->size &= ~(PAGE - 1);
    m->offset -= in_page;
    if (m->fixed) {
        m->address -= in_page;
        u64 end = m->low ? LOW_END : ADDRESS_END;
        if ((m->address & (PAGE - 1)) || m->address >= end || m->size > end - m->address ||
            over_runtime(m->address, m->size))
            return -EINVAL;
    } else if (m->low && (m->address >= LOW_END || m->size > LOW_END - m->address)) {
        m->address = 0;
    }
    if (m->align > PAGE && !m->fixed)
        r = place_aligned(m);
    else
        r = host(__NR_mmap, m->address, m->size, m->protection, host_flags(m), m->fd, m->offset);
    if (r == -EEXIST)
        return -ENOMEM;
    if (r == -EOVERFLOW)
        return WAY_MAPPED_BEYOND_ALL_FILES;
    return is_error(r) ? r : r + (long)in_page;
}

/* Calls in a file's code may be patched; in memory that the guest writes to, never. */
static void note_code(const struct mapping *m, long at)
{
    u64 low = (u64)at & ~(PAGE - 1);

    if (m->fixed)
        code_range_remove(low, low + m->size);
    if (!m->anonymous && (m->protection & PROT_EXEC) && !(m->protection & PROT_WRITE) && !m->shared)
        code_mapped(low, low + m->size, m->fd, m->offset, false);
}

long map_memory(struct thread *t, struct mapping *m)
{
    if (!m->anonymous && fd_is_reserved(t, m->fd))
        return -EBADF;
    long r = map(m);
    if (!is_error(r))
        note_code(m, r);
    return r;
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

long protect_memory(u64 address, u64 size, u32 protection)
{
    if (!round_out(&address, &size) || over_runtime(address, size))
        return -EINVAL;
    if ((protection & PROT_WRITE) || !(protection & PROT_EXEC))
        code_range_remove(address, address + size);
    return host(__NR_mprotect, address, size, protection);
}

long inherit_memory(u64 address, u64 size, enum inheritance how)
{
    if (!round_out(&address, &size))
        return -EINVAL;
    switch (how) {
    case INHERITED_COPY:
        host(__NR_madvise, address, size, MADV_KEEPONFORK);
        return host(__NR_madvise, address, size, MADV_DOFORK);
    case INHERITED_NOT:
        return host(__NR_madvise, address, size, MADV_DONTFORK);
    case INHERITED_ZERO:
        return host(__NR_madvise, address, size, MADV_WIPEONFORK);
    default: /* the host decides when a mapping is made whether it is shared */
        return -EINVAL;
    }
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

long set_break(struct thread *t, u64 wanted)
{
    lock_acquire(&break_lock);
    long r = move_break(t->process, wanted);
    lock_release(&break_lock);
    return r;
}

long bsd_sys_break(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return set_break(t, a[0]);
}
