/* Rewriting a guest's syscall instruction, once, so that later calls cost a jump instead of a signal.
 *
 * The two bytes become a short jump into alignment padding between functions, and the padding a
 * jump to the site's trampoline, which sets %rcx as the instruction would have and enters the
 * runtime.  No guest instruction is displaced, so there is no half-way address to land on.  Where
 * no padding is in reach the site stays as it is and SUD goes on catching it. */
#include "core.h"
#include "trace.h"
#include <linux/mman.h>

#define TRAMPOLINE_SIZE 16
#define REGIONS 64
#define RANGES 128
#define REFUSED 256
#define WINDOW 128
#define NEEDED 5
#define REACH 0x7fff0000L

struct range {
    u64 low, high;
};

/* Properties of the address space, not of a process: a vfork child shares them. */
RUNTIME_LEAF_LOCK(patch_lock);
static struct range ranges[RANGES];
static u32 range_count;
static struct {
    u64 base;
    u32 used; /* slots; the first holds the address of fast_entry */
} regions[REGIONS];
static u32 region_count;
static u64 refused[REFUSED]; /* sites that cannot be patched, by hash: do not look again */

void code_range_add(u64 low, u64 high)
{
    lock_acquire(&patch_lock);
    if (range_count < RANGES)
        ranges[range_count++] = (struct range){low, high};
    lock_release(&patch_lock);
    trace_mappings_changed();
}

void code_range_remove(u64 low, u64 high)
{
    if (range_count == 0)
        return;
    lock_acquire(&patch_lock);
    for (u32 i = 0; i < range_count;) {
        struct range r = ranges[i];
        if (high <= r.low || low >= r.high) {
            i++;
            continue;
        }
        ranges[i] = ranges[--range_count];
        if (r.low < low && range_count < RANGES)
            ranges[range_count++] = (struct range){r.low, low};
        if (r.high > high && range_count < RANGES)
            ranges[range_count++] = (struct range){high, r.high};
    }
    for (u32 i = 0; i < REFUSED; i++)
        if (refused[i] >= low && refused[i] < high)
            refused[i] = 0;
    lock_release(&patch_lock);
}

static const struct range *range_of(u64 address)
{
    for (u32 i = 0; i < range_count; i++)
        if (address >= ranges[i].low && address + 2 <= ranges[i].high)
            return &ranges[i];
    return NULL;
}

static bool reaches(u64 from, u64 to)
{
    s64 distance = (s64)(to - from);
    return distance < REACH && distance > -REACH;
}

/* A page near `site`, below the code first: a guest's break grows above it. */
static u64 map_region(u64 site, const struct range *near)
{
    for (u64 k = 1; k < 30000; k += 1 + k / 4) {
        u64 below = (near->low & ~0xffffUL) - k * 0x10000, above = ((near->high + 0xffff) & ~0xffffUL) + k * 0x100000;
        u64 candidates[2] = {near->low > (k + 1) * 0x10000 ? below : above, above};
        for (u32 i = 0; i < 2; i++) {
            if (!reaches(site, candidates[i]))
                continue;
            long r = host(__NR_mmap, candidates[i], PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if ((u64)r == candidates[i])
                return candidates[i];
            if (!is_error(r))
                host(__NR_munmap, r, PAGE);
        }
    }
    return 0;
}

static u64 new_trampoline(u64 site, const struct range *near)
{
    for (u32 i = 0; i < region_count; i++)
        if (regions[i].used < PAGE / TRAMPOLINE_SIZE && reaches(site, regions[i].base))
            return regions[i].base + TRAMPOLINE_SIZE * regions[i].used++;
    if (region_count == REGIONS)
        return 0;
    u64 base = map_region(site, near);
    if (base == 0)
        return 0;
    *(u64 *)base = (u64)fast_entry;
    regions[region_count].base = base;
    regions[region_count].used = 2;
    region_count++;
    return base + TRAMPOLINE_SIZE;
}

static void put_s32(u8 *to, s64 value)
{
    s32 v = (s32)value;
    memcpy(to, &v, 4);
}

/* lea site+2(%rip), %rcx; jmp *entry(%rip) */
static void write_trampoline(u64 at, u64 site)
{
    u8 code[13] = {0x48, 0x8d, 0x0d, 0, 0, 0, 0, 0xff, 0x25, 0, 0, 0, 0};
    put_s32(code + 3, (s64)(site + 2 - (at + 7)));
    put_s32(code + 9, (s64)((at & ~(PAGE - 1)) - (at + 13)));
    memcpy((void *)at, code, sizeof(code));
}

static bool trampoline_site(u64 rip, u64 *site)
{
    for (u32 i = 0; i < region_count; i++) {
        u64 base = regions[i].base;
        if (rip < base + TRAMPOLINE_SIZE || rip >= base + PAGE)
            continue;
        u64 at = rip & ~(u64)(TRAMPOLINE_SIZE - 1);
        s32 displacement;
        memcpy(&displacement, (void *)(at + 3), 4);
        *site = at + 7 + (u64)(s64)displacement - 2;
        return true;
    }
    return false;
}

/* The jump in the padding counts too: there is no instruction of the guest there, and Go's tables, for one,
 * do not know such an address. */
bool patch_find_site(u64 rip, u64 *site)
{
    u8 jump[NEEDED];
    s32 displacement;
    if (region_count == 0)
        return false;
    if (trampoline_site(rip, site))
        return true;
    if (copy_in(jump, rip, NEEDED) != 0 || jump[0] != 0xe9)
        return false;
    memcpy(&displacement, jump + 1, 4);
    return trampoline_site(rip + NEEDED + (u64)(s64)displacement, site);
}

/* Padding of int3 anywhere in reach: Go's linker and lld leave runs of it between functions. */
static u64 find_breakpoints(const u8 *code, u64 base, u32 length, u64 site)
{
    u32 run = 0;
    for (u32 i = 0; i < length; i++) {
        run = code[i] == 0xcc ? run + 1 : 0;
        if (run < NEEDED)
            continue;
        u64 at = base + i + 1 - NEEDED;
        s64 jump = (s64)(at - (site + 2));
        if (jump >= -128 && jump <= 127)
            return at;
    }
    return 0;
}

/* What was a syscall instruction before it was patched, and falls through as one. */
static bool is_patched_site(u64 at, const u8 *code)
{
    u64 pad = at + 2 + (u64)(s64)(s8)code[1], site;
    u8 jump[NEEDED];
    s32 displacement;
    if (code[0] != 0xeb || copy_in(jump, pad, sizeof(jump)) != 0 || jump[0] != 0xe9)
        return false;
    memcpy(&displacement, jump + 1, 4);
    return patch_find_site(pad + NEEDED + (u64)(s64)displacement, &site) && site == at;
}

/* Padding of nops behind the end of the function that the site is in, walking forward from it. */
static u64 find_padding(const u8 *code, u64 base, u32 length, u64 site)
{
    u32 at = (u32)(site + 2 - base), run = 0, kind;
    bool ended = false;
    while (at < length) {
        u32 n = instruction_length(code + at, length - at, &kind);
        if (n == 0)
            return 0;
        if (ended && kind == INSTRUCTION_PADDING) {
            run += n;
            if (run >= NEEDED) {
                u64 target = base + at + n - run;
                return target - (site + 2) <= 127 ? target : 0;
            }
        } else {
            run = 0;
            ended = kind == INSTRUCTION_ENDS_FLOW && !(n == 2 && is_patched_site(base + at, code + at));
        }
        at += n;
    }
    return 0;
}

static bool protect(u64 from, u64 to, u32 protection)
{
    u64 low = from & ~(PAGE - 1), high = (to + PAGE - 1) & ~(PAGE - 1);
    return host(__NR_mprotect, low, high - low, protection) == 0;
}

static bool try_patch(u64 site)
{
    const struct range *r = range_of(site);
    u8 code[2 * WINDOW + 8];
    if (r == NULL || (site & 63) == 63)
        return false;
    u64 low = site - WINDOW > r->low && site > WINDOW ? site - WINDOW : r->low;
    u64 high = site + 2 + WINDOW < r->high ? site + 2 + WINDOW : r->high;
    u32 length = (u32)(high - low);
    if (copy_in(code, low, length) != 0)
        return false;
    if (code[site - low] != 0x0f || code[site - low + 1] != 0x05)
        return true; /* another thread was first */
    u64 pad = find_breakpoints(code, low, length, site);
    if (pad == 0)
        pad = find_padding(code, low, length, site);
    if (pad == 0)
        return false;
    u64 trampoline = new_trampoline(site, r);
    if (trampoline == 0)
        return false;
    u64 first = pad < site ? pad : site, last = pad < site ? site + 2 : pad + NEEDED;
    if (!protect(first, last, PROT_READ | PROT_WRITE | PROT_EXEC))
        return false;
    write_trampoline(trampoline, site);
    u8 jump[NEEDED] = {0xe9};
    put_s32(jump + 1, (s64)(trampoline - (pad + NEEDED)));
    memcpy((void *)pad, jump, NEEDED);
    /* One store for both bytes: a racing thread sees the old instruction or the new one. */
    u16 both = (u16)(0xeb | ((u8)(pad - (site + 2)) << 8));
    __asm__ volatile("movw %1, (%0)" : : "r"(site), "r"(both) : "memory");
    protect(first, last, PROT_READ | PROT_EXEC);
    return true;
}

void patch_site(struct thread *t UNUSED, u64 site)
{
    u64 *slot = &refused[(site >> 1) % REFUSED];
    if (*slot == site)
        return;
    lock_acquire(&patch_lock);
    if (!try_patch(site))
        *slot = site;
    lock_release(&patch_lock);
}
