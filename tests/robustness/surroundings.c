/* A little of everything: a cold call, a fork, an exec.  The exit status tells which failed, since there may
 * be nowhere to write. */
#include "../conformance/freebsd/guest.h"

#define SYS_exit 1
#define SYS_fork 2
#define SYS_wait4 7
#define SYS_execve 59
#define SYS_sysctl 202
#define CTL_KERN 1
#define KERN_BOOTTIME 21
#define CHILD_STATUS 7

static void test(void)
{
    char **argv = (char **)(start_vector + 1);
    char *again[] = {argv[0], "child", NULL}, *environment[] = {NULL};
    s32 name[2] = {CTL_KERN, KERN_BOOTTIME}, status = -1;
    long time[2] = {0}, size = sizeof(time);

    if (start_vector[0] > 1)
        call(SYS_exit, CHILD_STATUS);
    if (call(SYS_sysctl, name, 2, time, &size, 0, 0) != 0 || time[0] < 1)
        call(SYS_exit, 2);
    long child = call(SYS_fork);
    if (child == 0) {
        call(SYS_execve, argv[0], again, environment);
        call(SYS_exit, 3);
    }
    if (call(SYS_wait4, child, &status, 0, 0) != child || status != CHILD_STATUS << 8)
        call(SYS_exit, 4);
    call(SYS_exit, 0);
}
