/* Copies what a call's arguments point at into its record; guest memory may be anything. */
#include "trace.h"

#define LARGEST 4096UL /* of one capture */
#define MOST_STRINGS 64

static u64 room_after(const struct trace_record *r, const u8 *at)
{
    u64 used = (u64)(at - (const u8 *)r) + sizeof(struct trace_capture);
    u64 room = used + 8 < TRACE_RECORD ? TRACE_RECORD - used - 8 : 0;
    return room < LARGEST ? room : LARGEST;
}

static u8 *close_capture(struct trace_record *r, u8 *at, u32 argument, u32 flags, u64 length)
{
    struct trace_capture *c = (struct trace_capture *)at;
    *c = (struct trace_capture){.argument = (u8)argument, .flags = (u8)flags, .length = (u32)length};
    r->captures++;
    return at + sizeof(*c) + ((length + 7) & ~7UL);
}

u8 *trace_capture_text(struct trace_record *r, u8 *at, u32 argument, const char *text)
{
    u64 length = strlen(text);
    memcpy(at + sizeof(struct trace_capture), text, length);
    return close_capture(r, at, argument, 0, length);
}

static u8 *capture_string(struct trace_record *r, u8 *at, u32 argument, u64 address)
{
    u64 room = room_after(r, at);
    long length = copy_in_string((char *)at + sizeof(struct trace_capture), address, room);
    if (length == -ENAMETOOLONG)
        return close_capture(r, at, argument, CAPTURE_TRUNCATED, room);
    if (length < 0)
        return close_capture(r, at, argument, CAPTURE_FAULT, 0);
    return close_capture(r, at, argument, 0, (u64)length);
}

/* NUL-terminated, one behind the other. */
static u8 *capture_strings(struct trace_record *r, u8 *at, u32 argument, u64 list)
{
    u64 room = room_after(r, at), used = 0, address;
    char *text = (char *)at + sizeof(struct trace_capture);
    for (u32 i = 0;; i++) {
        if (get_u64(list + 8 * i, &address) != 0)
            return close_capture(r, at, argument, CAPTURE_FAULT, used);
        if (address == 0)
            return close_capture(r, at, argument, 0, used);
        long length = i < MOST_STRINGS && used < room ? copy_in_string(text + used, address, room - used)
                                                      : -ENAMETOOLONG;
        if (length < 0)
            return close_capture(r, at, argument, length == -EFAULT ? CAPTURE_FAULT : CAPTURE_TRUNCATED, used);
        used += (u64)length + 1;
    }
}

static u8 *capture_count(struct trace_record *r, u8 *at, u32 argument, u64 list)
{
    u64 count = 0, address = 1;
    while (count < 1 << 16 && get_u64(list + 8 * count, &address) == 0 && address != 0)
        count++;
    *(u64 *)(at + sizeof(struct trace_capture)) = count;
    return close_capture(r, at, argument, 0, sizeof(count));
}

static u64 wanted_length(const struct trace_argument *what, const u64 *a, long result)
{
    u64 count = 1;
    u32 pointed = 0;
    if (what->flags & TRACE_POINTED)
        count = get_u32(a[what->length], &pointed) == 0 ? pointed : 0;
    else if (what->length != TRACE_CONSTANT)
        count = what->flags & TRACE_NARROW ? (u32)a[what->length] : a[what->length];
    if ((what->flags & TRACE_RESULT) && result >= 0 && (u64)result < count)
        count = (u64)result;
    return count > LARGEST ? LARGEST * what->size : count * what->size;
}

u8 *trace_capture(struct trace_record *r, u8 *at, const struct trace_argument *what, const u64 *a, long result)
{
    u64 address = a[what->argument], room = room_after(r, at);
    if (address == 0 || room < 64)
        return at;
    if (what->kind == TRACE_STRING)
        return capture_string(r, at, what->argument, address);
    if (what->kind == TRACE_STRINGS)
        return capture_strings(r, at, what->argument, address);
    if (what->kind == TRACE_COUNT)
        return capture_count(r, at, what->argument, address);
    u64 length = wanted_length(what, a, result);
    u32 flags = what->when == TRACE_EXIT ? CAPTURE_OUT : 0;
    u64 limit = what->flags & TRACE_SHORT ? __atomic_load_n(&trace_area->text_limit, __ATOMIC_RELAXED) : LARGEST;
    if (limit > room)
        limit = room;
    if (length > limit) {
        flags |= CAPTURE_TRUNCATED;
        length = limit;
    }
    if (copy_in(at + sizeof(struct trace_capture), address, length) != 0)
        return close_capture(r, at, what->argument, flags | CAPTURE_FAULT, 0);
    return close_capture(r, at, what->argument, flags, length);
}
