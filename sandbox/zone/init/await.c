/* Stands for a large process that has nothing to do: waits until something can be read from a socket or a FIFO,
 * leaves it there, and becomes that process.  Ends when nobody is left who could write. */
#include "calls.h"

void await(int from, char **words, char **environment)
{
    for (;;) {
        char byte;
        struct pollfd ready = {.fd = from, .events = POLLIN};
        if (CALL3(__NR_poll, &ready, 1, -1) <= 0)
            continue;
        if (!(ready.revents & POLLIN))
            leave(0);
        /* Of a socket that is the same when nobody is left. */
        long size = CALL6(__NR_recvfrom, from, &byte, 1, LOOK_ONLY | DO_NOT_WAIT, NULL, NULL);
        if (size == -EAGAIN || size == -EINTR)
            continue;
        if (size <= 0 && size != -ENOTSOCK)
            leave(0);
        CALL3(__NR_execve, words[0], words, environment);
        leave(125);
    }
}
