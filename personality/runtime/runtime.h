/* The runtime: freestanding C that lives inside each guest process.
 *
 * What every file of it shares: the guest's registers at a call, the state of a thread and of a
 * process, host calls, access to guest memory, locks, hooks and upcalls.  There is no libc, no
 * thread-local storage and no vector register here: a real system call preserves all of them.
 *
 * Results follow the Linux kernel's convention everywhere: a value, or -errno in the host's
 * numbering.  An errno that only the guest's kernel has is returned as GUEST_ERRNO(n).  The
 * personality turns either into what its guests expect (the BSDs: carry flag and %rax).
 */
#ifndef GUISE_RUNTIME_H
#define GUISE_RUNTIME_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <asm/unistd.h>
#include <asm-generic/errno.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define PAGE 4096UL
#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define UNUSED __attribute__((unused))

/* A table of which a process touches little: it lies behind all that is small, which then shares pages. */
#define LARGE __attribute__((section(".lbss.tables")))

/* ---- results ------------------------------------------------------------------------------- */

#define MAX_HOST_ERRNO 4095
/* An errno by the guest's own number, for those the host does not have (FreeBSD: ENOTCAPABLE). */
#define GUEST_ERRNO(n) (-(8192L - (n)))
static inline bool is_guest_errno(long r) { return r < -4096 && r >= -8192; }
static inline long guest_errno_of(long r) { return r + 8192; }
static inline bool is_error(long r) { return (unsigned long)r >= (unsigned long)-8192L; }
/* Internal: interrupted before anything happened.  The call runs again after the guest's handler
 * if that was installed with SA_RESTART, and fails with EINTR otherwise. */
#define RESTART (-512L)
/* The handler has put the result into the registers itself: a negative number that is no error. */
#define RESULT_IN_FRAME (-514L)
/* Internal: runs again after the guest's handler however that was installed. */
#define RESTART_ALWAYS (-513L)

/* ---- the guest's registers at a call, in the order that entry.S stores them ------------------ */

struct frame {
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
    u64 rax; /* call number on entry, result on exit */
    u64 rcx, rdx, rsi, rdi;
    u64 rip; /* of the instruction after the guest's syscall */
    u64 rflags;
    u64 rsp;
    u64 number; /* the call number, kept when rax is overwritten: a restart needs it */
    u64 restore_all; /* leave through the host's rt_sigreturn, so that rcx and r11 come back too */
};

#define MAX_ARGUMENTS 8

struct thread;
struct process;
struct personality;

/* A call served in C.  `a` holds the arguments in order, whatever register or stack slot they
 * came from.  A handler may set f->rdx for a second result. */
typedef long (*call_handler)(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS]);

struct call_entry {
    u16 handler; /* in the personality's list; NULL there: not served, the guest gets its own ENOSYS */
    u8 arguments;
    u8 flags;
};
#define CALL_NO_RESULT 1 /* the handler set the registers itself (sigreturn, setcontext) */
#define CALL_UPCALL 2    /* served by the supervisor */

/* ---- locks: a futex word; all are taken around fork ------------------------------------------- */

struct lock {
    u32 word; /* 0 free, 1 held, 2 held and somebody waits */
};
#define RUNTIME_LOCK(name) \
    static struct lock name __attribute__((section("runtime_locks"), used, aligned(4)))
/* A lock under which no other is taken; an ordinary one may be held meanwhile. */
#define RUNTIME_LEAF_LOCK(name) \
    static struct lock name __attribute__((section("runtime_leaf_locks"), used, aligned(4)))
void lock_acquire(struct lock *l);
void lock_release(struct lock *l);

/* ---- hooks: a module registers itself, the core names none of them --------------------------- */

typedef void (*fd_hook)(struct thread *t, int fd);
typedef void (*thread_hook)(struct thread *t);
#ifdef GUISE_PERSONALITY /* a personality's files: their hooks run for its guests alone */
extern const struct personality GUISE_PERSONALITY;
#define HOOK_OWNER &GUISE_PERSONALITY
#else
#define HOOK_OWNER NULL
#endif
#define HOOK_TYPE(type) struct { type run; const struct personality *owner; }
#define HOOK(section_name, type, fn)                                                                    \
    static const HOOK_TYPE(type) fn##_hook __attribute__((section(section_name), used, aligned(8))) = { \
        fn, HOOK_OWNER}
/* The guest is about to close fd (close, dup2 over it, closefrom...). */
#define ON_FD_CLOSE(fn) HOOK("hook_fd_close", fd_hook, fn)
/* In the child of a fork, before any guest code, all runtime locks free. */
#define ON_FORK_CHILD(fn) HOOK("hook_fork_child", thread_hook, fn)
/* A thread is about to end. */
#define ON_THREAD_EXIT(fn) HOOK("hook_thread_exit", thread_hook, fn)
/* The process is about to end with this status. */
typedef void (*exit_hook)(struct thread *t, int status);
#define ON_PROCESS_EXIT(fn) HOOK("hook_process_exit", exit_hook, fn)
/* execve is about to replace this program. */
#define ON_EXEC(fn) HOOK("hook_exec", thread_hook, fn)
/* A signal that is no fault reached this thread, whatever its action is: runs in the host's
 * handler, so no locks. */
typedef void (*signal_hook)(struct thread *t, int host_signal);
#define ON_SIGNAL(fn) HOOK("hook_signal", signal_hook, fn)
/* Whether a module has to hear of a signal even while the guest ignores or blocks it.  No locks. */
typedef bool (*signal_query)(struct thread *t, int host_signal);
#define WANTS_SIGNAL(fn) HOOK("hook_wants_signal", signal_query, fn)
void fd_closing(struct thread *t, int fd); /* runs the ON_FD_CLOSE hooks */

/* ---- signals -------------------------------------------------------------------------------- */

#define HOST_SIGNALS 64
#define GUEST_SIGNALS 128

struct siginfo_host { /* the host's siginfo_t, 128 bytes */
    s32 signo, code_errno, code, pad;
    union {
        u64 raw[14];
        struct { s32 pid, uid; u64 value; } rt;
        struct { s32 timerid, overrun; u64 value; } timer;
        struct { s32 pid, uid, status; u64 utime, stime; } chld;
        struct { u64 addr; s16 addr_lsb; } fault;
        struct { s64 band; s32 fd; } poll;
        struct { u64 call_addr; s32 syscall; u32 arch; } sys;
    };
};
/* The kernel's order is signo, errno, code. */

#include "debuggee.h"

struct guest_action {
    u64 handler; /* GUEST_SIG_DFL, GUEST_SIG_IGN or an address */
    u64 mask;    /* host signal bits blocked while it runs */
    u32 flags;   /* ACTION_* */
    u32 guest_flags;
    u64 extra; /* personality's own (Linux: sa_restorer) */
};
#define GUEST_SIG_DFL 0
#define GUEST_SIG_IGN 1
#define ACTION_ONSTACK 1
#define ACTION_RESTART 2
#define ACTION_RESETHAND 4
#define ACTION_NODEFER 8
#define ACTION_SIGINFO 16
#define ACTION_NOCLDSTOP 32
#define ACTION_NOCLDWAIT 64

static inline u64 signal_bit(int host_signal) { return 1UL << (host_signal - 1); }

/* ---- a thread: one page-aligned area each, found through %gs --------------------------------- */

#define QUEUED_SIGNALS 8
#define WAIT_ENDS_ARMED 1
#define WAIT_ENDS_TAKEN 2 /* it did, so that its caller can tell from a signal's EINTR */

struct alt_stack {
    u64 base, size;
    u32 enabled;
};

struct thread {
    struct thread *self;      /* %gs:0 */
    u64 saved_rsp;            /* %gs:8   guest %rsp on entry */
    u64 runtime_stack;        /* %gs:16  where the runtime's stack starts */
    u64 entry_scratch;        /* %gs:24  guest %rip on entry */
    u32 signal_pending;       /* %gs:32  a signal waits for the call's exit */
    u32 signals_held;         /* %gs:36  the host mask blocks all, until the exit restores it */
    struct frame *frame;      /* %gs:40  the call in progress */
    u64 not_entered;          /* %gs:48  the last RESTART came before the host began the call */
    u32 next_wait_ends;       /* %gs:56  WAIT_ENDS_*: the next wait fails with EINTR */
    s32 reserved_base;        /* %gs:60  process->reserved_base */
    u64 fast_return;          /* %gs:64  of a call in fast.S: where it goes back to, */
    u64 fast_number;          /* %gs:72  its number, */
    u64 fast_flags;           /* %gs:80  and the guest's flags: lahf, seto */
    struct shown_cpu *shown_cpu; /* %gs:88  NULL where no guest looks */
    const struct personality *personality;
    struct process *process;
    struct thread *next, *previous; /* process->threads */
    u64 area, area_size;      /* what to unmap when it ends */
    u32 area_in_use;          /* of an area that is kept: its thread has not quite left it */
    u64 host_alt_stack, host_alt_size;
    s32 tid;
    u64 mask;                 /* the guest's signal mask, as host bits: what the host has while guest code runs */
    u64 suspended_mask;       /* mask to put back after sigsuspend, pselect, ppoll */
    u32 has_suspended_mask;
    struct siginfo_host queue[QUEUED_SIGNALS]; /* arrived inside the runtime, or blocked faults sent by kill */
    u32 queued;
    struct alt_stack alt;     /* the guest's own sigaltstack: virtual */
    u64 guest_fs_base, guest_gs_base;
    u32 in_vfork_child;       /* or of another that shares its parent's memory and has a process of its own */
    struct thread *next_sharer;
    u32 vfork_executed;       /* this child of vfork left the parent's memory by an exec, not by its end */
    void *exec_memory;        /* what a vfork child allocated for its exec: the parent frees it */
    u64 clear_tid;            /* guest address to zero and wake when the thread ends, or 0 */
    u64 fault_address, fault_trap, fault_error; /* of the last fault: %cr2, vector, error code */
    u64 call_number;          /* of the call in progress, indirect ones resolved */
    u64 xstate;               /* 64-byte aligned area for the vector state of a deferred delivery or return */
    u64 return_frame;         /* where a host signal frame is built to leave with every register */
    void *personal;           /* the personality's own state of this thread */
    u64 trace_ring;
    void *trace_state; /* of trace.c */
    struct park *park;   /* while it is debugged and stopped */
    u32 debug_suspended; /* the debugger holds it when the others go on */
    u32 debug_gone;      /* ... has seen it end */
    u32 awaits_child;    /* of a vfork: it cannot be told to stop, and does nothing */
    u32 step_whole;      /* the debugger wants one guest instruction, and no way back to the guest, stepped */
    s32 forked;          /* the child that the call in progress has made */
    u32 forked_kind;
    u32 vector_changed;  /* by the debugger: what is in xstate is to be loaded */
};

struct process {
    const struct personality *personality;
    s32 pid;
    u32 engine; /* ENGINE_* */
    int control_fd, runtime_fd, plans_fd, reserved_base, reserved_count;
    struct guest_action actions[HOST_SIGNALS + 1]; /* by host signal number */
    struct thread *threads;
    u32 thread_count;
    u64 image_low, image_high, interpreter_base, entry;
    u64 stack_top;          /* highest address of the guest's main stack */
    u64 break_base, break_end, break_mapped;
    u64 ps_strings;
    u32 release;            /* guest kernel release, as its own number (osreldate): asked for, or the image's */
    u32 asked_release;      /* 0: each program gets what its image says */
    u32 run_release;        /* asked of the whole run: for those of its programs that are of release_of */
    char release_of[16];
    char assumed[16];       /* the host's programs are guests too, of the kernel of this name; or empty */
    u32 no_patch;
    int program_fd;         /* the file of its program, if the personality keeps it: -1 */
    u32 processors;         /* of the machine, as the supervisor counts them; 0: not told */
    bool shares_descriptors; /* with a process that has other memory: rfork */
    bool is_traced;         /* by a guest: what it executes is the host's to execute, if it can */
    u64 xstate_size, xstate_mask;
    char executable[1024];  /* the guest's path of its program */
    void *personal;         /* the personality's own state of this process */
    struct debuggee debug;
};

/* Where a guest looks on which processor a thread runs, and how often it has given one up. */
struct shown_cpu {
    s32 cpu; /* ON_NO_CPU while it waits */
    u32 given_up;
};
#define ON_NO_CPU (-1)
#define ENGINE_NATIVE 0
#define ENGINE_PTRACE 1

static inline struct thread *current_thread(void)
{
    struct thread *t;
    __asm__("movq %%gs:0, %0" : "=r"(t));
    return t;
}

/* ---- host calls ------------------------------------------------------------------------------ */

/* Never interrupted half-way by a guest signal: for steps inside a larger operation. */
long host_call6(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
/* For calls that can block: returns RESTART if a guest signal came in before the kernel did
 * anything, and whatever the kernel says (EINTR included) otherwise. */
long host_interruptible6(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

#define HOST_N(_0, _1, _2, _3, _4, _5, _6, name, ...) name
#define U(x) ((u64)(x))
#define HC0(fn, n) fn(n, 0, 0, 0, 0, 0, 0)
#define HC1(fn, n, a) fn(n, U(a), 0, 0, 0, 0, 0)
#define HC2(fn, n, a, b) fn(n, U(a), U(b), 0, 0, 0, 0)
#define HC3(fn, n, a, b, c) fn(n, U(a), U(b), U(c), 0, 0, 0)
#define HC4(fn, n, a, b, c, d) fn(n, U(a), U(b), U(c), U(d), 0, 0)
#define HC5(fn, n, a, b, c, d, e) fn(n, U(a), U(b), U(c), U(d), U(e), 0)
#define HC6(fn, n, a, b, c, d, e, f) fn(n, U(a), U(b), U(c), U(d), U(e), U(f))
/* host(__NR_read, fd, buf, n) and host_intr(__NR_read, fd, buf, n): 0 to 6 arguments */
#define host(...) HOST_N(__VA_ARGS__, HC6, HC5, HC4, HC3, HC2, HC1, HC0)(host_call6, __VA_ARGS__)
#define host_intr(...) \
    HOST_N(__VA_ARGS__, HC6, HC5, HC4, HC3, HC2, HC1, HC0)(host_interruptible6, __VA_ARGS__)

/* ---- guest memory: every access that may fault goes through these; 0 or -EFAULT -------------- */

int copy_in(void *to, u64 guest, size_t n);
int copy_out(u64 guest, const void *from, size_t n);
/* Length without the NUL; -EFAULT; -ENAMETOOLONG if no NUL within `room` bytes. */
long copy_in_string(char *to, u64 guest, size_t room);
int get_u32(u64 guest, u32 *value);
int get_u64(u64 guest, u64 *value);
int put_u32(u64 guest, u32 value);
int put_u64(u64 guest, u64 value);
/* Atomic compare and swap: *seen is what was there (== old: swapped). */
int cas_u32(u64 guest, u32 old, u32 new_value, u32 *seen);
int cas_u64(u64 guest, u64 old, u64 new_value, u64 *seen);

/* ---- the runtime's own memory; both are safe to call from any handler ------------------------ */

void *runtime_alloc(size_t size); /* zeroed; NULL when there is none: return -ENOMEM */
void runtime_free(void *p);

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int format(char *to, size_t room, const char *fmt, ...); /* %s %d %u %x %lx %ld %lu %c %p; returns length */

/* One line of what is mapped.  mode: "rwxp" or "rwxs"; path: "" for memory of no file. */
struct host_mapping {
    u64 low, high, offset, major, minor, inode;
    const char *mode, *path, *line; /* line: all of it, as the host has written it */
};
/* In order of their addresses, until `visit` returns false.  0, or the host's error. */
long each_host_mapping(bool (*visit)(const struct host_mapping *m, void *context), void *context);
long each_mapping_of(s32 pid, bool (*visit)(const struct host_mapping *m, void *context), void *context);

/* The last component of a path. */
static inline const char *last_name(const char *path)
{
    const char *name = path;
    for (; *path != 0; path++)
        if (*path == '/')
            name = path + 1;
    return name;
}

/* ---- descriptors of the runtime's own: the guest must not see them --------------------------- */

static inline bool fd_is_in_reserved(const struct process *p, long fd)
{
    return (u32)((u32)fd - (u32)p->reserved_base) < (u32)p->reserved_count;
}

static inline bool fd_is_reserved(const struct thread *t, long fd) { return fd_is_in_reserved(t->process, fd); }

/* Reserved numbers, as bits from the base, whose descriptors a module opened itself: they end with this
 * program.  All others go on to the next guest. */
extern u32 reserved_own;

/* ---- upcalls: cold calls that the supervisor serves ------------------------------------------ */

struct upcall_result {
    s64 value;      /* as a handler's result */
    u64 second;     /* for %rdx */
    u32 has_second;
    u32 payload;    /* bytes written to `reply` */
    int fds[4];     /* descriptors received, -1 where none; close-on-exec */
};
/* One request to the supervisor and its answer.  kind: UPCALL_*.  Returns 0, or -errno if the
 * supervisor cannot be reached (-ECONNRESET: it is gone). */
long upcall(struct thread *t, u32 kind, const u64 args[MAX_ARGUMENTS], u64 number, const void *payload,
            size_t size, int send_fd, void *reply, size_t room, struct upcall_result *result);
#define UPCALL_CALL 1   /* number and args of a guest call; guest memory is read from outside */
/* args: 1: an interpreter, of a program of this kernel (hash), 1: traced.  payload: path; send_fd: the file;
 * answer: fds[0] the plan */
#define UPCALL_EXEC 2
#define UPCALL_HELLO 3  /* engine ptrace: wait until the tracer is attached */
#define UPCALL_COUNT 4  /* payload: counters of calls that were not served, at exit */

/* Handler that every row served by the supervisor gets. */
long serve_by_upcall(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS]);

/* ---- what one kernel's face consists of: filled in by personality/<kernel>/ ------------------- */

struct delivery {
    int host_signal, guest_signal;
    struct siginfo_host info;
    const struct guest_action *action;
    u64 mask_after;   /* host bits: the mask that the frame must bring back */
    void *xstate;     /* vector state, XSAVE standard form; NULL: initial */
    bool fault;       /* of the running instruction: thread.fault_* describe it */
};

struct start_info {
    int argc;
    char **argv, **envp; /* strings already on the stack */
    u64 stack;           /* build below this address */
    u64 entry, image_base, phdr, phent, phnum, interpreter_base;
    const u8 *random;    /* 16 bytes */
    u64 host_auxv;
    const char *executable;
    u32 secure;
};

struct personality {
    const char *name;
    u32 call_limit;
    const struct call_entry *calls;
    const call_handler *handlers;
    const u16 *names; /* by number: where the name begins in */
    const char *name_text;
    u64 *unserved; /* counter per call number */
    const u16 *fast_calls; /* by number: the host's number + 1 for calls that are its own, or 0; NULL: none */
    bool child_stays_ignored; /* over an exec: SIGCHLD and what else is ignored by default */
    bool keeps_program; /* its file stays open, among the reserved descriptors */
    bool named_as_given; /* a process: by the path that was executed, not by where links and #! led */
    bool carry_means_error; /* in the flags, with a positive errno; otherwise the result is the host's */
    /* Fetch arguments; may change *number (indirect calls).  0 or -errno. */
    int (*decode)(struct thread *t, struct frame *f, u64 *number, u64 a[MAX_ARGUMENTS]);
    /* Put a handler's result into the guest's registers. */
    void (*finish)(struct thread *t, struct frame *f, long result);
    int (*signal_from_host)(int host_signal);  /* 0: the guest has no such signal */
    int (*signal_to_host)(int guest_signal);   /* 0: cannot be represented */
    /* Is this signal ignored by default in the guest (whatever the host would do)? */
    bool (*default_ignored)(int host_signal);
    /* The host signal that stands for what the guest's kernel sends for this fault. */
    int (*fault_signal)(const struct siginfo_host *info, u64 trap);
    /* Build the guest's signal frame and point *f at the handler.  0, or the host signal to die
     * from because the guest's stack cannot take the frame. */
    int (*deliver)(struct thread *t, struct frame *f, const struct delivery *d);
    /* Build the initial stack; set f->rsp, rip, rdi... for the first instruction. 0 or -errno. */
    int (*start)(struct thread *t, struct frame *f, const struct start_info *s);
    int (*init_thread)(struct thread *t, const struct thread *creator);
    void (*end_thread)(struct thread *t);
};
extern const struct personality *const personalities[]; /* generated; NULL ends it */
/* Tables full of addresses that only some processes need: relocated when they are (boot.c).  A kernel's
 * name, or `trace`. */
#define LATE(name) __attribute__((section("late_" #name)))
struct late_part {
    const char *name;
    u64 start, stop;
};
#define LATE_PARTS 16
u32 late_parts(struct late_part to[LATE_PARTS]); /* generated */
const struct personality *find_personality(const char *name);
const char *call_name(const struct personality *p, u64 number); /* "?": none */
extern u32 calls_unserved; /* whether there was any */

/* ---- services of the core that personalities use --------------------------------------------- */

/* New thread sharing everything, starting at f's registers with stack `rsp`; fs_base as the
 * guest's thread pointer.  Returns host tid or -errno.  parent_tid/child_tid: guest addresses of
 * a word of tid_bytes (4 or 8) to store the new tid in before either runs on, or 0. */
long thread_create(struct thread *t, const struct frame *start, u64 fs_base, u64 parent_tid,
                   u64 child_tid, u32 tid_bytes);
/* What a guest of the host's own kind says itself.  flags: the host's CLONE_*, with the exit signal. */
struct clone_request {
    u64 flags, parent_tid, child_tid, tls;
    bool default_actions; /* a child that shares memory begins with no handlers */
};
/* As thread_create; the first result that is no error is the host tid. */
long thread_clone(struct thread *t, const struct frame *start, const struct clone_request *c);
/* The tids of the process's threads, at most `room`; returns how many there are. */
u32 thread_ids(struct process *p, s32 *tids, u32 room);
/* Ends this thread (the process, if it is the last one). */
__attribute__((noreturn)) void thread_exit(struct thread *t);
/* kind FORK_COPY: as fork; FORK_SHARE: as vfork (memory shared, parent waits).  clone_flags: extra
 * host CLONE_* (CLONE_FILES...).  Returns the child's pid in the parent and 0 in the child. */
long process_fork(struct thread *t, struct frame *f, u32 kind, u64 clone_flags);
/* The same with everything said.  A child that shares memory begins at `start`; the parent waits for it only
 * if the flags have CLONE_VFORK. */
long process_clone(struct thread *t, const struct frame *start, u32 kind, const struct clone_request *c);
#define FORK_COPY 0
#define FORK_SHARE 1
/* execve from guest pointers.  fd >= 0: fexecve of that descriptor. Returns only on failure. */
long process_exec(struct thread *t, int fd, u64 path, u64 argv, u64 envp);
__attribute__((noreturn)) void process_exit(struct thread *t, int status);

/* Ends the zone, all of whose processes are killed, or boots it again.  Returns only on failure: EPERM where this
 * process is not the superuser, or in no zone with a life of its own. */
enum { ZONE_HALT = 34 + 13, ZONE_REBOOT = 34 + 15 };
long zone_end(int how);

/* Guest signal actions and masks; everything in host numbering. */
long action_set(struct thread *t, int host_signal, const struct guest_action *wanted,
                struct guest_action *old);
long mask_set(struct thread *t, u64 host_mask); /* the host never blocks faults, SIGSYS, KILL, STOP */
/* The same, but the host hears of it only when the call leaves with a full context. */
void mask_on_return(struct thread *t, u64 host_mask);
/* Signals that reached this thread but wait for its mask; take the first one within `set`. */
u64 queued_signals(const struct thread *t);
bool take_queued_signal(struct thread *t, u64 set, struct siginfo_host *info);
/* After an interrupted wait: forget signals that the guest ignores.  True if none is left to
 * deliver, and the wait may go on. */
bool drop_ignored_signals(struct thread *t);
/* The answer of a WANTS_SIGNAL hook changed. */
void action_refresh(struct thread *t, int host_signal);
/* End as the signal's default action does (core flag and status included). */
__attribute__((noreturn)) void die_by_signal(struct thread *t, int host_signal);
/* Wait with another mask until a signal is delivered, as sigsuspend; returns -EINTR. */
long suspend_with_mask(struct thread *t, u64 host_mask);
/* Use around a host_intr call that takes a temporary mask (ppoll, pselect): the old mask comes
 * back at the call's exit, after the guest's handler frame was built. */
void temporary_mask(struct thread *t, u64 host_mask);
void temporary_mask_end(struct thread *t, long result);
/* Leave with every register as `f` says, and vector state from `xstate` (NULL: as it is). */
__attribute__((noreturn)) void leave_with_context(struct thread *t, const struct frame *f, const void *xstate);
/* Vector state of the calling guest thread, XSAVE standard form, process->xstate_size bytes. */
void save_xstate(void *to_aligned_64);

/* Time without a host call where the clock allows it. 0 or -errno. */
struct timespec_host {
    s64 sec, nsec;
};
long clock_read(int host_clock, struct timespec_host *ts);

/* Rewrite one guest syscall instruction; number and stack: what it was caught with. */
void patch_site(struct thread *t, u64 site, u64 number, u64 stack);
/* Only file-backed code that is not writable gets patched: memory calls keep the ranges current.
 * fd: the file, or -1 for code that is no file's; offset: of `low` in it. */
void code_mapped(u64 low, u64 high, int fd, u64 offset, bool writable);
/* Whether code_mapped is going to patch this part of a file: then it may be mapped writable, and is no longer
 * when that returns. */
bool code_is_to_change(int fd, u64 size, u64 offset);
void code_range_remove(u64 low, u64 high);

void runtime_log(const char *fmt, ...);                        /* to stderr, for debugging */
__attribute__((noreturn)) void runtime_panic(const char *fmt, ...); /* one sentence, exit 125 */

#endif
