/* The trace area: memory that guests write records of their calls into and a reader outside empties.
 *
 * One memfd, mapped shared by every guest process of a run.  Each thread claims a slot of its own, a
 * ring with one writer and one reader, so that writing needs no lock.  The reader also leaves a policy
 * there: which calls are wanted, on what conditions, and what is to be done to them.
 * personality/tracing/layout.py mirrors this file; tests compare the two. */
#ifndef GUISE_TRACE_H
#define GUISE_TRACE_H

#include "runtime.h"
#include "trace_records.h"

#define TRACE_MAGIC 0x4543415254455547UL /* "GUETRACE" */
#define TRACE_VERSION 2
#define TRACE_KERNELS 8     /* guest kernels that have a policy of their own */
#define TRACE_CALLS 4096    /* call numbers that a policy can name */
#define TRACE_RECORD 32768U /* no record is larger */

struct trace_area {
    u64 magic;
    u32 version, off; /* off: nobody reads any more, guests stop writing */
    u32 full;         /* FULL_*: what a thread does whose ring is full */
    u32 options;      /* TRACE_WITH_* */
    u32 slots, large_slots; /* the first ones are large */
    u32 text_limit, stack_limit;
    u64 slots_at;               /* from the start of the area */
    u64 large_ring, small_ring; /* powers of two; a ring follows its slot's first page */
    u64 refused;      /* calls of threads that found no free slot */
    u32 next_slot;    /* no slot from here on was ever claimed */
    u32 unmapped;     /* processes that had no room for the area */
    u64 tick_rate;    /* ns per tick of the processor's counter, times 2^32; 0: it is not to be trusted */
    u32 reader_rests; /* futex, 1: the reader sleeps until a ring is half full, or is about to */
    u8 rest[PAGE - 92];
    u16 wanted[TRACE_KERNELS][TRACE_CALLS]; /* 0: no; 1: yes; else if program n - 2 says so */
    u16 tamper[TRACE_KERNELS][TRACE_CALLS]; /* 0: no; else rules from n - 1 on */
    u32 programs, automata, rules, counters; /* from the start of the area: what follows below */
};
#define FULL_WAIT 0
#define FULL_DROP 1      /* and count */
#define FULL_OVERWRITE 2 /* what is oldest */
#define TRACE_WITH_NAMES 1       /* what descriptors stand for */
#define TRACE_WITH_STACKS 2
#define TRACE_WITH_HOST_CALLS 4
#define TRACE_WITH_ENVIRONMENT 8 /* its names... */
#define TRACE_WITH_VALUES 16     /* ... and its values */

struct trace_slot {
    u32 state; /* SLOT_* */
    s32 pid, tid;
    u32 waiting; /* futex: the writer sleeps until the reader has made room */
    u64 dropped, reported;
    u32 kernel; /* index in trace_tables */
    u32 pad0;
    u64 ring_size;
    u8 pad1[16];
    u64 head;    /* bytes ever written; records up to here are complete */
    u64 open;    /* head + 1: the record at head is of a call in progress */
    u64 clock_ticks, clock_ns, clock_latest; /* trace_clock.c */
    u64 look_at; /* up to here the writer may go without looking at the tail, which is in the reader's cache */
    u8 pad2[16];
    u64 tail;    /* bytes ever read, or given up */
    u8 pad3[376];
    u8 introduction[2048]; /* the record of who the thread is */
};
#define SLOT_FREE 0
#define SLOT_USED 1
#define SLOT_ENDED 2 /* its thread has gone; free once it is empty */

_Static_assert(offsetof(struct trace_area, tick_rate) == 80, "layout.py");
_Static_assert(offsetof(struct trace_area, reader_rests) == 88, "layout.py");
_Static_assert(offsetof(struct trace_area, wanted) == PAGE, "layout.py");
_Static_assert(offsetof(struct trace_slot, head) == 64, "layout.py");
_Static_assert(offsetof(struct trace_slot, tail) == 128, "layout.py");
_Static_assert(offsetof(struct trace_slot, introduction) == 512, "layout.py");

/* ---- the policy: conditions on a call, in three values because its result comes last ------------ */

struct trace_op { /* a program is a list of these in postfix order */
    u8 kind;     /* OP_* */
    u8 argument;
    u8 compare;  /* COMPARE_* */
    u8 width;    /* bytes of a number, or'd with WIDTH_* */
    u32 operand; /* an automaton, or a member's offset */
    u64 value;
};
#define OP_END 0
#define OP_AND 1
#define OP_OR 2
#define OP_NOT 3
#define OP_CONSTANT 4 /* value: FALSE, TRUE or UNKNOWN */
#define OP_ARGUMENT 5
#define OP_MEMBER 6 /* of the struct that an argument points at */
#define MEMBER_OF_RESULT 0x80000000U /* in `operand`: the call fills the struct */
#define OP_STRING 7
#define OP_BYTES 8 /* value: how many, or with WIDTH_COUNTED the argument that says it */
#define BYTES_OF_RESULT 1 /* in `compare`: the call fills them */
#define OP_NAME 9  /* what the descriptor stands for */
#define OP_RESULT 10
#define OP_FAILED 11
#define OP_DURATION 12
#define OP_PROCESS 13
#define OP_THREAD 14
#define WIDTH_SIGNED 0x40
#define WIDTH_BIG_ENDIAN 0x80
#define WIDTH_COUNTED 0x80
#define COMPARE_EQUAL 0
#define COMPARE_DIFFERENT 1
#define COMPARE_LESS 2
#define COMPARE_LESS_OR_EQUAL 3
#define COMPARE_MORE 4
#define COMPARE_MORE_OR_EQUAL 5
#define COMPARE_ANY_BIT 6
#define COMPARE_ALL_BITS 7
#define TRUTH_FALSE 0
#define TRUTH_TRUE 1
#define TRUTH_UNKNOWN 2

struct trace_automaton { /* a regular expression, made deterministic by the reader */
    u32 classes, states;
    u8 class_of[256];
    /* u8 ending[states] (AUTOMATON_*), padded to 2; then u16 next[states][classes] */
};
#define AUTOMATON_MATCHED 1   /* whatever follows */
#define AUTOMATON_MATCHES 2   /* if the text ends here */
#define AUTOMATON_HOPELESS 4

struct trace_rule { /* what is to be done to a call; the same order for several calls shares a counter */
    u32 condition; /* program + 1, or 0: always */
    u32 counter;
    u32 actions; /* TAMPERED_* */
    s32 signal;  /* the host's number */
    s64 result;
    u64 first, last, step; /* which of the calls that meet the condition, counted from 1 */
    u64 delay_before, delay_after; /* ns */
    u64 new_argument;
    u32 memory_at, memory_length, memory_offset; /* bytes of the area, to where an argument points */
    u8 argument, memory_argument, memory_after, more; /* more: another rule for the same call follows */
};
_Static_assert(sizeof(struct trace_op) == 16, "layout.py");
_Static_assert(sizeof(struct trace_automaton) == 264, "layout.py");
_Static_assert(sizeof(struct trace_rule) == 88, "layout.py");
#define TRACE_FIRED 8 /* rules that one call can meet */

/* ---- generated: what to capture per call ------------------------------------------------------- */

struct trace_struct;
struct trace_pointer { /* a member of a struct that points at more */
    u16 at, count_at;
    u8 count_size; /* bytes of the member that counts; 0: one */
    u8 flags;      /* TRACE_SHORT, TRACE_NAMES_BYTES */
    u32 size;      /* of one element */
    const struct trace_struct *shape;
};
struct trace_struct {
    u32 size, count;
    const struct trace_pointer *pointers;
};
struct trace_argument {
    u8 argument, kind, when;
    u8 length; /* the argument that counts, or TRACE_CONSTANT */
    u32 size;  /* bytes of one */
    u16 flags;
    const struct trace_struct *shape; /* what is behind the pointers in it */
};
#define TRACE_STRING 0
#define TRACE_STRINGS 1 /* a NULL-terminated list */
#define TRACE_SETTINGS 2 /* such a list that holds secrets: its length, unless asked for */
#define TRACE_BYTES 3
#define TRACE_ENTRY 1
#define TRACE_EXIT 2
#define TRACE_CONSTANT 255
#define TRACE_NARROW 1  /* the counting argument has 32 bits */
#define TRACE_POINTED 2 /* ... is the address of a u32 */
#define TRACE_RESULT 4  /* not more than the call's result says */
#define TRACE_SHORT 8   /* a buffer: text_limit applies */
#define TRACE_FDS 16    /* descriptors that the call has made */
#define TRACE_FILLED 32 /* the result counts the bytes behind its pointers */
#define TRACE_BITS 64   /* the counting argument counts bits */
#define TRACE_EACH 128  /* ... counts bytes, and the result elements */
#define TRACE_POLLED 256 /* each element begins with a descriptor */

struct trace_request { /* what the third argument of an ioctl is */
    u32 number;
    u8 count; /* of the captures */
    const struct trace_argument *arguments;
};
struct trace_call {
    const struct trace_argument *arguments;
    u8 count;
    u8 descriptors; /* bit n: argument n is one */
    u8 flags;       /* CALL_MAKES_FD... */
    u8 selector;    /* the argument that chooses among `requests` */
    u32 request_count;
    const struct trace_request *requests; /* in order of their numbers */
};
#define TRACED_FD_RESULT 1 /* the result is a descriptor */
#define TRACED_FDS 4       /* arguments lead to descriptors that it has made */
#define TRACED_RENAMES 2   /* descriptors in its arguments are something else afterwards */
#define TRACED_CHANGES (TRACED_FD_RESULT | TRACED_FDS | TRACED_RENAMES)
#define TRACED_SETS 8      /* arguments lead to descriptors that it asks about */
struct trace_table {
    const char *kernel;
    const struct trace_call *calls;
    u32 limit;
};
extern const struct trace_table trace_tables[]; /* a NULL kernel ends it */

/* ---- what the core calls ------------------------------------------------------------------------- */

extern struct trace_area *trace_area; /* NULL: not traced */
extern u32 host_calls_wanted;         /* entry.S */

/* Maps the area; `slot` >= 0: this thread had it before its exec.  A bad descriptor means no trace. */
void trace_boot(struct thread *t, int fd, int slot);
int trace_descriptor(void);
int trace_slot_index(const struct thread *t);
/* Around a call.  trace_enter says what is to happen: trace_leave only with TRACE_LEAVE. */
u32 trace_enter(struct thread *t, struct frame *f, u64 number, u64 *a, const struct call_entry *entry, long *result);
void trace_leave(struct thread *t, const struct frame *f, u64 number, const u64 *a, const struct call_entry *entry,
                 long result);
#define TRACE_LEAVE 1
#define TRACE_ANSWERED 2 /* with *result, in place of the handler */
void trace_signal(struct thread *t, const struct delivery *d);
void trace_death(struct thread *t, int host_signal);

/* ---- between the files of the trace --------------------------------------------------------------- */

u64 trace_now(int clock);
u64 trace_time_again(struct trace_slot *s);
void trace_fast_calls(struct thread *t);
struct trace_slot *trace_slot_claim(struct thread *t); /* NULL: none is free */
struct trace_record *trace_reserve(struct trace_slot *s, u32 kind, u32 number); /* NULL: it is not to be */
void trace_commit_open(struct trace_slot *s);

u8 *trace_capture(struct trace_record *r, u8 *at, const struct trace_argument *what, const u64 *a, long result);
u8 *trace_capture_text(struct trace_record *r, u8 *at, u32 argument, const char *text);
u8 *trace_capture_block(struct trace_record *r, u8 *at, u32 argument, const void *data, u64 length);
u8 *trace_capture_stack(struct trace_record *r, u8 *at, const struct frame *f);
u8 *trace_capture_host_calls(struct trace_record *r, u8 *at, struct thread *t);

u32 trace_judge(struct thread *t, u32 program, const u64 *a, bool ended, long result, u64 duration);
bool trace_matches(u32 automaton, const u8 *text, u64 length);

#define TRACE_HOST_CALLS 24 /* of one guest call; the rest is not kept */
struct trace_thread { /* about the call in progress */
    u32 undecided; /* program + 1 that has to see the result */
    u32 fired_count, tampered; /* TAMPERED_* */
    const struct trace_rule *fired[TRACE_FIRED];
    u32 host_recording, host_count;
    struct trace_host_call host[TRACE_HOST_CALLS];
};
void trace_executed(struct thread *t, struct trace_slot *s);
struct trace_thread *trace_thread_of(struct thread *t); /* NULL: no memory */
bool trace_tamper_before(struct thread *t, u64 first_rule, u64 *a, long *result);
void trace_tamper_after(struct thread *t, const u64 *a);

void trace_names_before(struct trace_slot *s, const struct trace_call *row, const u64 *a);
u8 *trace_names_after(struct trace_record *r, u8 *at, const struct trace_call *row, const u64 *a, long result);
void trace_names_failed(const struct trace_call *row, const u64 *a, long result);
u32 trace_name_matches(int fd, u32 automaton);
void trace_names_forget(void);
long trace_name(int fd, char *to, size_t room);

void trace_mappings(struct trace_slot *s);
void trace_mappings_changed(void);

/* ---- what every recorded call goes through ---------------------------------------------------------- */

#define TRACE_TICKS (1UL << 22) /* a reading of the host's clock is good for that long: one or two milliseconds */

/* Now, in ns of CLOCK_MONOTONIC, never earlier than this thread's last answer. */
static inline u64 trace_time(struct trace_slot *s)
{
    u64 rate = __atomic_load_n(&trace_area->tick_rate, __ATOMIC_RELAXED);
    u64 since = __builtin_ia32_rdtsc() - s->clock_ticks;
    if (__builtin_expect(since > TRACE_TICKS || rate == 0, 0))
        return trace_time_again(s);
    u64 now = s->clock_ns + (since * rate >> 32);
    if (now > s->clock_latest)
        s->clock_latest = now;
    return s->clock_latest;
}

static inline const struct trace_call *trace_row(u32 kernel, u64 number)
{
    const struct trace_table *table = &trace_tables[kernel];
    return table->kernel != NULL && number < table->limit ? &table->calls[number] : NULL;
}

static inline struct trace_slot *trace_slot_of(struct thread *t)
{
    return t->trace_ring != 0 ? (struct trace_slot *)t->trace_ring : trace_slot_claim(t);
}

static inline struct trace_record *trace_record_at(const struct trace_slot *s, u64 position)
{
    return (struct trace_record *)((u8 *)s + PAGE + (position & (s->ring_size - 1)));
}

static inline bool trace_is_open(const struct trace_slot *s) { return s->open == s->head + 1; }

static inline void trace_commit(struct trace_slot *s, struct trace_record *r, const u8 *end)
{
    r->size = (u32)(end - (u8 *)r);
    __atomic_store_n(&s->head, s->head + r->size, __ATOMIC_RELEASE);
}

#endif
