/* A thread's word that its next wait shall fail at once, and what is a wait.
 *
 * A kernel looks at that word where it is about to put the thread to sleep, so a call that need not sleep
 * leaves it alone.  From outside the kernel that moment cannot be seen: descriptors are asked beforehand,
 * calls that wait for nothing but the file system go on, and the rest are waits by nature. */
#include "core.h"
#include <asm-generic/fcntl.h>
#include <asm-generic/poll.h>

long host_after_wake(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
long host_while_off_cpu(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
long host_interruptible6_unshown(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

static bool would_wait(u64 fd, s16 events)
{
    struct pollfd wanted = {.fd = (s32)fd, .events = events};
    long flags = host(__NR_fcntl, fd, F_GETFL, 0);
    return !is_error(flags) && !(flags & O_NONBLOCK) && host(__NR_poll, &wanted, 1, 0) == 0;
}

static bool is_wait(long n, u64 a)
{
    switch (n) {
    case __NR_read:
    case __NR_readv:
    case __NR_recvfrom:
    case __NR_recvmsg:
    case __NR_accept:
    case __NR_accept4:
        return would_wait(a, POLLIN);
    case __NR_write:
    case __NR_writev:
    case __NR_sendto:
    case __NR_sendmsg:
    case __NR_sendfile:
        return would_wait(a, POLLOUT);
    case __NR_openat:
    case __NR_openat2:
    case __NR_pread64:
    case __NR_preadv:
    case __NR_pwrite64:
    case __NR_pwritev:
    case __NR_fsync:
    case __NR_fdatasync:
    case __NR_execve:
        return false;
    default:
        return true;
    }
}

/* host_interruptible6 comes here while the word is set. */
long host_after_wake(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    struct thread *t = current_thread();
    if (is_wait(n, a)) {
        t->next_wait_ends = WAIT_ENDS_TAKEN;
        return -EINTR;
    }
    t->next_wait_ends = 0;
    long r = host_interruptible6(n, a, b, c, d, e, f);
    t->next_wait_ends = WAIT_ENDS_ARMED;
    return r;
}

/* host_interruptible6 comes here where a guest looks whether this thread runs: those that want its lock turn in a loop
 * as long as it does, and must not while it waits. */
long host_while_off_cpu(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    struct shown_cpu *shown = current_thread()->shown_cpu;
    s32 cpu = __atomic_exchange_n(&shown->cpu, ON_NO_CPU, __ATOMIC_RELAXED);
    long r = host_interruptible6_unshown(n, a, b, c, d, e, f);
    __atomic_store_n(&shown->given_up, shown->given_up + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&shown->cpu, cpu, __ATOMIC_RELAXED);
    return r;
}
