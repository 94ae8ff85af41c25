/* What the files that rewrite a guest's code share: patch.c decides, padding.c finds room, boundary.c
 * proves where an instruction begins, trampoline.c says how to get to the runtime, sites.c remembers. */
#ifndef GUISE_PATCH_H
#define GUISE_PATCH_H

#include "core.h"

#define SYSCALL_SIZE 2
#define SHORT_JUMP 2
#define LONG_JUMP 5
#define LONGEST_MOVE 7
#define SHORT_REACH 127

struct code_range { /* a file's code, readable and not writable */
    u64 low, high;
    u64 image;  /* image_identity of the file, 0: none */
    u64 offset; /* of low in the file */
};

/* How a site was rewritten. */
#define SITE_PADDING 0 /* the syscall became a jump into padding */
#define SITE_MOVE 1    /* the move of a number to %eax before it became a jump to the trampoline */
#define SITE_REFUSED 2 /* it was not: nothing moves the number right before it, and there is no padding in reach */

/* ---- trampoline.c ------------------------------------------------------------------------------ */

/* Where to jump for a site, or 0.  move_size: of the move before it that the jump replaces, or 0. */
u64 trampoline_new(u64 site, const struct code_range *near, u32 move_size);
/* All that there are.  move: what the jump replaced, move_size bytes, or none. */
void each_trampoline(void (*visit)(u64 site, const u8 *move, u32 move_size, void *context), void *context);
/* The size of the move to %eax or %rax that these bytes begin with, or 0. */
u32 move_size_at(const u8 *code);
void trampolines_open(void);  /* may be written to... */
void trampolines_close(void); /* ... and no longer */
/* Where `from` is the address of a trampoline, or of jumps that lead to one: the site, as patch_find_site. */
bool trampoline_behind(u64 from, u64 *site);

/* ---- padding.c --------------------------------------------------------------------------------- */

struct room { /* for the jumps of one site */
    u64 hop, hop_size;   /* 0, or padding in reach that only holds a short jump to ... */
    u64 jump, jump_size; /* ... padding for the long one */
};
/* `code` is a copy of [base, base + length). */
bool find_room(const u8 *code, u64 base, u32 length, u64 site, struct room *found);
void fill_with_nops(u8 *at, u64 size);

/* ---- boundary.c -------------------------------------------------------------------------------- */

/* Whether the `size` bytes before `site` are an instruction of their own for certain.  stack: the guest's
 * stack pointer at the site. */
bool is_restorer(const u8 *code); /* LONGEST_MOVE bytes: the move of what a signal handler returns to */
bool move_is_certain(const struct code_range *r, u64 site, u32 size, u64 stack);

/* ---- unwind.c ---------------------------------------------------------------------------------- */

/* The start of the function around an address, as the image's tables for unwinding have it, or 0. */
u64 described_function(const struct code_range *r, u64 address);

/* ---- sites.c ----------------------------------------------------------------------------------- */

u64 image_identity(int fd);
void site_learned(const struct code_range *r, u64 site, u32 kind);
/* Calls `apply` for each site that earlier runs of this program patched in that range. */
typedef void (*site_function)(const struct code_range *r, u64 site, u32 kind);
u32 sites_known(const struct code_range *r, site_function apply);

#endif
