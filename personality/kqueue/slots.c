/* What the engine knows about each descriptor number: the nodes that watch it and the kqueue that
 * it is.  A bitmap answers the question that every close asks ("anything there?") without the
 * lock. */
#include "internal.h"

#define BITMAP_LIMIT 65536

static struct slot *slots;
static u32 slot_count;
static u64 used_bits[BITMAP_LIMIT / 64] LARGE;

struct slot *slot_of(int fd)
{
    return (u32)fd < slot_count ? &slots[fd] : NULL;
}

struct slot *slot_make(int fd)
{
    if ((u32)fd >= slot_count) {
        u32 wanted = slot_count ? slot_count : 64;
        while (wanted <= (u32)fd)
            wanted *= 2;
        struct slot *larger = runtime_alloc(wanted * sizeof(*larger));
        if (!larger)
            return NULL;
        if (slots) {
            memcpy(larger, slots, slot_count * sizeof(*slots));
            runtime_free(slots);
        }
        slots = larger;
        slot_count = wanted;
    }
    return &slots[fd];
}

void slot_mark(int fd)
{
    if ((u32)fd >= BITMAP_LIMIT)
        return;
    struct slot *slot = slot_of(fd);
    u64 bit = 1UL << (fd % 64);
    if (slot && (slot->nodes || slot->queue))
        __atomic_fetch_or(&used_bits[fd / 64], bit, __ATOMIC_RELEASE);
    else
        __atomic_fetch_and(&used_bits[fd / 64], ~bit, __ATOMIC_RELEASE);
}

bool slot_maybe_used(int fd)
{
    if (slot_limit() == 0)
        return false;
    if ((u32)fd >= BITMAP_LIMIT)
        return fd >= 0;
    return (__atomic_load_n(&used_bits[fd / 64], __ATOMIC_ACQUIRE) >> (fd % 64)) & 1;
}

int slot_limit(void)
{
    return (int)slot_count;
}

void slots_reset(void)
{
    if (slots)
        runtime_free(slots);
    slots = NULL;
    slot_count = 0;
    memset(used_bits, 0, sizeof(used_bits));
}
