/* What the patcher would do with the syscalls of a library, asked site by site: the runtime's own files, in an
 * ordinary program.  Arguments: a shared library, then offsets of syscall instructions in its file.  Prints
 * for each "move", "room", "hop" or "none". */
#define _GNU_SOURCE
#include "patch.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define SPAN (64UL << 20)

int copy_in(void *to, u64 guest, size_t n)
{
    struct iovec here = {to, n}, there = {(void *)guest, n};
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)n ? 0 : -1;
}

int get_u32(u64 guest, u32 *value) { return copy_in(value, guest, 4); }
int get_u64(u64 guest, u64 *value) { return copy_in(value, guest, 8); }
bool trampoline_behind(u64 from UNUSED, u64 *site UNUSED) { return false; }

static u32 move_before(u64 site)
{
    const u8 *code = (const u8 *)site;
    if (code[-5] == 0xb8)
        return 5;
    return code[-7] == 0x48 && code[-6] == 0xc7 && code[-5] == 0xc0 ? 7 : 0;
}

static const char *verdict(const struct code_range *r, u64 site)
{
    struct room room;
    u64 no_stack[32] = {0};
    u32 size = move_before(site);
    if (size != 0 && move_is_certain(r, site, size, (u64)no_stack))
        return "move";
    u64 low = site - r->low > 264 ? site - 264 : r->low, high = r->high - site > 266 ? site + 266 : r->high;
    if (!find_room((const u8 *)low, low, (u32)(high - low), site, &room))
        return "none";
    return room.hop != 0 ? "hop" : "room";
}

/* The library as a loader would map it; *r is its code. */
static int map(const char *path, struct code_range *r)
{
    int fd = open(path, O_RDONLY);
    u8 *base = mmap(NULL, SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    Elf64_Ehdr header;
    if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
        return -1;
    for (int i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr p;
        if (pread(fd, &p, sizeof(p), (off_t)(header.e_phoff + i * sizeof(p))) != sizeof(p))
            return -1;
        u64 in_page = p.p_vaddr & (PAGE - 1);
        u8 *at = base + p.p_vaddr - in_page;
        if (p.p_type != PT_LOAD)
            continue;
        if (mmap(at, p.p_filesz + in_page, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, (off_t)(p.p_offset - in_page)) != at)
            return -1;
        if (p.p_flags & PF_X)
            *r = (struct code_range){(u64)at, (u64)at + in_page + p.p_filesz, 0, p.p_offset - in_page};
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct code_range r;
    if (map(argv[1], &r) != 0)
        return 1;
    for (int i = 2; i < argc; i++)
        puts(verdict(&r, r.low + (strtoul(argv[i], NULL, 16) - r.offset)));
    return 0;
}
