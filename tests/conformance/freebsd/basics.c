/* Calling convention: registers kept, carry, second result, indirect calls, junk in upper halves. */
#include "guest.h"

static void registers_survive(void)
{
    u64 rbx, r12, r13, r14, r15, rdi, rsi, r8, r10;
    __asm__ volatile("movq $1, %%rbx; movq $2, %%r12; movq $3, %%r13; movq $4, %%r14; movq $5, %%r15\n"
                     "movq $6, %%rdi; movq $7, %%rsi; movq $8, %%r8; movq $9, %%r10; movl $20, %%eax; syscall\n"
                     "movq %%rbx, %0; movq %%r12, %1; movq %%r13, %2; movq %%r14, %3; movq %%r15, %4\n"
                     "movq %%rdi, %5; movq %%rsi, %6; movq %%r8, %7; movq %%r10, %8\n"
                     : "=m"(rbx), "=m"(r12), "=m"(r13), "=m"(r14), "=m"(r15), "=m"(rdi), "=m"(rsi), "=m"(r8),
                       "=m"(r10)
                     :
                     : "rax", "rbx", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                       "r15", "memory");
    CHECK_IS(rbx, 1);
    CHECK_IS(r12, 2);
    CHECK_IS(r13, 3);
    CHECK_IS(r14, 4);
    CHECK_IS(r15, 5);
    CHECK_IS(rdi, 6);
    CHECK_IS(rsi, 7);
    CHECK_IS(r8, 8);
    CHECK_IS(r10, 9);
}

/* The red zone and the stack itself are the guest's alone. */
static void stack_survives(void)
{
    u64 seen[4];
    __asm__ volatile("movq $0x1111, -8(%%rsp); movq $0x2222, -64(%%rsp); movq $0x3333, -128(%%rsp)\n"
                     "movl $20, %%eax; syscall\n"
                     "movq -8(%%rsp), %%rcx; movq %%rcx, 0(%0); movq -64(%%rsp), %%rcx; movq %%rcx, 8(%0)\n"
                     "movq -128(%%rsp), %%rcx; movq %%rcx, 16(%0)\n"
                     :
                     : "r"(seen)
                     : "rax", "rcx", "rdx", "r11", "memory");
    CHECK_IS(seen[0], 0x1111);
    CHECK_IS(seen[1], 0x2222);
    CHECK_IS(seen[2], 0x3333);
}

static void vectors_survive(void)
{
    u64 low, high;
    __asm__ volatile("movq $0x123456789, %%rax; movq %%rax, %%xmm7; movq %%rax, %%xmm15\n"
                     "movl $20, %%eax; syscall\n"
                     "movq %%xmm7, %0; movq %%xmm15, %1"
                     : "=m"(low), "=m"(high)
                     :
                     : "rax", "rcx", "rdx", "r11", "xmm7", "xmm15", "memory");
    CHECK_IS(low, 0x123456789);
    CHECK_IS(high, 0x123456789);
}

static void test(void)
{
    registers_survive();
    stack_survives();
    vectors_survive();

    long pid = call(20);
    CHECK(pid > 1);
    CHECK_IS(call(0, 20), pid);   /* syscall(SYS_getpid) */
    CHECK_IS(call(198, 20), pid); /* __syscall */
    CHECK_IS(call(0, 4, 1, line_, 0), 0);

    CHECK_IS(call(3, JUNK(-1), line_, 1), -9);   /* read(-1): EBADF, upper half ignored */
    CHECK_IS(call(4, 1, 1, 5), -14);             /* EFAULT */
    CHECK_IS(call(4, 1, 1, -1L), -22);           /* more than a signed size holds: EINVAL */
    CHECK_IS(call(3, 1, 1, -1L), -22);
    CHECK_IS(call(100000), -78);                 /* ENOSYS */
    CHECK_IS(call(8), -78);                      /* obsolete: ENOSYS */
    CHECK_IS(call(5, "/no/such/file", 0, 0), -2); /* ENOENT */

    s32 ends[2];
    CHECK_IS(call(542, ends, 0), 0); /* pipe2 */
    CHECK_IS(call(4, ends[1], "abc", 3), 3);
    char buffer[4] = {0};
    CHECK_IS(call(3, ends[0], buffer, 4), 3);
    CHECK(equal(buffer, "abc"));

    CHECK_IS(call(532, 7, 0, 0, 32, 0, 0), -10); /* wait6, P_ALL, WTRAPPED: ECHILD */
    CHECK_IS(call(532, 7, 0, 0, 33, 0, 0), -10); /* and WNOHANG */
    long reader = call(2);
    if (reader == 0) {
        call(3, ends[0], buffer, 1);
        call(1, 0);
    }
    CHECK_IS(call(532, 7, 0, 0, 33, 0, 0), 0); /* there is a child, which nobody traces */
    CHECK_IS(call(4, ends[1], "x", 1), 1);
    CHECK_IS(call(7, reader, 0, 0, 0), reader);
    CHECK_IS(call(3, 1022, buffer, 1), -9); /* nothing of the runtime's own is in reach */
    CHECK_IS(call(3, 1016, buffer, 1), -9);
    CHECK_IS(call(6, 1016), -9);
    CHECK_IS(call(6, 1017), -9);

    CHECK_IS(start_vector[0], 1);
    CHECK(start_vector[1] != 0);
    CHECK_IS(start_vector[2], 0);
}
