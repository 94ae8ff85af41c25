/* Records of the trace rings, as the runtime writes them, recordings keep them and readers find them.
 *
 * Included by the runtime and by personality/core_tally.c, so it knows of neither.
 * personality/tracing/layout.py mirrors it; a test compares the two. */
#ifndef GUISE_TRACE_RECORDS_H
#define GUISE_TRACE_RECORDS_H

#include <stddef.h>
#include <stdint.h>

struct trace_record {
    uint32_t size; /* with everything that follows; a multiple of 8 */
    uint8_t kind;  /* RECORD_* */
    uint8_t state; /* STATE_* */
    uint8_t arguments, captures;
    uint32_t number;        /* call, guest signal, tid, status, descriptor */
    uint16_t kernel, flags; /* index in trace_tables; TAMPERED_*, UNDECIDED */
    uint64_t start, duration; /* ns of CLOCK_MONOTONIC */
    int64_t result;           /* as handlers return it */
    uint64_t second;
    uint64_t values[]; /* the arguments; then the captures, each padded to 8 */
};
#define RECORD_PAD 0
#define RECORD_CALL 1
#define RECORD_SIGNAL 2 /* values: host si_code, first and second word of its payload */
#define RECORD_THREAD 3 /* values: pid, parent's pid, CLOCK_REALTIME ns; captures: executable, kernel */
#define RECORD_END 4    /* of the process; result 0: exit status `number`, 1: guest signal `number` */
#define RECORD_USAGE 5  /* of the process so far; number 0: it begins, 1: it ends; values: USAGE_* */
#define RECORD_DESCRIPTOR 6 /* what one stands for: CAPTURE_DESCRIPTOR */
#define RECORD_LOST 7       /* `number` calls of this thread were dropped before this */
#define RECORD_MAPPING 8    /* executable memory: values low, high, offset in the file; capture: its path */
#define STATE_OPEN 0
#define STATE_DONE 1
#define STATE_NO_RETURN 2 /* the call leaves in another way: exit, sigreturn */

#define TAMPERED_RESULT 1 /* the call was not made: this result was ordered */
#define TAMPERED_DELAY 2
#define TAMPERED_SIGNAL 4
#define TAMPERED_ARGUMENT 8
#define TAMPERED_MEMORY 16
#define UNDECIDED 0x8000 /* of a call in progress: whether it is wanted depends on its result */

#define USAGE_USER 0 /* ns */
#define USAGE_SYSTEM 1
#define USAGE_MINOR_FAULTS 2
#define USAGE_MAJOR_FAULTS 3
#define USAGE_VOLUNTARY_SWITCHES 4
#define USAGE_INVOLUNTARY_SWITCHES 5
#define USAGE_RESIDENT 6 /* most bytes at a time */
#define USAGE_STORAGE_READ 7 /* bytes */
#define USAGE_STORAGE_WRITTEN 8
#define USAGE_VALUES 9

struct trace_capture { /* what one argument pointed at */
    uint8_t argument, flags;
    uint16_t pad;
    uint32_t length; /* bytes that follow, before padding */
};
#define CAPTURE_OUT 1       /* taken at the call's end */
#define CAPTURE_TRUNCATED 2 /* there was more */
#define CAPTURE_FAULT 4     /* the address is not readable */
#define CAPTURE_NESTED 8    /* behind a pointer in a struct: the first 8 bytes are its address */
#define CAPTURE_STACK 250   /* instead of an argument: rip, rsp, rbp, rbx, r12 to r15, then the stack from rsp on */
#define CAPTURE_HOST 251    /* struct trace_host_call of each host call behind this one */
#define CAPTURE_DESCRIPTOR 252 /* struct trace_descriptor: one that the call has made */

struct trace_descriptor { /* then that many bytes: its link in /proc, a socket's own and its peer's address */
    uint32_t number, link, local, peer;
    uint32_t domain, type, protocol, pad;
};

struct trace_host_call {
    uint64_t number, arguments[6];
    int64_t result;
};

_Static_assert(sizeof(struct trace_record) == 48, "layout.py");
_Static_assert(sizeof(struct trace_capture) == 8, "layout.py");
_Static_assert(sizeof(struct trace_host_call) == 64, "layout.py");
_Static_assert(sizeof(struct trace_descriptor) == 32, "layout.py");

#endif
