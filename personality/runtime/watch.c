/* Waiting for the end of another process, in a thread of its own that the guest does not see. */
#include "debug.h"
#include <linux/sched.h>

#define WATCH_STACK 4096UL

static u32 watches; /* threads of watch_process */

struct watch {
    s32 pid;
    void (*death)(s32 pid);
};

/* Descriptors of its own, so that the guest sees none: the thread got a copy of the table. */
static void __attribute__((noreturn)) watch_main(const struct watch *w)
{
    struct {
        s32 fd;
        s16 events, revents;
    } watched = {-1, 1 /* POLLIN */, 0};
    host_call6_plain(__NR_close_range, 0, ~0U, 0, 0, 0, 0);
    watched.fd = (s32)host_call6_plain(__NR_pidfd_open, (u64)w->pid, 0, 0, 0, 0, 0);
    if (watched.fd >= 0)
        while (host_call6_plain(__NR_poll, (u64)&watched, 1, (u64)-1, 0, 0, 0) == -EINTR)
            ;
    w->death(w->pid);
    for (;;)
        host_call6_plain(__NR_exit, 0, 0, 0, 0, 0, 0);
}

/* No state of the guest's or of the runtime's, all signals blocked, and no guest code ever. */
long watch_process(s32 pid, void (*death)(s32 pid))
{
    const u64 flags = CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    u64 all = ~0UL, before;
    u8 *stack = runtime_alloc(WATCH_STACK);
    if (stack == NULL)
        return -ENOMEM;
    struct watch *w = (struct watch *)(stack + WATCH_STACK - 64);
    *w = (struct watch){pid, death};
    host(__NR_rt_sigprocmask, 0 /* SIG_BLOCK */, &all, &before, 8);
    register long number __asm__("rax") = __NR_clone;
    register u64 rdi __asm__("rdi") = flags;
    register u64 rsi __asm__("rsi") = (u64)w & ~15UL;
    register u64 rdx __asm__("rdx") = 0;
    register u64 r10 __asm__("r10") = 0;
    register u64 r8 __asm__("r8") = 0;
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "movq %[w], %%rdi\n\t"
                     "call *%[run]\n\t"
                     "ud2\n"
                     "1:"
                     : "+a"(number)
                     : "D"(rdi), "S"(rsi), "d"(rdx), "r"(r10), "r"(r8), [w] "r"(w), [run] "r"(watch_main)
                     : "rcx", "r11", "memory");
    host(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &before, 0, 8);
    if (is_error(number))
        runtime_free(stack);
    else
        watches++;
    return number;
}

/* The watching thread alone would keep the process alive. */
void debug_last_thread_ends(const struct process *p)
{
    if (watches > 0 && p->thread_count == 0)
        host(__NR_exit_group, 0);
}

static void child_watches_nobody(struct thread *t UNUSED) { watches = 0; }
ON_FORK_CHILD(child_watches_nobody);
