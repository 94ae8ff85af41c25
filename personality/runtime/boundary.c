/* Whether the move of a number to %eax before a caught syscall is an instruction, and not the end of a
 * longer one that happens to look like it.
 *
 * Bytes alone cannot say (gVisor once corrupted programs that way, google/gvisor#10849).  So code is
 * decoded forward from where an instruction is known to begin: the start of a function that the tables for
 * unwinding or a return address on the stack name, or one that alignment padding precedes.  Only when the
 * decoder steps on the move and then on the syscall is it taken for one. */
#include "patch.h"

#define CALL 0xe8
#define CALL_SIZE 5
#define FARTHEST 1024 /* bytes that are decoded to reach the site */
#define WORDS 24      /* of the stack that may be return addresses */
#define ALIGNMENT 16

struct window {
    u8 code[FARTHEST + LONGEST_MOVE + SYSCALL_SIZE];
    u64 base;
    u32 length, move_size;
};

typedef enum { STEPS_ON_IT, STEPS_OVER_IT, CANNOT_SAY } verdict;

static verdict decode(const struct window *w, u64 from, u64 move)
{
    u32 at = (u32)(from - w->base), goal = (u32)(move - w->base), kind;
    while (at < goal) {
        u32 n = instruction_length(w->code + at, w->length - at, &kind);
        if (n == 0)
            return CANNOT_SAY;
        at += n;
    }
    if (at != goal)
        return STEPS_OVER_IT;
    return instruction_length(w->code + at, w->length - at, &kind) == w->move_size ? STEPS_ON_IT : STEPS_OVER_IT;
}

/* The last bytes before `end` are padding: int3, or a nop that a decoder reads as one. */
static bool padding_before(const struct window *w, u32 end)
{
    u32 kind;
    if (end >= 1 && w->code[end - 1] == 0xcc)
        return true;
    for (u32 n = 2; n <= 11 && n <= end; n++)
        if (instruction_length(w->code + end - n, n, &kind) == n && kind == INSTRUCTION_PADDING)
            return true;
    return false;
}

static verdict from_padding(const struct window *w, u64 move)
{
    for (u64 start = move & ~(u64)(ALIGNMENT - 1); start > w->base; start -= ALIGNMENT) {
        if (!padding_before(w, (u32)(start - w->base)))
            continue;
        verdict v = decode(w, start, move);
        if (v != CANNOT_SAY)
            return v;
    }
    return CANNOT_SAY;
}

/* Where the call before a return address goes, if it is a direct one. */
static u64 called(u64 return_address)
{
    u8 call[CALL_SIZE];
    s32 displacement;
    if (copy_in(call, return_address - CALL_SIZE, CALL_SIZE) != 0 || call[0] != CALL)
        return 0;
    memcpy(&displacement, call + 1, 4);
    return return_address + (u64)(s64)displacement;
}

static verdict from_stack(const struct window *w, u64 move, u64 stack)
{
    u64 word;
    for (u32 i = 0; i < WORDS && get_u64(stack + 8 * i, &word) == 0; i++) {
        u64 start = called(word);
        if (start < w->base || start > move)
            continue;
        verdict v = decode(w, start, move);
        if (v != CANNOT_SAY)
            return v;
    }
    return CANNOT_SAY;
}

bool is_restorer(const u8 *code)
{
    static const u8 restorer[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00}; /* rt_sigreturn */
    return memcmp(code, restorer, sizeof(restorer)) == 0;
}

bool move_is_certain(const struct code_range *r, u64 site, u32 size, u64 stack)
{
    struct window w = {.move_size = size};
    u64 move = site - size, function = described_function(r, site);
    w.base = move - r->low > FARTHEST ? move - FARTHEST : r->low;
    w.length = (u32)(site + SYSCALL_SIZE - w.base);
    if (copy_in(w.code, w.base, w.length) != 0)
        return false;
    /* A signal's return is described from the byte before it: unwinders look one byte back. */
    if (function == move - 1 && is_restorer(w.code + (move - w.base)))
        return true;
    verdict v = function >= w.base && function <= move ? decode(&w, function, move) : CANNOT_SAY;
    if (v == CANNOT_SAY)
        v = from_stack(&w, move, stack);
    if (v == CANNOT_SAY)
        v = from_padding(&w, move);
    return v == STEPS_ON_IT;
}
