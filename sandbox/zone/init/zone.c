/* Process 1 of a zone: it collects what has lost its parent, and ends the zone.
 *
 * The zone ends when the program that it was told of has ended, when its own root asks for it as of that
 * kernel's init (SIGUSR1, SIGUSR2, SIGINT: halt, power off, reboot), or when it is killed: the kernel then ends every
 * process in it. */
#include "calls.h"

#define PATIENCE 10000 /* milliseconds that processes have between SIGTERM and their end */

enum { PROGRAM_IS = 1 }; /* what comes over the control FIFO: this, and a process's number */

struct order {
    uint32_t kind;
    int32_t number;
};

static bool anybody(const void *with, int pid)
{
    (void)with;
    (void)pid;
    return true;
}

/* Collects; whether `program` was among them. */
static bool collect(int program)
{
    int status;
    long pid;
    bool found = false;
    while ((pid = CALL4(__NR_wait4, -1, &status, WNOHANG | __WALL, NULL)) > 0)
        found = found || pid == program;
    return found;
}

static bool asked_to_end(int signals)
{
    struct signalfd_siginfo info;
    bool asked = false;
    while (CALL3(__NR_read, signals, &info, sizeof(info)) == (long)sizeof(info))
        asked = asked || info.ssi_signo == SIGUSR1 || info.ssi_signo == SIGUSR2 || info.ssi_signo == SIGINT ||
                info.ssi_signo == SIGPWR;
    return asked;
}

static void end(int signals) __attribute__((noreturn));
static void end(int signals)
{
    CALL2(__NR_kill, -1, SIGTERM);
    CALL2(__NR_kill, -1, SIGCONT);
    for (int waited = 0; waited < PATIENCE; waited += 50) {
        collect(0);
        if (!has_process(anybody, NULL))
            break;
        struct pollfd ready = {.fd = signals, .events = POLLIN};
        CALL3(__NR_poll, &ready, 1, 50);
        asked_to_end(signals);
    }
    leave(0);
}

void zone(int control)
{
    int program = 0;
    block_signals();
    CALL2(__NR_prctl, PR_SET_DUMPABLE, 0);
    int signals = (int)open_signals();
    for (;;) {
        struct order order;
        struct pollfd ready[2] = {{.fd = signals, .events = POLLIN}, {.fd = control, .events = POLLIN}};
        CALL3(__NR_poll, ready, 2, -1);
        if (asked_to_end(signals))
            end(signals);
        if (CALL3(__NR_read, control, &order, sizeof(order)) == (long)sizeof(order) &&
            order.kind == PROGRAM_IS) {
            program = order.number;
            if (CALL2(__NR_kill, program, 0) < 0)
                leave(0); /* it was collected already */
        }
        if (collect(program))
            leave(0);
    }
}
