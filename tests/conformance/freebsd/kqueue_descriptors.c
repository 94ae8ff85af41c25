/* kqueue and kevent on descriptors: both layouts, errors, what close, dup and fork do. */
#include <sys/types.h>
#define _WANT_FREEBSD11_KEVENT
#include <errno.h>
#include <fcntl.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "guest.h"

static struct kevent ev[64];
static const struct timespec at_once = {0, 0};

static long change(int kq, u64 ident, int filter, int flags, u32 fflags, s64 data)
{
    struct kevent k;
    EV_SET(&k, ident, (short)filter, (unsigned short)flags, fflags, data, (void *)(ident * 3));
    return call(SYS_kevent, JUNK(kq), &k, JUNK(1), 0, JUNK(0), 0);
}

static long wait_ms(int kq, int room, int ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};
    return call(SYS_kevent, JUNK(kq), 0, JUNK(0), ev, JUNK(room), ms < 0 ? 0 : &ts);
}

static void pair(int s[2])
{
    CHECK_IS(call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, s), 0);
}

static void layouts(void)
{
    int s[2], kq = (int)call(SYS_kqueue);
    struct freebsd11_kevent old, list[2];
    pair(s);
    CHECK(kq > 2);
    memset(ev, 0x5a, sizeof(ev));
    old = (struct freebsd11_kevent){.ident = (u64)s[0], .filter = EVFILT_READ, .flags = EV_ADD};
    old.udata = (void *)77;
    CHECK_IS(call(SYS_freebsd11_kevent, kq, &old, 1, 0, 0, 0), 0);
    CHECK_IS(call(SYS_write, s[1], "abc", 3), 3);
    CHECK_IS(call(SYS_freebsd11_kevent, kq, 0, 0, list, 2, &at_once), 1);
    CHECK_IS(list[0].ident, s[0]);
    CHECK_IS(list[0].filter, EVFILT_READ);
    CHECK_IS(list[0].data, 3);
    CHECK_IS((long)list[0].udata, 77);
    CHECK_IS(wait_ms(kq, 4, 0), 1);
    CHECK_IS((long)ev[0].udata, 77);
    CHECK_IS(ev[0].ext[3], 0);
    CHECK_IS(ev[1].ident, 0x5a5a5a5a5a5a5a5a);
    struct kevent k;
    EV_SET(&k, s[0], EVFILT_READ, EV_ADD, 0, 0, (void *)78);
    k.ext[0] = 1;
    k.ext[3] = 4;
    CHECK_IS(call(SYS_kevent, kq, &k, 1, ev, 4, &at_once), 1);
    CHECK_IS((long)ev[0].udata, 78);
    CHECK_IS(call(SYS_kqueuex, KQUEUE_CLOEXEC) > 0, 1);
    CHECK_IS(call(SYS_kqueuex, 0x1000), -EINVAL);
    CHECK_IS(call(SYS_fcntl, kq, F_GETFD, 0), 0);
    call(SYS_close, s[0]), call(SYS_close, s[1]), call(SYS_close, kq);
}

static void errors(void)
{
    int kq = (int)call(SYS_kqueue), s[2];
    pair(s);
    CHECK_IS(wait_ms(s[0], 1, 0), -EBADF);
    CHECK_IS(wait_ms(500, 1, 0), -EBADF);
    CHECK_IS(change(kq, 500, EVFILT_READ, EV_ADD, 0, 0), -EBADF);
    CHECK_IS(change(kq, 1UL << 40, EVFILT_READ, EV_ADD, 0, 0), -EBADF);
    CHECK_IS(change(kq, (u64)s[0], EVFILT_READ, EV_DELETE, 0, 0), -ENOENT);
    CHECK_IS(change(kq, (u64)s[0], EVFILT_READ, EV_ENABLE | EV_DISABLE, 0, 0), -EINVAL);
    CHECK_IS(change(kq, (u64)s[0], -100, EV_ADD, 0, 0), -EINVAL);
    CHECK_IS(change(kq, (u64)s[0], 5, EV_ADD, 0, 0), -EINVAL);
    CHECK_IS(change(kq, (u64)s[0], 0, EV_ADD, 0, 0), 0);
    CHECK_IS(change(kq, (u64)kq, EVFILT_READ, EV_ADD, 0, 0), -EINVAL);
    CHECK_IS(change(kq, (u64)s[0], EVFILT_VNODE, EV_ADD, NOTE_WRITE, 0), -EINVAL);
    CHECK_IS(change(kq, 0x7ffffff0, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0), -ESRCH);
    CHECK_IS(call(SYS_kevent, kq, 16, 1, 0, 0, 0), -EFAULT);
    CHECK_IS(call(SYS_kevent, kq, 0, 0, ev, 1, 16), -EFAULT);
    struct timespec wrong = {0, 1000000000};
    CHECK_IS(call(SYS_kevent, kq, 0, 0, ev, 1, &wrong), -EINVAL);
    CHECK_IS(call(SYS_kevent, kq, 0, 0, 0, 0, 0), 0); /* no room: no wait */
    /* errors come back as events as long as there is room, in the order of the changes */
    struct kevent list[3];
    EV_SET(&list[0], s[0], EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, (void *)1);
    EV_SET(&list[1], 501, EVFILT_READ, EV_ADD, 0, 0, (void *)2);
    EV_SET(&list[2], s[0], EVFILT_WRITE, EV_ADD, 0, 0, (void *)3);
    CHECK_IS(call(SYS_kevent, kq, list, 3, ev, 8, 0), 2);
    CHECK_IS(ev[0].flags, EV_ERROR);
    CHECK_IS(ev[0].data, 0);
    CHECK_IS(ev[1].flags, EV_ERROR);
    CHECK_IS(ev[1].data, EBADF);
    CHECK_IS((long)ev[1].udata, 2);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    CHECK_IS((long)ev[0].udata, 3);
    call(SYS_write, s[1], "x", 1);
    CHECK_IS(call(SYS_kevent, kq, 0, 0, 16, 4, 0), -EFAULT);
    call(SYS_close, s[0]), call(SYS_close, s[1]), call(SYS_close, kq);
}

static void edges(void)
{
    int kq = (int)call(SYS_kqueue), s[2];
    char buffer[16];
    pair(s);
    CHECK_IS(change(kq, (u64)s[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0), 0);
    CHECK_IS(change(kq, (u64)s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    CHECK_IS(ev[0].filter, EVFILT_WRITE);
    CHECK(ev[0].flags & EV_CLEAR);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    call(SYS_write, s[1], "abc", 3);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    CHECK_IS(ev[0].filter, EVFILT_READ);
    CHECK_IS(ev[0].data, 3);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    call(SYS_write, s[1], "d", 1);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    CHECK_IS(ev[0].data, 4);
    call(SYS_read, s[0], buffer, 16);
    call(SYS_close, s[1]);
    CHECK_IS(wait_ms(kq, 8, 0), 2);
    CHECK(ev[0].flags & ev[1].flags & EV_EOF);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    call(SYS_close, s[0]), call(SYS_close, kq);
}

static void repeats(void)
{
    int kq = (int)call(SYS_kqueue), p[2];
    char buffer[16];
    CHECK_IS(call(SYS_pipe2, p, O_NONBLOCK), 0);
    CHECK_IS(change(kq, (u64)p[0], EVFILT_READ, EV_ADD, 0, 0), 0);
    call(SYS_write, p[1], "hello", 5);
    for (int i = 0; i < 3; i++) {
        CHECK_IS(wait_ms(kq, 8, -1), 1);
        CHECK_IS(ev[0].data, 5);
    }
    CHECK_IS(change(kq, (u64)p[0], EVFILT_READ, EV_DISABLE, 0, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(change(kq, (u64)p[0], EVFILT_READ, EV_ENABLE, 0, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    CHECK_IS(call(SYS_read, p[0], buffer, 16), 5);
    CHECK_IS(wait_ms(kq, 8, 5), 0);
    call(SYS_close, p[1]);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    CHECK(ev[0].flags & EV_EOF);
    CHECK_IS(ev[0].data, 0);
    call(SYS_close, p[0]);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(call(SYS_pipe2, p, 0), 0);
    CHECK_IS(change(kq, (u64)p[0], EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0), 0);
    call(SYS_write, p[1], "x", 1);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(change(kq, (u64)p[0], EVFILT_READ, EV_DELETE, 0, 0), -ENOENT);
    CHECK_IS(change(kq, (u64)p[0], EVFILT_READ, EV_ADD | EV_DISPATCH, 0, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(change(kq, (u64)p[0], EVFILT_READ, EV_ENABLE, 0, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    call(SYS_close, p[0]), call(SYS_close, p[1]), call(SYS_close, kq);
}

static void files(void)
{
    int kq = (int)call(SYS_kqueue);
    int fd = (int)call(SYS_open, "kqueue-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd > 0);
    CHECK_IS(change(kq, (u64)fd, EVFILT_READ, EV_ADD, 0, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(call(SYS_pwrite, fd, "0123456789", 10, 0), 10);
    CHECK_IS(wait_ms(kq, 8, 1000), 1);
    CHECK_IS(ev[0].data, 10);
    call(SYS_lseek, fd, 14, 0);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    CHECK_IS(ev[0].data, -4);
    call(SYS_lseek, fd, 10, 0);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(change(kq, (u64)fd, EVFILT_WRITE, EV_ADD, 0, 0), 0);
    CHECK_IS(wait_ms(kq, 8, -1), 1);
    CHECK_IS(ev[0].filter, EVFILT_WRITE);
    call(SYS_close, fd);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    call(SYS_unlink, "kqueue-file");
    call(SYS_close, kq);
}

static void descriptors_go(void)
{
    int kq = (int)call(SYS_kqueue), s[2], other, copy;
    pair(s);
    copy = (int)call(SYS_dup, s[0]);
    CHECK_IS(change(kq, (u64)s[0], EVFILT_READ, EV_ADD, 0, 0), 0);
    call(SYS_write, s[1], "x", 1);
    other = (int)call(SYS_dup, kq);
    CHECK_IS(wait_ms(other, 8, 0), 1);
    call(SYS_close, s[0]); /* by number: the duplicate does not keep the knote */
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(change(other, (u64)copy, EVFILT_READ, EV_ADD, 0, 0), 0);
    call(SYS_close, kq);
    CHECK_IS(wait_ms(other, 8, 0), 1);
    CHECK_IS(call(SYS_dup2, s[1], copy), copy);
    CHECK_IS(wait_ms(other, 8, 0), 0);
    long pid = call(SYS_fork);
    if (pid == 0) {
        long seen = wait_ms(other, 8, 0);
        long status = call(SYS_fcntl, other, F_GETFD, 0);
        call(SYS_exit, seen == -EBADF && status == -EBADF ? 0 : 1);
    }
    int status = -1;
    CHECK_IS(call(SYS_wait4, pid, &status, 0, 0), pid);
    CHECK_IS(status, 0);
    CHECK_IS(wait_ms(other, 8, 0), 0);
    call(SYS_close_range, 3, ~0U, 0);
    CHECK_IS(wait_ms(other, 8, 0), -EBADF);
    CHECK_IS(call(SYS_kqueue), 3);
    call(SYS_close, 3);
}

static void nested(void)
{
    int inner = (int)call(SYS_kqueue), outer = (int)call(SYS_kqueue);
    CHECK_IS(change(outer, (u64)inner, EVFILT_READ, EV_ADD, 0, 0), 0);
    CHECK_IS(change(outer, (u64)inner, EVFILT_WRITE, EV_ADD, 0, 0), -EINVAL);
    CHECK_IS(change(inner, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 10), 0);
    CHECK_IS(wait_ms(outer, 8, 0), 0);
    CHECK_IS(wait_ms(outer, 8, -1), 1);
    CHECK_IS(ev[0].ident, inner);
    CHECK_IS(ev[0].data, 1);
    CHECK_IS(wait_ms(inner, 8, 0), 1);
    CHECK_IS(ev[0].filter, EVFILT_TIMER);
    CHECK_IS(wait_ms(outer, 8, 0), 0);
    call(SYS_close, inner), call(SYS_close, outer);
}

/* Both filters of a descriptor hold: they are reported in the order in which they were added. */
static void order(void)
{
    for (int reversed = 0; reversed < 2; reversed++)
        for (int flags = EV_ADD; flags <= (EV_ADD | EV_CLEAR); flags += EV_CLEAR) {
            int kq = (int)call(SYS_kqueue), s[2];
            int first = reversed ? EVFILT_WRITE : EVFILT_READ, second = reversed ? EVFILT_READ : EVFILT_WRITE;
            pair(s);
            CHECK_IS(call(SYS_write, s[1], "a", 1), 1);
            CHECK_IS(change(kq, (u64)s[0], first, flags, 0, 0), 0);
            CHECK_IS(change(kq, (u64)s[0], second, flags, 0, 0), 0);
            CHECK_IS(wait_ms(kq, 8, 0), 2);
            CHECK_IS(ev[0].filter, first);
            CHECK_IS(ev[1].filter, second);
            call(SYS_close, s[0]), call(SYS_close, s[1]), call(SYS_close, kq);
        }
}

/* As many as there is room for are reported at once, however many that is. */
static void many(void)
{
    static struct kevent k[9000];
    u64 before[2], raised[2];
    int kq = (int)call(SYS_kqueue), s[2], count = 0;
    CHECK_IS(call(SYS_getrlimit, 8, before), 0); /* RLIMIT_NOFILE */
    raised[0] = raised[1] = before[1];
    CHECK_IS(call(SYS_setrlimit, 8, raised), 0);
    pair(s);
    CHECK_IS(call(SYS_write, s[1], "a", 1), 1);
    while (count < 9000) {
        long fd = call(SYS_dup, s[0]);
        if (fd < 0)
            break;
        EV_SET(&k[count], (u64)fd, EVFILT_READ, EV_ADD, 0, 0, (void *)(u64)count);
        count++;
    }
    CHECK(count >= 500);
    CHECK_IS(call(SYS_kevent, kq, k, count, 0, 0, 0), 0);
    for (int i = 0; i < 2; i++) {
        memset(k, 0, sizeof(k));
        CHECK_IS(call(SYS_kevent, kq, 0, 0, k, 9000, &at_once), count);
        CHECK_IS(k[count - 1].filter, EVFILT_READ);
    }
    CHECK_IS(call(SYS_kevent, kq, 0, 0, k, 0x7fffffff, &at_once), count);
    call(SYS_close_range, 3, ~0U, 0);
    CHECK_IS(call(SYS_setrlimit, 8, before), 0);
}

static void test(void)
{
    layouts();
    many();
    order();
    errors();
    edges();
    repeats();
    files();
    nested();
    descriptors_go();
}
