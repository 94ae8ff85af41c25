/* Stands for a large process that has nothing to do: waits for a packet, which stays where it is, and becomes
 * that process again.  Ends when nobody is left who could send one. */
#include "calls.h"

void await(int socket, char **words, char **environment)
{
    for (;;) {
        char byte;
        struct pollfd ready = {.fd = socket, .events = POLLIN};
        CALL3(__NR_poll, &ready, 1, -1);
        long size = CALL6(__NR_recvfrom, socket, &byte, 1, LOOK_ONLY | DO_NOT_WAIT, NULL, NULL);
        if (size == -EAGAIN || size == -EINTR)
            continue;
        if (size <= 0)
            leave(0);
        CALL3(__NR_execve, words[0], words, environment);
        leave(125);
    }
}
