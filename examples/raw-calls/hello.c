/* A FreeBSD program without a libc: it makes FreeBSD's system calls itself.
 *
 * The numbers, the flags and the way an error is reported (carry flag, positive errno) are FreeBSD's;
 * Linux has other ones for every line of this. */

#define SYS_exit 1
#define SYS_write 4
#define SYS_open 5
#define SYS_getpid 20
#define SYS___sysctl 202
#define SYS_issetugid 253

#define CTL_KERN 1
#define KERN_OSTYPE 1
#define KERN_OSRELEASE 2

#define O_CREAT 0x200
#define O_EXCL 0x800

/* Result, or -errno in FreeBSD's numbering. */
static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    unsigned char failed;
    __asm__ volatile("syscall"
                     : "=a"(result), "=@ccc"(failed), "+d"(c), "+r"(r10), "+r"(r8), "+r"(r9)
                     : "a"(number), "D"(a), "S"(b)
                     : "rcx", "r11", "memory");
    return failed ? -result : result;
}

static long length(const char *s)
{
    long n = 0;
    while (s[n])
        n++;
    return n;
}

static void print(const char *s)
{
    call(SYS_write, 1, (long)s, length(s), 0, 0, 0);
}

static void print_number(long value)
{
    char digits[24];
    int at = sizeof(digits) - 1;
    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + value % 10);
    } while (value /= 10);
    print(digits + at);
}

static void print_sysctl(const char *label, int name)
{
    int path[2] = {CTL_KERN, name};
    char text[128] = "";
    long size = sizeof(text) - 1;
    if (call(SYS___sysctl, (long)path, 2, (long)text, (long)&size, 0, 0) == 0) {
        print(label);
        print(text);
        print("\n");
    }
}

__attribute__((used, noreturn)) static void start_c(long *vector)
{
    char **arguments = (char **)(vector + 1);
    print_sysctl("kernel: ", KERN_OSTYPE);
    print_sysctl("release: ", KERN_OSRELEASE);
    print("arguments:");
    for (long i = 1; i < vector[0]; i++) {
        print(" ");
        print(arguments[i]);
    }
    print("\nset-user-id: ");
    print_number(call(SYS_issetugid, 0, 0, 0, 0, 0, 0));
    print("\nerror of creating / exclusively (17 is EEXIST): ");
    print_number(-call(SYS_open, (long)"/", O_CREAT | O_EXCL, 0600, 0, 0, 0));
    print("\nerror of call 999 (78 is FreeBSD's ENOSYS): ");
    print_number(-call(999, 0, 0, 0, 0, 0, 0));
    print("\n");
    call(SYS_exit, 7, 0, 0, 0, 0, 0);
    __builtin_trap();
}

/* FreeBSD passes a pointer to argc, argv and the environment in %rdi. */
__asm__(".globl _start\n_start:\n    xorl %ebp, %ebp\n    andq $-16, %rsp\n    call start_c\n    hlt\n");
