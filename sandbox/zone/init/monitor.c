/* The process that a shell started, while an isolated program runs in its stead.
 *
 * The program is in the process group that the shell made, so what the terminal or `kill -- -GROUP` sends
 * reaches it directly.  This process stands apart from that group, and hands on to the program what was sent
 * to it alone.  A leader of a session cannot leave its group; then the program's init, which is in it as well,
 * tells the two apart: see init.c.  When the program stops, this process stops by the same signal; when it ends,
 * this process ends the same way. */
#include "calls.h"
#include <linux/resource.h>

struct state {
    int socket, child, signals;
    int attendant;  /* serves the program from outside of its namespace; 0: it ends with the last that it serves */
    bool apart;     /* nobody else is in our process group */
    bool ended;     /* `status` is the program's */
    bool others;    /* it has left processes behind that live on */
    bool init_gone; /* `init_status` is the init's */
    bool init_stopped;
    int status, init_status;
    int stop; /* the signal that the program was stopped by, until we are too */
};

static void set_default(int number)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    CALL4(__NR_rt_sigaction, number, &action, NULL, sizeof(action.sa_mask));
}

static void unblock(int number)
{
    unsigned long one = signal_bit(number);
    CALL4(__NR_rt_sigprocmask, SIG_UNBLOCK, &one, NULL, sizeof(one));
}

/* End as the program did: the caller sees the same wait status. */
static void end_as(int status) __attribute__((noreturn));
static void end_as(int status)
{
    int number = ending_signal(status);
    if (number != 0) {
        struct rlimit none = {0, 0};
        CALL2(__NR_setrlimit, RLIMIT_CORE, &none);
        set_default(number);
        CALL2(__NR_kill, CALL0(__NR_getpid), number);
        unblock(number);
        leave(128 + number);
    }
    leave(exit_status(status));
}

static void collect(struct state *s)
{
    int status;
    if (CALL4(__NR_wait4, s->child, &status, WNOHANG | WUNTRACED | WCONTINUED, NULL) != s->child)
        return;
    s->init_stopped = has_stopped(status);
    if (s->init_stopped)
        s->stop = SIGSTOP; /* the whole group was */
    else if (!has_continued(status)) {
        s->init_gone = true;
        s->init_status = status;
    }
}

/* A signal for a group goes to its members one by one, under a lock that a change of group, even one to
 * where we are, has to wait for: afterwards all members have their copies. */
static void wait_for_group(void) { CALL2(__NR_setpgid, 0, CALL1(__NR_getpgid, 0)); }

/* The program's init decides whether it has to be told: it has its own copy of what went to the group. */
static void hand_on(struct state *s, const struct signalfd_siginfo *info)
{
    uint32_t kind = s->apart ? SEND_SIGNAL_ALONE : SEND_SIGNAL;
    if (!s->apart)
        wait_for_group();
    if (info->ssi_signo == SIGCONT && info->ssi_code > 0 && info->ssi_code != SI_KERNEL) {
        kind = TAKE_NOTE; /* raised by our own wish, see stop_as_it_did */
    } else if (info->ssi_signo == SIGCONT && s->init_stopped) {
        CALL2(__NR_kill, s->child, SIGCONT);
        s->init_stopped = false;
        kind = SEND_SIGNAL_ALONE;
    }
    tell(s->socket, kind, (int)info->ssi_signo, info->ssi_code, info->ssi_ptr);
}

static void take_signals(struct state *s)
{
    struct signalfd_siginfo info;
    while (CALL3(__NR_read, s->signals, &info, sizeof(info)) == (long)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            collect(s);
        if (info.ssi_signo == SIGCHLD && info.ssi_code > 0)
            continue; /* of a child that is ours, not the program's: the init, or who stood in for us */
        if (s->socket >= 0)
            hand_on(s, &info);
    }
}

/* Stop as the program did, until somebody continues us or it.
 *
 * The stop signal is made pending first; whatever continues us from then on takes it away again, and a
 * message that the program goes on was either there before, or raises SIGCONT when it comes. */
static void stop_as_it_did(struct state *s)
{
    struct message next;
    int number = s->stop;
    unsigned long pending = 0, one = signal_bit(number);
    s->stop = 0;
    if (!s->apart) {
        wait_for_group();
        take_signals(s); /* our own copy of the signal that stopped it */
    }
    CALL2(__NR_rt_sigpending, &pending, sizeof(pending));
    if (pending & signal_bit(SIGCONT))
        return;
    long flags = CALL3(__NR_fcntl, s->socket, F_GETFL, 0);
    CALL3(__NR_fcntl, s->socket, F_SETOWN, CALL0(__NR_getpid));
    CALL3(__NR_fcntl, s->socket, F_SETSIG, SIGCONT);
    CALL3(__NR_fcntl, s->socket, F_SETFL, flags | FASYNC);
    if (number != SIGSTOP) {
        set_default(number);
        CALL2(__NR_kill, CALL0(__NR_getpid), number);
    }
    bool goes_on =
        CALL6(__NR_recvfrom, s->socket, &next, sizeof(next), DO_NOT_WAIT | LOOK_ONLY, NULL, NULL) > 0;
    if (number == SIGSTOP && !goes_on) {
        CALL2(__NR_kill, CALL0(__NR_getpid), SIGSTOP);
    } else if (!goes_on) {
        unblock(number); /* stops here */
        CALL4(__NR_rt_sigprocmask, SIG_BLOCK, &one, NULL, sizeof(one));
    } else if (number != SIGSTOP) {
        long at_once[2] = {0, 0};
        CALL4(__NR_rt_sigtimedwait, &one, NULL, at_once, sizeof(one));
    }
    CALL3(__NR_fcntl, s->socket, F_SETFL, flags);
}

static void hear(struct state *s)
{
    struct message m;
    long r = CALL6(__NR_recvfrom, s->socket, &m, sizeof(m), 0, NULL, NULL);
    if (r == -EINTR || r == -EAGAIN || r == -ECONNRESET) /* the last: it ended with something of ours unread */
        return;
    if (r != (long)sizeof(m)) { /* the init is gone; what its end was says more */
        CALL1(__NR_close, s->socket);
        s->socket = -1;
    } else if (m.kind == HAS_STOPPED) {
        s->stop = m.number;
    } else if (m.kind == HAS_CONTINUED) {
        s->stop = 0;
    } else if (m.kind == HAS_ENDED) {
        s->ended = true;
        s->status = m.number;
        s->others = m.value != 0;
    }
}

/* What serves nobody any more ends with us. */
static void end_attendant(const struct state *s)
{
    CALL2(__NR_kill, s->attendant, SIGKILL);
    CALL4(__NR_wait4, s->attendant, NULL, 0, NULL);
}

void monitor(int socket, int child, int attendant, bool apart)
{
    struct state s = {.socket = socket, .child = child, .attendant = attendant};
    block_signals();
    s.signals = (int)open_signals();
    collect(&s); /* its SIGCHLD may have come before this program was started */
    take_signals(&s); /* some may have come to the group before we left it */
    s.apart = apart;
    while (!s.ended || (!s.others && !s.init_gone)) {
        struct pollfd ready[2] = {{.fd = s.signals, .events = POLLIN}, {.fd = s.socket, .events = POLLIN}};
        CALL3(__NR_poll, ready, 2, -1);
        if (ready[0].revents != 0)
            take_signals(&s);
        if (ready[1].revents != 0)
            hear(&s);
        if (s.init_gone && s.socket < 0 && !s.ended)
            break;
        if (s.stop != 0 && s.socket >= 0 && !s.ended)
            stop_as_it_did(&s);
    }
    if (s.init_gone && s.attendant != 0)
        end_attendant(&s);
    end_as(s.ended ? s.status : s.init_status);
}
