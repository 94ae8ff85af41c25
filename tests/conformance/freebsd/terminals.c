/* Pseudo-terminals: posix_openpt, settings, sizes, names, packet mode, foreground groups. */
#include <sys/types.h>
#include <sys/fcntl.h>
#include <sys/filio.h>
#include <sys/poll.h>
#include <sys/ttycom.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <errno.h>
#include <signal.h>

#include "scratch.h"
#include "privilege.h"

static char name[64] = "/dev/";
static long master, slave;

static void opening(void)
{
    struct fiodgname_arg arg = {sizeof(name) - 5, name + 5};
    CHECK_IS(call(SYS_posix_openpt, O_RDWR | O_NONBLOCK), -EINVAL);
    master = call(SYS_posix_openpt, O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(master >= 0);
    CHECK_IS(call(SYS_fcntl, master, F_GETFD), FD_CLOEXEC);
    CHECK_IS(call(SYS_ioctl, master, TIOCPTMASTER), 0);
    CHECK_IS(call(SYS_ioctl, master, FIODGNAME, &arg), 0);
    CHECK(memcmp(name, "/dev/pts/", 9) == 0);
    arg.len = 3;
    CHECK_IS(call(SYS_ioctl, master, FIODGNAME, &arg), -EINVAL);
    slave = call(SYS_open, name, O_RDWR, 0); /* nothing to unlock */
    CHECK(slave >= 0);
    CHECK_IS(call(SYS_ioctl, slave, TIOCPTMASTER), -ENOTTY);
    char again[64] = {0};
    arg = (struct fiodgname_arg){sizeof(again), again};
    CHECK_IS(call(SYS_ioctl, slave, FIODGNAME, &arg), 0);
    CHECK(equal(again, name + 5));
    s32 type = 0;
    CHECK_IS(call(SYS_ioctl, slave, FIODTYPE, &type), 0);
    CHECK_IS(type, 4 /* D_TTY */);
}

static void settings(void)
{
    struct termios t;
    CHECK_IS(call(SYS_ioctl, slave, TIOCGETA, &t), 0);
    CHECK((t.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG));
    CHECK((t.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR));
    CHECK_IS(t.c_cflag & CSIZE, CS8);
    CHECK(t.c_cflag & CREAD);
    CHECK_IS(t.c_cc[VINTR], 3);
    CHECK_IS(t.c_cc[VEOF], 4);
    CHECK_IS(t.c_cc[VERASE], 127);
    CHECK_IS(t.c_cc[VSTATUS], _POSIX_VDISABLE);
    CHECK_IS(t.c_ospeed, 38400);
    t.c_cc[VINTR] = 'x' & 0x1f;
    t.c_cc[VQUIT] = _POSIX_VDISABLE;
    t.c_lflag &= ~(ECHO | ICANON);
    t.c_iflag &= ~ICRNL;
    t.c_oflag |= TAB3;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    t.c_ispeed = t.c_ospeed = 115200;
    CHECK_IS(call(SYS_ioctl, slave, TIOCSETA, &t), 0);
    struct termios u;
    CHECK_IS(call(SYS_ioctl, slave, TIOCGETA, &u), 0);
    CHECK_IS(u.c_cc[VINTR], 'x' & 0x1f);
    CHECK_IS(u.c_cc[VQUIT], _POSIX_VDISABLE);
    CHECK_IS(u.c_lflag, t.c_lflag);
    CHECK_IS(u.c_iflag, t.c_iflag);
    CHECK_IS(u.c_oflag, t.c_oflag);
    CHECK_IS(u.c_cc[VMIN], 1);
    CHECK(u.c_ospeed == 115200 && u.c_ispeed == 115200);
    CHECK_IS(call(SYS_write, master, "a\r", 2), 2);
    char got[4] = {0};
    CHECK_IS(call(SYS_read, slave, got, sizeof(got)), 2);
    CHECK(equal(got, "a\r"));
    CHECK_IS(call(SYS_write, slave, "\tz", 2), 2);
    char out[16] = {0};
    CHECK_IS(call(SYS_read, master, out, sizeof(out)), 9);
    CHECK_IS(call(SYS_ioctl, master, TIOCSETAW, &t), 0); /* does not wait for its own reader */
    CHECK_IS(call(SYS_ioctl, slave, TIOCSETAF, &t), 0);
    CHECK_IS(call(SYS_ioctl, 0x7ff, TIOCGETA, &t), -EBADF);
    CHECK_IS(call(SYS_ioctl, slave, TIOCGETA, 8), -EFAULT);
    long file = make_file("file", "x");
    CHECK_IS(call(SYS_ioctl, file, TIOCGETA, &t), -ENOTTY);
    CHECK_IS(call(SYS_ioctl, file, 0x40047aff, &t), -ENOTTY);
    s32 waiting = 0;
    call(SYS_lseek, file, 0, 0);
    CHECK_IS(call(SYS_ioctl, file, FIONREAD, &waiting), 0);
    CHECK_IS(waiting, 1);
    CHECK_IS(call(SYS_ioctl, file, FIOCLEX), 0);
    CHECK_IS(call(SYS_fcntl, file, F_GETFD), FD_CLOEXEC);
    CHECK_IS(call(SYS_ioctl, file, FIONCLEX), 0);
    CHECK_IS(call(SYS_fcntl, file, F_GETFD), 0);
    call(SYS_close, file);
    call(SYS_unlink, "file");
}

static void queues(void)
{
    struct winsize size = {24, 80, 0, 0}, seen;
    CHECK_IS(call(SYS_ioctl, master, TIOCSWINSZ, &size), 0);
    CHECK_IS(call(SYS_ioctl, slave, TIOCGWINSZ, &seen), 0);
    CHECK(seen.ws_row == 24 && seen.ws_col == 80);
    CHECK_IS(call(SYS_write, master, "abc", 3), 3);
    s32 n = -1;
    struct pollfd typed = {(int)slave, POLLIN, 0};
    CHECK_IS(call(SYS_poll, &typed, 1, 5000), 1); /* typing takes a moment to arrive */
    CHECK_IS(call(SYS_ioctl, slave, FIONREAD, &n), 0);
    CHECK_IS(n, 3);
    s32 what = 1; /* FREAD */
    CHECK_IS(call(SYS_ioctl, slave, TIOCFLUSH, &what), 0);
    CHECK_IS(call(SYS_ioctl, slave, FIONREAD, &n), 0);
    CHECK_IS(n, 0);
    CHECK_IS(call(SYS_ioctl, slave, TIOCDRAIN), 0);
    CHECK_IS(call(SYS_ioctl, slave, TIOCSTOP), 0);
    CHECK_IS(call(SYS_ioctl, slave, TIOCSTART), 0);
    CHECK_IS(call(SYS_ioctl, slave, TIOCGETD, &n), 0);
    CHECK_IS(n, TTYDISC);
    n = 1;
    CHECK_IS(call(SYS_ioctl, slave, TIOCSETD, &n), -EINVAL);
    CHECK_IS(call(SYS_ioctl, master, TIOCPKT, &n), 0);
    CHECK_IS(call(SYS_write, slave, "hi", 2), 2);
    char packet[8] = {9};
    CHECK_IS(call(SYS_read, master, packet, sizeof(packet)), 3);
    CHECK_IS(packet[0], TIOCPKT_DATA);
    n = 0;
    CHECK_IS(call(SYS_ioctl, master, TIOCPKT, &n), 0);
    CHECK_IS(call(SYS_ioctl, slave, TIOCEXCL), 0);
    CHECK_IS(call(SYS_ioctl, slave, TIOCNXCL), 0);
}

/* A session of its own: the slave becomes its terminal only by TIOCSCTTY. */
static void sessions(void)
{
    long child = call(SYS_fork);
    if (child == 0) {
        int bad = 0;
        s32 group = 0, session = 0;
        long me = call(SYS_setsid);
        long tty = call(SYS_open, name, O_RDWR, 0);
        bad |= call(SYS_ioctl, tty, TIOCGPGRP, &group) != -ENOTTY;
        bad |= (call(SYS_open, "/dev/tty", O_RDWR, 0) >= 0) << 1;
        bad |= (call(SYS_ioctl, tty, TIOCSCTTY) != 0) << 2;
        bad |= (call(SYS_ioctl, tty, TIOCGPGRP, &group) != 0 || group != me) << 3;
        bad |= (call(SYS_ioctl, tty, TIOCGSID, &session) != 0 || session != me) << 4;
        bad |= (call(SYS_ioctl, tty, TIOCSPGRP, &group) != 0) << 5;
        char real[64] = {0};
        struct fiodgname_arg arg = {sizeof(real), real};
        long alias = call(SYS_open, "/dev/tty", O_RDWR, 0);
        bad |= (call(SYS_ioctl, alias, FIODGNAME, &arg) != 0 || !equal(real, name + 5)) << 7;
        group = 999999;
        bad |= (call(SYS_ioctl, tty, TIOCSPGRP, &group) != -EPERM) << 6;
        call(SYS_exit, bad);
    }
    s32 status = -1;
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(status >> 8, 0);
}

/* Who has the terminal open when it is revoked reads end-of-file and may not write any more.  The host lets
 * nobody hang up even a terminal of his own but its administrator. */
static void hang_up(void)
{
    char name[64] = "/dev/", text[8];
    long controlling = call(SYS_posix_openpt, O_RDWR | O_NOCTTY);
    struct fiodgname_arg arg = {sizeof(name) - 5, name + 5};
    CHECK_IS(call(SYS_ioctl, controlling, FIODGNAME, &arg), 0);
    long terminal = call(SYS_open, name, O_RDWR | O_NOCTTY, 0);
    CHECK(terminal >= 0);
    if (host_allows(HOST_SYS_ADMIN)) {
        CHECK_IS(call(SYS_revoke, name), 0);
        CHECK_IS(call(SYS_read, terminal, text, sizeof(text)), 0);
        CHECK(call(SYS_write, terminal, "x", 1) < 0);
    } else {
        CHECK_IS(call(SYS_revoke, name), -EPERM);
        CHECK_IS(call(SYS_write, terminal, "x", 1), 1);
    }
    CHECK_IS(call(SYS_revoke, "/dev/missing"), -ENOENT);
    call(SYS_close, terminal);
    call(SYS_close, controlling);
}

static void test(void)
{
    scratch_enter();
    opening();
    settings();
    queues();
    sessions();
    CHECK_IS(call(SYS_revoke, "/etc"), -EINVAL);
    hang_up();
    char rest[16];
    CHECK_IS(call(SYS_write, slave, "end", 3), 3);
    call(SYS_close, slave);
    CHECK_IS(call(SYS_read, master, rest, sizeof(rest)), 3);
    CHECK_IS(call(SYS_read, master, rest, sizeof(rest)), 0); /* nobody is there: end-of-file */
    struct iovec vector = {rest, sizeof(rest)};
    CHECK_IS(call(SYS_readv, master, &vector, 1), 0);
    struct pollfd watched = {(int)master, POLLIN, 0};
    CHECK_IS(call(SYS_poll, &watched, 1, 0), 1);
    CHECK_IS(watched.revents, POLLIN | POLLHUP);
    call(SYS_close, master);
    scratch_leave();
}
