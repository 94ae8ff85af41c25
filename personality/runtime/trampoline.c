/* Trampolines: what a patched site jumps to.  Each sets %rcx as the site's syscall would have and enters
 * the runtime.
 *
 * They lie in pages of their own, within reach of a 32-bit jump.  The first slot of a page holds the
 * address of the runtime's entry. */
#include "patch.h"
#include <linux/mman.h>

#define SLOT 16
#define SLOTS (PAGE / SLOT)
#define REGIONS 256
#define FEW_REGIONS 8 /* that lie with what every process touches: most have no more */
#define REACH 0x7fff0000L
#define JUMP_LONG 0xe9
#define JUMP_SHORT 0xeb
#define MOST_JUMPS 3

struct region {
    u64 base;
    u32 used; /* slots */
};
static struct region few_regions[FEW_REGIONS], all_regions[REGIONS] LARGE;
static struct region *regions = few_regions;
static u32 region_count; /* read before `regions` where that may change meanwhile: a signal's handler */
static bool open;

static bool reaches(u64 from, u64 to)
{
    s64 distance = (s64)(to - from);
    return distance < REACH && distance > -REACH;
}

/* A page near `site`, below the code first: a guest's break grows above it. */
static u64 map_region(u64 site, const struct code_range *near)
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

static u64 take_slots(u64 site, const struct code_range *near, u32 count)
{
    for (u32 i = 0; i < region_count; i++) {
        if (regions[i].used + count > SLOTS || !reaches(site, regions[i].base))
            continue;
        u64 at = regions[i].base + SLOT * regions[i].used;
        regions[i].used += count;
        return at;
    }
    if (region_count == REGIONS)
        return 0;
    u64 base = map_region(site, near);
    if (base == 0)
        return 0;
    *(u64 *)base = (u64)fast_entry;
    if (region_count == FEW_REGIONS) {
        memcpy(all_regions, few_regions, sizeof(few_regions));
        __atomic_store_n(&regions, all_regions, __ATOMIC_RELEASE);
    }
    regions[region_count].base = base;
    regions[region_count].used = 1 + count;
    __atomic_store_n(&region_count, region_count + 1, __ATOMIC_RELEASE);
    return base + SLOT;
}

static void put_s32(u8 *to, s64 value)
{
    s32 v = (s32)value;
    memcpy(to, &v, 4);
}

/* mov $n, %eax; mov $n, %rax */
u32 move_size_at(const u8 *code)
{
    if (code[0] == 0xb8)
        return 5;
    return code[0] == 0x48 && code[1] == 0xc7 && code[2] == 0xc0 ? 7 : 0;
}

/* The site's move, if the jump replaces it; lea site+2(%rip), %rcx; jmp *entry(%rip) */
static void write_trampoline(u64 at, u64 site, u32 move_size)
{
    u8 enter[13] = {0x48, 0x8d, 0x0d, 0, 0, 0, 0, 0xff, 0x25, 0, 0, 0, 0};
    u64 base = at & ~(PAGE - 1);
    memcpy((void *)at, (void *)(site - move_size), move_size);
    at += move_size;
    put_s32(enter + 3, (s64)(site + SYSCALL_SIZE - (at + 7)));
    put_s32(enter + 9, (s64)(base - (at + sizeof(enter))));
    memcpy((void *)at, enter, sizeof(enter));
}

u64 trampoline_new(u64 site, const struct code_range *near, u32 move_size)
{
    u64 at = take_slots(site, near, move_size == 0 ? 1 : 2);
    if (at != 0)
        write_trampoline(at, site, move_size);
    return at;
}

static void protect_all(u32 protection)
{
    for (u32 i = 0; i < region_count; i++)
        host(__NR_mprotect, regions[i].base, PAGE, protection);
}

void trampolines_open(void)
{
    if (!open)
        protect_all(PROT_READ | PROT_WRITE | PROT_EXEC);
    open = true;
}

void trampolines_close(void)
{
    protect_all(PROT_READ | PROT_EXEC);
    open = false;
}

static bool within_trampoline(u64 rip, u64 *site)
{
    u32 count = __atomic_load_n(&region_count, __ATOMIC_ACQUIRE);
    const struct region *known = __atomic_load_n(&regions, __ATOMIC_ACQUIRE);
    for (u32 i = 0; i < count; i++) {
        u64 base = known[i].base;
        if (rip < base + SLOT || rip >= base + PAGE)
            continue;
        u64 at = rip & ~(u64)(SLOT - 1);
        u32 move_size = move_size_at((const u8 *)at);
        u64 enter = at + move_size;
        s32 displacement;
        memcpy(&displacement, (void *)(enter + 3), 4);
        *site = enter + 7 + (u64)(s64)displacement - SYSCALL_SIZE;
        if (rip == at)
            *site -= move_size;
        return true;
    }
    return false;
}

void each_trampoline(void (*visit)(u64 site, const u8 *move, u32 move_size, void *context), void *context)
{
    for (u32 i = 0; i < region_count; i++) {
        u64 at = regions[i].base + SLOT, end = regions[i].base + SLOT * regions[i].used, first;
        while (at < end) {
            u32 move_size = move_size_at((const u8 *)at);
            within_trampoline(at, &first);
            visit(first + move_size, (const u8 *)at, move_size, context);
            at += move_size == 0 ? SLOT : 2 * SLOT;
        }
    }
}

/* One step along a jump: where it goes, or 0 if there is none at `from`. */
static u64 jump_target(u64 from)
{
    u8 jump[LONG_JUMP];
    s32 displacement;
    if (copy_in(jump, from, SHORT_JUMP) != 0)
        return 0;
    if (jump[0] == JUMP_SHORT)
        return from + SHORT_JUMP + (u64)(s64)(s8)jump[1];
    if (jump[0] != JUMP_LONG || copy_in(jump, from, LONG_JUMP) != 0)
        return 0;
    memcpy(&displacement, jump + 1, 4);
    return from + LONG_JUMP + (u64)(s64)displacement;
}

bool trampoline_behind(u64 from, u64 *site)
{
    for (u32 i = 0; region_count != 0 && from != 0 && i <= MOST_JUMPS; i++) {
        if (within_trampoline(from, site))
            return true;
        from = jump_target(from);
    }
    return false;
}

/* The jumps in the padding count too: there is no instruction of the guest there, and Go's tables, for one,
 * do not know such an address.  A jump of the guest's own that leads to a site is not one of them. */
bool patch_find_site(u64 rip, u64 *site)
{
    if (within_trampoline(rip, site))
        return true;
    if (!trampoline_behind(rip, site) || rip == *site)
        return false;
    u64 at = *site;
    for (u32 i = 0; at != 0 && i < MOST_JUMPS; i++) {
        at = jump_target(at);
        if (at == rip)
            return true;
    }
    return false;
}
