/* __sysctl: random bytes are read here, by programs that read many (Go's crypto/rand on NetBSD reads nothing
 * else); everything else is the supervisor's. */
#include "bsd.h"

#define MOST_RANDOM 256 /* bytes of one read, as in both kernels */

/* Whether only random bytes are asked for: {CTL_KERN, KERN_ARND}, a buffer, no new value. */
static bool reads_random(const u64 a[MAX_ARGUMENTS])
{
    u32 first, second;
    return (u32)a[1] == 2 && a[2] != 0 && a[4] == 0 && get_u32(a[0], &first) == 0 && first == BSD_CTL_KERN &&
           get_u32(a[0] + 4, &second) == 0 && second == BSD_KERN_ARND;
}

long bsd_sys_sysctl(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    u8 bytes[MOST_RANDOM];
    u64 size;

    if (!reads_random(a) || get_u64(a[3], &size) != 0)
        return serve_by_upcall(t, f, a);
    if (size > MOST_RANDOM)
        size = MOST_RANDOM;
    long n = host(__NR_getrandom, bytes, size, 0);
    if (is_error(n))
        return n;
    return copy_out(a[2], bytes, size) != 0 ? -EFAULT : put_u64(a[3], size);
}
