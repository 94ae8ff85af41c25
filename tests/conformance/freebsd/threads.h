/* Threads for test programs, as libthr makes them: thr_new with a stack and a word to join by. */
#ifndef THREADS_H
#define THREADS_H

#include "guest.h"

#define SYS_THR_EXIT 431
#define SYS_UMTX 454
#define SYS_THR_NEW 455
#define SYS_MMAP 477
#define STACK_SIZE 65536

#define OP_WAIT 2
#define OP_WAKE 3

struct timespec {
    s64 sec, nsec;
};

struct umtx_time {
    struct timespec timeout;
    u32 flags, clock;
};

struct thr_param {
    void (*start)(void *);
    void *argument;
    char *stack;
    u64 stack_size;
    void *tls;
    u64 tls_size;
    long *child_tid, *parent_tid;
    u32 flags;
    void *rtp;
    void *spare[3];
};

struct guest_thread {
    void (*body)(void *);
    void *argument;
    long tid, ended;
    char *stack;
};

static inline long umtx(volatile void *object, long op, long value, const void *a, const void *b)
{
    return call(SYS_UMTX, object, op, value, a, b);
}

static inline void *map_memory(u64 size, long flags)
{
    return (void *)call(SYS_MMAP, 0, size, 3, flags, -1, 0);
}
#define PRIVATE_MEMORY 0x1002
#define SHARED_MEMORY 0x1001

static void thread_start(void *of)
{
    struct guest_thread *t = of;
    t->body(t->argument);
    call(SYS_THR_EXIT, &t->ended);
    __builtin_trap();
}

static inline long thread_begin(struct guest_thread *t, void (*body)(void *), void *argument)
{
    t->body = body;
    t->argument = argument;
    t->ended = 0;
    t->stack = map_memory(STACK_SIZE, PRIVATE_MEMORY);
    struct thr_param p = {.start = thread_start, .argument = t, .stack = t->stack, .stack_size = STACK_SIZE,
                          .parent_tid = &t->tid};
    return call(SYS_THR_NEW, &p, sizeof(p));
}

static inline void thread_join(struct guest_thread *t)
{
    while (__atomic_load_n(&t->ended, __ATOMIC_ACQUIRE) == 0)
        umtx(&t->ended, OP_WAIT, 0, 0, 0);
    call(73, t->stack, STACK_SIZE); /* munmap */
}

static inline s64 nanoseconds(void)
{
    struct timespec now;
    call(232, 4, &now); /* clock_gettime(CLOCK_MONOTONIC) */
    return now.sec * 1000000000 + now.nsec;
}

static inline void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    call(240, &t, 0);
}

#endif
