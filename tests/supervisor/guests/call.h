/* A call by its number: the result, or -errno in the numbers of the program's own kernel. */
static long call(long n, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    unsigned char failed;
    __asm__ volatile("syscall"
                     : "=a"(result), "+d"(c), "+r"(r10), "+r"(r8), "+r"(r9), "=@ccc"(failed)
                     : "a"(n), "D"(a), "S"(b)
                     : "rcx", "r11", "memory");
    return failed ? -result : result;
}
