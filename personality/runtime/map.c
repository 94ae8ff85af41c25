/* Carrying out a load plan: mmap and zeroing, nothing else.  plan.h has the layout. */
#include "core.h"
#include "plan.h"
#include <linux/mman.h>

/* Where FreeBSD puts a position-independent program: low, so that its break can grow. */
#define RELOCATABLE_BASE 0x1021000UL

/* What a range is reserved with: its first segment, which then need not be mapped again, or nothing (fd -1). */
struct cover {
    u32 protection;
    int fd;
    u64 offset;
};

static long reserve(u64 at, u64 size, u32 flags, const struct cover *c)
{
    flags |= MAP_PRIVATE | (c->fd < 0 ? MAP_ANONYMOUS | MAP_NORESERVE : 0);
    return host(__NR_mmap, at, size, c->protection, flags, c->fd, c->offset);
}

/* The lowest address from `from` on whose distance to the plan's own is a multiple of `alignment`. */
static u64 aligned(u64 from, u64 low, u64 alignment)
{
    return low % alignment + ((from - low % alignment + alignment - 1) & ~(alignment - 1));
}

static u64 alignment_of(const struct plan_header *h) { return h->alignment > PAGE ? h->alignment : PAGE; }

/* The address that the range [low, high) of the plan gets, or -errno. */
static long place(const struct plan_header *h, bool interpreter, const struct cover *c)
{
    u64 size = h->high - h->low;
    if (!(h->flags & PLAN_RELOCATABLE))
        return reserve(h->low, size, MAP_FIXED_NOREPLACE, c);
    u64 alignment = alignment_of(h);
    if (!interpreter) {
        long r = reserve(aligned(RELOCATABLE_BASE, h->low, alignment), size, MAP_FIXED_NOREPLACE, c);
        if (!is_error(r))
            return r;
    }
    u64 spare = alignment > PAGE ? alignment : 0;
    long r = reserve(0, size + spare, 0, c);
    if (is_error(r) || spare == 0)
        return r;
    u64 at = aligned((u64)r, h->low, alignment);
    if (at > (u64)r)
        host(__NR_munmap, r, at - (u64)r);
    u64 end = (u64)r + size + spare;
    if (end > at + size)
        host(__NR_munmap, at + size, end - (at + size));
    return (long)at;
}

static bool is_code(const struct plan_segment *s)
{
    return (s->protection & PROT_EXEC) && !(s->protection & PROT_WRITE);
}

/* What remains when a segment was mapped. */
static void finish_segment(const struct plan_segment *s, u64 at, int image_fd, u32 mapped)
{
    bool changes = is_code(s) && (mapped & PROT_WRITE);
    if (mapped != s->protection && !changes)
        host(__NR_mprotect, at, s->size, s->protection);
    if (is_code(s))
        code_mapped(at, at + s->size, s->anonymous ? -1 : image_fd, s->file_offset, changes);
}

static long map_segment(const struct plan_segment *s, u64 bias, int image_fd)
{
    u64 at = s->address + bias;
    u32 protection = s->protection;
    bool zeroed = s->zero_to > s->zero_from;
    if (zeroed || (is_code(s) && !s->anonymous && code_is_to_change(image_fd, s->size, s->file_offset)))
        protection |= PROT_WRITE;
    long r = s->anonymous
                 ? host(__NR_mmap, at, s->size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
                 : host(__NR_mmap, at, s->size, protection, MAP_PRIVATE | MAP_FIXED, image_fd, s->file_offset);
    if (is_error(r))
        return r;
    if (zeroed)
        memset((void *)(s->zero_from + bias), 0, s->zero_to - s->zero_from);
    finish_segment(s, at, image_fd, protection);
    return 0;
}

/* Whether the first segment, mapped over all the range, leaves nothing of itself behind the others. */
static bool can_cover(const struct plan_header *h, const struct plan_segment *s)
{
    if (h->segment_count == 0 || s[0].anonymous || s[0].zero_to > s[0].zero_from || is_code(&s[0]) ||
        s[0].address != h->low || alignment_of(h) != PAGE)
        return false;
    for (u32 i = 1; i < h->segment_count; i++)
        if (s[i].address != s[i - 1].address + s[i - 1].size)
            return false;
    return s[h->segment_count - 1].address + s[h->segment_count - 1].size == h->high;
}

static void copy_name(char *to, size_t room, const char *from)
{
    size_t n = strlen(from);
    if (n >= room)
        n = room - 1;
    memcpy(to, from, n);
    to[n] = 0;
}

#define AT_ONCE 2048 /* bytes: a plan that is no longer needs no mapping of its own */

static long carry_out(const struct plan_header *h, int image_fd, bool interpreter, struct mapped *m)
{
    const struct plan_segment *s = (const struct plan_segment *)((u64)h + h->segments_offset);
    struct cover cover = {PROT_NONE, -1, 0};
    bool covered = can_cover(h, s);
    if (covered)
        cover = (struct cover){s[0].protection, image_fd, s[0].file_offset};
    long at = place(h, interpreter, &cover);
    if (is_error(at))
        return at;
    u64 bias = (u64)at - h->low;
    for (u32 i = covered; i < h->segment_count; i++) {
        long failed = map_segment(&s[i], bias, image_fd);
        if (failed != 0)
            return failed;
    }
    m->entry = h->entry + bias;
    m->base = bias;
    m->low = h->low + bias;
    m->high = h->high + bias;
    m->phdr = h->phdr != 0 ? h->phdr + bias : 0;
    m->phent = h->phent;
    m->phnum = h->phnum;
    m->release = h->release;
    m->has_interpreter = h->interpreter_offset != 0;
    copy_name(m->personality, sizeof(m->personality), (const char *)h + h->personality_offset);
    return 0;
}

long map_plan(int plan_fd, int image_fd, bool interpreter, struct mapped *m)
{
    char first[AT_ONCE] __attribute__((aligned(8)));
    const struct plan_header *h = (const struct plan_header *)first;
    long r = host(__NR_pread64, plan_fd, first, sizeof(first), 0);
    if (r < (long)sizeof(*h) || h->magic != PLAN_MAGIC || h->version != PLAN_VERSION)
        return -ENOEXEC;
    u64 size = h->total_size;
    if (size <= (u64)r)
        return carry_out(h, image_fd, interpreter, m);
    r = host(__NR_mmap, 0, size, PROT_READ, MAP_PRIVATE, plan_fd, 0);
    if (is_error(r))
        return r;
    long failed = carry_out((const struct plan_header *)r, image_fd, interpreter, m);
    host(__NR_munmap, r, size);
    return failed;
}
