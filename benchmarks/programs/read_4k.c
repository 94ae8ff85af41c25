/* 4 KiB out of a file that the page cache holds. */
#include "bench.h"

static long file;
static char block[4096] __attribute__((aligned(4096)));

static void prepare(void)
{
    file = must(call(SYS_open, arguments[2], O_RDWR, 0), "open");
    must(call(SYS_pwrite, file, block, sizeof(block), 0), "pwrite");
}

static void once(void)
{
    must(call(SYS_pread, file, block, sizeof(block), 0), "pread");
}
