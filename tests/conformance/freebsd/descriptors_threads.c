/* While other threads make calls that are served from outside the process, the descriptors that this one
 * gets are the lowest free ones, as if nobody else opened any; and so are a child's. */
#include "threads.h"

#define SYS_FORK 2
#define SYS_OPEN 5
#define SYS_CLOSE 6
#define SYS_WAIT4 7
#define SYS_EXIT 1
#define SYS_SYSCTL 202
#define SYS_FCNTL 92
#define GET_FLAGS 1
#define EBADF 9

#define ROUNDS 3000
#define FORKS 40
#define ASKING 3

static volatile long finished, answered;

static long ask(void)
{
    int name[2] = {1, 1}; /* kern.ostype */
    char text[16];
    u64 size = sizeof(text);
    return call(SYS_SYSCTL, name, 2, text, &size, 0, 0);
}

static void keep_asking(void *unused)
{
    (void)unused;
    while (!finished)
        if (ask() == 0)
            __atomic_add_fetch(&answered, 1, __ATOMIC_RELAXED);
}

static void test(void)
{
    struct guest_thread asking[ASKING];
    long expected, other = 0, inherited = 0, status;
    expected = call(SYS_OPEN, "/dev/null", 0);
    call(SYS_CLOSE, expected);
    for (int i = 0; i < ASKING; i++)
        CHECK_IS(thread_begin(&asking[i], keep_asking, 0), 0);
    for (int i = 0; i < ROUNDS; i++) {
        long fd = call(SYS_OPEN, "/dev/null", 0);
        other += fd != expected;
        call(SYS_CLOSE, fd);
    }
    CHECK_IS(other, 0);
    for (int i = 0; i < FORKS; i++) {
        long pid = call(SYS_FORK);
        if (pid == 0) {
            long seen = 0;
            for (long fd = expected; fd < expected + 16; fd++)
                seen += call(SYS_FCNTL, fd, GET_FLAGS, 0) != -EBADF;
            call(SYS_EXIT, ask() != 0 ? 99 : seen);
        }
        status = 0;
        CHECK_IS(call(SYS_WAIT4, pid, &status, 0, 0), pid);
        inherited += (status & 0xffffffff) != 0;
    }
    CHECK_IS(inherited, 0);
    finished = 1;
    for (int i = 0; i < ASKING; i++)
        thread_join(&asking[i]);
    CHECK(answered > 0);
}
