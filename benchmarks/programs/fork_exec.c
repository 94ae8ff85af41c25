/* fork, exec of this program again, and waiting for its end. */
#include "bench.h"

static char *again[] = {0, "child", 0};
static char *no_environment[] = {0};

static void prepare(void)
{
    if (arguments[1][0] == 'c')
        leave(0);
    again[0] = arguments[0];
}

static void once(void)
{
    int status = 0;
    long child = must(call(SYS_fork), "fork");
    if (child == 0) {
        call(SYS_execve, again[0], again, no_environment);
        leave(9);
    }
    must(call(SYS_wait4, child, &status, 0, 0), "wait4");
    if (status != 0)
        must(-1, "execve");
}
