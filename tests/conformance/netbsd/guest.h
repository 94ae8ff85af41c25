/* For test programs that make NetBSD's calls themselves: as those for FreeBSD, but for how a program starts and how
 * its file says whose it is. */
#ifndef NETBSD_GUEST_H
#define NETBSD_GUEST_H

/* argc, argv, environment and auxiliary vector begin at %rsp; %rbx points at ps_strings. */
#define START_VECTOR "    movq %rsp, %rdi\n    movq %rbx, ps_strings_(%rip)\n"
static void *ps_strings_ __attribute__((used));

#include "../freebsd/guest.h"

/* A program of NetBSD 10.1: the note that brands it. */
__asm__(".pushsection .note.netbsd.ident,\"a\",@note\n"
        "    .long 7, 4, 1\n    .asciz \"NetBSD\"\n    .byte 0\n    .long 1001000000\n"
        ".popsection\n");

struct timespec {
    s64 sec, nsec;
};

struct sigset {
    u32 bits[4];
};

struct sigaction {
    void *handler;
    struct sigset mask;
    u32 flags;
};

struct siginfo {
    s32 signo, code, error, pad;
    union {
        struct {
            s32 pid;
            u32 uid;
            s64 value;
        };
        struct {
            void *address;
            s32 trap;
        };
    };
    u64 rest[12];
};

/* The places of registers in a context. */
enum { RDI, RSI, RDX, RCX, R8, R9, R10, R11, R12, R13, R14, R15, RBP, RBX, RAX, GS, FS, ES, DS, TRAPNO, ERR, RIP, CS,
       RFLAGS, RSP, SS };

struct context {
    u32 flags;
    struct context *link;
    struct sigset mask;
    void *stack;
    u64 stack_size;
    s32 stack_flags;
    u64 registers[26];
    u64 thread_pointer;
    u8 vectors[512];
};
_Static_assert(sizeof(struct siginfo) == 128 && sizeof(struct context) == 784, "sizes of NetBSD's");

/* What libc's trampoline does: goes back to the context that %r15 points to. */
__asm__("trampoline_:\n    movq %r15, %rdi\n    movl $308, %eax\n    syscall\n    hlt\n");
extern char trampoline_[];

#define SIGSET(n) {{1U << ((n) - 1) % 32}} /* of signals up to 32 */
#define SA_RESTART 2
#define SA_ONSTACK 1
#define SA_RESETHAND 4
#define SA_NODEFER 16
#define SA_SIGINFO 64

static inline long set_handler(int signal, void (*handler)(int, struct siginfo *, struct context *), u32 flags)
{
    struct sigaction action = {.handler = (void *)handler, .flags = flags | SA_SIGINFO};
    return call(340, signal, &action, 0, trampoline_, 2);
}

static inline void *map_pages(u64 size) { return (void *)call(197, 0, size, 3, 0x1002, -1, 0, 0); }

static inline void sleep_for(long milliseconds)
{
    struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    call(430, &t, 0);
}

#endif
