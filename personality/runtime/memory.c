/* Guest memory, the runtime's own memory, and the handful of functions that a compiler expects.
 *
 * Guest memory is only ever touched by the guarded instructions of entry.S: a fault there makes the
 * access return -EFAULT, as a kernel's copyin does (signal.c looks the instruction up). */
#include "core.h"
#include <linux/mman.h>

int copy_in(void *to, u64 guest, size_t n) { return copy_guarded(to, (const void *)guest, n); }
int copy_out(u64 guest, const void *from, size_t n) { return copy_guarded((void *)guest, from, n); }

long copy_in_string(char *to, u64 guest, size_t room)
{
    return string_guarded(to, (const char *)guest, room);
}

int get_u32(u64 guest, u32 *value) { return load_u32(guest, value); }
int get_u64(u64 guest, u64 *value) { return load_u64(guest, value); }
int put_u32(u64 guest, u32 value) { return store_u32(guest, value); }
int put_u64(u64 guest, u64 value) { return store_u64(guest, value); }

int cas_u32(u64 guest, u32 old, u32 new_value, u32 *seen)
{
    return swap_u32(guest, old, new_value, seen);
}

int cas_u64(u64 guest, u64 old, u64 new_value, u64 *seen)
{
    return swap_u64(guest, old, new_value, seen);
}

void *memcpy(void *to, const void *from, size_t n)
{
    void *result = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    return result;
}

void *memset(void *to, int byte, size_t n)
{
    void *result = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
    return result;
}

void *memmove(void *to, const void *from, size_t n)
{
    u8 *d = to;
    const u8 *s = from;
    if (d <= s || d >= s + n)
        return memcpy(to, from, n);
    while (n > 0) {
        n--;
        *(volatile u8 *)(d + n) = s[n];
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (((volatile const char *)s)[n] != 0)
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return (int)(u8)*a - (int)(u8)*b;
}

/* ---- allocation: size classes of powers of two, carved from 256 KiB chunks -------------------- */

#define SMALLEST_SHIFT 5
#define CLASSES 12 /* 32 bytes to 64 KiB; larger ones are mapped one by one */
#define CHUNK (256 * 1024UL)

struct block {
    u64 size_class; /* or the mapped length with BIG */
    struct block *next;
};
#define BIG (1UL << 63)
_Static_assert(sizeof(struct block) == 16, "blocks keep 16-byte alignment");

RUNTIME_LEAF_LOCK(memory_lock);
static struct block *free_blocks[CLASSES];
/* The first lies behind what is small of the runtime's own: many a process needs no other, nor another page. */
static u8 first_chunk[CHUNK] __attribute__((section(".lbss.first"), aligned(16)));
static u64 chunk_next, chunk_left;
static bool chunk_begun;

static u64 map_anonymous(u64 size)
{
    long r = host(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return is_error(r) ? 0 : (u64)r;
}

static struct block *carve(u32 class)
{
    u64 size = 1UL << (class + SMALLEST_SHIFT);
    if (chunk_left < size) {
        u64 chunk = chunk_begun ? map_anonymous(CHUNK) : (u64)first_chunk;
        chunk_begun = true;
        if (chunk == 0)
            return NULL;
        chunk_next = chunk;
        chunk_left = CHUNK;
    }
    struct block *b = (struct block *)chunk_next;
    chunk_next += size;
    chunk_left -= size;
    return b;
}

void *runtime_alloc(size_t size)
{
    u64 total = size + sizeof(struct block);
    u32 class = 0;
    while (class < CLASSES && (1UL << (class + SMALLEST_SHIFT)) < total)
        class++;
    if (class == CLASSES) {
        u64 length = (total + PAGE - 1) & ~(PAGE - 1);
        struct block *b = (struct block *)map_anonymous(length);
        if (b == NULL)
            return NULL;
        b->size_class = length | BIG;
        return b + 1;
    }
    lock_acquire(&memory_lock);
    struct block *b = free_blocks[class];
    if (b != NULL)
        free_blocks[class] = b->next;
    else
        b = carve(class);
    lock_release(&memory_lock);
    if (b == NULL)
        return NULL;
    memset(b + 1, 0, (1UL << (class + SMALLEST_SHIFT)) - sizeof(*b));
    b->size_class = class;
    return b + 1;
}

void runtime_free(void *p)
{
    if (p == NULL)
        return;
    struct block *b = (struct block *)p - 1;
    if (b->size_class & BIG) {
        host(__NR_munmap, b, b->size_class & ~BIG);
        return;
    }
    u64 class = b->size_class;
    lock_acquire(&memory_lock);
    b->next = free_blocks[class];
    free_blocks[class] = b;
    lock_release(&memory_lock);
}
