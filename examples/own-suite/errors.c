#include "say.h"

void _start(void)
{
    print("1..2\n");
    check(call(CALL_WRITE, 99, 0, 0) == -9, "writing to a closed descriptor is EBADF");
    check(call(CALL_WRITE, 1, 8, 1) == -14, "writing from nowhere is EFAULT");
    done();
}
