/* Two threads on one kqueue: while one collects events, the other closes the descriptor that they are of,
 * gets its number back for another file and registers that.  Nothing of the old one may touch the new one. */
#include "threads.h"

#define SYS_CLOSE 6
#define SYS_SOCKETPAIR 135
#define SYS_SCHED_YIELD 331
#define SYS_KQUEUE 362
#define SYS_KEVENT 560

#define FILTER_READ (-1)
#define FILTER_WRITE (-2)
#define ADD 1
#define CLEAR 0x20

struct kevent {
    u64 ident;
    s16 filter;
    u16 flags;
    u32 fflags;
    s64 data;
    long udata;
    u64 ext[4];
};

#define ROUNDS 3000
#define COLLECTORS 6
#define PATIENCE 10000000000L /* ns */

static int queue;
static volatile long seen, finished;

static void collect(void *unused)
{
    struct kevent got[8];
    (void)unused;
    while (!finished) {
        struct timespec limit = {0, 20000000};
        long n = call(SYS_KEVENT, queue, 0, 0, got, 8, &limit);
        for (long i = 0; i < n; i++)
            if (got[i].udata > seen)
                seen = got[i].udata;
    }
}

static long watch(int fd, long mark)
{
    struct kevent k[2] = {{.ident = (u64)fd, .filter = FILTER_READ, .flags = ADD | CLEAR, .udata = mark},
                          {.ident = (u64)fd, .filter = FILTER_WRITE, .flags = ADD | CLEAR}};
    return call(SYS_KEVENT, queue, k, 2, 0, 0, 0);
}

static void test(void)
{
    struct guest_thread collectors[COLLECTORS];
    long lost = 0, failed = 0;
    queue = (int)call(SYS_KQUEUE);
    for (int i = 0; i < COLLECTORS; i++)
        CHECK_IS(thread_begin(&collectors[i], collect, 0), 0);
    for (long round = 1; round <= ROUNDS && lost == 0; round++) {
        int s[2];
        failed += call(SYS_SOCKETPAIR, 1, 1, 0, s) != 0;
        failed += watch(s[0], round) != 0;
        failed += call(4, s[1], "x", 1) != 1;
        if (round % 2 == 0) { /* its events are under way when it is closed */
            s64 deadline = nanoseconds() + PATIENCE;
            while (seen < round && nanoseconds() < deadline)
                call(SYS_SCHED_YIELD);
            lost += seen < round;
        }
        call(SYS_CLOSE, s[0]);
        call(SYS_CLOSE, s[1]);
    }
    CHECK_IS(failed, 0);
    CHECK_IS(lost, 0);
    finished = 1;
    for (int i = 0; i < COLLECTORS; i++)
        thread_join(&collectors[i]);
}
