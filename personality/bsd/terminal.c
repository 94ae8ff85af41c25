/* Terminals: the requests that tcgetattr, tcsetattr, tcsetpgrp and their relatives are made of.
 *
 * Settings are translated flag by flag and character by character.  The BSDs have control
 * characters that the host lacks (VERASE2, VDSUSP, VSTATUS); they read as switched off. */
#include "files.h"

#define NO_PROCESS_GROUP 100000 /* what a BSD says of a terminal without a foreground group */
#define GUEST_OFF BSD__POSIX_VDISABLE
#define HOST_OFF 0

static const struct {
    u8 guest, host;
    bool counts; /* VMIN and VTIME are numbers, not characters */
} characters[] = {
    {BSD_VEOF, LINUX_VEOF, false},         {BSD_VEOL, LINUX_VEOL, false},
    {BSD_VEOL2, LINUX_VEOL2, false},       {BSD_VERASE, LINUX_VERASE, false},
    {BSD_VWERASE, LINUX_VWERASE, false},   {BSD_VKILL, LINUX_VKILL, false},
    {BSD_VREPRINT, LINUX_VREPRINT, false}, {BSD_VINTR, LINUX_VINTR, false},
    {BSD_VQUIT, LINUX_VQUIT, false},       {BSD_VSUSP, LINUX_VSUSP, false},
    {BSD_VSTART, LINUX_VSTART, false},     {BSD_VSTOP, LINUX_VSTOP, false},
    {BSD_VLNEXT, LINUX_VLNEXT, false},     {BSD_VDISCARD, LINUX_VDISCARD, false},
    {BSD_VMIN, LINUX_VMIN, true},          {BSD_VTIME, LINUX_VTIME, true},
};

static long request(int fd, u64 command, u64 data)
{
    return host(__NR_ioctl, fd, command, data);
}

/* For requests that wait until output has drained, or that stop a background job. */
static long waiting_request(int fd, u64 command, u64 data)
{
    return host_intr(__NR_ioctl, fd, command, data);
}

/* ---- settings ----------------------------------------------------------------------------------- */

static long get_settings(int fd, u64 data)
{
    struct linux_termios2 from;
    struct bsd_termios to;
    long r = request(fd, LINUX_TCGETS2, (u64)&from);
    if (is_error(r))
        return r;
    memset(&to, 0, sizeof(to));
    to.iflag = (u32)bsd_termios_input_from_host(from.iflag);
    to.oflag = (u32)bsd_termios_output_from_host(from.oflag);
    to.cflag = (u32)bsd_termios_control_from_host(from.cflag);
    to.lflag = (u32)bsd_termios_local_from_host(from.lflag);
    to.ispeed = from.ispeed;
    to.ospeed = from.ospeed;
    memset(to.cc, GUEST_OFF, sizeof(to.cc));
    for (size_t i = 0; i < ARRAY_LENGTH(characters); i++) {
        u8 value = from.cc[characters[i].host];
        if (value != HOST_OFF || characters[i].counts)
            to.cc[characters[i].guest] = value;
    }
    return copy_out(data, &to, sizeof(to));
}

static void convert_settings(const struct bsd_termios *from, struct linux_termios2 *to)
{
    u64 input, output, control, local;
    bsd_termios_input_to_host(from->iflag, &input);
    bsd_termios_output_to_host(from->oflag, &output);
    bsd_termios_control_to_host(from->cflag, &control);
    bsd_termios_local_to_host(from->lflag, &local);
    to->iflag = (u32)input;
    to->oflag = (u32)output;
    to->lflag = (u32)local;
    if (!(from->cflag & BSD_CIGNORE)) {
        /* Any speed, given as a number. */
        to->cflag = (u32)control | LINUX_BOTHER | LINUX_BOTHER << LINUX_IBSHIFT;
        to->ospeed = from->ospeed;
        to->ispeed = from->ispeed ? from->ispeed : from->ospeed;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(characters); i++) {
        u8 value = from->cc[characters[i].guest];
        if (value == GUEST_OFF && !characters[i].counts)
            value = HOST_OFF;
        to->cc[characters[i].host] = value;
    }
}

static long set_settings(int fd, u64 command, u64 data)
{
    struct bsd_termios from;
    struct linux_termios2 to;
    s32 number;
    if (copy_in(&from, data, sizeof(from)) != 0)
        return -EFAULT;
    long r = request(fd, LINUX_TCGETS2, (u64)&to); /* keeps what the guest has no word for */
    if (is_error(r))
        return r;
    convert_settings(&from, &to);
    /* Waiting for output on the controlling side would wait for its own reader: a BSD does not. */
    if (command != LINUX_TCSETS2 && !is_error(request(fd, LINUX_TIOCGPTN, (u64)&number)))
        command = LINUX_TCSETS2;
    return waiting_request(fd, command, (u64)&to);
}

/* ---- requests whose argument is passed another way ---------------------------------------------- */

static long flush(int fd, u64 data)
{
    u32 what;
    if (get_u32(data, &what) != 0)
        return -EFAULT;
    what &= BSD_FREAD | BSD_FWRITE;
    u64 queue = what == BSD_FREAD    ? LINUX_TCIFLUSH
                : what == BSD_FWRITE ? LINUX_TCOFLUSH
                                         : LINUX_TCIOFLUSH;
    return waiting_request(fd, LINUX_TCFLSH, queue);
}

static long get_group(int fd, u64 data)
{
    s32 group = 0;
    long r = request(fd, LINUX_TIOCGPGRP, (u64)&group);
    if (is_error(r))
        return r;
    return put_u32(data, group > 0 ? (u32)group : NO_PROCESS_GROUP);
}

static long set_group(int fd, u64 data)
{
    long r = waiting_request(fd, LINUX_TIOCSPGRP, data);
    return r == -ESRCH ? -EPERM : r;
}

static long get_discipline(int fd, u64 data)
{
    s32 discipline;
    long r = request(fd, LINUX_TIOCGETD, (u64)&discipline);
    return is_error(r) ? r : put_u32(data, BSD_TTYDISC);
}

static long set_discipline(int fd, u64 data)
{
    u32 wanted;
    s32 discipline;
    if (get_u32(data, &wanted) != 0)
        return -EFAULT;
    long r = request(fd, LINUX_TIOCGETD, (u64)&discipline);
    return is_error(r) ? r : wanted == BSD_TTYDISC ? 0 : -EINVAL;
}

static long send_signal(int fd, u64 data)
{
    int signal = bsd_signal_to_host((int)data);
    return signal == 0 ? -EINVAL : request(fd, LINUX_TIOCSIG, (u64)signal);
}

static long set_ready(int fd, u64 command)
{
    s32 ready = LINUX_TIOCM_DTR;
    return request(fd, command, (u64)&ready);
}

long terminal_is_master(int fd)
{
    s32 number;
    return is_error(request(fd, LINUX_TIOCGPTN, (u64)&number)) ? -ENOTTY : 0;
}

static long pass_number(int fd, u64 command, u64 data)
{
    u32 number;
    if (get_u32(data, &number) != 0)
        return -EFAULT;
    return request(fd, command, number);
}

long bsd_terminal_ioctl(struct thread *t, int fd, u64 command, u64 data)
{
    /* Requests that differ by their number alone. */
    static const u32 alike[][2] = {
        {BSD_TIOCEXCL, LINUX_TIOCEXCL},     {BSD_TIOCNXCL, LINUX_TIOCNXCL},
        {BSD_TIOCGWINSZ, LINUX_TIOCGWINSZ}, {BSD_TIOCSWINSZ, LINUX_TIOCSWINSZ},
        {BSD_TIOCMGET, LINUX_TIOCMGET},
        {BSD_TIOCMSET, LINUX_TIOCMSET},     {BSD_TIOCMBIS, LINUX_TIOCMBIS},
        {BSD_TIOCMBIC, LINUX_TIOCMBIC},     {BSD_TIOCPKT, LINUX_TIOCPKT},
        {BSD_TIOCSTI, LINUX_TIOCSTI},       {BSD_TIOCOUTQ, LINUX_TIOCOUTQ},
        {BSD_TIOCGSID, LINUX_TIOCGSID},     {BSD_TIOCSBRK, LINUX_TIOCSBRK},
        {BSD_TIOCCBRK, LINUX_TIOCCBRK},     {BSD_TIOCNOTTY, LINUX_TIOCNOTTY},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(alike); i++)
        if (command == alike[i][0])
            return waiting_request(fd, alike[i][1], data);
    switch (command) {
    case BSD_TIOCGETA:
        return get_settings(fd, data);
    case BSD_TIOCSETA:
        return set_settings(fd, LINUX_TCSETS2, data);
    case BSD_TIOCSETAW:
        return set_settings(fd, LINUX_TCSETSW2, data);
    case BSD_TIOCSETAF:
        return set_settings(fd, LINUX_TCSETSF2, data);
    case BSD_TIOCSCTTY:
        return request(fd, LINUX_TIOCSCTTY, 0);
    case BSD_TIOCGPGRP:
        return get_group(fd, data);
    case BSD_TIOCSPGRP:
        return set_group(fd, data);
    case BSD_TIOCFLUSH:
        return flush(fd, data);
    case BSD_TIOCDRAIN:
        return waiting_request(fd, LINUX_TCSBRK, 1);
    case BSD_TIOCSTART:
        return waiting_request(fd, LINUX_TCXONC, LINUX_TCOON);
    case BSD_TIOCSTOP:
        return waiting_request(fd, LINUX_TCXONC, LINUX_TCOOFF);
    case BSD_TIOCGETD:
        return get_discipline(fd, data);
    case BSD_TIOCSETD:
        return set_discipline(fd, data);
    case BSD_TIOCSIG:
        return send_signal(fd, data);
    case BSD_TIOCSDTR:
        return set_ready(fd, LINUX_TIOCMBIS);
    case BSD_TIOCCDTR:
        return set_ready(fd, LINUX_TIOCMBIC);
    case BSD_TIOCCONS:
        return pass_number(fd, LINUX_TIOCCONS, data);
    default:
        return own_terminal_request(t, fd, (u32)command, data);
    }
}

/* A BSD's pseudo-terminals are ready at once: there is nothing to unlock. */
long open_pseudo_terminal(u64 host_flags)
{
    s32 unlocked = 0;
    long fd = host(__NR_openat, LINUX_AT_FDCWD, "/dev/ptmx", host_flags | LINUX_O_NOCTTY, 0);
    if (is_error(fd))
        return fd == -ENOSPC ? -EAGAIN : fd;
    long r = request((int)fd, LINUX_TIOCSPTLCK, (u64)&unlocked);
    if (is_error(r)) {
        host(__NR_close, fd);
        return r;
    }
    return fd;
}

/* Once the last user of a pseudo-terminal has gone, its controlling side reads end-of-file; the host says
 * that the line is broken. */
static long end_of_line(int fd, long r)
{
    return r == -EIO && terminal_is_master(fd) == 0 ? 0 : r;
}

long bsd_sys_read(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    int fd = (s32)a[0];
    if ((s64)a[2] < 0)
        return -EINVAL;
    if (fd_is_reserved(t, fd))
        return -EBADF;
    return end_of_line(fd, host_intr(__NR_read, fd, a[1], a[2]));
}

long bsd_sys_readv(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    int fd = (s32)a[0];
    if (fd_is_reserved(t, fd))
        return -EBADF;
    return end_of_line(fd, host_intr(__NR_readv, fd, a[1], (u32)a[2]));
}
