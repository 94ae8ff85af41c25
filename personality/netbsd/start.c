/* The stack and registers with which NetBSD starts a program: copyargs of sys/kern/exec_elf.c and setregs of
 * sys/arch/amd64/amd64/machdep.c.
 *
 * Downwards from the strings: ps_strings, the name of the program, then the vectors: argc, argv, NULL, envp, NULL,
 * auxiliary vector.  %rsp points at argc, %rbx at ps_strings; %rdx would be what to run at exit. */
#include "netbsd.h"
#include "lwp.h"
#include "start_stack.h"

#define FIRST_WITH_EXTENDED_X87 699002600U /* 6.99.26: older programs compute with 53 bits */
#define OLD_X87_CONTROL 0x127f
#define AUXILIARY_VALUES 20 /* with room to spare */

int netbsd_start(struct thread *t, struct frame *f, const struct start_info *s)
{
    struct process *p = t->process;
    struct stack_builder b = {.down = s->stack};
    struct netbsd_ps_strings strings = {0};

    p->ps_strings = stack_push(&b, &strings, sizeof(strings), 16);
    u64 name = stack_push(&b, s->executable, strlen(s->executable) + 1, 16);
    u64 words = 1 + (u64)s->argc + 1 + stack_count(s->envp) + 1 + 2 * AUXILIARY_VALUES;
    u64 stack = (b.down - words * 8) & ~15UL;
    b.up = stack;
    stack_vectors(&b, s, &strings, p->ps_strings);
    stack_image(&b, s);
    stack_auxiliary(&b, NETBSD_AT_EUID, (u64)host(__NR_geteuid));
    stack_auxiliary(&b, NETBSD_AT_RUID, (u64)host(__NR_getuid));
    stack_auxiliary(&b, NETBSD_AT_EGID, (u64)host(__NR_getegid));
    stack_auxiliary(&b, NETBSD_AT_RGID, (u64)host(__NR_getgid));
    stack_auxiliary(&b, NETBSD_AT_STACKBASE, p->stack_top);
    stack_auxiliary(&b, NETBSD_AT_SUN_EXECNAME, name);
    stack_auxiliary(&b, NETBSD_AT_NULL, 0);
    if (b.failed)
        return -E2BIG;
    if (bsd_release(p) < FIRST_WITH_EXTENDED_X87) {
        const u16 control = OLD_X87_CONTROL;
        __asm__ volatile("fldcw %0" : : "m"(control));
    }
    f->rsp = stack;
    f->rbx = p->ps_strings;
    f->rdx = 0;
    f->rdi = 0;
    lwp_of(t)->tid = t->tid;
    action_refresh(t, WAKE_SIGNAL);
    return 0;
}
