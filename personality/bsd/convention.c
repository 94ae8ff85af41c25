/* The BSDs' calling convention: how arguments come and how results go. */
#include "bsd.h"

#define CARRY 1UL
#define REGISTER_ARGUMENTS 6

/* number in %rax, arguments in rdi rsi rdx r10 r8 r9 and then on the stack above the return
 * address; syscall(0) and __syscall(198) take the number first and everything else one later. */
int bsd_decode(struct thread *t UNUSED, struct frame *f, u64 *number, u64 a[MAX_ARGUMENTS])
{
    u32 n = REGISTER_ARGUMENTS;
    *number &= BSD_CALL_NUMBER_MASK;
    if (__builtin_expect(*number == BSD_SYS_syscall || *number == BSD_SYS___syscall, 0)) {
        *number = f->rdi & 0xffffffff;
        a[0] = f->rsi; a[1] = f->rdx; a[2] = f->r10; a[3] = f->r8; a[4] = f->r9;
        n--;
    } else {
        a[0] = f->rdi; a[1] = f->rsi; a[2] = f->rdx; a[3] = f->r10; a[4] = f->r8; a[5] = f->r9;
    }
    u32 wanted = *number < BSD_CALL_LIMIT ? bsd_calls[*number].arguments : 0;
    for (u64 slot = f->rsp + 8; n < wanted; slot += 8)
        if (get_u64(slot, &a[n++]) != 0)
            return -EFAULT;
    return 0;
}

void bsd_finish(struct thread *t UNUSED, struct frame *f, long result)
{
    if (!is_error(result)) {
        f->rax = (u64)result;
        f->rflags &= ~CARRY;
        return;
    }
    long error = is_guest_errno(result) ? guest_errno_of(result) : bsd_errno_from_host((int)-result);
    f->rax = error > 0 ? (u64)error : BSD_EINVAL;
    f->rflags |= CARRY;
}
