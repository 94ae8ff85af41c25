/* Where the functions of an image begin, by its own tables for unwinding: .eh_frame_hdr, in the encodings
 * that linkers write (Linux Standard Base Core, chapter 10; DWARF 4, section 6.4.1). */
#include "patch.h"
#include <linux/elf.h>

#define VERSION_AND_ENCODINGS 0x3b031b01U /* 1; pcrel sdata4; udata4; datarel sdata4 */
#define FARTHEST_BASE 4 /* pages by which a segment's address and its place in the file may differ */

struct table_entry {
    s32 function, description; /* from the table's own header */
};

struct description { /* a frame description entry, 32-bit form */
    u32 length, common;
    s32 function;
    u32 size;
};

/* Where the image's first byte is mapped, if the range is one of its segments; then *header is it. */
static u64 image_base(const struct code_range *r, Elf64_Ehdr *header)
{
    for (u64 k = 0; k <= FARTHEST_BASE; k++) {
        u64 base = r->low - r->offset - k * PAGE;
        if (copy_in(header, base, sizeof(*header)) != 0 || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
            continue;
        for (u32 i = 0; i < header->e_phnum; i++) {
            Elf64_Phdr p;
            if (copy_in(&p, base + header->e_phoff + i * sizeof(p), sizeof(p)) != 0)
                break;
            u64 address = p.p_vaddr & ~(PAGE - 1);
            bool fixed = header->e_type == ET_EXEC;
            if (p.p_type == PT_LOAD && (p.p_offset & ~(PAGE - 1)) == r->offset &&
                r->low == address + (fixed ? 0 : base))
                return base;
        }
    }
    return 0;
}

static u64 unwind_table(const struct code_range *r)
{
    Elf64_Ehdr header;
    u64 base = image_base(r, &header);
    for (u32 i = 0; base != 0 && i < header.e_phnum; i++) {
        Elf64_Phdr p;
        if (copy_in(&p, base + header.e_phoff + i * sizeof(p), sizeof(p)) != 0)
            break;
        if (p.p_type == PT_GNU_EH_FRAME)
            return p.p_vaddr + (header.e_type == ET_EXEC ? 0 : base);
    }
    return 0;
}

u64 described_function(const struct code_range *r, u64 address)
{
    u32 encodings, count, low = 0;
    u64 table = unwind_table(r), entries = table + 12;
    struct table_entry e;
    struct description d;
    if (table == 0 || get_u32(table, &encodings) != 0 || encodings != VERSION_AND_ENCODINGS ||
        get_u32(table + 8, &count) != 0)
        return 0;
    for (u32 high = count; low < high;) { /* the first function above the address */
        u32 middle = low + (high - low) / 2;
        if (copy_in(&e, entries + middle * sizeof(e), sizeof(e)) != 0)
            return 0;
        if (table + (u64)(s64)e.function <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || copy_in(&e, entries + (low - 1) * sizeof(e), sizeof(e)) != 0)
        return 0;
    u64 function = table + (u64)(s64)e.function, at = table + (u64)(s64)e.description;
    if (copy_in(&d, at, sizeof(d)) != 0 || at + 8 + (u64)(s64)d.function != function ||
        address - function >= d.size)
        return 0;
    return function;
}
