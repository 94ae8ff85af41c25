/* futex: the host's operations under the same numbers, but for what NetBSD does not have and for where the second
 * number is passed. */
#include "netbsd.h"

#define COMMAND 0x7fU

/* a: word, operation, number, time limit, second word, second number, third number. */
long netbsd_sys___futex(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 operation = (u32)a[1];

    switch (operation & COMMAND) {
    case NETBSD_FUTEX_WAIT:
    case NETBSD_FUTEX_WAIT_BITSET:
        return host_intr(__NR_futex, a[0], operation, (u32)a[2], a[3], 0, (u32)a[6]);
    case NETBSD_FUTEX_WAKE:
    case NETBSD_FUTEX_WAKE_BITSET:
    case NETBSD_FUTEX_REQUEUE:
    case NETBSD_FUTEX_CMP_REQUEUE:
    case NETBSD_FUTEX_WAKE_OP:
        return host(__NR_futex, a[0], operation, (u32)a[2], (u64)(u32)a[5], a[4], (u32)a[6]);
    default: /* with priorities, and as descriptors */
        return -ENOSYS;
    }
}
