/* The trace area: memory that guests write records of their calls into and a reader outside empties.
 *
 * One memfd, mapped shared by every guest process of a run.  Each thread claims a slot of its own, a
 * ring with one writer and one reader, so that writing needs no lock.  personality/tracing/layout.py
 * mirrors this file; tests compare the two. */
#ifndef GUISE_TRACE_H
#define GUISE_TRACE_H

#include "runtime.h"

#define TRACE_MAGIC 0x4543415254455547UL /* "GUETRACE" */
#define TRACE_VERSION 1
#define TRACE_KERNELS 8     /* guest kernels that have a filter of their own */
#define TRACE_CALLS 4096    /* call numbers that a filter can name */
#define TRACE_RECORD 16384U /* no record is larger */

struct trace_area {
    u64 magic;
    u32 version, off; /* off: nobody reads any more, guests stop writing */
    u32 lossy;        /* a full ring: 0 wait, 1 drop and count */
    u32 only;         /* TRACE_ONLY_* */
    u64 least_duration; /* ns: shorter calls are not recorded */
    u32 slots, text_limit;
    u64 slot_size, ring_size; /* ring_size: a power of two; the ring follows the slot's first page */
    u64 refused;      /* calls of threads that found no free slot */
    u32 next_slot;    /* no slot from here on was ever claimed */
    u32 pad;
    u8 rest[PAGE - 72];
    u8 wanted[TRACE_KERNELS][TRACE_CALLS];
};
#define TRACE_ONLY_FAILED 1
#define TRACE_ONLY_SUCCESSFUL 2

struct trace_slot {
    u32 state; /* SLOT_* */
    s32 pid, tid;
    u32 waiting; /* futex: the writer sleeps until the reader has made room */
    u64 dropped;
    u32 kernel; /* index in trace_tables */
    u8 pad0[36];
    u64 head;    /* bytes ever written; records up to here are complete */
    u64 open;    /* head + 1: the record at head is of a call in progress */
    u8 pad1[48];
    u64 tail;    /* bytes ever read */
};
#define SLOT_FREE 0
#define SLOT_USED 1
#define SLOT_ENDED 2 /* its thread has gone; free once it is empty */

struct trace_record {
    u32 size; /* with everything that follows; a multiple of 8 */
    u8 kind;  /* RECORD_* */
    u8 state; /* STATE_* */
    u8 arguments, captures;
    u32 number; /* call, guest signal, tid or status */
    u32 kernel; /* index in trace_tables */
    u64 start, duration; /* ns of CLOCK_MONOTONIC */
    s64 result;          /* as handlers return it */
    u64 second;
    u64 values[]; /* the arguments; then the captures, each padded to 8 */
};
#define RECORD_PAD 0
#define RECORD_CALL 1
#define RECORD_SIGNAL 2 /* values: host si_code, first and second word of its payload */
#define RECORD_THREAD 3 /* values: pid, parent's pid, CLOCK_REALTIME ns; captures: executable, kernel */
#define RECORD_END 4    /* of the process; result 0: exit status `number`, 1: guest signal `number` */
#define STATE_OPEN 0
#define STATE_DONE 1
#define STATE_NO_RETURN 2 /* the call leaves in another way: exit, sigreturn */

struct trace_capture { /* what one argument pointed at */
    u8 argument, flags;
    u16 pad;
    u32 length; /* bytes that follow, before padding */
};
#define CAPTURE_OUT 1       /* taken at the call's end */
#define CAPTURE_TRUNCATED 2 /* there was more */
#define CAPTURE_FAULT 4     /* the address is not readable */

_Static_assert(offsetof(struct trace_area, wanted) == PAGE, "layout.py");
_Static_assert(offsetof(struct trace_slot, head) == 64, "layout.py");
_Static_assert(offsetof(struct trace_slot, tail) == 128, "layout.py");
_Static_assert(sizeof(struct trace_record) == 48, "layout.py");
_Static_assert(sizeof(struct trace_capture) == 8, "layout.py");

/* ---- generated: what to capture per call ------------------------------------------------------- */

struct trace_argument {
    u8 argument, kind, when;
    u8 length; /* the argument that counts, or TRACE_CONSTANT */
    u32 size;  /* bytes of one */
    u8 flags;
};
#define TRACE_STRING 0
#define TRACE_STRINGS 1 /* a NULL-terminated list */
#define TRACE_COUNT 2   /* how long such a list is: the environment is nobody's business */
#define TRACE_BYTES 3
#define TRACE_ENTRY 1
#define TRACE_EXIT 2
#define TRACE_CONSTANT 255
#define TRACE_NARROW 1  /* the counting argument has 32 bits */
#define TRACE_POINTED 2 /* ... is the address of a u32 */
#define TRACE_RESULT 4  /* not more than the call's result says */
#define TRACE_SHORT 8   /* a buffer: text_limit applies */

struct trace_call {
    const struct trace_argument *arguments;
    u32 count;
};
struct trace_table {
    const char *kernel;
    const struct trace_call *calls;
    u32 limit;
};
extern const struct trace_table trace_tables[]; /* a NULL kernel ends it */

/* ---- between the files -------------------------------------------------------------------------- */

extern struct trace_area *trace_area; /* NULL: not traced */

/* Maps the area; `slot` >= 0: this thread had it before its exec.  A bad descriptor means no trace. */
void trace_boot(struct thread *t, int fd, int slot);
int trace_descriptor(void);
int trace_slot_index(const struct thread *t);
/* Around a call; trace_leave only when trace_enter said so. */
bool trace_enter(struct thread *t, u64 number, const u64 *a, const struct call_entry *entry);
void trace_leave(struct thread *t, const struct frame *f, u64 number, const u64 *a,
                 const struct call_entry *entry, long result);
void trace_signal(struct thread *t, const struct delivery *d);
void trace_death(struct thread *t, int host_signal);

u8 *trace_capture(struct trace_record *r, u8 *at, const struct trace_argument *what, const u64 *a, long result);
u8 *trace_capture_text(struct trace_record *r, u8 *at, u32 argument, const char *text);

#endif
