/* For test programs that make FreeBSD's calls themselves: no libc, no start-up files.
 *
 * A program defines `static void test(void)` and reports with CHECK; the output is TAP.  Calls
 * return the result, or -errno in FreeBSD's numbering.  The unused halves of registers are filled
 * with junk, as strace's own tests do: a kernel looks only at what the type says.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int16_t s16;
typedef int64_t s64;

static long second_result; /* %rdx after the last call */

static inline long call6(long n, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result, rdx = c;
    u8 failed;
    __asm__ volatile("syscall"
                     : "=a"(result), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9), "=@ccc"(failed)
                     : "a"(n), "D"(a), "S"(b)
                     : "rcx", "r11", "memory");
    second_result = rdx;
    return failed ? -result : result;
}

/* The seventh argument is on the stack, above a return address; the red zone stays as it is. */
static inline long call7(long n, long a, long b, long c, long d, long e, long f, long g)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result, rdx = c;
    u8 failed;
    __asm__ volatile("leaq -264(%%rsp), %%rsp; movq %[g], 8(%%rsp); syscall; leaq 264(%%rsp), %%rsp"
                     : "=a"(result), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9), "=@ccc"(failed)
                     : "a"(n), "D"(a), "S"(b), [g] "b"(g)
                     : "rcx", "r11", "memory");
    second_result = rdx;
    return failed ? -result : result;
}

#define CALL_N(_1, _2, _3, _4, _5, _6, _7, _8, name, ...) name
#define CALL0(n) call6(n, 0, 0, 0, 0, 0, 0)
#define CALL1(n, a) call6(n, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(n, a, b) call6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(n, a, b, c) call6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(n, a, b, c, d) call6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CALL5(n, a, b, c, d, e) call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define CALL6(n, a, b, c, d, e, f) \
    call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL7(n, a, b, c, d, e, f, g) \
    call7(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f), (long)(g))
/* call(number, up to seven arguments) */
#define call(...) CALL_N(__VA_ARGS__, CALL7, CALL6, CALL5, CALL4, CALL3, CALL2, CALL1, CALL0)(__VA_ARGS__)
#define JUNK(x) ((long)((u64)(u32)(x) | 0xdeadbeef00000000UL))

void *memset(void *to, int byte, size_t n)
{
    volatile u8 *p = to;
    while (n--)
        *p++ = (u8)byte;
    return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
    volatile u8 *p = to;
    const u8 *q = from;
    while (n--)
        *p++ = *q++;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *x = a, *y = b;
    for (; n--; x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

static inline size_t length(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

static inline int equal(const char *a, const char *b)
{
    return length(a) == length(b) && memcmp(a, b, length(a)) == 0;
}

static char line_[512];
static size_t line_length_;

static inline void text(const char *s)
{
    while (*s && line_length_ < sizeof(line_) - 1)
        line_[line_length_++] = *s++;
}

static inline void number(long v)
{
    char digits[24];
    int n = 0;
    u64 u = v < 0 ? -(u64)v : (u64)v;
    if (v < 0)
        text("-");
    do {
        digits[n++] = (char)('0' + u % 10);
    } while (u /= 10);
    while (n > 0) {
        char one[2] = {digits[--n], 0};
        text(one);
    }
}

static inline void end_line(void)
{
    line_[line_length_++] = '\n';
    call(4, 1, line_, line_length_);
    line_length_ = 0;
}

static int checks_, failures_;

/* One TAP line; `seen` is printed when it fails. */
static inline void check(int good, const char *what, long seen, int source_line)
{
    checks_++;
    failures_ += !good;
    text(good ? "ok " : "not ok ");
    number(checks_);
    text(" - ");
    text(what);
    if (!good) {
        text(" # line ");
        number(source_line);
        text(", saw ");
        number(seen);
    }
    end_line();
}
#define CHECK(condition) check(!!(condition), #condition, 0, __LINE__)
#define CHECK_IS(expression, wanted)                                                \
    do {                                                                            \
        long seen_ = (long)(expression);                                            \
        check(seen_ == (long)(wanted), #expression " is " #wanted, seen_, __LINE__); \
    } while (0)

static void test(void);

#ifndef START_VECTOR /* what puts it into %rdi */
#define START_VECTOR ""
#endif

/* argc, argv and environment as FreeBSD passes them: %rdi. */
static long *start_vector;

__attribute__((used, noreturn)) static void start_c(long *vector)
{
    start_vector = vector;
    test();
    text("1..");
    number(checks_);
    end_line();
    call(1, failures_ ? 1 : 0);
    __builtin_trap();
}

__asm__(".globl _start\n_start:\n    xorl %ebp, %ebp\n" START_VECTOR "    andq $-16, %rsp\n    call start_c\n    hlt\n");

#endif
