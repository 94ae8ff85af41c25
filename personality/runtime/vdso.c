/* Clock reads through the host's vDSO: no kernel entry at all.
 *
 * The function found there uses a few hundred bytes of the runtime's stack and general registers
 * only.  For a clock that it cannot read by itself it makes a system call from its own page, which
 * SUD catches; signal.c lets exactly that range through. */
#include "core.h"
#include <linux/elf.h>
#include <linux/time.h>

u64 vdso_start, vdso_end;
typedef int (*clock_function)(int clock, struct timespec_host *ts);
static clock_function vdso_clock;

static const char *dynamic_string(u64 base, const Elf64_Dyn *dynamic, u64 *symbols, u64 *count)
{
    const char *strings = NULL;
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        u64 at = base + dynamic->d_un.d_ptr;
        if (dynamic->d_tag == DT_STRTAB)
            strings = (const char *)at;
        else if (dynamic->d_tag == DT_SYMTAB)
            *symbols = at;
        else if (dynamic->d_tag == DT_HASH)
            *count = ((const u32 *)at)[1];
    }
    return strings;
}

void vdso_init(u64 ehdr)
{
    if (ehdr == 0)
        return;
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)ehdr;
    const Elf64_Phdr *segment = (const Elf64_Phdr *)(ehdr + header->e_phoff);
    const Elf64_Dyn *dynamic = NULL;
    for (u32 i = 0; i < header->e_phnum; i++) {
        if (segment[i].p_type == PT_LOAD)
            vdso_end = (ehdr + segment[i].p_memsz + PAGE - 1) & ~(PAGE - 1);
        if (segment[i].p_type == PT_DYNAMIC)
            dynamic = (const Elf64_Dyn *)(ehdr + segment[i].p_offset);
    }
    vdso_start = ehdr;
    if (dynamic == NULL)
        return;
    u64 symbols = 0, count = 0;
    const char *strings = dynamic_string(ehdr, dynamic, &symbols, &count);
    /* Without DT_HASH the symbol table ends where the string table begins, as ld lays them out. */
    if (count == 0 && symbols != 0 && (u64)strings > symbols)
        count = ((u64)strings - symbols) / sizeof(Elf64_Sym);
    if (strings == NULL || symbols == 0)
        return;
    for (u64 i = 0; i < count; i++) {
        const Elf64_Sym *s = (const Elf64_Sym *)symbols + i;
        if (s->st_shndx != 0 && strcmp(strings + s->st_name, "__vdso_clock_gettime") == 0)
            vdso_clock = (clock_function)(ehdr + s->st_value);
    }
}

long clock_read(int clock, struct timespec_host *ts)
{
    if (vdso_clock != NULL && clock >= 0)
        return vdso_clock(clock, ts);
    return host(__NR_clock_gettime, clock, ts);
}
