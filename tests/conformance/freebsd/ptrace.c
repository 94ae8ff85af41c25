/* One program debugs another: what its waiting tells, registers and memory of what stopped, signals on their way,
 * calls, single steps and breakpoints, attaching, and the errors.  The debuggee is a forked child, and this program
 * again after an exec. */
#include "threads.h"

#define SYS_exit 1
#define SYS_fork 2
#define SYS_read 3
#define SYS_write 4
#define SYS_close 6
#define SYS_wait4 7
#define SYS_getpid 20
#define SYS_ptrace 26
#define SYS_kill 37
#define SYS_getppid 39
#define SYS_execve 59
#define SYS_vfork 66
#define SYS_nanosleep 240
#define SYS_kqueue 362
#define SYS_sigaction 416
#define SYS_sigreturn 417
#define SYS_thr_self 432
#define SYS_thr_kill 433
#define SYS_pread 475
#define SYS_kevent 560
#define SYS_pipe2 542

#define SIGTRAP 5
#define SIGKILL 9
#define SIGBUS 10
#define SIGSEGV 11
#define SIGTERM 15
#define SIGSTOP 17
#define SIGCHLD 20
#define SIGWINCH 28
#define SIGUSR1 30
#define SIGUSR2 31

#define EPERM 1
#define ESRCH 3
#define EINTR 4
#define EBADF 9
#define ECHILD 10
#define ENOMEM 12
#define EFAULT 14
#define EBUSY 16
#define EINVAL 22

#define WNOHANG 1
#define STOPPED(signal) ((signal) << 8 | 0x7f)
#define EXITED(status) ((status) << 8)

#define PT_TRACE_ME 0
#define PT_READ_I 1
#define PT_READ_D 2
#define PT_WRITE_I 4
#define PT_WRITE_D 5
#define PT_CONTINUE 7
#define PT_KILL 8
#define PT_STEP 9
#define PT_ATTACH 10
#define PT_DETACH 11
#define PT_IO 12
#define PT_LWPINFO 13
#define PT_GETNUMLWPS 14
#define PT_GETLWPLIST 15
#define PT_SYSCALL 22
#define PT_FOLLOW_FORK 23
#define PT_LWP_EVENTS 24
#define PT_GET_EVENT_MASK 25
#define PT_SET_EVENT_MASK 26
#define PT_GET_SC_ARGS 27
#define PT_GETREGS 33
#define PT_SETREGS 34
#define PT_GETFPREGS 35
#define PT_SETFPREGS 36
#define PT_VM_ENTRY 41
#define PT_GETXSTATE_INFO 68
#define PT_GETXSTATE 69
#define PT_SETXSTATE 70
#define PT_GETFSBASE 71
#define PT_SETFSBASE 72

#define PL_EVENT_SIGNAL 1
#define PL_FLAG_SCE 4
#define PL_FLAG_SCX 8
#define PL_FLAG_EXEC 0x10
#define PL_FLAG_SI 0x20
#define PL_FLAG_FORKED 0x40
#define PL_FLAG_CHILD 0x80
#define PL_FLAG_BORN 0x100
#define PL_FLAG_EXITED 0x200
#define PL_FLAG_VFORKED 0x400
#define PL_FLAG_VFORK_DONE 0x800
#define PTRACE_EXEC 1
#define PTRACE_SCE 2
#define PTRACE_SCX 4
#define PTRACE_FORK 8
#define PTRACE_VFORK 0x20

struct sigset { u32 bits[4]; };
struct sigaction { void *handler; s32 flags; struct sigset mask; };
struct siginfo {
    s32 signo, error, code, pid;
    u32 uid;
    s32 status;
    u64 addr, value;
    u64 rest[5];
};
struct lwpinfo {
    s32 lwpid, event, flags;
    struct sigset mask, pending;
    struct siginfo siginfo;
    char name[20];
    s32 child;
    u32 number, count;
};
struct reg {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u32 trapno;
    u16 fs, gs;
    u32 err;
    u16 es, ds;
    u64 rip, cs, rflags, rsp, ss;
};
struct io { s32 op; void *offset, *address; u64 length; };

#define ptrace(request, pid, address, data) call(SYS_ptrace, request, pid, address, data)
#define HERE 1

static long status;
static long wait_for(long pid)
{
    u32 word = 0xffffffff;
    long r = call(SYS_wait4, pid, &word, 0, 0);
    status = word;
    return r;
}

static void exit_with(long code) { call(SYS_exit, code); }

/* A child that runs `body`, is debugged, and stopped by the SIGSTOP that it sent itself. */
static long debuggee(void (*body)(void))
{
    long pid = call(SYS_fork);
    if (second_result == 1) {
        if (ptrace(PT_TRACE_ME, 0, 0, 0) != 0)
            exit_with(100);
        call(SYS_kill, call(SYS_getpid), SIGSTOP);
        body();
        exit_with(0);
    }
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGSTOP));
    return pid;
}

/* ---- the smallest: stop, look, change, go on ---------------------------------------------------------- */

static volatile s32 shared_word = 1111;

static void exit_with_word(void) { exit_with(shared_word); }

static void test_memory(void)
{
    s32 word = 7, seen = 0;
    struct io io = {1, (void *)&shared_word, &seen, sizeof(seen)};
    long pid = debuggee(exit_with_word);

    CHECK_IS(ptrace(PT_READ_D, pid, (void *)&shared_word, 0), 1111);
    CHECK_IS(ptrace(PT_READ_I, pid, (void *)8, 0), -ENOMEM);
    CHECK_IS(ptrace(PT_WRITE_D, pid, (void *)&shared_word, 42), 0);
    CHECK_IS(shared_word, 1111);
    CHECK_IS(ptrace(PT_IO, pid, &io, 0), 0);
    CHECK_IS(seen, 42);
    io = (struct io){2, (void *)&shared_word, &word, sizeof(word)};
    CHECK_IS(ptrace(PT_IO, pid, &io, 0), 0);
    io = (struct io){1, (void *)8, &word, sizeof(word)};
    CHECK_IS(ptrace(PT_IO, pid, &io, 0), -EFAULT);
    io = (struct io){9, (void *)&shared_word, &word, sizeof(word)};
    CHECK_IS(ptrace(PT_IO, pid, &io, 0), -EINVAL);
    CHECK_IS(ptrace(PT_IO, pid, (void *)8, 0), -EFAULT);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(7));
    CHECK_IS(wait_for(pid), -ECHILD);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), -ESRCH);
}

static void test_errors(void)
{
    long pid = debuggee(exit_with_word), other;
    struct reg r;

    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, -1), -EINVAL);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 129), -EINVAL);
    CHECK_IS(ptrace(32, pid, 0, 0), -EINVAL);
    CHECK_IS(ptrace(PT_GETREGS, pid, 0, 0), -EFAULT);
    CHECK_IS(ptrace(PT_ATTACH, call(SYS_getpid), 0, 0), -EINVAL);
    CHECK_IS(ptrace(PT_ATTACH, pid, 0, 0), -EBUSY);
    CHECK_IS(ptrace(PT_GETREGS, 99999, &r, 0), -ESRCH);
    CHECK_IS(ptrace(PT_GETREGS, call(SYS_getppid), &r, 0) < 0, 1);
    other = call(SYS_fork);
    if (second_result == 1) /* not its debugger */
        exit_with(ptrace(PT_GETREGS, pid, &r, 0) == -EBUSY ? 5 : 6);
    CHECK_IS(ptrace(PT_GETREGS, other, &r, 0), -EPERM);
    CHECK_IS(wait_for(other), other);
    CHECK_IS(status, EXITED(5));
    CHECK_IS(ptrace(PT_KILL, pid, 0, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, SIGKILL);
}

/* ---- registers ----------------------------------------------------------------------------------------- */

/* Traps with values that nobody else leaves in registers; then exits with what it finds there. */
static void trap(void)
{
    static const u64 vector[2] __attribute__((aligned(16))) = {0xabcdef, 5};
    __asm__ volatile("movq $0x1234567890, %%rbx\n\t"
                     "movq $0x77, %%r12\n\t"
                     "movdqa %0, %%xmm5\n\t"
                     "int3\n\t"
                     "movq %%rbx, %%rdi\n\t"
                     "movd %%xmm5, %%eax\n\t"
                     "addl %%eax, %%edi\n\t"
                     "movl $1, %%eax\n\t"
                     "syscall"
                     :
                     : "m"(vector)
                     : "rbx", "r12", "memory");
}

static void exit_with_fs(void)
{
    u64 word;
    __asm__ volatile("movq %%fs:0, %0" : "=r"(word));
    exit_with((long)word);
}

static void test_registers(void)
{
    struct reg r;
    struct lwpinfo info;
    u32 fp[128];
    long pid = debuggee(trap);

    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGTRAP));
    CHECK_IS(ptrace(PT_GETREGS, pid, &r, 0), 0);
    CHECK_IS(r.rbx, 0x1234567890);
    CHECK_IS(r.r12, 0x77);
    CHECK_IS(r.cs, 0x43);
    CHECK_IS(ptrace(PT_READ_I, pid, (void *)(r.rip - 1), 0) & 0xff, 0xcc);
    CHECK_IS(ptrace(PT_LWPINFO, pid, &info, sizeof(info)), 0);
    CHECK_IS(info.event, PL_EVENT_SIGNAL);
    CHECK_IS(info.flags, PL_FLAG_SI);
    CHECK_IS(info.siginfo.signo, SIGTRAP);
    CHECK_IS(info.siginfo.code, 1);
    CHECK_IS(ptrace(PT_LWPINFO, pid, &info, sizeof(info) + 1), -EINVAL);
    CHECK_IS(ptrace(PT_LWPINFO, pid, &info, 0), -EINVAL);
    CHECK_IS(ptrace(PT_GETFPREGS, pid, fp, 0), 0);
    CHECK_IS(fp[40 + 4 * 5], 0xabcdef);
    fp[40 + 4 * 5] = 20;
    CHECK_IS(ptrace(PT_SETFPREGS, pid, fp, 0), 0);
    r.rbx = 13;
    CHECK_IS(ptrace(PT_SETREGS, pid, &r, 0), 0);
    r.rflags |= 0x3000; /* the privilege for ports */
    CHECK_IS(ptrace(PT_SETREGS, pid, &r, 0), -EINVAL);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(33));
}

/* All vector state at once, and where %fs begins. */
static void test_whole_state(void)
{
    struct {
        u64 mask;
        u32 length;
    } known;
    static u8 state[16384];
    u32 *fp = (u32 *)state;
    u64 base = 1;
    long pid = debuggee(trap);

    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(ptrace(PT_GETXSTATE_INFO, pid, &known, 8), -EINVAL);
    CHECK_IS(ptrace(PT_GETXSTATE_INFO, pid, &known, sizeof(known)), 0);
    CHECK_IS(known.mask & 3, 3);
    CHECK(known.length >= 576 && known.length <= sizeof(state));
    CHECK_IS(ptrace(PT_GETXSTATE, pid, state, 0), 0);
    CHECK_IS(fp[40 + 4 * 5], 0xabcdef);
    CHECK_IS(*(u64 *)(state + 512) & ~known.mask, 0);
    fp[40 + 4 * 5] = 0x20;
    CHECK_IS(ptrace(PT_SETXSTATE, pid, state, 511), -EINVAL);
    CHECK_IS(ptrace(PT_SETXSTATE, pid, state, (s32)known.length + 1), -EINVAL);
    CHECK_IS(ptrace(PT_SETXSTATE, pid, 0, (s32)known.length), -EFAULT);
    CHECK_IS(ptrace(PT_SETXSTATE, pid, state, (s32)known.length), 0);
    *(u64 *)(state + 512) = ~0UL;
    CHECK_IS(ptrace(PT_SETXSTATE, pid, state, (s32)known.length), -EINVAL);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED((0x90 + 0x20) & 0xff)); /* trap adds the low bytes */

    static u64 word = 77;
    pid = debuggee(exit_with_fs);
    CHECK_IS(ptrace(PT_GETFSBASE, pid, &base, 0), 0);
    CHECK_IS(base, 0);
    base = 1UL << 47;
    CHECK_IS(ptrace(PT_SETFSBASE, pid, &base, 0), -EINVAL);
    base = (u64)&word;
    CHECK_IS(ptrace(PT_SETFSBASE, pid, &base, 0), 0);
    CHECK_IS(ptrace(PT_SETFSBASE, pid, 0, 0), -EFAULT);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(77));
}

/* ---- steps and breakpoints ------------------------------------------------------------------------------- */

extern char steps_begin[], steps_call[], steps_end[];
void stepped(void);
__asm__(".text\n"
        ".balign 64\n"
        "stepped:\n"
        "    int3\n"
        "steps_begin:\n"
        "    movl $20, %eax\n"
        "    nop\n"
        "    syscall\n"
        "steps_call:\n"
        "    xorl %edi, %edi\n"
        "    incl %edi\n"
        "steps_end:\n"
        "    movl $1, %eax\n"
        "    syscall\n"
        "    .fill 16, 1, 0xcc\n");

static void test_steps(void)
{
    struct reg r;
    struct lwpinfo info;
    long pid = debuggee(stepped), at_call = 0, steps = 0;

    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGTRAP));
    do {
        if (ptrace(PT_STEP, pid, HERE, 0) != 0 || wait_for(pid) != pid || status != STOPPED(SIGTRAP))
            break;
        steps++;
        if (ptrace(PT_GETREGS, pid, &r, 0) != 0)
            break;
        if (r.rip == (u64)steps_call)
            at_call = r.rax;
    } while (r.rip != (u64)steps_end && steps < 20);
    CHECK_IS(steps, 5);
    CHECK_IS(at_call, pid);
    CHECK_IS(ptrace(PT_LWPINFO, pid, &info, sizeof(info)), 0);
    CHECK_IS(info.siginfo.code, 2);
    CHECK_IS(r.rflags & 0x100, 0);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(1));
}

long add_one(long n);
__asm__(".text\n"
        "add_one:\n"
        "    leaq 1(%rdi), %rax\n"
        "    ret\n");

static void call_add_one(void) { exit_with(add_one(20)); }

static void test_breakpoint(void)
{
    struct reg r;
    long pid = debuggee(call_add_one);
    long old = ptrace(PT_READ_I, pid, add_one, 0);

    CHECK_IS(ptrace(PT_WRITE_I, pid, add_one, (old & ~0xffL) | 0xcc), 0);
    CHECK_IS(add_one(1), 2);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGTRAP));
    CHECK_IS(ptrace(PT_GETREGS, pid, &r, 0), 0);
    CHECK_IS(r.rip, (u64)add_one + 1);
    CHECK_IS(r.rdi, 20);
    CHECK_IS(ptrace(PT_WRITE_I, pid, add_one, old), 0);
    r.rdi = 50;
    CHECK_IS(ptrace(PT_SETREGS, pid, &r, 0), 0);
    CHECK_IS(ptrace(PT_CONTINUE, pid, add_one, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(51));
}

/* ---- signals ----------------------------------------------------------------------------------------------- */

static volatile long handled;
static void handle(int signal) { handled = handled * 100 + signal; }

static void send_some(void)
{
    struct sigaction action = {handle, 0, {{0}}};
    long self = call(SYS_getpid);
    call(SYS_sigaction, SIGUSR1, &action, 0);
    call(SYS_sigaction, SIGUSR2, &action, 0);
    call(SYS_kill, self, SIGUSR1); /* passed on */
    call(SYS_kill, self, SIGUSR1); /* dropped */
    call(SYS_kill, self, SIGUSR2); /* becomes SIGUSR1 */
    call(SYS_kill, self, SIGWINCH); /* ignored: not even the debugger hears of it */
    exit_with(handled == SIGUSR1 * 100 + SIGUSR1 ? 9 : 8);
}

static void test_signals(void)
{
    static const long pass[][2] = {{SIGUSR1, SIGUSR1}, {SIGUSR1, 0}, {SIGUSR2, SIGUSR1}};
    struct lwpinfo info;
    long pid = debuggee(send_some);

    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_IS(wait_for(pid), pid);
        CHECK_IS(status, STOPPED(pass[i][0]));
        CHECK_IS(ptrace(PT_LWPINFO, pid, &info, sizeof(info)), 0);
        CHECK_IS(info.siginfo.pid, pid);
        CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, pass[i][1]), 0);
    }
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(9));
}

static void fault(void) { *(volatile int *)16 = 1; }

static void test_death(void)
{
    struct lwpinfo info;
    long pid = debuggee(fault);

    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGSEGV));
    CHECK_IS(ptrace(PT_LWPINFO, pid, &info, sizeof(info)), 0);
    CHECK_IS(info.siginfo.addr, 16);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, SIGSEGV), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status & 0x7f, SIGSEGV);
    pid = debuggee(exit_with_word);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, SIGTERM), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, SIGTERM);
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static void one_call(void)
{
    long n = call(SYS_kill, 0x1234567, 0);
    exit_with(n == -77 ? 1 : 2);
}

static void test_calls(void)
{
    struct reg r;
    struct lwpinfo info;
    u64 arguments[2] = {0};
    long pid = debuggee(one_call);

    CHECK_IS(ptrace(PT_GET_SC_ARGS, pid, arguments, sizeof(arguments)), -EINVAL);
    CHECK_IS(ptrace(PT_SYSCALL, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGTRAP));
    CHECK_IS(ptrace(PT_LWPINFO, pid, &info, sizeof(info)), 0);
    if (info.flags == PL_FLAG_SCX) { /* of the kill that stopped it */
        CHECK_IS(ptrace(PT_SYSCALL, pid, HERE, 0), 0);
        CHECK_IS(wait_for(pid), pid);
        CHECK_IS(ptrace(PT_LWPINFO, pid, &info, sizeof(info)), 0);
    }
    CHECK_IS(info.flags, PL_FLAG_SCE);
    CHECK_IS(info.number, SYS_kill);
    CHECK_IS(info.count, 2);
    CHECK_IS(ptrace(PT_GET_SC_ARGS, pid, arguments, sizeof(arguments)), 0);
    CHECK_IS(arguments[0] & 0xffffffff, 0x1234567);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGTRAP));
    CHECK_IS(ptrace(PT_LWPINFO, pid, &info, sizeof(info)), 0);
    CHECK_IS(info.flags, PL_FLAG_SCX);
    CHECK_IS(ptrace(PT_GETREGS, pid, &r, 0), 0);
    CHECK_IS(r.rax, ESRCH);
    CHECK_IS(r.rflags & 1, 1);
    r.rax = 77;
    CHECK_IS(ptrace(PT_SETREGS, pid, &r, 0), 0);
    u32 none = 0;
    CHECK_IS(ptrace(PT_SET_EVENT_MASK, pid, &none, sizeof(none)), 0);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(1));
}

static u8 moved[4];

static void four_arguments(void)
{
    exit_with(call(SYS_pread, 9, moved, sizeof(moved), 12345) == -EBADF ? 1 : 2);
}

/* As truss looks: the fourth argument is in %rcx, and can be changed there. */
static void test_fourth_argument(void)
{
    struct reg r;
    u64 arguments[4] = {0};
    long pid = debuggee(four_arguments);
    u32 mask = PTRACE_SCE;

    CHECK_IS(ptrace(PT_SET_EVENT_MASK, pid, &mask, sizeof(mask)), 0);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(ptrace(PT_GETREGS, pid, &r, 0), 0);
    CHECK_IS(r.rax, SYS_pread);
    CHECK_IS(r.rcx, 12345);
    r.rcx = 54321;
    CHECK_IS(ptrace(PT_SETREGS, pid, &r, 0), 0);
    mask = PTRACE_SCX;
    CHECK_IS(ptrace(PT_SET_EVENT_MASK, pid, &mask, sizeof(mask)), 0);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(ptrace(PT_GET_SC_ARGS, pid, arguments, sizeof(arguments)), 0);
    CHECK_IS(arguments[3], 54321);
    CHECK_IS(ptrace(PT_KILL, pid, 0, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, SIGKILL);
}

/* ---- exec ---------------------------------------------------------------------------------------------------------- */

static void execute_again(void)
{
    char *const arguments[] = {(char *)start_vector[1], "again", 0}, *const none[] = {0};
    call(SYS_execve, arguments[0], arguments, none);
}

extern char _start[];

static void test_exec(void)
{
    struct reg r;
    struct lwpinfo info;
    u32 mask = 99;
    long pid = debuggee(execute_again);

    CHECK_IS(ptrace(PT_GET_EVENT_MASK, pid, &mask, sizeof(mask)), 0);
    CHECK_IS(mask, PTRACE_EXEC);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGTRAP));
    CHECK_IS(ptrace(PT_LWPINFO, pid, &info, sizeof(info)), 0);
    CHECK_IS(info.flags, PL_FLAG_EXEC | PL_FLAG_SCX);
    CHECK_IS(ptrace(PT_GETREGS, pid, &r, 0), 0);
    CHECK_IS(r.rip, (u64)_start);
    CHECK_IS(ptrace(PT_READ_D, pid, (void *)r.rdi, 0), 2); /* argc */
    CHECK_IS(ptrace(PT_WRITE_D, pid, (void *)&shared_word, 60), 0);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(60));

    pid = debuggee(execute_again);
    mask = 0;
    CHECK_IS(ptrace(PT_SET_EVENT_MASK, pid, &mask, 8), -EINVAL);
    CHECK_IS(ptrace(PT_SET_EVENT_MASK, pid, &mask, sizeof(mask)), 0);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(1111 & 0xff));
}

/* ---- attaching -------------------------------------------------------------------------------------------------- */

static void test_attach(void)
{
    struct reg r;
    s32 ends[2], lwps[4] = {0};
    char byte = 0;

    CHECK_IS(call(SYS_pipe2, ends, 0), 0);
    long pid = call(SYS_fork);
    if (second_result == 1) { /* in a call that blocks, then in a loop that does not end */
        call(SYS_read, ends[0], &byte, 1);
        while (shared_word == 1111)
            ;
        exit_with(shared_word);
    }
    CHECK_IS(ptrace(PT_ATTACH, pid, 0, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGSTOP));
    CHECK_IS(ptrace(PT_GETNUMLWPS, pid, 0, 0), 1);
    CHECK_IS(ptrace(PT_GETLWPLIST, pid, lwps, 4), 1);
    CHECK_IS(lwps[0], pid);
    CHECK_IS(ptrace(PT_GETLWPLIST, pid, lwps, 0), -EINVAL);
    CHECK_IS(ptrace(PT_DETACH, pid, HERE, 0), 0);
    CHECK_IS(ptrace(PT_GETREGS, pid, &r, 0), -EPERM);
    CHECK_IS(call(SYS_write, ends[1], "x", 1), 1);
    CHECK_IS(ptrace(PT_ATTACH, pid, 0, 0), 0);
    CHECK_IS(ptrace(PT_ATTACH, pid, 0, 0), -EBUSY);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGSTOP));
    CHECK_IS(ptrace(PT_WRITE_D, pid, (void *)&shared_word, 61), 0);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(ptrace(PT_GETREGS, pid, &r, 0) < 0, 1);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(61));
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
}

/* A process that is no child: it is waited for all the same, to its end. */
static void test_attach_to_another(void)
{
    s32 ends[2], other_ends[2];
    u32 word = 0;
    char byte = 0;

    CHECK_IS(call(SYS_pipe2, ends, 0), 0);
    CHECK_IS(call(SYS_pipe2, other_ends, 0), 0);
    long pid = call(SYS_fork);
    if (second_result == 1) {
        call(SYS_read, ends[0], &byte, 1);
        exit_with(71);
    }
    long debugger = call(SYS_fork);
    if (second_result == 1) {
        long good = ptrace(PT_ATTACH, pid, 0, 0) == 0 && wait_for(pid) == pid && status == STOPPED(SIGSTOP) &&
                    ptrace(PT_CONTINUE, pid, HERE, 0) == 0;
        call(SYS_write, other_ends[1], "x", 1);
        good = good && wait_for(pid) == pid && status == EXITED(71) && wait_for(pid) == -ECHILD;
        exit_with(good ? 72 : 73);
    }
    CHECK_IS(call(SYS_read, other_ends[0], &byte, 1), 1);
    CHECK_IS(call(SYS_write, ends[1], "x", 1), 1);
    CHECK_IS(call(SYS_wait4, debugger, &word, 0, 0), debugger);
    CHECK_IS(word, EXITED(72));
    CHECK_IS(call(SYS_wait4, pid, &word, 0, 0), pid);
    CHECK_IS(word, EXITED(71));
    for (int i = 0; i < 2; i++) {
        call(SYS_close, ends[i]);
        call(SYS_close, other_ends[i]);
    }
}

/* Who is debugged ends with its debugger. */
static void test_end_of_debugger(void)
{
    u32 word = 0;
    s32 ends[2];
    char byte;

    CHECK_IS(call(SYS_pipe2, ends, 0), 0);
    long debugger = call(SYS_fork);
    if (second_result == 1) {
        long pid = call(SYS_fork);
        if (second_result == 1) {
            ptrace(PT_TRACE_ME, 0, 0, 0);
            call(SYS_write, ends[1], "x", 1);
            for (;;)
                ;
        }
        call(SYS_read, ends[0], &byte, 1);
        exit_with(pid > 0 ? 0 : 1);
    }
    call(SYS_close, ends[1]);
    CHECK_IS(call(SYS_wait4, debugger, &word, 0, 0), debugger);
    CHECK_IS(word, 0);
    CHECK_IS(call(SYS_read, ends[0], &byte, 1), 0); /* nobody has the other end any more */
    call(SYS_close, ends[0]);
}

/* ---- threads ------------------------------------------------------------------------------------------------------ */

static volatile long counter, begun, goes_on = 1;

static void count(void *unused)
{
    (void)unused;
    begun = 1;
    while (goes_on)
        counter++;
}

static struct guest_thread other_thread;

static void two_threads(void)
{
    thread_begin(&other_thread, count, 0);
    while (!begun)
        ;
    call(SYS_kill, call(SYS_getpid), SIGUSR1);
    while (goes_on)
        ;
    exit_with(55);
}

static void test_threads(void)
{
    s32 lwps[4];
    struct reg r;
    long pid = debuggee(two_threads);

    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGUSR1));
    CHECK_IS(ptrace(PT_GETLWPLIST, pid, lwps, 4), 2);
    long before = ptrace(PT_READ_D, pid, (void *)&counter, 0);
    for (volatile int i = 0; i < 10000000; i++)
        ;
    CHECK_IS(ptrace(PT_READ_D, pid, (void *)&counter, 0) - before, 0);
    long other = lwps[0] == pid ? lwps[1] : lwps[0];
    CHECK_IS(ptrace(PT_GETREGS, other, &r, 0), 0);
    CHECK(r.rip >= (u64)count && r.rip < (u64)count + 100);
    CHECK_IS(ptrace(PT_WRITE_D, pid, (void *)&goes_on, 0), 0);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(55));
}

/* ---- events of threads and children --------------------------------------------------------------------------- */

static void one_thread(void *unused) { (void)unused; }

static void thread_and_join(void)
{
    thread_begin(&other_thread, one_thread, 0);
    thread_join(&other_thread);
    exit_with(44);
}

static void test_thread_events(void)
{
    struct lwpinfo info;
    long pid = debuggee(thread_and_join), born = 0, ended = 0, stops = 0;

    CHECK_IS(ptrace(PT_LWP_EVENTS, pid, 0, 1), 0);
    for (;;) {
        if (ptrace(PT_CONTINUE, pid, HERE, 0) != 0 || wait_for(pid) != pid || status != STOPPED(SIGTRAP))
            break;
        stops++;
        if (ptrace(PT_LWPINFO, pid, &info, sizeof(info)) != 0)
            break;
        if (info.flags == (PL_FLAG_BORN | PL_FLAG_SCX))
            born = info.lwpid;
        if (info.flags == (PL_FLAG_EXITED | PL_FLAG_SCE))
            ended = info.lwpid;
    }
    CHECK_IS(status, EXITED(44));
    CHECK_IS(stops, 2);
    CHECK(born > 0 && born != pid);
    CHECK_IS(ended, born);
}

#define OTHERS 3

static volatile u32 at_work;

static void wait_for_events(void *unused)
{
    u64 got[8]; /* struct kevent */
    (void)unused;
    __atomic_add_fetch(&at_work, 1, __ATOMIC_SEQ_CST);
    call(SYS_kevent, call(SYS_kqueue), 0, 0, got, 1, 0);
}

static void sleep_long(void *unused)
{
    struct timespec long_time = {1000, 0};
    (void)unused;
    __atomic_add_fetch(&at_work, 1, __ATOMIC_SEQ_CST);
    while (call(SYS_nanosleep, &long_time, &long_time) == -EINTR)
        ;
}

static void turn_round(void *unused)
{
    (void)unused;
    __atomic_add_fetch(&at_work, 1, __ATOMIC_SEQ_CST);
    for (;;)
        ;
}

/* Ends with all of them at work, after a signal and the return from its handler. */
static void work_and_exit(void)
{
    static struct guest_thread threads[OTHERS];
    struct sigaction action = {handle, 0, {{0}}};
    long self;
    thread_begin(&threads[0], wait_for_events, 0);
    thread_begin(&threads[1], sleep_long, 0);
    thread_begin(&threads[2], turn_round, 0);
    while (at_work < OTHERS)
        ;
    call(SYS_sigaction, SIGUSR1, &action, 0);
    call(SYS_thr_self, &self);
    call(SYS_thr_kill, self, SIGUSR1);
    exit_with(handled == SIGUSR1 ? 45 : 46);
}

/* As truss counts: each call has a beginning and an end, a return from a handler too, and each thread an end. */
static void test_every_call(void)
{
    struct lwpinfo info;
    s32 inside[16] = {0}, lwps[16], other_ends = 0, sigreturns = 0, unpaired = 0;
    long pid = debuggee(work_and_exit), left = 0;

    CHECK_IS(ptrace(PT_LWP_EVENTS, pid, 0, 1), 0);
    CHECK_IS(ptrace(PT_SYSCALL, pid, HERE, 0), 0);
    inside[0] = -1; /* perhaps still in the kill that stopped it */
    while (wait_for(pid) == pid && (status & 0xff) == 0x7f) {
        s32 signal = status >> 8, pass = signal == SIGTRAP ? 0 : signal;
        if (ptrace(PT_LWPINFO, pid, &info, sizeof(info)) != 0)
            break;
        s32 *in = &inside[(info.lwpid - (s32)pid) & 15];
        if (info.flags & PL_FLAG_EXITED) {
            other_ends++;
            left = ptrace(PT_GETLWPLIST, pid, lwps, 16);
        } else if (pass == 0 && !(info.flags & PL_FLAG_BORN)) {
            s32 enters = (info.flags & PL_FLAG_SCE) != 0;
            unpaired += *in == enters;
            *in = enters;
            sigreturns += enters && info.number == SYS_sigreturn;
        }
        CHECK_IS(ptrace(PT_SYSCALL, pid, HERE, pass), 0);
    }
    CHECK_IS(status, EXITED(45));
    CHECK_IS(unpaired, 0);
    CHECK_IS(sigreturns, 1);
    CHECK_IS(other_ends, OTHERS);
    CHECK_IS(left, 2); /* the last of them, and the one that ended the process */
}

static void wait_for_end_of(long child)
{
    u32 word = 0;
    call(SYS_wait4, child, &word, 0, 0);
    exit_with(word == EXITED(2) ? 1 : 3);
}

static void fork_and_wait(void)
{
    long child = call(SYS_fork);
    if (second_result == 1)
        exit_with(2);
    wait_for_end_of(child);
}

/* Any child: each of two processes stops, in whatever order. */
static void test_follow_fork(void)
{
    struct lwpinfo info;
    long pid = debuggee(fork_and_wait), child = 0, stopped[2] = {0}, forked = 0, good = 1;

    CHECK_IS(ptrace(PT_FOLLOW_FORK, pid, 0, 1), 0);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    for (int i = 0; i < 2 && good; i++) {
        stopped[i] = wait_for(-1);
        good = stopped[i] > 0 && ptrace(PT_LWPINFO, stopped[i], &info, sizeof(info)) == 0;
        if (stopped[i] == pid) {
            good = good && status == STOPPED(SIGTRAP) && info.flags == (PL_FLAG_FORKED | PL_FLAG_SCX);
            forked = info.child;
        } else {
            good = good && status == STOPPED(SIGSTOP) && info.flags == (PL_FLAG_CHILD | PL_FLAG_SCX);
            child = stopped[i];
        }
    }
    CHECK(good);
    CHECK(child > 0 && child == forked);
    CHECK_IS(ptrace(PT_CONTINUE, child, HERE, 0), 0);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(child), child);
    CHECK_IS(status, EXITED(2));
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(1));
}

static void vfork_and_wait(void)
{
    long child = call(SYS_vfork);
    if (second_result == 1)
        exit_with(2);
    wait_for_end_of(child);
}

static void test_vfork_done(void)
{
    struct lwpinfo info;
    u32 mask = PTRACE_VFORK;
    long pid = debuggee(vfork_and_wait), done = 0, other = 0;

    CHECK_IS(ptrace(PT_SET_EVENT_MASK, pid, &mask, sizeof(mask)), 0);
    for (;;) {
        if (ptrace(PT_CONTINUE, pid, HERE, 0) != 0 || wait_for(pid) != pid || (status & 0xff) != 0x7f)
            break;
        ptrace(PT_LWPINFO, pid, &info, sizeof(info));
        done += info.flags == PL_FLAG_VFORK_DONE;
        other += info.flags != PL_FLAG_VFORK_DONE;
    }
    CHECK_IS(done, 1);
    CHECK_IS(other, 0);
    CHECK_IS(status, EXITED(1));
}

/* As a debugger that starts its debuggee in a hurry. */
static void test_vfork_and_trace_me(void)
{
    struct lwpinfo info;
    long pid = call(SYS_vfork);
    if (second_result == 1) {
        ptrace(PT_TRACE_ME, 0, 0, 0);
        execute_again();
        exit_with(9);
    }
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, STOPPED(SIGTRAP));
    CHECK_IS(ptrace(PT_LWPINFO, pid, &info, sizeof(info)), 0);
    CHECK_IS(info.flags, PL_FLAG_EXEC | PL_FLAG_SCX);
    CHECK_IS(ptrace(PT_CONTINUE, pid, HERE, 0), 0);
    CHECK_IS(wait_for(pid), pid);
    CHECK_IS(status, EXITED(1111 & 0xff));
}

static void test(void)
{
    if (start_vector[0] == 2)
        exit_with(shared_word);
    test_memory();
    test_errors();
    test_registers();
    test_whole_state();
    test_steps();
    test_breakpoint();
    test_signals();
    test_death();
    test_calls();
    test_fourth_argument();
    test_exec();
    test_attach();
    test_attach_to_another();
    test_end_of_debugger();
    test_threads();
    test_thread_events();
    test_every_call();
    test_follow_fork();
    test_vfork_done();
    test_vfork_and_trace_me();
}
