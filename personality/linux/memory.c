/* Linux's memory calls: the host's own, watched for what happens to code and to the runtime.
 *
 * The break is the one thing made here: the host's belongs to the runtime's own program. */
#include "linux.h"
#include <linux/mman.h>

extern u64 text_start, text_end; /* the runtime itself: what no guest may map over or take away */

static u64 pages(u64 size)
{
    return (size + PAGE - 1) & ~(PAGE - 1);
}

static bool over(u64 low, u64 high, u64 address, u64 size)
{
    return address < high && address + pages(size) > low;
}

static bool over_runtime(const struct thread *t, u64 address, u64 size)
{
    return over(text_start & ~(PAGE - 1), text_end, address, size) ||
           over(t->area, t->area + t->area_size, address, size);
}

/* Calls in a file's code may be patched; in memory that the guest writes to, never. */
static bool is_code(const u64 a[MAX_ARGUMENTS])
{
    bool file = !(a[3] & MAP_ANONYMOUS) && (a[3] & MAP_TYPE) == MAP_PRIVATE;

    return file && (a[2] & PROT_EXEC) && !(a[2] & PROT_WRITE);
}

static void note_code(u64 at, const u64 a[MAX_ARGUMENTS], bool writable)
{
    u64 end = at + pages(a[1]);

    if (a[3] & MAP_FIXED)
        code_range_remove(at, end);
    if (is_code(a))
        code_mapped(at, end, (s32)a[4], a[5], writable);
}

long linux_sys_mmap(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if ((a[3] & MAP_FIXED) && over_runtime(t, a[0], a[1]))
        return -ENOMEM;
    if (!(a[3] & MAP_ANONYMOUS) && fd_is_reserved(t, (s32)a[4]))
        return -EBADF;
    bool writable = is_code(a) && code_is_to_change((s32)a[4], pages(a[1]), a[5]);
    long r = host(__NR_mmap, a[0], a[1], a[2] | (writable ? PROT_WRITE : 0), a[3], a[4], a[5]);
    if (!is_error(r))
        note_code((u64)r, a, writable);
    return r;
}

long linux_sys_munmap(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (over_runtime(t, a[0], a[1]))
        return -EINVAL;
    code_range_remove(a[0], a[0] + pages(a[1]));
    return host(__NR_munmap, a[0], a[1]);
}

static long protect(struct thread *t, const u64 a[MAX_ARGUMENTS])
{
    if (over_runtime(t, a[0], a[1]))
        return -ENOMEM;
    if ((a[2] & PROT_WRITE) || !(a[2] & PROT_EXEC))
        code_range_remove(a[0], a[0] + pages(a[1]));
    return host(t->call_number, a[0], a[1], a[2], a[3]);
}

long linux_sys_mprotect(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return protect(t, a);
}

long linux_sys_pkey_mprotect(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return protect(t, a);
}

long linux_sys_mremap(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (over_runtime(t, a[0], a[1]) || ((a[3] & MREMAP_FIXED) && over_runtime(t, a[4], a[2])))
        return -EINVAL;
    code_range_remove(a[0], a[0] + pages(a[1]));
    if (a[3] & MREMAP_FIXED)
        code_range_remove(a[4], a[4] + pages(a[2]));
    return host(__NR_mremap, a[0], a[1], a[2], a[3], a[4]);
}

RUNTIME_LOCK(break_lock);

static void move_break(struct process *p, u64 wanted)
{
    u64 old = pages(p->break_end), end = pages(wanted);

    if (wanted < p->break_base || end < wanted)
        return;
    if (end > old) {
        long r = host(__NR_mmap, old, end - old, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (is_error(r))
            return;
    } else if (end < old) {
        host(__NR_munmap, end, old - end);
    }
    p->break_end = p->break_mapped = wanted;
}

long linux_sys_brk(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    lock_acquire(&break_lock);
    move_break(t->process, a[0]);
    long r = (long)t->process->break_end;
    lock_release(&break_lock);
    return r;
}
