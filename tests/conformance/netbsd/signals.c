/* Signals: trampolines, what a handler sees and may change, masks, stacks, faults, waiting. */
#include "guest.h"

static volatile int count, last_code, last_pid, on_stack;
static volatile long last_value, last_context_ok, last_trap, last_address;
static struct context kept;
static char stack_[16384];

static void handler(int signal, struct siginfo *info, struct context *c)
{
    char here;
    count++;
    last_code = info->code;
    last_pid = info->pid;
    last_value = info->value;
    last_context_ok = signal == info->signo && (c->flags & 4) && c->registers[CS] == 0x47 && c->registers[RSP] != 0;
    on_stack = &here >= stack_ && &here < stack_ + sizeof(stack_);
    kept = *c;
}

static void skip_fault(int signal, struct siginfo *info, struct context *c)
{
    (void)signal;
    count++;
    last_code = info->code;
    last_trap = info->trap;
    last_address = (long)info->address;
    c->registers[RIP] += 3; /* the length of the instructions below */
    c->registers[RAX] = 55;
}

static void actions(void)
{
    struct sigaction old, none = {0}, odd = {.handler = (void *)handler};
    long pid = call(20);
    CHECK_IS(set_handler(30, handler, 0), 0);
    CHECK_IS(call(340, 30, 0, &old, 0, 0), 0);
    CHECK(old.handler == (void *)handler && old.flags == SA_SIGINFO);
    CHECK_IS(call(340, 30, &odd, 0, trampoline_, 1), -22); /* a trampoline for sigcontexts */
    CHECK_IS(call(340, 30, &odd, 0, trampoline_, 0), -22); /* the kernel's own */
    CHECK_IS(call(340, 9, &none, 0, 0, 0), -22);
    CHECK_IS(call(340, 64, &none, 0, 0, 0), -22);
    CHECK_IS(call(37, pid, 30), 0); /* kill */
    CHECK_IS(count, 1);
    CHECK(last_code == 0 && last_pid == pid && last_context_ok);
    CHECK_IS(call(318, call(311), 30), 0); /* _lwp_kill */
    CHECK(count == 2 && last_code == -5);  /* SI_LWP */
    struct siginfo queued = {.signo = 33, .code = -1, .pid = (s32)pid, .uid = (u32)call(25), .value = 0x123456789};
    set_handler(33, handler, 0);
    CHECK_IS(call(245, pid, &queued), 0); /* sigqueueinfo of a real-time signal */
    CHECK(count == 3 && last_code == -1 && last_value == 0x123456789);
    CHECK_IS(set_handler(30, handler, SA_RESETHAND), 0);
    call(37, pid, 30);
    call(340, 30, 0, &old, 0, 0);
    CHECK(count == 4 && old.handler == 0);
}

static void masks(void)
{
    struct sigset usr = SIGSET(31), old, pending;
    long pid = call(20);
    set_handler(31, handler, 0);
    count = 0;
    CHECK_IS(call(293, 1, &usr, &old), 0); /* SIG_BLOCK */
    CHECK_IS(old.bits[0], 0);
    call(37, pid, 31);
    CHECK_IS(call(292, &pending), 0);
    CHECK_IS(pending.bits[0], 1 << 30);
    CHECK_IS(count, 0);
    struct sigset none = {{0}};
    CHECK_IS(call(294, &none), -4); /* sigsuspend */
    CHECK_IS(count, 1);
    CHECK_IS(kept.mask.bits[0], 1 << 30); /* the mask to go back to */
    call(37, pid, 31);
    struct siginfo info;
    struct timespec t = {1, 0};
    CHECK_IS(call(431, &usr, &info, &t), 31); /* sigtimedwait */
    CHECK_IS(info.signo, 31);
    t = (struct timespec){0, 1000000};
    CHECK_IS(call(431, &usr, &info, &t), -35); /* EAGAIN */
    CHECK_IS(call(293, 9, &usr, 0), -22);
    CHECK_IS(call(293, 2, &usr, 0), 0);
    CHECK_IS(count, 1);
}

static void stacks(void)
{
    struct {
        void *base;
        u64 size;
        s32 flags;
    } wanted = {stack_, sizeof(stack_), 0}, old;
    CHECK_IS(call(281, 0, &old), 0);
    CHECK_IS(old.flags, 4); /* SS_DISABLE */
    CHECK_IS(call(281, &wanted, 0), 0);
    set_handler(31, handler, SA_ONSTACK);
    call(37, call(20), 31);
    CHECK_IS(on_stack, 1);
    CHECK_IS(call(281, 0, &old), 0);
    CHECK(old.flags == 0 && old.base == stack_);
    wanted.size = 100;
    CHECK_IS(call(281, &wanted, 0), -12);
    wanted.flags = 64;
    CHECK_IS(call(281, &wanted, 0), -22);
    wanted.flags = 4;
    CHECK_IS(call(281, &wanted, 0), 0);
}

static void faults(void)
{
    long result;
    set_handler(11, skip_fault, 0);
    set_handler(4, skip_fault, 0);
    set_handler(8, skip_fault, 0);
    set_handler(5, skip_fault, 0);
    count = 0;
    __asm__ volatile("movq (%1), %0" : "=a"(result) : "r"(16L));
    CHECK(count == 1 && result == 55);
    CHECK(last_code == 1 && last_trap == 6 && last_address == 16); /* SEGV_MAPERR, T_PAGEFLT */
    __asm__ volatile("movq (%1), %0" : "=a"(result) : "r"(0x8000000000000000UL));
    CHECK(count == 2 && last_code == 2 && last_trap == 4); /* T_PROTFLT */
    __asm__ volatile("ud2; nop" : "=a"(result) : "0"(0L));
    CHECK(count == 3 && result == 55 && last_code == 5); /* ILL_PRVOPC, T_PRIVINFLT */
    __asm__ volatile("xorl %%edx, %%edx; idivq %1" : "=a"(result) : "r"(0L), "0"(1L) : "rdx");
    CHECK(count == 4 && result == 55 && last_code == 1); /* FPE_INTDIV */
}

static volatile int came_back;

static void contexts(void)
{
    struct context c;
    came_back = 0;
    memset(&c, 0, sizeof(c));
    long r = call(307, &c);
    CHECK_IS(r, came_back == 0 ? 0 : 307); /* it is libc that makes this 0 again */
    if (came_back++ == 0) {
        CHECK((c.flags & 0xf) == 0xf && c.registers[SS] == 0x3f);
        CHECK_IS(call(308, &c), 0); /* does not return: goes on after getcontext */
    }
    CHECK_IS(came_back, 2);
    c.flags = 0;
    CHECK_IS(call(308, &c), -22);
    CHECK_IS(call(308, 8), -14);
}

static void interruptions(void)
{
    struct {
        struct {
            s64 sec;
            s32 usec, pad;
        } interval, value;
    } timer = {{0, 0, 0}, {0, 20000, 0}};
    s32 ends[2];
    char byte;
    call(453, ends, 0);
    set_handler(14, handler, 0);
    count = 0;
    CHECK_IS(call(425, 0, &timer, 0), 0); /* setitimer */
    CHECK_IS(call(3, ends[0], &byte, 1), -4);
    CHECK_IS(count, 1);
}

static void test(void)
{
    actions();
    masks();
    stacks();
    faults();
    contexts();
    interruptions();
}
