/* One byte to another process and one byte back, through two pipes. */
#include "bench.h"

static int there[2], back[2];

static void echo(void)
{
    char byte;
    call(SYS_close, there[1]);
    call(SYS_close, back[0]);
    while (call(SYS_read, there[0], &byte, 1) == 1)
        must(call(SYS_write, back[1], &byte, 1), "write");
    leave(0);
}

static void prepare(void)
{
    must(call(SYS_pipe2, there, 0), "pipe2");
    must(call(SYS_pipe2, back, 0), "pipe2");
    if (must(call(SYS_fork), "fork") == 0)
        echo();
    call(SYS_close, there[0]);
    call(SYS_close, back[1]);
}

static void once(void)
{
    char byte = 0;
    must(call(SYS_write, there[1], &byte, 1), "write");
    must(call(SYS_read, back[0], &byte, 1), "read");
}
