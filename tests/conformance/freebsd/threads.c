/* Threads: how one begins, what it knows of itself, and how it ends. */
#include "threads.h"

#define ESRCH 3
#define EINTR 4
#define EFAULT 14
#define EINVAL 22
#define ETIMEDOUT 60
#define THR_SELF 432
#define THR_SUSPEND 442
#define THR_WAKE 443
#define THR_SET_NAME 464

static struct {
    u64 stack_pointer, frame_pointer, return_address, fs_first, argument;
    long tid;
} seen;
static u64 tls[16];
static long ended;

__attribute__((used)) static void look_around(u64 *stack, u64 frame_pointer, u64 argument)
{
    seen.stack_pointer = (u64)stack;
    seen.return_address = stack[0];
    seen.frame_pointer = frame_pointer;
    seen.argument = argument;
    __asm__("movq %%fs:0, %0" : "=r"(seen.fs_first));
    call(THR_SELF, &seen.tid);
    call(SYS_THR_EXIT, &ended);
}

void bare_start(void *argument);
__asm__("bare_start:\n    movq %rdi, %rdx\n    movq %rsp, %rdi\n    movq %rbp, %rsi\n"
        "    call look_around\n    hlt\n");

static void beginning(void)
{
    char *stack = map_memory(STACK_SIZE, PRIVATE_MEMORY);
    long child = -1, parent = -1;
    struct thr_param p = {.start = bare_start, .argument = (void *)0x1234, .stack = stack,
                          .stack_size = STACK_SIZE - 5, .tls = tls, .tls_size = sizeof(tls),
                          .child_tid = &child, .parent_tid = &parent};

    tls[0] = 0x5555aaaa;
    memset(stack, 0xff, STACK_SIZE);
    CHECK_IS(call(SYS_THR_NEW, &p, sizeof(p)), 0);
    CHECK(parent > 0);
    while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) == 0)
        umtx(&ended, OP_WAIT, 0, 0, 0);
    CHECK_IS(ended, 1);
    CHECK_IS(seen.stack_pointer, ((u64)stack + STACK_SIZE - 5) / 16 * 16 - 8);
    CHECK_IS(seen.frame_pointer, 0);
    CHECK_IS(seen.return_address, 0);
    CHECK_IS(seen.argument, 0x1234);
    CHECK_IS(seen.fs_first, 0x5555aaaa);
    CHECK_IS(seen.tid, parent);
    CHECK_IS(child, parent);
    CHECK_IS(call(SYS_THR_NEW, &p, -1), -EINVAL);
    CHECK_IS(call(SYS_THR_NEW, &p, 200), -EINVAL);
    CHECK_IS(call(SYS_THR_NEW, 8, sizeof(p)), -EFAULT);
    p.flags = 0x1000;
    CHECK_IS(call(SYS_THR_NEW, &p, sizeof(p)), -EINVAL);
}

static long results[3];

static void suspend(void *unused)
{
    struct timespec limit = {0, 20000000}, none = {0, 0}, long_limit = {20, 0};
    (void)unused;
    results[0] = call(THR_SUSPEND, &limit);
    results[1] = call(THR_SUSPEND, &none);
    results[2] = call(THR_SUSPEND, &long_limit);
}

static void waking(void)
{
    struct guest_thread t;
    long self, other;

    CHECK_IS(call(THR_SELF, &self), 0);
    CHECK_IS(call(THR_SELF, 8), -EFAULT);
    CHECK_IS(call(THR_WAKE, self), 0);
    CHECK_IS(call(THR_SUSPEND, 0), 0);
    s32 ends[2]; /* woken by oneself: the next wait ends, and the one after it does not */
    char byte;
    CHECK_IS(call(542, ends, 0), 0);
    CHECK_IS(call(THR_WAKE, self), 0);
    CHECK_IS(call(3, ends[0], &byte, 1), -EINTR);
    CHECK_IS(call(4, ends[1], "x", 1), 1);
    CHECK_IS(call(3, ends[0], &byte, 1), 1);
    call(6, ends[0]);
    call(6, ends[1]);
    CHECK_IS(call(THR_WAKE, 0x7ffffff), -ESRCH);
    thread_begin(&t, suspend, 0);
    other = t.tid;
    CHECK(other != self);
    sleep_ms(80);
    CHECK_IS(call(THR_WAKE, other), 0);
    thread_join(&t);
    CHECK_IS(results[0], -ETIMEDOUT);
    CHECK_IS(results[1], -ETIMEDOUT);
    CHECK_IS(results[2], 0);
    CHECK_IS(call(THR_SET_NAME, self, "short"), 0);
    CHECK_IS(call(THR_SET_NAME, self, "a name of more than nineteen bytes"), 0);
    CHECK_IS(call(THR_SET_NAME, 0x7ffffff, "nobody"), -ESRCH);
}

/* Many short lives: areas, stacks and ids are given back. */
static u32 lived;

static void live(void *unused)
{
    (void)unused;
    __atomic_add_fetch(&lived, 1, __ATOMIC_SEQ_CST);
}

static void generations(void)
{
    struct guest_thread t[8];
    for (int g = 0; g < 40; g++) {
        for (int i = 0; i < 8; i++)
            thread_begin(&t[i], live, 0);
        for (int i = 0; i < 8; i++)
            thread_join(&t[i]);
    }
    CHECK_IS(lived, 320);
}

/* When every thread leaves by thr_exit the last one comes back, so that it can end the process. */
static struct guest_thread last;
static long came_back;

static void outlive(void *main_tid)
{
    (void)main_tid;
    sleep_ms(60);
    came_back = call(SYS_THR_EXIT, 0);
    call(1, came_back == 0 ? 33 : 34);
}

static void last_thread(void)
{
    int status = 0;
    long child = call(2);
    if (child == 0) {
        thread_begin(&last, outlive, 0);
        call(SYS_THR_EXIT, 0);
        call(1, 35);
    }
    CHECK_IS(call(7, child, &status, 0, 0), child);
    CHECK_IS(status, 33 << 8);
}

static void test(void)
{
    beginning();
    waking();
    generations();
    last_thread();
}
