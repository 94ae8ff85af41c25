/* Copies what a call's arguments point at into its record; guest memory may be anything. */
#include "trace.h"

#define LARGEST 4096UL /* of one capture */
#define LARGEST_LIST 16384UL /* of structs that may be thousands of bytes each */
#define MOST_STRINGS 64
#define MOST_ELEMENTS 64 /* of an array whose members point at more */
#define DEEPEST 3

static u64 whole_room_after(const struct trace_record *r, const u8 *at)
{
    u64 used = (u64)(at - (const u8 *)r) + sizeof(struct trace_capture);
    return used + 8 < TRACE_RECORD ? TRACE_RECORD - used - 8 : 0;
}

static u64 room_after(const struct trace_record *r, const u8 *at)
{
    u64 room = whole_room_after(r, at);
    return room < LARGEST ? room : LARGEST;
}

static u8 *close_capture(struct trace_record *r, u8 *at, u32 argument, u32 flags, u64 length)
{
    struct trace_capture *c = (struct trace_capture *)at;
    *c = (struct trace_capture){.argument = (u8)argument, .flags = (u8)flags, .length = (u32)length};
    r->captures++;
    return at + sizeof(*c) + ((length + 7) & ~7UL);
}

u8 *trace_capture_block(struct trace_record *r, u8 *at, u32 argument, const void *data, u64 length)
{
    memcpy(at + sizeof(struct trace_capture), data, length);
    return close_capture(r, at, argument, 0, length);
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

/* NUL-terminated, one behind the other; of settings with hidden values only what is before the `=`. */
static u8 *capture_strings(struct trace_record *r, u8 *at, u32 argument, u64 list, bool names_only)
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
        for (long k = 0; names_only && k < length; k++)
            if (text[used + (u64)k] == '=') {
                length = k + 1;
                text[used + (u64)length] = 0;
            }
        if (length < 0)
            return close_capture(r, at, argument, length == -EFAULT ? CAPTURE_FAULT : CAPTURE_TRUNCATED, used);
        used += (u64)length + 1;
    }
}

static u8 *capture_settings(struct trace_record *r, u8 *at, u32 argument, u64 list)
{
    u64 count = 0, address = 1;
    if (trace_area->options & TRACE_WITH_ENVIRONMENT)
        return capture_strings(r, at, argument, list, !(trace_area->options & TRACE_WITH_VALUES));
    while (count < 1 << 16 && get_u64(list + 8 * count, &address) == 0 && address != 0)
        count++;
    return trace_capture_block(r, at, argument, &count, sizeof(count));
}

/* ---- behind the pointers in structs ----------------------------------------------------------------- */

struct walk {
    struct trace_record *r;
    u32 argument, flags; /* CAPTURE_* */
    u64 left; /* bytes that the call's result still accounts for */
};

static u64 count_in(const u8 *element, const struct trace_pointer *p)
{
    u64 count = 0;
    if (p->count_size == 0)
        return 1;
    memcpy(&count, element + p->count_at, p->count_size);
    return count;
}

static u8 *capture_elements(struct walk *w, u8 *at, const struct trace_struct *shape, const u8 *copy, u64 length,
                            u32 depth);

static u8 *capture_pointed(struct walk *w, u8 *at, const struct trace_pointer *p, u64 address, u64 count, u32 depth)
{
    u64 room = room_after(w->r, at), length = count > LARGEST ? LARGEST * p->size : count * p->size;
    u32 flags = w->flags;
    if (w->r->captures > 200 || room < 64)
        return at;
    if (p->shape == NULL && (p->flags & TRACE_SHORT) && (flags & CAPTURE_OUT)) {
        length = length < w->left ? length : w->left;
        w->left -= length;
    }
    u64 limit = p->flags & TRACE_SHORT ? __atomic_load_n(&trace_area->text_limit, __ATOMIC_RELAXED) : LARGEST;
    limit = limit < room - 8 ? limit : room - 8;
    u64 taken = length < limit ? length : limit;
    u8 *data = at + sizeof(struct trace_capture);
    *(u64 *)data = address;
    if (copy_in(data + 8, address, taken) != 0)
        return close_capture(w->r, at, w->argument, flags | CAPTURE_FAULT, 8);
    at = close_capture(w->r, at, w->argument, flags | (taken < length ? CAPTURE_TRUNCATED : 0), taken + 8);
    return p->shape != NULL ? capture_elements(w, at, p->shape, data + 8, taken, depth + 1) : at;
}

static u8 *capture_elements(struct walk *w, u8 *at, const struct trace_struct *shape, const u8 *copy, u64 length,
                            u32 depth)
{
    for (u64 i = 0; depth < DEEPEST && i < MOST_ELEMENTS && (i + 1) * shape->size <= length; i++) {
        const u8 *element = copy + i * shape->size;
        for (u32 k = 0; k < shape->count; k++) {
            const struct trace_pointer *p = &shape->pointers[k];
            u64 address, count = count_in(element, p);
            memcpy(&address, element + p->at, sizeof(address));
            if (address != 0 && count != 0)
                at = capture_pointed(w, at, p, address, count, depth);
        }
    }
    return at;
}

static u64 wanted_length(const struct trace_argument *what, const u64 *a, long result)
{
    u64 count = 1;
    u32 pointed = 0;
    if (what->flags & TRACE_POINTED)
        count = get_u32(a[what->length], &pointed) == 0 ? pointed : 0;
    else if (what->length != TRACE_CONSTANT)
        count = what->flags & TRACE_NARROW ? (u32)a[what->length] : a[what->length];
    if (what->flags & TRACE_BITS)
        count = (count + 7) / 8;
    if (what->flags & TRACE_EACH)
        count /= what->size;
    if ((what->flags & TRACE_RESULT) && result >= 0 && (u64)result < count)
        count = (u64)result;
    return count > LARGEST ? LARGEST * what->size : count * what->size;
}

/* What pointers lead to is taken when it is all there: at the exit, unless the call only reads. */
static u8 *capture_behind(struct trace_record *r, u8 *at, const struct trace_argument *what, u32 flags,
                          const u8 *copy, u64 length, long result)
{
    struct walk w = {r, what->argument, flags | CAPTURE_NESTED, ~0UL};
    if ((what->flags & TRACE_FILLED) && (flags & CAPTURE_OUT) && result >= 0)
        w.left = (u64)result;
    return capture_elements(&w, at, what->shape, copy, length, 0);
}

u8 *trace_capture(struct trace_record *r, u8 *at, const struct trace_argument *what, const u64 *a, long result)
{
    u64 address = a[what->argument], room = room_after(r, at);
    if (address == 0 || room < 64)
        return at;
    if (what->kind == TRACE_STRING)
        return capture_string(r, at, what->argument, address);
    if (what->kind == TRACE_STRINGS)
        return capture_strings(r, at, what->argument, address, false);
    if (what->kind == TRACE_SETTINGS)
        return capture_settings(r, at, what->argument, address);
    bool leaving = r->state == STATE_DONE;
    u64 length = wanted_length(what, a, result);
    u32 flags = leaving ? CAPTURE_OUT : 0;
    u64 limit = what->flags & TRACE_SHORT ? __atomic_load_n(&trace_area->text_limit, __ATOMIC_RELAXED) : LARGEST;
    if (what->flags & TRACE_EACH) {
        limit = LARGEST_LIST;
        room = whole_room_after(r, at);
    }
    if (limit > room)
        limit = room;
    if (length > limit) {
        flags |= CAPTURE_TRUNCATED;
        length = limit;
    }
    u8 *copy = at + sizeof(struct trace_capture);
    if (copy_in(copy, address, length) != 0)
        return close_capture(r, at, what->argument, flags | CAPTURE_FAULT, 0);
    at = close_capture(r, at, what->argument, flags, length);
    bool complete = leaving || !(what->when & TRACE_EXIT);
    if (what->shape == NULL || !complete)
        return at;
    return capture_behind(r, at, what, flags & CAPTURE_OUT, copy, length, result);
}
