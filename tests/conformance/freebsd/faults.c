/* Faults that lead to faults: a jump to where nothing is mapped, whose instruction cannot be read, and a
 * handler whose stack cannot be written. */
#include "guest.h"

#define SYS_sigaction 416
#define SYS_getpid 20
#define SYS_fork 2
#define SYS_wait4 7
#define SIGILL 4
#define SIGBUS 10
#define SIGSEGV 11
#define SA_SIGINFO 0x40

struct sigset { u32 bits[4]; };
struct sigaction { void *handler; s32 flags; struct sigset mask; };

static volatile long seen, handled_rip;

static void on_fault(int signal, u8 *info, u8 *uc)
{
    seen = signal;
    (void)info;
    u64 *m = (u64 *)(uc + 16); /* mc_rip is its 20th word, mc_rsp its 23rd */
    handled_rip = (long)m[20];
    u64 *rsp = (u64 *)m[23];
    m[20] = *rsp;
    m[23] = (u64)(rsp + 1);
}

static void jump_to(u64 where)
{
    __asm__ volatile("call *%0" : : "r"(where) : "memory", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
}

static void test(void)
{
    struct sigaction a = {on_fault, SA_SIGINFO, {{0}}};
    CHECK_IS(call(SYS_sigaction, SIGSEGV, &a, 0), 0);
    CHECK_IS(call(SYS_sigaction, SIGBUS, &a, 0), 0);
    call(SYS_getpid);
    call(SYS_getpid);
    jump_to(0);
    CHECK_IS(seen, SIGSEGV);
    CHECK_IS(handled_rip, 0);
    seen = 0;
    jump_to(0x7ffffff00000);
    CHECK_IS(seen, SIGSEGV);
    CHECK_IS(handled_rip, 0x7ffffff00000);
    seen = 0;
    long child = call(SYS_fork);
    if (child == 0) {
        __asm__ volatile("movq $64, %%rsp\n movq $0, (%%rsp)\n" : : : "memory");
        call(1, 3);
    }
    s32 status = -1;
    call(SYS_wait4, child, &status, 0, 0);
    CHECK_IS(status & 0x7f, SIGILL);
}
