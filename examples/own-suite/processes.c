#include "say.h"

void _start(void)
{
    print("1..2\n");
    check(call(CALL_GETPID, 0, 0, 0) > 0, "there is a process id");
    check(call(CALL_GETPID, 0, 0, 0) != call(CALL_GETPPID, 0, 0, 0), "the parent is another");
    done();
}
