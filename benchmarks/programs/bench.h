/* What every benchmark program shares: raw calls, the clock, and the timing loop.
 *
 * One source per operation, built for FreeBSD and for Linux, so that both run the same instructions
 * around the same call.  A program defines prepare() and once(); the loop here finds out how often
 * once() has to run to fill a batch's share of the wanted time, and prints picoseconds per operation
 * and how many a batch had.  It is the median batch that counts, because a scheduler that gives
 * the processor to somebody else spoils some of them.  There is no libc: nothing but the operation
 * is measured.
 *
 *   PROGRAM MILLISECONDS [FILE]
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __FreeBSD__
#define SYS_exit 1
#define SYS_fork 2
#define SYS_read 3
#define SYS_write 4
#define SYS_open 5
#define SYS_close 6
#define SYS_wait4 7
#define SYS_getpid 20
#define SYS_kill 37
#define SYS_getppid 39
#define SYS_execve 59
#define SYS_munmap 73
#define SYS_clock_gettime 232
#define SYS_sigaction 416
#define SYS_thr_exit 431
#define SYS_umtx_op 454
#define SYS_thr_new 455
#define SYS_pread 475
#define SYS_pwrite 476
#define SYS_mmap 477
#define SYS_pipe2 542
#define SYS_fstatat 552
#define CLOCK_MONOTONIC 4
#define MAP_ANONYMOUS 0x1000
#define SIGUSR1 30
#else
#define SYS_read 0
#define SYS_write 1
#define SYS_open 2
#define SYS_close 3
#define SYS_mmap 9
#define SYS_munmap 11
#define SYS_sigaction 13
#define SYS_pread 17
#define SYS_pwrite 18
#define SYS_getpid 39
#define SYS_clone 56
#define SYS_fork 57
#define SYS_execve 59
#define SYS_exit_thread 60
#define SYS_wait4 61
#define SYS_kill 62
#define SYS_getppid 110
#define SYS_futex 202
#define SYS_clock_gettime 228
#define SYS_exit 231
#define SYS_fstatat 262
#define SYS_pipe2 293
#define CLOCK_MONOTONIC 1
#define MAP_ANONYMOUS 0x20
#define SIGUSR1 10
#endif
#define MAP_PRIVATE 2
#define PROT_READ_WRITE 3
#define O_RDWR 2
#define AT_FDCWD -100

/* One function that holds the only syscall instruction, as a libc's stubs do, with the padding that
 * compilers and linkers leave between functions. Result: the value, or -errno. */
long raw_call(long number, long a, long b, long c, long d, long e, long f);
__asm__(".text\n"
        ".p2align 4, 0xcc\n"
        ".globl raw_call\n"
        "raw_call:\n"
        "    movq %rdi, %rax\n"
        "    movq %rsi, %rdi\n"
        "    movq %rdx, %rsi\n"
        "    movq %rcx, %rdx\n"
        "    movq %r8, %r10\n"
        "    movq %r9, %r8\n"
        "    movq 8(%rsp), %r9\n"
        "    syscall\n"
#ifdef __FreeBSD__
        "    jnc 1f\n"
        "    negq %rax\n"
        "1:\n"
#endif
        "    ret\n"
        "    .p2align 4, 0xcc\n"
        "    .fill 16, 1, 0xcc\n");

#define CALL_N(_0, _1, _2, _3, _4, _5, _6, name, ...) name
#define CALL0(n) raw_call(n, 0, 0, 0, 0, 0, 0)
#define CALL1(n, a) raw_call(n, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(n, a, b) raw_call(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(n, a, b, c) raw_call(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(n, a, b, c, d) raw_call(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CALL5(n, a, b, c, d, e) raw_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define CALL6(n, a, b, c, d, e, f) \
    raw_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* call(number, up to six arguments) */
#define call(...) CALL_N(__VA_ARGS__, CALL6, CALL5, CALL4, CALL3, CALL2, CALL1, CALL0)(__VA_ARGS__)

static long argument_count;
static char **arguments;

static void prepare(void); /* before the clock starts */
static void once(void);    /* the operation, one time */

static inline void put(int fd, const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    call(SYS_write, fd, s, n);
}

__attribute__((noreturn)) static inline void leave(int status)
{
    call(SYS_exit, status);
    __builtin_trap();
}

/* A call whose failure makes the measurement worthless. */
static inline long must(long result, const char *what)
{
    if (result < 0 && result > -4096) {
        put(2, what);
        put(2, " failed\n");
        leave(1);
    }
    return result;
}

static inline void put_number(uint64_t value)
{
    char digits[24];
    int at = sizeof(digits);
    digits[--at] = 0;
    do {
        digits[--at] = (char)('0' + value % 10);
    } while (value /= 10);
    put(1, digits + at);
}

static inline uint64_t nanoseconds(void)
{
    struct {
        int64_t seconds, nanoseconds;
    } now;
    must(call(SYS_clock_gettime, CLOCK_MONOTONIC, &now), "clock_gettime");
    return (uint64_t)now.seconds * 1000000000u + (uint64_t)now.nanoseconds;
}

static inline uint64_t timed(uint64_t times)
{
    uint64_t start = nanoseconds();
    for (uint64_t i = 0; i < times; i++)
        once();
    return nanoseconds() - start;
}

#define BATCHES 21

static inline uint64_t median_batch(uint64_t times)
{
    uint64_t sorted[BATCHES];
    for (int n = 0; n < BATCHES; n++) {
        uint64_t spent = timed(times);
        int at = n;
        for (; at > 0 && sorted[at - 1] > spent; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = spent;
    }
    return sorted[BATCHES / 2];
}

static inline long decimal(const char *s)
{
    long value = 0;
    while (*s >= '0' && *s <= '9')
        value = value * 10 + *s++ - '0';
    return value;
}

__attribute__((used, noreturn)) static void start_c(long *vector)
{
    argument_count = vector[0];
    arguments = (char **)(vector + 1);
    if (argument_count < 2) {
        put(2, "usage: PROGRAM MILLISECONDS [FILE]\n");
        leave(2);
    }
    uint64_t wanted = (uint64_t)decimal(arguments[1]) * 1000000u / BATCHES;
    prepare();
    once(); /* the first one may rewrite code, fault pages in, fill caches */
    uint64_t times = 1, spent = timed(1);
    while (spent < wanted && times < 1000000000u) {
        uint64_t more = spent * 20 < wanted ? times * 10 : times * wanted / spent + times / 8 + 1;
        times = more;
        spent = timed(times);
    }
    put_number(median_batch(times) * 1000 / times);
    put(1, " ");
    put_number(times);
    put(1, "\n");
    leave(0);
}

/* FreeBSD passes the argument vector in %rdi, Linux leaves it on the stack. */
__asm__(".text\n"
        ".p2align 4, 0xcc\n"
        ".globl _start\n"
        "_start:\n"
#ifndef __FreeBSD__
        "    movq %rsp, %rdi\n"
#endif
        "    xorl %ebp, %ebp\n"
        "    andq $-16, %rsp\n"
        "    call start_c\n"
        "    hlt\n"
        "    .p2align 4, 0xcc\n");

#endif
