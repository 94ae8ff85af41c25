/* A thread that ends at once, and waiting for it, the way each system's thread library does it. */
#include "bench.h"

static char stack[65536] __attribute__((aligned(16)));

static void prepare(void)
{
}

#ifdef __FreeBSD__
#define UMTX_OP_WAIT 2

static volatile long state; /* the thread's id; 1 when it has ended */

struct thr_param {
    void (*start)(void *);
    void *argument;
    char *stack_base;
    size_t stack_size;
    char *tls_base;
    size_t tls_size;
    volatile long *child_tid, *parent_tid;
    int flags;
    void *priority, *spare[3];
};
_Static_assert(sizeof(struct thr_param) == 104, "thr_param");

static void thread(void *unused)
{
    (void)unused;
    call(SYS_thr_exit, &state);
}

static void once(void)
{
    struct thr_param new = {.start = thread, .stack_base = stack, .stack_size = sizeof(stack),
                            .parent_tid = &state};
    state = 0;
    must(call(SYS_thr_new, &new, sizeof(new)), "thr_new");
    for (long seen = state; seen != 1; seen = state)
        call(SYS_umtx_op, &state, UMTX_OP_WAIT, seen, 0, 0);
}
#else
#define CLONE_LIKE_A_THREAD 0x350f00 /* VM FS FILES SIGHAND THREAD SYSVSEM PARENT_SETTID CHILD_CLEARTID */
#define FUTEX_WAIT 0

static volatile int id; /* 0 when it has ended */

static void thread(void)
{
    call(SYS_exit_thread, 0);
}

static void once(void)
{
    long *top = (long *)(stack + sizeof(stack) - 16);
    *top = (long)thread; /* raw_call returns there in the new thread */
    must(call(SYS_clone, CLONE_LIKE_A_THREAD, top, &id, &id, 0), "clone");
    for (int seen = id; seen != 0; seen = id)
        call(SYS_futex, &id, FUTEX_WAIT, seen, 0);
}
#endif
