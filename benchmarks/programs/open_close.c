/* open and close of an existing file: two calls, one path. */
#include "bench.h"

static void prepare(void)
{
}

static void once(void)
{
    must(call(SYS_close, must(call(SYS_open, arguments[2], 0, 0), "open")), "close");
}
