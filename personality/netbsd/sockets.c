/* Calls on sockets that NetBSD alone has: several messages at once, accept with a mask, and socket's form of old. */
#include "netbsd.h"
#include "socket.h"

#define MOST_MESSAGES 1024 /* more are left for the next call */

/* Before NetBSD 4.0 a domain that there is none of was a protocol that there is none of. */
long netbsd_sys_socket30(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    long r = netbsd_sys_socket(t, f, a);
    return r == -EAFNOSUPPORT ? -EPROTONOSUPPORT : r;
}

/* a: socket, address, its length, mask, flags. */
long netbsd_sys_paccept(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    const u64 plain[MAX_ARGUMENTS] = {a[0], a[1], a[2], a[4]};
    u64 mask;

    if (a[3] == 0)
        return bsd_sys_accept4(t, f, plain);
    long r = bsd_read_sigset(a[3], &mask);
    if (r != 0)
        return r;
    temporary_mask(t, mask);
    r = bsd_sys_accept4(t, f, plain);
    temporary_mask_end(t, r);
    return r == RESTART ? -EINTR : r;
}

/* ---- several messages ------------------------------------------------------------------------------------- */

typedef long (*one_message)(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS]);

static bool is_over(const struct timespec_host *end)
{
    struct timespec_host now;
    return clock_read(1 /* CLOCK_MONOTONIC */, &now) == 0 &&
           (now.sec > end->sec || (now.sec == end->sec && now.nsec >= end->nsec));
}

/* How many were moved; a failure only before the first.  end: no further message after it; NULL. */
static long each_message(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS], u32 flags,
                         one_message move, const struct timespec_host *end)
{
    u32 count = (u32)a[2] < MOST_MESSAGES ? (u32)a[2] : MOST_MESSAGES, done = 0;
    bool wait_once = flags & NETBSD_MSG_WAITFORONE;
    long r = 0;

    flags &= ~(u32)NETBSD_MSG_WAITFORONE;
    while (done < count) {
        u64 at = a[1] + done * sizeof(struct netbsd_mmsghdr);
        const u64 b[MAX_ARGUMENTS] = {a[0], at, flags};
        r = move(t, f, b);
        if (is_error(r) || r == RESTART)
            break;
        if (put_u32(at + offsetof(struct netbsd_mmsghdr, len), (u32)r) != 0)
            return -EFAULT;
        done++;
        if (wait_once)
            flags |= NETBSD_MSG_DONTWAIT;
        if (end != NULL && is_over(end))
            break;
    }
    return done > 0 || count == 0 ? (long)done : r;
}

long netbsd_sys_sendmmsg(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    return each_message(t, f, a, (u32)a[3], netbsd_sys_sendmsg, NULL);
}

/* a: socket, messages, how many, flags, time limit. */
long netbsd_sys_recvmmsg(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct timespec_host end, now;

    if (a[4] == 0)
        return each_message(t, f, a, (u32)a[3], netbsd_sys_recvmsg, NULL);
    if (copy_in(&end, a[4], sizeof(end)) != 0)
        return -EFAULT;
    long r = clock_read(1, &now);
    if (r != 0)
        return r;
    end.nsec += now.nsec;
    end.sec += now.sec + end.nsec / 1000000000;
    end.nsec %= 1000000000;
    return each_message(t, f, a, (u32)a[3], netbsd_sys_recvmsg, &end);
}
