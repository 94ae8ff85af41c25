/* Signals at every instruction of a call's way in and out: all registers, the flags and the vector state of a
 * thread that makes cheap calls stay its own while others signal it. */
#include "../conformance/freebsd/threads.h"

#define SYS_sigaction 416
#define SYS_thr_kill 433
#define SYS_thr_self 432
#define SIGUSR1 30
#define SIGUSR2 31
#define DURATION 2000000000

struct sigset { u32 bits[4]; };
struct sigaction { void *handler; s32 flags; struct sigset mask; };

static volatile long handled, done, target;

/* Spoils what a handler may spoil. */
static void spoil(int signal)
{
    (void)signal;
    handled++;
    __asm__ volatile("vpcmpeqd %%ymm0, %%ymm0, %%ymm0\n vmovdqa %%ymm0, %%ymm1\n vmovdqa %%ymm0, %%ymm7\n"
                     "vmovdqa %%ymm0, %%ymm15\n vzeroall\n std\n cld\n"
                     : : : "memory", "cc", "xmm0", "xmm1", "xmm7", "xmm15");
}

static void send(void *signal)
{
    while (!done)
        call(SYS_thr_kill, target, (long)signal);
}

/* One cheap call with every register known.  Returns a set bit for each that came back different. */
long probe(u64 seed);
__asm__(
    ".globl probe\nprobe:\n"
    " pushq %rbx\n pushq %rbp\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
    " pushq %rdi\n"
    " movq %rdi, %xmm0\n vpbroadcastq %xmm0, %ymm15\n vpaddq %ymm15, %ymm15, %ymm7\n"
    " leaq 1(%rdi), %rbx\n leaq 2(%rdi), %rbp\n leaq 3(%rdi), %r12\n leaq 4(%rdi), %r13\n"
    " leaq 5(%rdi), %r14\n leaq 6(%rdi), %r15\n leaq 7(%rdi), %rsi\n leaq 8(%rdi), %rdx\n"
    " leaq 9(%rdi), %r8\n leaq 10(%rdi), %r9\n leaq 11(%rdi), %r10\n"
    " movq %rbx, -8(%rsp)\n movq %r15, -128(%rsp)\n"
    " movl $20, %eax\n"
    " movb $0x7f, %cl\n addb $1, %cl\n stc\n"
    " syscall\n"
    " pushfq\n popq %rcx\n"
    " movq %rax, %r11\n"
    " xorl %eax, %eax\n"
    " testl $1, %ecx\n jz 1f\n orl $1, %eax\n"
    "1: testl $0x800, %ecx\n jnz 1f\n orl $2, %eax\n"
    "1: testl $0x400, %ecx\n jz 1f\n orl $4, %eax\n"
    "1: cmpq (%rsp), %rdi\n je 1f\n orl $8, %eax\n"
    "1: leaq 1(%rdi), %rcx\n cmpq %rcx, %rbx\n je 1f\n orl $16, %eax\n"
    "1: incq %rcx\n cmpq %rcx, %rbp\n je 1f\n orl $32, %eax\n"
    "1: incq %rcx\n cmpq %rcx, %r12\n je 1f\n orl $64, %eax\n"
    "1: incq %rcx\n cmpq %rcx, %r13\n je 1f\n orl $128, %eax\n"
    "1: incq %rcx\n cmpq %rcx, %r14\n je 1f\n orl $256, %eax\n"
    "1: incq %rcx\n cmpq %rcx, %r15\n je 1f\n orl $512, %eax\n"
    "1: incq %rcx\n cmpq %rcx, %rsi\n je 1f\n orl $1024, %eax\n"
    "1: incq %rcx\n incq %rcx\n cmpq %rcx, %r8\n je 1f\n orl $4096, %eax\n"
    "1: incq %rcx\n cmpq %rcx, %r9\n je 1f\n orl $8192, %eax\n"
    "1: incq %rcx\n cmpq %rcx, %r10\n je 1f\n orl $16384, %eax\n"
    "1: cmpq -128(%rsp), %r15\n je 1f\n orl $32768, %eax\n"
    "1: movq %rdi, %xmm0\n vpbroadcastq %xmm0, %ymm1\n vpcmpeqq %ymm15, %ymm1, %ymm2\n"
    " vpmovmskb %ymm2, %ecx\n cmpl $-1, %ecx\n je 1f\n orl $65536, %eax\n"
    "1: vpaddq %ymm1, %ymm1, %ymm1\n vpcmpeqq %ymm7, %ymm1, %ymm2\n"
    " vpmovmskb %ymm2, %ecx\n cmpl $-1, %ecx\n je 1f\n orl $131072, %eax\n"
    "1: testq %r11, %r11\n jg 1f\n orl $262144, %eax\n"
    "1: popq %rdi\n popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbp\n popq %rbx\n"
    " ret\n");

static void test(void)
{
    struct guest_thread threads[2];
    struct sigaction a = {spoil, 0, {{0}}};
    long wrong = 0, self = 0;
    CHECK_IS(call(SYS_sigaction, SIGUSR1, &a, 0), 0);
    CHECK_IS(call(SYS_sigaction, SIGUSR2, &a, 0), 0);
    call(SYS_thr_self, &self);
    target = self;
    thread_begin(&threads[0], send, (void *)SIGUSR1);
    thread_begin(&threads[1], send, (void *)SIGUSR2);
    s64 start = nanoseconds();
    for (u64 i = 0; i % 100 != 0 || nanoseconds() - start < DURATION; i++)
        wrong |= probe(i << 20);
    done = 1;
    thread_join(&threads[0]);
    thread_join(&threads[1]);
    CHECK_IS(wrong, 0);
    CHECK(handled > 0);
}
