/* Room for the jumps of a patched site: alignment padding, which nobody executes.
 *
 * Five bytes in reach of a short jump hold the long one.  Where the padding in reach is smaller, a short
 * jump there leads on to a larger one.  What a jump leaves over of its padding becomes padding again, for
 * the next site. */
#include "patch.h"

#define BREAKPOINT 0xcc
#define MOST_PADS 24

struct pads {
    struct {
        u64 at, size;
    } pad[MOST_PADS];
    u32 count;
};

static void add_pad(struct pads *p, u64 at, u64 size)
{
    if (p->count == MOST_PADS)
        return;
    p->pad[p->count].at = at;
    p->pad[p->count].size = size;
    p->count++;
}

static bool in_reach(u64 from, u64 to)
{
    s64 distance = (s64)(to - (from + SHORT_JUMP));
    return distance >= -SHORT_REACH - 1 && distance <= SHORT_REACH;
}

/* Padding of int3 on both sides: Go's linker and lld leave runs of it between functions.  A run that is long enough
 * has one byte at least among every fifth. */
static void breakpoints(const u8 *code, u64 base, u32 length, struct pads *found)
{
    for (u32 i = LONG_JUMP - 1; i < length; i += LONG_JUMP) {
        u32 from = i, to = i;
        if (code[i] != BREAKPOINT)
            continue;
        while (from > 0 && code[from - 1] == BREAKPOINT)
            from--;
        while (to < length && code[to] == BREAKPOINT)
            to++;
        if (to - from >= LONG_JUMP)
            add_pad(found, base + from, to - from);
        i = to;
    }
}

/* A jump that was a syscall before it was patched falls through as one. */
static bool falls_through(u64 at)
{
    u64 site;
    return trampoline_behind(at, &site) && site == at;
}

/* Whether that was all there is to look for: room for the long jump. */
static bool add_nops(struct pads *p, u64 site, u64 at, u64 size)
{
    if (size < SHORT_JUMP)
        return false;
    add_pad(p, at, size);
    return size >= LONG_JUMP && in_reach(site, at);
}

/* Padding of nops behind what does not fall through, walking forward from the site. */
static void nops(const u8 *code, u64 base, u32 length, u64 site, struct pads *found)
{
    u32 at = (u32)(site + SYSCALL_SIZE - base), run = 0, kind;
    bool ended = false;
    while (at < length) {
        u32 n = instruction_length(code + at, length - at, &kind);
        if (n != 0 && ended && kind == INSTRUCTION_PADDING) {
            run += n;
            at += n;
            continue;
        }
        if (add_nops(found, site, base + at - run, run) || n == 0)
            return;
        run = 0;
        ended = kind == INSTRUCTION_ENDS_FLOW && !falls_through(base + at);
        at += n;
    }
    add_nops(found, site, base + at - run, run);
}

static bool direct(const struct pads *p, u64 site, struct room *found)
{
    for (u32 i = 0; i < p->count; i++) {
        if (p->pad[i].size < LONG_JUMP || !in_reach(site, p->pad[i].at))
            continue;
        *found = (struct room){.jump = p->pad[i].at, .jump_size = p->pad[i].size};
        return true;
    }
    return false;
}

static bool by_hop(const struct pads *p, u64 site, struct room *found)
{
    for (u32 i = 0; i < p->count; i++) {
        u64 hop = p->pad[i].at;
        if (!in_reach(site, hop))
            continue;
        for (u32 k = 0; k < p->count; k++) {
            if (k == i || p->pad[k].size < LONG_JUMP || !in_reach(hop, p->pad[k].at))
                continue;
            *found = (struct room){hop, p->pad[i].size, p->pad[k].at, p->pad[k].size};
            return true;
        }
    }
    return false;
}

bool find_room(const u8 *code, u64 base, u32 length, u64 site, struct room *found)
{
    struct pads all = {.count = 0};
    breakpoints(code, base, length, &all);
    if (direct(&all, site, found))
        return true;
    nops(code, base, length, site, &all);
    return direct(&all, site, found) || by_hop(&all, site, found);
}

/* Intel's recommended forms (SDM volume 2, NOP), so that what is left of a nop is one again.  What is left
 * of int3 needs nothing. */
void fill_with_nops(u8 *at, u64 size)
{
    static const u8 forms[9][9] = {
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0x00},
        {0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    };
    if (size > 0 && *at == BREAKPOINT)
        return;
    while (size > 0) {
        u64 n = size < ARRAY_LENGTH(forms) ? size : ARRAY_LENGTH(forms);
        memcpy(at, forms[n - 1], n);
        at += n;
        size -= n;
    }
}
