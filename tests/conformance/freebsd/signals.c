/* Signals: frames, masks, altstacks, restart rules, faults, and waiting without a handler. */
#include "guest.h"

#define SYS_fork 2
#define SYS_read 3
#define SYS_write 4
#define SYS_wait4 7
#define SYS_getpid 20
#define SYS_kill 37
#define SYS_sigaltstack 53
#define SYS_nanosleep 240
#define SYS_sigprocmask 340
#define SYS_sigsuspend 341
#define SYS_sigpending 343
#define SYS_sigtimedwait 345
#define SYS_sigwaitinfo 346
#define SYS_sigaction 416
#define SYS_sigwait 429
#define SYS_thr_self 432
#define SYS_thr_kill 433
#define SYS_sigqueue 456
#define SYS_pipe2 542
#define SYS_setitimer 83
#define SYS_getppid 39

#define SIGILL 4
#define SIGTRAP 5
#define SIGFPE 8
#define SIGBUS 10
#define SIGSEGV 11
#define SIGALRM 14
#define SIGCHLD 20
#define SIGUSR1 30
#define SIGUSR2 31
#define SIGRT 65
#define SA_ONSTACK 1
#define SA_RESTART 2
#define SA_RESETHAND 4
#define SA_NODEFER 16
#define SA_SIGINFO 64

struct sigset { u32 bits[4]; };
struct sigaction { void *handler; s32 flags; struct sigset mask; };
struct stack { u64 sp, size; s32 flags; };
struct siginfo {
    s32 signo, error, code, pid;
    u32 uid;
    s32 status;
    u64 addr, value;
    s32 reason[10];
};
struct mcontext {
    u64 onstack, rdi, rsi, rdx, rcx, r8, r9, rax, rbx, rbp, r10, r11, r12, r13, r14, r15;
    u32 trapno;
    u16 fs, gs;
    u64 addr;
    u32 flags;
    u16 es, ds;
    u64 err, rip, cs, rflags, rsp, ss, len, fpformat, ownedfp, fpstate[64], fsbase, gsbase, xfpustate, xlen, spare[4];
} __attribute__((aligned(16)));
struct ucontext {
    struct sigset mask;
    struct mcontext mc;
    u64 link;
    struct stack stack;
    s32 flags, spare[4];
} __attribute__((aligned(16)));
struct timespec { s64 sec, nsec; };
struct timeval { s64 sec, usec; };

static struct sigset only(int signal)
{
    struct sigset s = {{0}};
    s.bits[(signal - 1) / 32] = 1u << ((signal - 1) % 32);
    return s;
}

static volatile int seen, seen_code, seen_pid, nested;
static volatile u64 seen_addr, seen_value, seen_trap, seen_rsp, seen_cs;
static volatile u32 mask_inside[4];

static void note(int signal, struct siginfo *info, struct ucontext *uc)
{
    seen = signal;
    seen_code = info->code;
    seen_pid = info->pid;
    seen_addr = info->addr;
    seen_value = info->value;
    seen_trap = uc->mc.trapno;
    seen_cs = uc->mc.cs;
    seen_rsp = (u64)__builtin_frame_address(0);
    struct sigset now;
    call(SYS_sigprocmask, 1, 0, &now);
    for (int i = 0; i < 4; i++)
        mask_inside[i] = now.bits[i];
}

static void install(int signal, void *handler, int flags)
{
    struct sigaction a = {handler, flags, {{0}}};
    CHECK_IS(call(SYS_sigaction, signal, &a, 0), 0);
}

static void plain_delivery(void)
{
    install(SIGUSR1, note, SA_SIGINFO);
    CHECK_IS(call(SYS_kill, call(SYS_getpid), SIGUSR1), 0);
    CHECK_IS(seen, SIGUSR1);
    CHECK_IS(seen_code, 0x10001); /* SI_USER */
    CHECK_IS(seen_pid, call(SYS_getpid));
    CHECK_IS(mask_inside[0] & (1u << (SIGUSR1 - 1)), 1u << (SIGUSR1 - 1));
    struct sigset now;
    call(SYS_sigprocmask, 1, 0, &now);
    CHECK_IS(now.bits[0], 0);
    CHECK_IS(seen_cs & 3, 3);

    seen = 0;
    long tid;
    CHECK_IS(call(SYS_thr_self, &tid), 0);
    CHECK_IS(call(SYS_thr_kill, tid, SIGUSR1), 0);
    CHECK_IS(seen, SIGUSR1);
    CHECK_IS(seen_code, 0x10007); /* SI_LWP */

    struct sigaction old;
    CHECK_IS(call(SYS_sigaction, SIGUSR1, 0, &old), 0);
    CHECK(old.handler == (void *)note);
    CHECK_IS(old.flags, SA_SIGINFO);
    CHECK_IS(call(SYS_sigaction, 9, &old, 0), -22);
    CHECK_IS(call(SYS_sigaction, 129, 0, &old), -22);
    CHECK_IS(call(SYS_sigaction, 0, 0, &old), -22);
    CHECK_IS(call(SYS_kill, call(SYS_getpid), 0), 0);
    CHECK_IS(call(SYS_kill, call(SYS_getpid), 200), -22);
}

/* Every register and the vector state come back, whatever the handler does with them. */
static void clobber(int signal)
{
    nested++;
    __asm__ volatile("xorl %%eax, %%eax; movq %%rax, %%xmm3; movq %%rax, %%xmm12; stc" ::: "rax", "xmm3", "xmm12", "cc");
    (void)signal;
}

static void registers_come_back(void)
{
    install(SIGUSR2, clobber, 0);
    u64 x3, x12, rbx, r15, result;
    long pid = call(SYS_getpid);
    __asm__ volatile("movq $77, %%rbx; movq $88, %%r15; movq %%rbx, %%xmm3; movq %%r15, %%xmm12\n"
                     "movl $37, %%eax; syscall\n"
                     "movq %%xmm3, %0; movq %%xmm12, %1; movq %%rbx, %2; movq %%r15, %3"
                     : "=m"(x3), "=m"(x12), "=m"(rbx), "=m"(r15), "=a"(result)
                     : "D"(pid), "S"((long)SIGUSR2)
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "rbx", "r15", "xmm3", "xmm12", "memory", "cc");
    CHECK_IS(nested, 1);
    CHECK_IS(result, 0);
    CHECK_IS(x3, 77);
    CHECK_IS(x12, 88);
    CHECK_IS(rbx, 77);
    CHECK_IS(r15, 88);
}

/* A timer interrupts computation: nothing may change under it. */
static void asynchronous(void)
{
    install(SIGALRM, clobber, SA_RESTART);
    nested = 0;
    struct { struct timeval interval, value; } often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    CHECK_IS(call(SYS_setitimer, 0, &often, 0), 0);
    u64 sum = 0, wanted = 0, calls_bad = 0;
    long parent = call(SYS_getppid);
    for (u64 i = 0; nested < 200; i++) {
        sum += i * 3;
        wanted += i * 3;
        if ((i & 15) == 0 && call(SYS_getppid) != parent)
            calls_bad++;
    }
    CHECK_IS(call(SYS_setitimer, 0, &never, 0), 0);
    CHECK(sum == wanted);
    CHECK_IS(calls_bad, 0);
}

static u8 other_stack[65536] __attribute__((aligned(16)));

static void alternate_stack(void)
{
    struct stack s = {(u64)other_stack, sizeof(other_stack), 0}, old;
    CHECK_IS(call(SYS_sigaltstack, 0, &old), 0);
    CHECK_IS(old.flags, 4); /* SS_DISABLE */
    CHECK_IS(call(SYS_sigaltstack, &s, 0), 0);
    install(SIGUSR1, note, SA_SIGINFO | SA_ONSTACK);
    call(SYS_kill, call(SYS_getpid), SIGUSR1);
    CHECK(seen_rsp > (u64)other_stack && seen_rsp < (u64)other_stack + sizeof(other_stack));
    s.size = 100;
    CHECK_IS(call(SYS_sigaltstack, &s, 0), -12); /* ENOMEM */
    s.flags = 4;
    CHECK_IS(call(SYS_sigaltstack, &s, 0), 0);
}

static void skip_fault(int signal, struct siginfo *info, struct ucontext *uc)
{
    note(signal, info, uc);
    uc->mc.rip = uc->mc.r13;
}

#define FAULT(instructions)                                                                     \
    __asm__ volatile("leaq 1f(%%rip), %%r13\n" instructions "\n1:" : : : "rax", "rcx", "rdx", "r13", "memory")

static void faults(void)
{
    install(SIGSEGV, skip_fault, SA_SIGINFO);
    install(SIGBUS, skip_fault, SA_SIGINFO);
    install(SIGFPE, skip_fault, SA_SIGINFO);
    install(SIGILL, skip_fault, SA_SIGINFO);
    install(SIGTRAP, skip_fault, SA_SIGINFO);
    FAULT("movl $0x1234, %%eax; movb $1, (%%rax)");
    CHECK_IS(seen, SIGSEGV);
    CHECK_IS(seen_code, 1);
    CHECK_IS(seen_addr, 0x1234);
    CHECK_IS(seen_trap, 12);
    FAULT("movabsq $0x8000000000000000, %%rax; movb $1, (%%rax)");
    CHECK_IS(seen, SIGBUS);
    CHECK_IS(seen_trap, 9);
    FAULT("xorl %%edx, %%edx; xorl %%ecx, %%ecx; movl $1, %%eax; divl %%ecx");
    CHECK_IS(seen, SIGFPE);
    CHECK_IS(seen_trap, 18);
    CHECK_IS(seen_code, 2);
    FAULT("ud2");
    CHECK_IS(seen, SIGILL);
    CHECK_IS(seen_trap, 1);
    FAULT("int3");
    CHECK_IS(seen, SIGTRAP);
    CHECK_IS(seen_code, 1);
}

static void interrupted_calls(void)
{
    s32 ends[2];
    CHECK_IS(call(SYS_pipe2, ends, 0), 0);
    struct { struct timeval interval, value; } soon = {{0, 0}, {0, 20000}};
    char byte;
    install(SIGALRM, clobber, 0);
    nested = 0;
    call(SYS_setitimer, 0, &soon, 0);
    CHECK_IS(call(SYS_read, ends[0], &byte, 1), -4); /* EINTR */
    CHECK_IS(nested, 1);

    /* With SA_RESTART the read goes on until the child writes. */
    install(SIGALRM, clobber, SA_RESTART);
    nested = 0;
    long child = call(SYS_fork);
    if (child == 0) {
        struct timespec pause = {0, 100000000};
        call(SYS_nanosleep, &pause, 0);
        call(SYS_write, ends[1], "x", 1);
        call(1, 0);
    }
    call(SYS_setitimer, 0, &soon, 0);
    CHECK_IS(call(SYS_read, ends[0], &byte, 1), 1);
    CHECK_IS(nested, 1);
    CHECK_IS(byte, 'x');
    s32 status;
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(status, 0);

    struct timespec second = {5, 0}, left;
    call(SYS_setitimer, 0, &soon, 0);
    CHECK_IS(call(SYS_nanosleep, &second, &left), -4);
    CHECK_IS(left.sec, 4);
}

/* However soon a signal comes, no more is left of a pause than there was: a loop over the rest must end. */
static void rest_of_a_pause(void)
{
    long self = call(SYS_getpid), child, longer = 0;
    s32 status;
    install(SIGUSR1, clobber, 0);
    child = call(SYS_fork);
    if (child == 0) {
        for (int i = 0; i < 3000; i++)
            call(SYS_kill, self, SIGUSR1);
        call(1, 0);
    }
    while (call(SYS_wait4, child, &status, 1, 0) == 0) { /* WNOHANG */
        struct timespec soon = {0, 200000}, rest = soon;
        call(SYS_nanosleep, &soon, &rest);
        longer += rest.sec > soon.sec || rest.nsec > soon.nsec;
    }
    CHECK_IS(longer, 0);
}

static void masks(void)
{
    install(SIGUSR1, note, SA_SIGINFO);
    struct sigset block = only(SIGUSR1), old, empty = {{0}};
    seen = 0;
    CHECK_IS(call(SYS_sigprocmask, 1, &block, &old), 0);
    call(SYS_kill, call(SYS_getpid), SIGUSR1);
    CHECK_IS(seen, 0);
    CHECK_IS(call(SYS_sigpending, &old), 0);
    CHECK_IS(old.bits[0], block.bits[0]);
    CHECK_IS(call(SYS_sigsuspend, &empty), -4);
    CHECK_IS(seen, SIGUSR1);
    call(SYS_sigprocmask, 1, 0, &old);
    CHECK_IS(old.bits[0], block.bits[0]); /* the mask from before sigsuspend is back */

    seen = 0;
    call(SYS_kill, call(SYS_getpid), SIGUSR1);
    s32 taken = 0;
    CHECK_IS(call(SYS_sigwait, &block, &taken), 0);
    CHECK_IS(taken, SIGUSR1);
    CHECK_IS(seen, 0);

    struct timespec none = {0, 1000000};
    struct siginfo info;
    CHECK_IS(call(SYS_sigtimedwait, &block, &info, &none), -35); /* EAGAIN */
    call(SYS_kill, call(SYS_getpid), SIGUSR1);
    CHECK_IS(call(SYS_sigtimedwait, &block, &info, &none), SIGUSR1);
    CHECK(info.signo == SIGUSR1 && info.code == 0x10001); /* SI_USER */
    block = only(SIGRT);
    CHECK_IS(call(SYS_sigprocmask, 1, &block, 0), 0);
    CHECK_IS(call(SYS_sigqueue, call(SYS_getpid), SIGRT, 1111), 0);
    CHECK_IS(call(SYS_sigqueue, call(SYS_getpid), SIGRT, 2222), 0);
    CHECK_IS(call(SYS_sigwaitinfo, &block, &info), SIGRT);
    CHECK_IS(info.value, 1111);
    CHECK_IS(info.code, 0x10002); /* SI_QUEUE */
    CHECK_IS(call(SYS_sigwaitinfo, &block, &info), SIGRT);
    CHECK_IS(info.value, 2222);
    CHECK_IS(call(SYS_sigprocmask, 3, &empty, 0), 0);
    CHECK_IS(call(SYS_sigprocmask, 7, &empty, 0), -22);
    CHECK_IS(call(SYS_sigprocmask, 1, 8, 0), -14);
}

static void deaths(void)
{
    s32 status;
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGUSR1, 15, 9, SIGRT, 6};
    for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        long child = call(SYS_fork);
        if (child == 0) {
            struct sigaction dfl = {0, 0, {{0}}};
            call(SYS_sigaction, fatal[i], &dfl, 0);
            call(SYS_kill, call(SYS_getpid), fatal[i]);
            call(1, 99);
        }
        call(SYS_wait4, child, &status, 0, 0);
        CHECK_IS(status & 0x7f, fatal[i]);
    }
    long child = call(SYS_fork);
    if (child == 0) {
        struct sigaction dfl = {0, 0, {{0}}};
        call(SYS_sigaction, SIGSEGV, &dfl, 0);
        *(volatile int *)16 = 1;
        call(1, 99);
    }
    call(SYS_wait4, child, &status, 0, 0);
    CHECK_IS(status & 0x7f, SIGSEGV);
    install(SIGCHLD, note, SA_SIGINFO);
    child = call(SYS_fork);
    if (child == 0)
        call(1, 5);
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0) > 0 || seen == SIGCHLD, 1);
    CHECK_IS(seen, SIGCHLD);
    CHECK_IS(seen_code, 1); /* CLD_EXITED */
    CHECK_IS(seen_pid, child);
}

static void reset_and_nodefer(void)
{
    install(SIGUSR1, note, SA_SIGINFO | SA_RESETHAND | SA_NODEFER);
    call(SYS_kill, call(SYS_getpid), SIGUSR1);
    CHECK_IS(mask_inside[0] & (1u << (SIGUSR1 - 1)), 0);
    struct sigaction now;
    call(SYS_sigaction, SIGUSR1, 0, &now);
    CHECK(now.handler == 0);
}

/* Calls that give every register a value give only the result when they fail. */
static void bad_contexts(void)
{
    CHECK_IS(call(417, -1L), -14); /* sigreturn, EFAULT */
    CHECK_IS(call(422, -1L), -14); /* setcontext */
    CHECK_IS(call(422, 0), -22);
    CHECK_IS(call(423, -1L, -1L), -14); /* swapcontext */
}

static void test(void)
{
    bad_contexts();
    plain_delivery();
    registers_come_back();
    asynchronous();
    alternate_stack();
    faults();
    interrupted_calls();
    rest_of_a_pause();
    masks();
    deaths();
    reset_and_nodefer();
}
