/* getcontext, setcontext, swapcontext: going back to where a context was taken, and between two stacks. */
#include <sys/types.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <errno.h>
#include <signal.h>

#include "guest.h"

static ucontext_t here, there, back;
static char stack[16384];
static volatile int steps;

static void again(void)
{
    sigset_t one = {{1 << (SIGUSR1 - 1), 0, 0, 0}}, none = {{0, 0, 0, 0}}, now;
    double kept = 1.5;
    volatile int passes = 0;
    __asm__ volatile("" : "+x"(kept));
    call(SYS_sigprocmask, SIG_SETMASK, &one, 0);
    CHECK_IS(call(SYS_getcontext, &here), 0);
    passes++;
    if (passes == 1) {
        call(SYS_sigprocmask, SIG_SETMASK, &none, 0);
        call(SYS_setcontext, &here); /* comes back as getcontext's return */
        CHECK(!"setcontext returned");
    }
    CHECK_IS(passes, 2);
    CHECK(kept == 1.5);
    call(SYS_sigprocmask, SIG_SETMASK, 0, &now);
    CHECK_IS(now.__bits[0], one.__bits[0]); /* the mask came back too */
    call(SYS_sigprocmask, SIG_SETMASK, &none, 0);
    CHECK_IS(here.uc_mcontext.mc_len, sizeof(mcontext_t));
}

__attribute__((noreturn)) static void over_there(void)
{
    steps++;
    call(SYS_swapcontext, &there, &back);
    steps++;
    call(SYS_setcontext, &back);
    __builtin_trap();
}

static void between(void)
{
    CHECK_IS(call(SYS_getcontext, &there), 0);
    there.uc_mcontext.mc_rip = (register_t)over_there;
    there.uc_mcontext.mc_rsp = (((register_t)stack + (register_t)sizeof(stack)) & ~15L) - 8;
    CHECK_IS(call(SYS_swapcontext, &back, &there), 0);
    CHECK_IS(steps, 1);
    CHECK_IS(call(SYS_swapcontext, &back, &there), 0);
    CHECK_IS(steps, 2);
}

static void refusals(void)
{
    CHECK_IS(call(SYS_getcontext, 0), -EINVAL);
    CHECK_IS(call(SYS_getcontext, 8), -EFAULT);
    CHECK_IS(call(SYS_setcontext, 0), -EINVAL);
    CHECK_IS(call(SYS_setcontext, 8), -EFAULT);
    CHECK_IS(call(SYS_swapcontext, &back, 0), -EINVAL);
    CHECK_IS(call(SYS_swapcontext, &back, 8), -EFAULT);
    there = back;
    there.uc_mcontext.mc_flags = 0x4000;
    CHECK_IS(call(SYS_setcontext, &there), -EINVAL);
}

static void test(void)
{
    again();
    between();
    refusals();
}
