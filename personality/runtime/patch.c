/* Rewriting a guest's syscall instruction, once, so that later calls cost a jump instead of a signal.
 *
 * Two ways, neither of which displaces an instruction, so that there is no half-way address to land on:
 * - `mov $n, %eax; syscall`, as most C libraries make their calls: the move becomes a jump to a trampoline
 *   that holds the move.  Whoever jumps to the syscall itself still finds it there.  Of a move to %rax two
 *   bytes are left over.
 * - the syscall's two bytes become a short jump into alignment padding, and that a jump to the trampoline.
 * A site that has room for neither stays as it is, and SUD goes on catching it. */
#include "debug.h"
#include "patch.h"
#include "trace.h"
#include <linux/mman.h>

#define RANGES 1024
#define FEW_RANGES 8 /* that lie with what every process touches: most have no more */
#define REFUSED 256
#define WINDOW 264 /* bytes on either side of a site in which padding is looked for */
#define CACHE_LINE 64
#define JUMP_SHORT 0xeb
#define JUMP_LONG 0xe9
#define SYSCALL_INSTRUCTION 0x050f

/* Properties of the address space, not of a process: a vfork child shares them. */
RUNTIME_LEAF_LOCK(patch_lock);
static struct code_range few_ranges[FEW_RANGES], all_ranges[RANGES] LARGE;
static struct code_range *ranges = few_ranges; /* by address, none over another */
static u32 range_count;
static u64 refused[REFUSED] LARGE; /* sites that cannot be patched, by hash: do not look again */

/* ---- code of files ------------------------------------------------------------------------------ */

/* The first range that ends above `address`. */
static u32 first_above(u64 address)
{
    u32 low = 0, high = range_count;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (ranges[middle].high <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct code_range *range_of(u64 address)
{
    u32 i = first_above(address);
    return i < range_count && ranges[i].low <= address && address + SYSCALL_SIZE <= ranges[i].high ? &ranges[i] : NULL;
}

/* The part of a range from `low` on, or up to `high`. */
static struct code_range part(const struct code_range *r, u64 low, u64 high)
{
    return (struct code_range){low, high, r->image, r->offset + (low - r->low)};
}

static void insert(u32 at, const struct code_range *r)
{
    if (range_count == RANGES)
        return;
    if (range_count == FEW_RANGES && ranges == few_ranges) {
        memcpy(all_ranges, few_ranges, sizeof(few_ranges));
        ranges = all_ranges;
    }
    memmove(&ranges[at + 1], &ranges[at], (range_count - at) * sizeof(*r));
    ranges[at] = *r;
    range_count++;
}

static void forget(u32 at)
{
    range_count--;
    memmove(&ranges[at], &ranges[at + 1], (range_count - at) * sizeof(ranges[0]));
}

static void cut_out(u64 low, u64 high)
{
    u32 i = first_above(low);
    bool any = i < range_count && ranges[i].low < high;
    while (i < range_count && ranges[i].low < high) {
        struct code_range r = ranges[i];
        forget(i);
        if (r.low < low) {
            struct code_range below = part(&r, r.low, low);
            insert(i++, &below);
        }
        if (r.high > high) {
            struct code_range above = part(&r, high, r.high);
            insert(i++, &above);
        }
    }
    for (u32 k = 0; any && k < REFUSED; k++)
        if (refused[k] >= low && refused[k] < high)
            refused[k] = 0;
}

void code_range_remove(u64 low, u64 high)
{
    if (range_count == 0)
        return;
    lock_acquire(&patch_lock);
    cut_out(low, high);
    lock_release(&patch_lock);
}

static u64 *refused_slot(u64 site) { return &refused[(site >> 1) % REFUSED]; }

/* ---- one site ----------------------------------------------------------------------------------- */

/* The whole range, so that it stays one mapping of the host's. */
static bool protect(const struct code_range *r, u32 protection)
{
    return host(__NR_mprotect, r->low, r->high - r->low, protection) == 0;
}

/* Five bytes at once: a racing thread sees the old ones or the new.  False: they cannot be one store. */
static bool store_five(u64 at, const u8 *code, bool alone)
{
    if (alone) {
        memcpy((void *)at, code, LONG_JUMP);
        return true;
    }
    u64 line = at & ~(u64)(CACHE_LINE - 1);
    if (at + LONG_JUMP > line + CACHE_LINE)
        return false;
    u64 word = at + 8 <= line + CACHE_LINE ? at : line + CACHE_LINE - 8, old, wanted;
    do {
        memcpy(&old, (void *)word, 8);
        wanted = old;
        memcpy((u8 *)&wanted + (at - word), code, LONG_JUMP);
    } while (!__atomic_compare_exchange_n((u64 *)word, &old, wanted, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    return true;
}

static bool store_jump(u64 at, u64 target, bool alone)
{
    s32 displacement = (s32)(s64)(target - (at + LONG_JUMP));
    u8 jump[LONG_JUMP] = {JUMP_LONG};
    memcpy(jump + 1, &displacement, 4);
    return store_five(at, jump, alone);
}

static bool patch_move(const struct code_range *r, u64 site, u32 size, bool alone)
{
    u64 trampoline = trampoline_new(site, r, size);
    return trampoline != 0 && store_jump(site - size, trampoline, alone);
}

static bool has_room(const struct code_range *r, u64 site, struct room *room)
{
    u8 code[2 * WINDOW + SYSCALL_SIZE];
    u64 low = site - r->low > WINDOW ? site - WINDOW : r->low;
    u64 high = r->high - site > WINDOW + SYSCALL_SIZE ? site + SYSCALL_SIZE + WINDOW : r->high;
    return (site & (CACHE_LINE - 1)) != CACHE_LINE - 1 && copy_in(code, low, high - low) == 0 &&
           find_room(code, low, (u32)(high - low), site, room);
}

/* One store for both bytes: a racing thread sees the old instruction or the new one. */
static void store_two(u64 site, u16 both)
{
    __asm__ volatile("movw %1, (%0)" : : "r"(site), "r"(both) : "memory");
}

static bool patch_padding(const struct code_range *r, u64 site, const struct room *room)
{
    u64 trampoline = trampoline_new(site, r, 0);
    if (trampoline == 0)
        return false;
    fill_with_nops((u8 *)room->jump + LONG_JUMP, room->jump_size - LONG_JUMP);
    store_jump(room->jump, trampoline, true);
    u64 first = room->jump;
    if (room->hop != 0) {
        fill_with_nops((u8 *)room->hop + SHORT_JUMP, room->hop_size - SHORT_JUMP);
        *(u8 *)(room->hop + 1) = (u8)(room->jump - (room->hop + SHORT_JUMP));
        *(u8 *)room->hop = JUMP_SHORT;
        first = room->hop;
    }
    store_two(site, (u16)(JUMP_SHORT | ((u8)(first - (site + SHORT_JUMP)) << 8)));
    return true;
}

/* The size of what looks like a move to %eax before the site, or 0; *number is what it moves. */
static u32 looks_moved(const struct code_range *r, u64 site, u32 *number)
{
    u8 code[LONGEST_MOVE + 1];
    for (u32 size = 5; size <= LONGEST_MOVE; size += 2) {
        if (site - r->low < size || copy_in(code, site - size, size) != 0 || move_size_at(code) != size)
            continue;
        memcpy(number, code + size - 4, 4);
        return size;
    }
    return 0;
}

/* Unwinders know a frame of a signal by the instructions that it returns to, unless tables say so. */
static bool is_landmark(const struct code_range *r, u64 site)
{
    u8 code[LONGEST_MOVE];
    return site - r->low >= sizeof(code) && copy_in(code, site - sizeof(code), sizeof(code)) == 0 &&
           is_restorer(code) && described_function(r, site) == 0;
}

static bool is_call(u64 site)
{
    u8 code[SYSCALL_SIZE];
    return copy_in(code, site, SYSCALL_SIZE) == 0 && code[0] == 0x0f && code[1] == 0x05;
}

/* A site that was caught. */
static bool try_patch(struct thread *t, u64 site, u64 number, u64 stack)
{
    const struct code_range *r = range_of(site);
    u64 known;
    u32 moved, kind = SITE_MOVE;
    if (r == NULL)
        return false;
    if (!is_call(site))
        return true; /* another thread was first */
    for (u32 size = 5; size <= LONGEST_MOVE; size += 2)
        if (site - r->low >= size && trampoline_behind(site - size, &known) && known == site - size)
            return false; /* it was jumped to: the move before it is patched already */
    if (is_landmark(r, site))
        return false;
    u32 size = looks_moved(r, site, &moved);
    struct room room;
    if (size == 0 || moved != (u32)number || !move_is_certain(r, site, size, stack)) {
        kind = SITE_PADDING;
        if (!has_room(r, site, &room)) {
            if (size == 0)
                site_learned(r, site, SITE_REFUSED);
            return false;
        }
    }
    if (!protect(r, PROT_READ | PROT_WRITE | PROT_EXEC))
        return false;
    trampolines_open();
    bool alone = t->process->thread_count == 1;
    bool done = kind == SITE_MOVE ? patch_move(r, site, size, alone) : patch_padding(r, site, &room);
    trampolines_close();
    protect(r, PROT_READ | PROT_EXEC);
    if (done)
        site_learned(r, site, kind);
    return done;
}

void patch_site(struct thread *t, u64 site, u64 number, u64 stack)
{
    u64 *slot = refused_slot(site);
    if (*slot == site)
        return;
    lock_acquire(&patch_lock);
    if (!try_patch(t, site, number, stack))
        *slot = site;
    lock_release(&patch_lock);
}

static void undo(u64 site, const u8 *move, u32 move_size, void *context)
{
    const bool *alone = context;
    const struct code_range *r = range_of(site);
    u64 known;
    if (r == NULL || !trampoline_behind(site - move_size, &known) || known != site - move_size ||
        !protect(r, PROT_READ | PROT_WRITE | PROT_EXEC))
        return;
    if (move_size != 0)
        store_five(site - move_size, move, *alone);
    else
        store_two(site, SYSCALL_INSTRUCTION);
    protect(r, PROT_READ | PROT_EXEC);
}

void patch_undo(bool alone)
{
    lock_acquire(&patch_lock);
    each_trampoline(undo, &alone);
    lock_release(&patch_lock);
}

/* ---- sites that are known before they are reached ----------------------------------------------- */

/* Nobody executes this code yet. */
static void patch_known(const struct code_range *r, u64 site, u32 kind)
{
    struct room room;
    u32 number, seen, size;
    if (kind == SITE_REFUSED) {
        *refused_slot(site) = site;
        return;
    }
    /* Written to before it is looked at: one fault for the page instead of two. */
    if (swap_u32(site & ~3UL, 0, 0, &seen) != 0 || !is_call(site))
        return;
    size = looks_moved(r, site, &number);
    if (kind == SITE_MOVE && size != 0)
        patch_move(r, site, size, true);
    else if (kind == SITE_PADDING && has_room(r, site, &room))
        patch_padding(r, site, &room);
}

static void nothing(const struct code_range *r UNUSED, u64 site UNUSED, u32 kind UNUSED) {}

bool code_is_to_change(int fd, u64 size, u64 offset)
{
    const struct code_range r = {0, size, image_identity(fd), offset};
    return sites_known(&r, nothing) != 0;
}

void code_mapped(u64 low, u64 high, int fd, u64 offset, bool writable)
{
    struct code_range r = {low, high, fd >= 0 ? image_identity(fd) : 0, offset};
    lock_acquire(&patch_lock);
    cut_out(low, high);
    insert(first_above(low), &r);
    if (writable || (sites_known(&r, nothing) != 0 && protect(&r, PROT_READ | PROT_WRITE | PROT_EXEC))) {
        trampolines_open();
        sites_known(&r, patch_known);
        trampolines_close();
        protect(&r, PROT_READ | PROT_EXEC);
    }
    lock_release(&patch_lock);
    trace_mappings_changed();
}
