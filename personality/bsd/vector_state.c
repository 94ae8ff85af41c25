/* Vector state of a context that a program hands over: 512 bytes as FXSAVE writes them, and the extended part
 * of an XSAVE area, which lies elsewhere. */
#include "bsd.h"

long vector_state_take(struct thread *t, const void *legacy, u64 extended, u64 length, void **xstate)
{
    struct process *p = t->process;
    u8 *area = (u8 *)t->xstate;

    *xstate = NULL;
    memset(area, 0, p->xstate_size);
    if (extended != 0) {
        if (length > p->xstate_size - LEGACY_STATE)
            return -EINVAL;
        if (copy_in(area + LEGACY_STATE, extended, length) != 0)
            return -EFAULT;
    }
    memcpy(area, legacy, LEGACY_STATE);
    u64 *header = (u64 *)(area + LEGACY_STATE);
    header[0] = (header[0] | 3) & p->xstate_mask;
    memset(header + 1, 0, 56);
    *(u32 *)(area + 24) &= 0xffff; /* MXCSR: reserved bits would fault */
    *xstate = area;
    return 0;
}
