/* Mapping memory in terms that both the guest's kernel and the host understand. */
#ifndef GUISE_BSD_MEMORY_H
#define GUISE_BSD_MEMORY_H

#include "bsd.h"
#include <linux/mman.h>

#define ADDRESS_END 0x800000000000UL

struct mapping {
    u64 address, size, offset;
    u32 protection; /* the bits are the same on both sides */
    s32 fd;
    bool shared, anonymous, fixed, exclusive;
    bool low;  /* below 2 GiB */
    u64 align; /* in bytes, 0: a page */
};

/* Maps it, by the rules that the family shares; the size becomes whole pages.  The address or -errno. */
long map_memory(struct thread *t, struct mapping *m);
/* The new end of the break, or -errno; of one below its beginning, the end that it has. */
long set_break(struct thread *t, u64 wanted);
long protect_memory(u64 address, u64 size, u32 protection);

enum inheritance { INHERITED_SHARED, INHERITED_COPY, INHERITED_NOT, INHERITED_ZERO };
long inherit_memory(u64 address, u64 size, enum inheritance how);

/* To whole pages, outwards.  False: beyond the end of the address space. */
bool round_out(u64 *address, u64 *size);
/* Whether the runtime's own code is in the range: no guest may map over it or take it away. */
bool over_runtime(u64 address, u64 size);

#endif
