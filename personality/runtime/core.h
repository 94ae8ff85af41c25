/* What the files of the core share among themselves; personalities include runtime.h alone. */
#ifndef GUISE_CORE_H
#define GUISE_CORE_H

#include "runtime.h"

/* ---- the host's signal frame, as the kernel lays it out on x86-64 ---------------------------- */

struct host_sigcontext {
    u64 r8, r9, r10, r11, r12, r13, r14, r15;
    u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    u16 cs, gs, fs, ss;
    u64 err, trapno, oldmask, cr2;
    u64 fpstate; /* 0 on the way back: the kernel gives clean vector state */
    u64 reserved[8];
};

struct host_ucontext {
    u64 flags, link;
    u64 stack_base;
    s32 stack_flags, stack_pad;
    u64 stack_size;
    struct host_sigcontext registers;
    u64 mask;
};

struct host_sigframe { /* what rt_sigreturn finds at %rsp - 8 */
    u64 return_address;
    struct host_ucontext uc;
    struct siginfo_host info;
};

_Static_assert(sizeof(struct host_sigcontext) == 256, "sigcontext");
_Static_assert(offsetof(struct host_ucontext, registers) == 40, "ucontext");
_Static_assert(offsetof(struct host_ucontext, mask) == 296, "ucontext");
_Static_assert(sizeof(struct siginfo_host) == 128, "siginfo");

#define UC_FP_XSTATE 1
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_RESTORE_SS 4

#define HOST_SIGILL 4
#define HOST_SIGTRAP 5
#define HOST_SIGBUS 7
#define HOST_SIGFPE 8
#define HOST_SIGKILL 9
#define HOST_SIGSEGV 11
#define HOST_SIGCHLD 17
#define HOST_SIGCONT 18
#define HOST_SIGSTOP 19
#define HOST_SIGTSTP 20
#define HOST_SIGTTIN 21
#define HOST_SIGTTOU 22
#define HOST_SIGURG 23
#define HOST_SIGWINCH 28
#define HOST_SIGSYS 31
#define SYS_USER_DISPATCH 2
#define HOST_CLD_EXITED 1
#define HOST_CLD_KILLED 2
#define HOST_CLD_TRAPPED 4
#define FLAG_TRAP 0x100UL /* of the processor's flags */
/* Between runtimes: see debuggee.c.  The first two real-time signals belong to C libraries, which never let
 * programs have them; what a guest of the host's own kind does with this one is told apart by its siginfo. */
#define HOST_SIGNUDGE 33

#define HOST_SA_NOCLDSTOP 1
#define HOST_SA_NOCLDWAIT 2
#define HOST_SA_SIGINFO 4
#define HOST_SA_RESTORER 0x04000000
#define HOST_SA_ONSTACK 0x08000000
#define HOST_SA_RESTART 0x10000000

struct host_sigaction {
    u64 handler, flags, restorer, mask;
};

/* Faults of the running instruction: never blocked, or the kernel kills instead of delivering. */
#define ALWAYS_OPEN (SYNCHRONOUS | signal_bit(HOST_SIGNUDGE))
#define SYNCHRONOUS                                                                             \
    (signal_bit(HOST_SIGILL) | signal_bit(HOST_SIGTRAP) | signal_bit(HOST_SIGBUS) |              \
     signal_bit(HOST_SIGFPE) | signal_bit(HOST_SIGSEGV) | signal_bit(HOST_SIGSYS))

/* ---- labels of entry.S ------------------------------------------------------------------------ */

extern char runtime_entry[], entry_end[], leave_check[], leave_end[];
extern char safe_start[], safe_call[], safe_end[], safe_interrupted[], trap_exit_end[];
extern char host_restorer[];
extern char fast_entry[], fast_end[];
void trap_exit(struct frame *f);
__attribute__((noreturn)) void leave_to_guest(void);
__attribute__((noreturn)) void unmap_and_exit(u64 area, u64 size);
__attribute__((noreturn)) void release_and_exit(u32 *in_use);
long clone_onto(u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls);
int copy_guarded(void *to, const void *from, size_t n);
long string_guarded(char *to, const char *from, size_t room);
int load_u32(u64 from, u32 *to);
int load_u64(u64 from, u64 *to);
int store_u32(u64 to, u32 value);
int store_u64(u64 to, u64 value);
int swap_u32(u64 where, u32 old, u32 new_value, u32 *seen);
int swap_u64(u64 where, u64 old, u64 new_value, u64 *seen);
void save_xstate_to(void *area, u32 mask_low, u32 mask_high);
void reset_xstate(void);
void load_xstate(void *area);
long host_call6_plain(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

/* ---- between the files ------------------------------------------------------------------------ */

/* What one runtime tells the next, in this order and in hexadecimal (exec.c, boot.c):
 * GUISE=control=N,again=...,assumed kernel,kernel whose release was asked for,exe=PATH. */
enum boot_number {
    BOOT_RUNTIME, BOOT_PLANS, BOOT_PLAN, BOOT_IMAGE, BOOT_INTERPRETER_PLAN, BOOT_INTERPRETER,
    BOOT_ENGINE, BOOT_RELEASE, BOOT_NO_PATCH, BOOT_SUPERVISOR, BOOT_DEBUG, BOOT_MASK, BOOT_IGNORED, BOOT_VACANT,
    BOOT_TRACE, BOOT_TRACE_SLOT, BOOT_NAME, BOOT_NAME_REST, BOOT_XSTATE, BOOT_PROCESSORS, BOOT_DEBUGGER,
    BOOT_DEBUG_EVENTS, BOOT_DEBUG_STOPS, BOOT_NUMBERS
};

struct boot { /* what start.c learns from the kernel and from the supervisor */
    int argc;
    char **argv, **envp; /* the guest's: the GUISE entry is skipped */
    u64 *auxv;
    u64 original_stack;
    int control_fd, runtime_fd, plans_fd, plan_fd, image_fd, interpreter_plan_fd, interpreter_fd;
    int trace_fd, trace_slot;
    s32 supervisor;
    u32 engine, release, no_patch, processors, debug, die_with_parent, has_mask;
    u32 again;   /* it was a runtime that executed this one: descriptors are in their places */
    u32 vacant;  /* again: reserved numbers that are free, as bits from the base */
    u64 mask, ignored; /* again: the host signals that the guest ignores */
    u64 xstate_size;   /* again: the processor takes its time to say */
    s32 debugger;      /* again: who debugs it, or 0 */
    u32 debug_events, debug_stops;
    const char *executable;
    char assumed[16], release_of[16];
    char name[16]; /* the last component of the path that was asked for */
};

extern u64 text_start, text_end; /* the runtime's own code: the range SUD allows */
extern u64 vdso_start, vdso_end;
extern struct process main_process;
extern u32 debug_calls;

void name_tracer(s32 supervisor);
s32 named_tracer(void);

#define RESERVED_DESCRIPTORS 11
#define PROGRAM_PLACE 2 /* among them: of the queues of events, of which a kernel that keeps programs has none */
/* fast.S may serve the calls of this table, which is laid out as the personality's own. */
void fast_allow(const struct personality *p, const u16 *calls);
void fast_forbid(void);
void fast_allow_again(const struct process *p); /* as at its start */
bool is_fast(u64 rip);
void fast_settle(struct thread *t, struct host_sigcontext *r, bool fails);
void fast_step(struct thread *t, struct host_sigcontext *r);

void runtime_dispatch(struct frame *f);
void runtime_leave_slow(struct frame *f);

void vdso_init(u64 ehdr);
u64 auxv_value(const u64 *auxv, u64 key, u64 otherwise);

struct thread *thread_first(struct process *p);     /* the process's own, before much is known... */
bool thread_complete(struct thread *t);             /* ... and when it is */
struct thread *thread_allocate(struct process *p);
void thread_area_free(struct thread *t);
int thread_arm(struct thread *t);     /* %gs, alternate stack, SUD: before any guest code */
int dispatch_arm(void);               /* SUD alone: cleared by every clone and fork */
void thread_link(struct thread *t);
void thread_unlink(struct thread *t);

u32 personality_hash(const char *name); /* how the supervisor is told of a kernel */

void signals_init(struct process *p, const struct boot *b);
void host_signal_handler(int signal, struct siginfo_host *info, struct host_ucontext *uc);
long resolve_restart(struct thread *t, struct frame *f, long result);
u64 mask_for_host(u64 guest_mask);
extern u64 watched_signals; /* host bits: see action_refresh */
void set_host_mask(u64 mask);
void hold_signals(struct thread *t);  /* block all; the exit path restores */
void update_pending(struct thread *t); /* after a change of the queue or the mask */
bool signal_is_ignored(const struct thread *t, int signal);
void queue_signal(struct thread *t, const struct siginfo_host *info);
bool take_first(struct thread *t, u64 set, struct siginfo_host *info); /* with everything blocked */
/* To a program's first instruction, with vector registers as the host gives them to one. */
__attribute__((noreturn)) void leave_to_start(struct thread *t, const struct frame *f);
u64 actions_before_exec(struct process *p); /* the signals that stay ignored */

struct mapped { /* one image as it lies in memory */
    u64 entry, base, low, high, phdr;
    u32 phent, phnum, release;
    bool has_interpreter;
    char personality[32];
};
long map_plan(int plan_fd, int image_fd, bool interpreter, struct mapped *m);
bool parse_boot(struct boot *b, char **envp);
void release_exec_memory(struct thread *t);
struct image_key { /* what the plans of an image are named after */
    char name[104];
};
bool image_key(int image, struct image_key *key);
struct plan_start { /* the first bytes of a plan: its strings lie there unless it has many segments */
    char bytes[1024] __attribute__((aligned(8)));
    long size;
};
bool plan_read(int plan, struct plan_start *start); /* false: it is not even a header */
/* A descriptor of the plan kept for this image, or -1.  variant: "" or the interpreter's suffix. */
int cached_plan(const struct process *p, const struct image_key *key, const char *variant, struct plan_start *start);
bool plan_strings(int plan, const struct plan_start *start, char *interpreter, size_t room, char *personality,
                  size_t personality_room);

/* rip on the way to or inside a trampoline: where the guest is, as it sees it. */
bool patch_find_site(u64 rip, u64 *site);
void sites_load(const struct process *p, int image); /* what earlier runs of this program patched */
u32 instruction_length(const u8 *code, u32 room, u32 *kind);
#define INSTRUCTION_OTHER 0
#define INSTRUCTION_ENDS_FLOW 1 /* ret, jmp, ud2, hlt: nothing falls through */
#define INSTRUCTION_PADDING 2   /* any nop, int3 */

void upcall_keep_reply(struct thread *t); /* there will be a second thread */
void locks_acquire_all(void);
void locks_release_all(void);
void run_fork_child_hooks(struct thread *t);
void run_thread_exit_hooks(struct thread *t);
void run_signal_hooks(struct thread *t, int host_signal);
bool signal_is_wanted(struct thread *t, int host_signal);
void run_process_exit_hooks(struct thread *t, int status);
void run_exec_hooks(struct thread *t);

#endif
