/* reboot HOW: asks a BSD's kernel to stop the system; its error is the exit status.  HOW: r, h or p. */
#ifdef __FreeBSD__
#define REBOOT 55
#define POWER_OFF 0x4000
#else
#define REBOOT 208
#define POWER_OFF 0x808
__asm__(".pushsection .note.netbsd.ident,\"a\",@note\n" /* what brands it */
        ".long 7, 4, 1\n.asciz \"NetBSD\"\n.balign 4\n.long 1000000000\n.popsection\n");
#endif
#define HALT 0x8
#define NO_SYNC 0x4

long call(long number, ...);
__asm__("call:\n  mov %rdi, %rax\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n  syscall\n  jnc 1f\n  neg %rax\n1: ret\n"
        ".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call begin\n");

__attribute__((used)) void begin(long *stack)
{
    char how = *(char *)stack[2];
    long r = call(REBOOT, how == 'h' ? HALT : how == 'p' ? POWER_OFF : NO_SYNC, 0L);
    call(1, -r);
}
