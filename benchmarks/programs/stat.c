/* stat of an existing file by path: the result's layout differs between the kernels. */
#include "bench.h"

static char status[512] __attribute__((aligned(16)));

static void prepare(void)
{
}

static void once(void)
{
    must(call(SYS_fstatat, AT_FDCWD, arguments[2], status, 0), "fstatat");
}
