/* FreeBSD's calling convention, and the row that registers the personality. */
#include "freebsd.h"

#define CARRY 1UL
#define REGISTER_ARGUMENTS 6

/* number in %rax, arguments in rdi rsi rdx r10 r8 r9 and then on the stack above the return
 * address; syscall(0) and __syscall(198) take the number first and everything else one later. */
static int decode(struct thread *t UNUSED, struct frame *f, u64 *number, u64 a[MAX_ARGUMENTS])
{
    u32 n = REGISTER_ARGUMENTS;
    if (__builtin_expect(*number == FREEBSD_SYS_syscall || *number == FREEBSD_SYS___syscall, 0)) {
        *number = f->rdi & 0xffffffff;
        a[0] = f->rsi; a[1] = f->rdx; a[2] = f->r10; a[3] = f->r8; a[4] = f->r9;
        n--;
    } else {
        *number &= 0xffffffff;
        a[0] = f->rdi; a[1] = f->rsi; a[2] = f->rdx; a[3] = f->r10; a[4] = f->r8; a[5] = f->r9;
    }
    u32 wanted = *number < FREEBSD_CALL_LIMIT ? freebsd_calls[*number].arguments : 0;
    for (u64 slot = f->rsp + 8; n < wanted; slot += 8)
        if (get_u64(slot, &a[n++]) != 0)
            return -EFAULT;
    return 0;
}

static void finish(struct thread *t UNUSED, struct frame *f, long result)
{
    if (!is_error(result)) {
        f->rax = (u64)result;
        f->rflags &= ~CARRY;
        return;
    }
    long error = is_guest_errno(result) ? guest_errno_of(result) : freebsd_errno_from_host((int)-result);
    f->rax = error > 0 ? (u64)error : FREEBSD_EINVAL;
    f->rflags |= CARRY;
}

u32 bsd_release(const struct process *p)
{
    return p->asked_release != 0 ? p->asked_release : FREEBSD_DEFAULT_RELEASE;
}

static int init_process(struct process *p)
{
    return freebsd_map_sigcode(p);
}

static int init_thread(struct thread *t UNUSED, const struct thread *creator UNUSED)
{
    return 0;
}

static void end_thread(struct thread *t UNUSED) {}

const struct personality freebsd_personality = {
    .name = "freebsd",
    .call_limit = FREEBSD_CALL_LIMIT,
    .calls = freebsd_calls,
    .unserved = freebsd_unserved,
    .fast_calls = freebsd_fast_calls,
    .carry_means_error = true,
    .decode = decode,
    .finish = finish,
    .signal_from_host = freebsd_signal_from_host,
    .signal_to_host = freebsd_signal_to_host,
    .default_ignored = freebsd_default_ignored,
    .fault_signal = freebsd_fault_signal,
    .deliver = freebsd_deliver,
    .start = freebsd_start,
    .init_process = init_process,
    .init_thread = init_thread,
    .end_thread = end_thread,
};
