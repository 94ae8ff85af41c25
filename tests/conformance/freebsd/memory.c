/* Memory: mmap and its relatives, with FreeBSD's rules where they differ from Linux's. */
#include "guest.h"

#define EBADF 9
#define ENOMEM 12
#define EFAULT 14
#define EINVAL 22
#define EOPNOTSUPP 45
#define BREAK 17
#define MSYNC 65
#define MUNMAP 73
#define MPROTECT 74
#define MADVISE 75
#define MINCORE 78
#define MINHERIT 250
#define MMAP 477
#define SYSARCH 165
#define SHARED 1
#define PRIVATE 2
#define FIXED 0x10
#define STACK 0x400
#define ANON 0x1000
#define GUARD 0x2000
#define EXCL 0x4000
#define LOW 0x80000
#define ALIGNED(n) ((long)(n) << 24)
#define PAGE 4096

static long map(long address, long size, long prot, long flags, long fd, long offset)
{
    return call(MMAP, address, size, prot, flags, fd, offset);
}

static int good(long r) { return r > 0 || r < -4096; }

static void flags(void)
{
    long a = map(0, 100, 3, ANON, -1, 0);
    CHECK(good(a));
    *(volatile char *)a = 1;
    CHECK_IS(call(MUNMAP, a + 5, 10), 0); /* rounded outwards */
    CHECK_IS(call(MINCORE, a, PAGE, &a), -ENOMEM);
    CHECK_IS(map(0, 0, 3, ANON, -1, 0), -EINVAL);
    CHECK_IS(map(0, PAGE, 3, ANON, 5, 0), -EINVAL);
    CHECK_IS(map(0, PAGE, 3, ANON, -1, PAGE), -EINVAL);
    CHECK_IS(map(0, PAGE, 3, ANON | SHARED | PRIVATE, -1, 0), -EINVAL);
    CHECK_IS(map(0, PAGE, 3, ANON | EXCL, -1, 0), -EINVAL);
    CHECK_IS(map(0, PAGE, 3, ANON | 0x80, -1, 0), -EINVAL);
    CHECK_IS(map(0, PAGE, 8, ANON, -1, 0), -EINVAL);
    CHECK_IS(map(0, PAGE, 3 | 1 << 16, ANON, -1, 0), -EOPNOTSUPP);
    a = map(0, PAGE, 1 | 7 << 16, ANON, -1, 0);
    CHECK(good(a));
    CHECK_IS(map(a, PAGE, 3, ANON | FIXED | EXCL, -1, 0), -ENOMEM);
    CHECK_IS(map(a, PAGE, 3, ANON | FIXED, -1, 0), a);
    CHECK_IS(map(a + 1, PAGE, 3, ANON | FIXED, -1, 0), -EINVAL);
    call(MUNMAP, a, PAGE);
    CHECK_IS(map(a, PAGE, 3, ANON | FIXED | EXCL, -1, 0), a);
    CHECK_IS(call(MUNMAP, a, 0), -EINVAL);
    CHECK_IS(map(0, PAGE, 1, PRIVATE, 99, 0), -EBADF);
    long file = call(5, "memory-file", 0x202, 0600); /* open(2), O_RDWR | O_CREAT */
    CHECK(file >= 0);
    CHECK_IS(map(0, 2 * PAGE, 1, PRIVATE, file, -1), -EINVAL);
    CHECK_IS(map(0, 2 * PAGE, 1, PRIVATE, file, -PAGE), -EINVAL);
    call(6, file);
    call(10, "memory-file");
}

static void guards_and_stacks(void)
{
    long a = map(0, 4 * PAGE, 0, GUARD, -1, 0);
    CHECK(good(a));
    CHECK_IS(call(4, 1, a, 1), -EFAULT);
    CHECK_IS(map(0, PAGE, 1, GUARD, -1, 0), -EINVAL);
    CHECK_IS(map(0, PAGE, 0, GUARD | ANON, -1, 0), -EINVAL);
    CHECK_IS(map(0, PAGE, 0, GUARD, 3, 0), -EINVAL);
    CHECK_IS(map(a, PAGE, 3, ANON | FIXED, -1, 0), a);
    *(volatile char *)a = 1;
    long s = map(0, 16 * PAGE, 3, STACK, -1, 0);
    CHECK(good(s));
    *(volatile char *)(s + 16 * PAGE - 1) = 1;
    *(volatile char *)(s + PAGE) = 1;
    CHECK_IS(call(4, 1, s, 1), -EFAULT); /* the page below */
    CHECK_IS(map(0, PAGE, 1, STACK, -1, 0), -EINVAL);
    CHECK_IS(map(0, PAGE, 3, STACK, 3, 0), -EINVAL);
}

static void places(void)
{
    for (long n = 13; n <= 30; n += 4) {
        long a = map(0, 3 * PAGE, 3, ANON | PRIVATE | ALIGNED(n), -1, 0);
        CHECK(good(a) && a % (1L << n) == 0);
        *(volatile char *)(a + 3 * PAGE - 1) = 1;
        call(MUNMAP, a, 3 * PAGE);
    }
    CHECK_IS(map(0, PAGE, 3, ANON | ALIGNED(11), -1, 0), -EINVAL);
    CHECK_IS(map(0, PAGE, 3, ANON | ALIGNED(64), -1, 0), -EINVAL);
    long a = map(0, PAGE, 3, ANON | ALIGNED(1), -1, 0); /* MAP_ALIGNED_SUPER */
    CHECK(good(a) && a % (1L << 21) == 0);
    a = map(0, PAGE, 3, ANON | LOW, -1, 0);
    CHECK(good(a) && a < 1L << 31);
    CHECK_IS(map(1L << 31, PAGE, 3, ANON | LOW | FIXED, -1, 0), -EINVAL);
}

/* The offset need not be a page's: the address returned is as far into its page. */
static void file_offsets(void)
{
    long fd = call(5, start_vector[1], 0); /* the program itself */
    CHECK(fd >= 0);
    long a = map(0, 8, 1, PRIVATE, fd, 0), b = map(0, 8, 1, PRIVATE, fd, 1);
    CHECK(good(a) && a % PAGE == 0);
    CHECK_IS(*(u32 *)a, 0x464c457f);
    CHECK_IS(b % PAGE, 1);
    CHECK_IS(*(u32 *)(b - 1), 0x464c457f);
    CHECK_IS(map(0, 8, 1, 0, fd, 0), -EINVAL);
    call(6, fd);
}

static void advice(void)
{
    volatile char *a = (char *)map(0, 4 * PAGE, 3, ANON, -1, 0);
    char vector[4];

    a[0] = a[PAGE] = 7;
    CHECK_IS(call(MADVISE, a, 2 * PAGE, 4), 0); /* MADV_DONTNEED keeps what is there */
    CHECK_IS(a[0], 7);
    for (long how = 0; how < 10; how++)
        if (how != 5)
            CHECK_IS(call(MADVISE, a, 4 * PAGE, how), 0);
    CHECK_IS(a[0], 7);
    CHECK_IS(call(MADVISE, a, PAGE, 11), -EINVAL);
    CHECK_IS(call(MADVISE, a, PAGE, 5), 0); /* MADV_FREE */
    CHECK_IS(call(MINCORE, a + PAGE, PAGE, vector), 0);
    CHECK_IS(vector[0] & 1, 1);
    CHECK_IS(call(MSYNC, a, PAGE, 0), 0);
    CHECK_IS(call(MSYNC, a, PAGE, 3), -EINVAL);
    CHECK_IS(call(MPROTECT, a + 1, 1, 1), 0);
    CHECK_IS(call(3, 0, a, 0), 0);
    CHECK_IS(call(MPROTECT, a, PAGE, 3 | 1 << 16), -EOPNOTSUPP);
    CHECK_IS(call(MPROTECT, a, PAGE, 3 | 7 << 16), 0);
    a[0] = 9;
}

static void inheritance(void)
{
    volatile char *a = (char *)map(0, 2 * PAGE, 3, ANON, -1, 0);
    int status;

    a[0] = 5;
    CHECK_IS(call(MINHERIT, a, PAGE, 3), 0); /* INHERIT_ZERO */
    long child = call(2);
    if (child == 0)
        call(1, a[0]);
    CHECK_IS(call(7, child, &status, 0, 0), child);
    CHECK_IS(status, 0);
    CHECK_IS(a[0], 5);
    CHECK_IS(call(MINHERIT, a, PAGE, 1), 0); /* INHERIT_COPY */
    child = call(2);
    if (child == 0)
        call(1, a[0]);
    CHECK_IS(call(7, child, &status, 0, 0), child);
    CHECK_IS(status, 5 << 8);
}

static void program_break(void)
{
    long start = call(BREAK, 0);
    CHECK(start > 0 && start % PAGE == 0);
    CHECK_IS(call(BREAK, start + 100), start + PAGE);
    *(volatile char *)start = 3;
    CHECK_IS(call(BREAK, start + 10 * PAGE), start + 10 * PAGE);
    *(volatile char *)(start + 10 * PAGE - 1) = 3;
    CHECK_IS(*(volatile char *)start, 3);
    CHECK_IS(call(BREAK, start), start);
    CHECK_IS(call(4, 1, start, 1), -EFAULT);
    CHECK_IS(call(BREAK, 1L << 50), -ENOMEM);
}

static void registers(void)
{
    u64 storage[2] = {0x77, 0}, base = (u64)storage, seen = 0;
    CHECK_IS(call(SYSARCH, 129, &base), 0);
    __asm__ volatile("movq %%fs:0, %0" : "=r"(seen));
    CHECK_IS(seen, 0x77);
    seen = 0;
    CHECK_IS(call(SYSARCH, 128, &seen), 0);
    CHECK_IS(seen, base);
    base = 1UL << 63;
    CHECK_IS(call(SYSARCH, 129, &base), -EINVAL);
    CHECK_IS(call(SYSARCH, 131, &base), -EINVAL);
    CHECK_IS(call(SYSARCH, 1000, &base), -EINVAL);
}

static void test(void)
{
    flags();
    guards_and_stacks();
    places();
    file_offsets();
    advice();
    inheritance();
    program_break();
    registers();
}
