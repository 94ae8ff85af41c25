/* kill_all [wait]: kills whatever there is, in two ways, and looks whether its kernel still serves it; with an
 * argument, after a word from somebody instead.  Its status is 0 when all is as at home. */
#ifdef __FreeBSD__
#define WAIT4 7
#define NANOSLEEP 240
#define PROCESSES {1, 14, 0} /* CTL_KERN, KERN_PROC, KERN_PROC_ALL */
#else
#define WAIT4 449
#define NANOSLEEP 430
#define PROCESSES {1, 47, 0, 0, 600, 0} /* CTL_KERN, KERN_PROC2, KERN_PROC_ALL, -, bytes of each, how many */
__asm__(".pushsection .note.netbsd.ident,\"a\",@note\n" /* what brands it */
        ".long 7, 4, 1\n.asciz \"NetBSD\"\n.balign 4\n.long 1000000000\n.popsection\n");
#endif
enum { EXIT = 1, FORK = 2, READ = 3, WRITE = 4, GETPID = 20, KILL = 37, SYSCTL = 202 };
#define SIGKILL 9
#define ESRCH 3
#define CHILDREN 5

long call(long number, ...);
__asm__("call:\n  mov %rdi, %rax\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n  mov %rcx, %rdx\n  mov %r8, %r10\n"
        "  mov %r9, %r8\n  mov 8(%rsp), %r9\n  syscall\n  jnc 1f\n  neg %rax\n1: ret\n"
        ".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call begin\n");

/* A list of processes is what the supervisor makes. */
static int served(void)
{
    static const int processes[] = PROCESSES;
    unsigned long needed = 0;
    return call(SYSCTL, processes, sizeof(processes) / sizeof(int), 0L, &needed, 0L, 0L) == 0 && needed > 0;
}

/* By kill(-1), or one by one. */
static void kill_others(long self, int walks)
{
    static const long hour[2] = {3600, 0}, moment[2] = {0, 10000000};
    long children[CHILDREN];

    for (int i = 0; i < CHILDREN; i++) {
        children[i] = call(FORK);
        if (call(GETPID) != self)
            for (;;)
                call(NANOSLEEP, hour, 0L);
        if (children[i] < 0)
            call(EXIT, 11L);
    }
    if (!walks && call(KILL, -1L, (long)SIGKILL) != 0)
        call(EXIT, 12L);
    for (long pid = 2; walks && pid < 1000; pid++)
        if (pid != self)
            call(KILL, pid, (long)SIGKILL);
    for (int i = 0; i < CHILDREN; i++) {
        int status = 0;
        if (call(WAIT4, children[i], &status, 0L, 0L) != children[i] || status != SIGKILL)
            call(EXIT, 13L);
    }
    for (int waited = 0; call(KILL, -1L, 0L) != -ESRCH; waited++) { /* until others' parents know of their end */
        if (waited == 200)
            call(EXIT, 14L);
        call(NANOSLEEP, moment, 0L);
    }
}

__attribute__((used)) void begin(long *stack)
{
    long self = call(GETPID);

    if (!served())
        call(EXIT, 10L);
    if (stack[0] > 1) {
        call(WRITE, 1L, "r", 1L);
        call(READ, 0L, &self, 1L);
        call(EXIT, served() ? 0L : 15L);
    }
    for (int walks = 0; walks < 2; walks++)
        kill_others(self, walks != 0);
    call(EXIT, served() ? 0L : 15L);
}
