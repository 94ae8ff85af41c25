/* Timers that are descriptors: timerfd_create and its kin (FreeBSD 14). */
#include <sys/types.h>
#include <sys/poll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <errno.h>

#include "guest.h"

#define MILLISECOND 1000000L

static long created(int clock, int flags)
{
    long fd = call(SYS_timerfd_create, clock, flags);
    CHECK(fd >= 0);
    return fd;
}

static void one_shot(void)
{
    struct itimerspec set = {{0, 0}, {0, 20 * MILLISECOND}}, left;
    struct pollfd poll;
    u64 count = 0;
    long fd = created(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    CHECK_IS(call(SYS_fcntl, fd, 1), 1); /* F_GETFD: FD_CLOEXEC */
    CHECK_IS(call(SYS_timerfd_gettime, fd, &left), 0);
    CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
    CHECK_IS(call(SYS_read, fd, &count, sizeof(count)), -EAGAIN);
    CHECK_IS(call(SYS_timerfd_settime, fd, 0, &set, 0), 0);
    CHECK_IS(call(SYS_timerfd_gettime, fd, &left), 0);
    CHECK(left.it_value.tv_nsec <= 20 * MILLISECOND && left.it_interval.tv_nsec == 0);
    poll = (struct pollfd){(int)fd, POLLIN, 0};
    CHECK_IS(call(SYS_poll, &poll, 1, 10000), 1);
    CHECK_IS(poll.revents, POLLIN);
    CHECK_IS(call(SYS_read, fd, &count, 4), -EINVAL);
    CHECK_IS(call(SYS_read, fd, &count, sizeof(count)), 8);
    CHECK_IS(count, 1);
    CHECK_IS(call(SYS_read, fd, &count, sizeof(count)), -EAGAIN);
    call(SYS_close, fd);
}

static void periodic(void)
{
    struct itimerspec set = {{0, 5 * MILLISECOND}, {0, 5 * MILLISECOND}}, old, off = {{0, 0}, {0, 0}};
    struct timespec pause = {0, 30 * MILLISECOND};
    u64 count = 0;
    long fd = created(CLOCK_REALTIME, 0);
    CHECK_IS(call(SYS_timerfd_settime, fd, 0, &set, 0), 0);
    call(SYS_nanosleep, &pause, 0);
    CHECK_IS(call(SYS_read, fd, &count, sizeof(count)), 8);
    CHECK(count >= 5);
    CHECK_IS(call(SYS_read, fd, &count, sizeof(count)), 8); /* waits for the next */
    CHECK(count >= 1);
    CHECK_IS(call(SYS_timerfd_settime, fd, 0, &off, &old), 0);
    CHECK_IS(old.it_interval.tv_nsec, 5 * MILLISECOND);
    CHECK_IS(call(SYS_timerfd_gettime, fd, &old), 0);
    CHECK_IS(old.it_value.tv_nsec, 0);
    call(SYS_close, fd);
}

static void absolute(void)
{
    struct itimerspec set = {{0, 0}, {0, 1}}; /* long ago */
    u64 count = 0;
    long fd = created(CLOCK_MONOTONIC, 0);
    CHECK_IS(call(SYS_timerfd_settime, fd, TFD_TIMER_ABSTIME, &set, 0), 0);
    CHECK_IS(call(SYS_read, fd, &count, sizeof(count)), 8);
    CHECK_IS(count, 1);
    set.it_value.tv_nsec = 1000 * MILLISECOND;
    CHECK_IS(call(SYS_timerfd_settime, fd, 0, &set, 0), -EINVAL);
    CHECK_IS(call(SYS_timerfd_settime, fd, 4, &set, 0), -EINVAL);
    CHECK_IS(call(SYS_timerfd_settime, fd, 0, 8, 0), -EFAULT);
    call(SYS_close, fd);
}

static void refusals(void)
{
    struct itimerspec time;
    s32 ends[2];
    CHECK_IS(call(SYS_timerfd_create, CLOCK_PROF, 0), -EINVAL);
    CHECK_IS(call(SYS_timerfd_create, CLOCK_MONOTONIC, 1), -EINVAL);
    CHECK_IS(call(SYS_timerfd_gettime, 999, &time), -EBADF);
    call(SYS_pipe2, ends, 0);
    CHECK_IS(call(SYS_timerfd_gettime, ends[0], &time), -EINVAL);
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
}

static void test(void)
{
    one_shot();
    periodic();
    absolute();
    refusals();
}
