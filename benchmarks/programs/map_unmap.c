/* 64 KiB of anonymous memory, its first page touched, and given back. */
#include "bench.h"

static void prepare(void)
{
}

static void once(void)
{
    long size = 65536;
    long at = must(call(SYS_mmap, 0, size, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), "mmap");
    *(volatile char *)at = 1;
    must(call(SYS_munmap, at, size), "munmap");
}
