/* Process 1 of a zone: it collects what has lost its parent, and ends the zone.
 *
 * The zone ends when the program that it was told of has ended, when its own root asks for it by the signals
 * that mean this to that kernel's init, or when it is killed: the kernel then ends every process in it.  Asked
 * to reboot, it leaves a byte in a FIFO for whoever waits to boot the zone again. */
#include "calls.h"

#define PATIENCE 10000 /* milliseconds that processes have between SIGTERM and their end */

enum { PROGRAM_IS = 1 }; /* what comes over the control FIFO: this, and a process's number */

struct order {
    uint32_t kind;
    int32_t number;
};

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

enum wish { NOTHING, HALT, REBOOT, HALT_AT_ONCE, REBOOT_AT_ONCE };

/* Signals as init(8) of the BSDs and systemd take them; sysvinit opens its FIFO again on SIGUSR1. */
static enum wish wish_of(unsigned int number, bool bsd)
{
    switch (number) {
    case SIGUSR1:
    case SIGUSR2:
        return bsd ? HALT : NOTHING;
    case SIGPWR:
    case 34 + 3: /* the C library's SIGRTMIN+3: halt */
    case 34 + 4: /* power off */
        return HALT;
    case SIGINT:
    case 34 + 5:
        return REBOOT;
    case 34 + 13: /* reboot(2), which lets nobody finish anything: zone_end.c of the runtime */
    case 34 + 14:
        return HALT_AT_ONCE;
    case 34 + 15:
        return REBOOT_AT_ONCE;
    default:
        return NOTHING;
    }
}

static enum wish asked(int signals, bool bsd)
{
    struct signalfd_siginfo info;
    enum wish wish = NOTHING;
    while (CALL3(__NR_read, signals, &info, sizeof(info)) == (long)sizeof(info))
        if (wish == NOTHING)
            wish = wish_of(info.ssi_signo, bsd);
    return wish;
}

/* Processes may end in their own way before the kernel ends them. */
static void let_end(int signals)
{
    CALL2(__NR_kill, -1, SIGTERM);
    CALL2(__NR_kill, -1, SIGCONT);
    for (int waited = 0; waited < PATIENCE; waited += 50) {
        collect(0);
        if (!has_process())
            break;
        struct pollfd ready = {.fd = signals, .events = POLLIN};
        CALL3(__NR_poll, &ready, 1, 50);
        enum wish sooner = asked(signals, false);
        if (sooner == HALT_AT_ONCE || sooner == REBOOT_AT_ONCE)
            break;
    }
}

static void end(int signals, enum wish wish, int again) __attribute__((noreturn));
static void end(int signals, enum wish wish, int again)
{
    if (wish == HALT || wish == REBOOT)
        let_end(signals);
    if ((wish == REBOOT || wish == REBOOT_AT_ONCE) && again >= 0)
        CALL3(__NR_write, again, "r", 1);
    leave(0);
}

void zone(int control, int again, bool bsd)
{
    int program = 0;
    block_signals();
    CALL2(__NR_prctl, PR_SET_DUMPABLE, 0);
    int signals = (int)open_signals();
    for (;;) {
        struct order order;
        struct pollfd ready[2] = {{.fd = signals, .events = POLLIN}, {.fd = control, .events = POLLIN}};
        CALL3(__NR_poll, ready, 2, -1);
        enum wish wish = asked(signals, bsd);
        if (wish != NOTHING)
            end(signals, wish, again);
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
