/* The same call from a syscall instruction that has no alignment padding within reach of a short
 * jump, so that it cannot be rewritten: as in code where a compiler placed it inside a long function. */
#include "bench.h"

static void prepare(void)
{
}

static void once(void)
{
    long result;
    __asm__ volatile("    jmp 1f\n"
                     "    .fill 160, 1, 0xf4\n"
                     "1:  syscall\n"
                     "    jmp 2f\n"
                     "    .fill 160, 1, 0xf4\n"
                     "2:\n"
                     : "=a"(result)
                     : "a"((long)SYS_getppid)
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
}
