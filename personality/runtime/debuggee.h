/* What a guest that another guest debugs shows to its debugger, which reads and writes it from outside.
 *
 * debuggee.c is the side of the one that is debugged, debugger.c that of the one that debugs. */
#ifndef GUISE_DEBUGGEE_H
#define GUISE_DEBUGGEE_H

/* What a debugger wants to hear of besides signals. */
#define DEBUG_EXEC 0x01
#define DEBUG_ENTER 0x02 /* calls */
#define DEBUG_LEAVE 0x04
#define DEBUG_FORK 0x08   /* and to follow it */
#define DEBUG_THREADS 0x10
#define DEBUG_VFORK 0x20

/* Why a thread stopped, when it was not for a signal. */
#define STOP_ENTER 0x04
#define STOP_LEAVE 0x08
#define STOP_EXEC 0x10
#define STOP_FORKED 0x40
#define STOP_CHILD 0x80
#define STOP_BORN 0x100
#define STOP_EXITS 0x200
#define STOP_VFORKED 0x400
#define STOP_VFORK_DONE 0x800

#define STOP_ARGUMENTS 8

/* A thread between two of the guest's instructions: on its own stack, for as long as it stays there. */
struct park {
    struct frame *frame; /* the guest's registers, to read and to change */
    u64 vector;          /* its vector state, XSAVE standard form */
    u64 fs_base;         /* set, when fs_changed says so */
    u64 pending, mask;   /* host bits */
    u32 event;           /* it has something to report */
    u32 flags;           /* STOP_* */
    s32 signal;          /* the host's number of what is reported; then of what is to be delivered, or 0 */
    u32 vector_changed, fs_changed;
    s32 child;           /* with STOP_FORKED */
    u32 number, count;   /* with STOP_ENTER and STOP_LEAVE: the call */
    u64 arguments[STOP_ARGUMENTS];
    struct siginfo_host info; /* signo 0: none */
};

#define DEBUGGEE_MAGIC 0x4742454447554947UL

struct debuggee {
    u64 magic;
    s32 pid;        /* whose this is: a forked child has the same address */
    s32 debugger;   /* 0: none */
    u32 events;     /* DEBUG_* */
    u32 begun;      /* it has noticed */
    u32 newborn;    /* a child that was followed, and has not stopped yet: the call that made it */
    u32 asked_stop; /* a signal to report before the next guest instruction, or 0 */
    s32 stopping;   /* the thread that reports, or 0; a futex */
    u32 parks;      /* counts them; a futex */
    u32 stopped;    /* the number of the last stop that is complete */
    u32 resumed;    /* the last stop that the debugger ended; a futex */
    u32 leaving;    /* it ends and waits for its debugger to have seen it: */
    s32 leaving_code, leaving_status; /* as waitid has them */
    struct thread *reporter;
};

#endif
