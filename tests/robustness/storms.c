/* Bounded storms: threads that all end at once, then forks, vforks and execs while threads map memory, come
 * and go, and are signalled; at last an exec with all of them running. */
#include "../conformance/freebsd/threads.h"

#define SYS_exit 1
#define SYS_fork 2
#define SYS_wait4 7
#define SYS_getpid 20
#define SYS_kill 37
#define SYS_execve 59
#define SYS_vfork 66
#define SYS_munmap 73
#define SYS_sigaction 416
#define SYS_thr_kill2 481
#define SIGUSR1 30
#define SIGUSR2 31
#define SA_RESTART 2
#define EINTR 4
#define MANY 1000
#define FORKS 100
#define EXECS 30
#define CHILD_STATUS 7

struct sigset { u32 bits[4]; };
struct sigaction { void *handler; s32 flags; struct sigset mask; };

static volatile long handled, done;
static struct guest_thread many[MANY], others[5];

static void count(int signal)
{
    __atomic_add_fetch(&handled, signal != 0, __ATOMIC_RELAXED);
}

static void nothing(void *unused) { (void)unused; }

static void maps(void *unused)
{
    (void)unused;
    while (!done)
        call(SYS_munmap, map_memory(STACK_SIZE, PRIVATE_MEMORY), STACK_SIZE);
}

static void makes_threads(void *unused)
{
    struct guest_thread t;
    (void)unused;
    while (!done)
        if (thread_begin(&t, nothing, 0) == 0)
            thread_join(&t);
}

static void signals(void *pid)
{
    while (!done) {
        call(SYS_kill, pid, SIGUSR1);
        call(SYS_thr_kill2, pid, -1, SIGUSR2);
    }
}

static char *arguments[] = {NULL, "child", NULL}, *environment[] = {NULL};

/* How many of the children did not end as they should. */
static long children(int number, int execute)
{
    long bad = 0;
    for (int i = 0; i < number; i++) {
        long r, child = call(i & 1 ? SYS_vfork : SYS_fork);
        if (child == 0) {
            if (execute)
                call(SYS_execve, arguments[0], arguments, environment);
            call(SYS_exit, execute ? 1 : CHILD_STATUS);
        }
        s32 status = -1;
        do
            r = call(SYS_wait4, child, &status, 0, 0);
        while (r == -EINTR);
        bad += r != child || status != CHILD_STATUS << 8;
    }
    return bad;
}

static void test(void)
{
    struct sigaction action = {count, SA_RESTART, {{0}}};
    long pid = call(SYS_getpid), failed = 0;

    if (start_vector[0] > 1)
        call(SYS_exit, CHILD_STATUS);
    arguments[0] = (char *)start_vector[1];
    call(SYS_sigaction, SIGUSR1, &action, 0);
    call(SYS_sigaction, SIGUSR2, &action, 0);
    for (int i = 0; i < MANY; i++) {
        if (thread_begin(&many[i], nothing, 0) != 0) {
            failed++;
            many[i].ended = 1;
        }
    }
    for (int i = 0; i < MANY; i++)
        thread_join(&many[i]);
    CHECK_IS(failed, 0);
    thread_begin(&others[0], maps, 0);
    thread_begin(&others[1], maps, 0);
    thread_begin(&others[2], makes_threads, 0);
    thread_begin(&others[3], makes_threads, 0);
    thread_begin(&others[4], signals, (void *)pid);
    CHECK_IS(children(FORKS, 0), 0);
    CHECK_IS(children(EXECS, 1), 0);
    CHECK(handled > 0);
    /* Ignored from here on: one that is on its way when the program is replaced would end the next one. */
    action.handler = (void *)1; /* SIG_IGN */
    call(SYS_sigaction, SIGUSR1, &action, 0);
    call(SYS_sigaction, SIGUSR2, &action, 0);
    CHECK_IS(call(SYS_execve, arguments[0], arguments, environment), 0);
}
