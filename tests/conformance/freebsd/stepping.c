/* Single-stepping over calls: a program that traces itself sees its own instructions and nothing else,
 * whether a call is caught by its instruction or through a jump that replaced it.  The same holds for the
 * address that any signal reports. */
#include "guest.h"

#define SYS_getpid 20
#define SYS_sigaction 416
#define SIGTRAP 5
#define TRAP_TRACE 2
#define SA_SIGINFO 64
#define FLAG_TRAP 0x100UL
#define RIP_WORD 22 /* in a ucontext, by 8 bytes: the mask takes the first two */
#define FLAGS_WORD 24

struct sigset { u32 bits[4]; };
struct sigaction { void *handler; s32 flags; struct sigset mask; };
struct siginfo { s32 signo, error, code; };

extern char first[], past_call[], end[];
long stepped(long rounds);

/* Calls getpid `rounds` times, stepping through the last round; the padding invites patching. */
__asm__(".text\n"
        ".balign 64\n"
        "stepped:\n"
        "1:  movl $20, %eax\n"
        "    syscall\n"
        "    decq %rdi\n"
        "    jnz 1b\n"
        "    pushfq\n"
        "    orq $0x100, (%rsp)\n"
        "    popfq\n"
        "first:\n"
        "    movl $20, %eax\n"
        "    incq %rdi\n"
        "    movq %rdi, %rdx\n"
        "    jmp 2f\n"
        "2:  syscall\n"
        "past_call:\n"
        "    movq %rax, %rcx\n"
        "    nop\n"
        "end:\n"
        "    nop\n"
        "    ret\n"
        "    .fill 16, 1, 0xcc\n");

static volatile long steps, strange, last_strange, after_call, wrong_code;

static void step(int signal, struct siginfo *info, u64 *uc)
{
    u64 rip = uc[RIP_WORD];
    steps += signal == SIGTRAP;
    wrong_code += info->code != TRAP_TRACE;
    after_call += rip == (u64)past_call;
    if (rip < (u64)first || rip > (u64)end) {
        strange++;
        last_strange = (long)rip;
    }
    if (rip == (u64)end)
        uc[FLAGS_WORD] &= ~FLAG_TRAP;
    else
        uc[FLAGS_WORD] |= FLAG_TRAP; /* a call ends stepping: the kernel clears the flag */
}

static void test(void)
{
    struct sigaction action = {step, SA_SIGINFO, {{0}}};
    long pid = call(SYS_getpid);
    CHECK_IS(call(SYS_sigaction, SIGTRAP, &action, 0), 0);
    for (int round = 0; round < 3; round++) {
        steps = after_call = 0;
        CHECK_IS(stepped(1), pid);
        check(steps >= 7 && steps <= 8, "every instruction was one step", steps, __LINE__);
        CHECK_IS(after_call, 1);
    }
    CHECK_IS(wrong_code, 0);
    CHECK_IS(strange, 0);
}
