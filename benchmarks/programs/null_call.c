/* The cheapest call there is: what entering a kernel costs. */
#include "bench.h"

static void prepare(void)
{
}

static void once(void)
{
    call(SYS_getppid);
}
