/* Process 1 of an isolated program's namespace: its parent, and that of whatever loses its own.
 *
 * It is in the program's process group, as the monitor is.  What the monitor gets and this process does
 * not was meant for the monitor alone, and goes on to the program; what both have, the program has too,
 * if it is still in that group.  When the program has exited, what it left behind goes on until the last
 * of it has ended; when a signal ended it, all of it ends. */
#include "calls.h"

struct state {
    int socket, program, signals;
    uint32_t seen[SIGNALS + 1]; /* signals that came to the group and that the monitor has not told of yet */
    bool stopped, ended; /* the program */
    bool alone;          /* process 1 is another: what the program leaves behind is that one's */
};

static void forget(struct state *s, int number)
{
    if (number == SIGCONT)
        s->seen[SIGTSTP] = s->seen[SIGTTIN] = s->seen[SIGTTOU] = 0;
    s->seen[number] = 0;
}

/* As the host does it with signals that wait: only realtime signals queue, and a stop and its end take each
 * other away. */
static void see(struct state *s, int number)
{
    if (number == SIGCONT)
        forget(s, SIGCONT);
    else if (number == SIGTSTP || number == SIGTTIN || number == SIGTTOU)
        s->seen[SIGCONT] = 0;
    s->seen[number] = number < SIGRTMIN ? 1 : s->seen[number] + 1;
}

static bool take_signals(struct state *s)
{
    struct signalfd_siginfo info;
    bool children = false;
    while (CALL3(__NR_read, s->signals, &info, sizeof(info)) == (long)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD && info.ssi_code > 0)
            children = true;
        else
            see(s, (int)info.ssi_signo);
        if (info.ssi_signo == SIGCONT && s->socket >= 0)
            tell(s->socket, HAS_CONTINUED, 0, 0, 0); /* after a stop of the whole group, ourselves included */
    }
    return children;
}

static void program_changed(struct state *s, int status)
{
    s->stopped = has_stopped(status);
    if (s->stopped) {
        tell(s->socket, HAS_STOPPED, stopping_signal(status), 0, 0);
    } else if (has_continued(status)) {
        tell(s->socket, HAS_CONTINUED, 0, 0, 0);
    } else {
        s->ended = true;
        bool others = !s->alone && ending_signal(status) == 0 && has_process();
        if (others)
            CALL2(__NR_prctl, PR_SET_PDEATHSIG, 0);
        tell(s->socket, HAS_ENDED, status, 0, others);
        if (!others)
            leave(0); /* whoever is left is killed */
        CALL1(__NR_close, s->socket);
        s->socket = -1;
    }
}

static void collect(struct state *s)
{
    int status;
    long pid;
    while ((pid = CALL4(__NR_wait4, -1, &status, WNOHANG | WUNTRACED | WCONTINUED | __WALL, NULL)) > 0)
        if (pid == s->program && !s->ended)
            program_changed(s, status);
    if (s->ended && (pid == -ECHILD || !has_process()))
        leave(0);
}

static void send_on(const struct state *s, const struct message *m)
{
    siginfo_t info = {.si_signo = m->number, .si_code = m->code};
    info.si_value.sival_ptr = (void *)m->value;
    if (m->code == SI_QUEUE && CALL3(__NR_rt_sigqueueinfo, s->program, m->number, &info) == 0)
        return;
    CALL2(__NR_kill, s->program, m->number);
}

static void hear(struct state *s)
{
    struct message m;
    long r = CALL6(__NR_recvfrom, s->socket, &m, sizeof(m), 0, NULL, NULL);
    if (r == -EINTR || r == -EAGAIN)
        return;
    if (r != (long)sizeof(m))
        leave(0); /* the monitor was killed: nothing of the program may stay */
    if (m.kind > TAKE_NOTE || m.number < 1 || m.number > SIGNALS)
        return;
    take_signals(s);
    collect(s);
    bool had = s->seen[m.number] > 0 && m.kind != SEND_SIGNAL_ALONE;
    if (m.number == SIGCONT)
        had = had && !s->stopped;
    if (m.number == SIGCONT || !had)
        forget(s, m.number);
    else
        s->seen[m.number]--;
    if (!had && m.kind != TAKE_NOTE)
        send_on(s, &m);
}

void init(int socket, int program, int ready, bool alone)
{
    struct state s = {.socket = socket, .program = program, .alone = alone};
    block_signals();
    CALL2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
    CALL2(__NR_prctl, PR_SET_DUMPABLE, 0); /* the program may be this process's user: it must not trace it */
    s.signals = (int)open_signals();
    CALL1(__NR_close, ready);
    collect(&s);
    for (;;) {
        struct pollfd ready_files[2] = {{.fd = s.signals, .events = POLLIN}, {.fd = s.socket, .events = POLLIN}};
        CALL3(__NR_poll, ready_files, 2, -1);
        if (ready_files[0].revents != 0 && take_signals(&s))
            collect(&s);
        if (ready_files[1].revents != 0 && s.socket >= 0)
            hear(&s);
    }
}
