/* The stack and registers with which FreeBSD starts a program: exec_copyout_strings and exec_setregs.
 *
 * Downwards from the strings: ps_strings, path, page sizes, canary, then the vectors: argc, argv,
 * NULL, envp, NULL, auxiliary vector.  %rdi points at argc. */
#include "freebsd.h"
#include "start_stack.h"
#include <linux/auxvec.h>
#include <linux/mman.h>

#define CANARY_LENGTH 64
#define HUGE_PAGE (2UL << 20)

static u32 online_processors(void)
{
    u8 mask[1024];
    u32 n = 0;
    long bytes = host(__NR_sched_getaffinity, 0, sizeof(mask), mask);
    for (long i = 0; i < bytes; i++)
        for (u32 left = mask[i]; left != 0; left &= left - 1)
            n++;
    return n > 0 ? n : 1;
}

int freebsd_start(struct thread *t, struct frame *f, const struct start_info *s)
{
    struct process *p = t->process;
    struct stack_builder b = {.down = s->stack};
    struct freebsd_ps_strings strings = {0};
    u64 sizes[2] = {PAGE, HUGE_PAGE};
    u8 canary[CANARY_LENGTH];

    host(__NR_getrandom, canary, sizeof(canary), 0);
    p->ps_strings = stack_push(&b, &strings, sizeof(strings), 16);
    u64 path = stack_push(&b, s->executable, strlen(s->executable) + 1, 16);
    u64 page_sizes = stack_push(&b, sizes, sizeof(sizes), 16);
    u64 canary_at = stack_push(&b, canary, sizeof(canary), 16);

    u64 words = 1 + (u64)s->argc + 1 + stack_count(s->envp) + 1 + 2 * 40;
    /* 8 below a 16-byte boundary, as %rsp must be: then both are the same. */
    u64 stack = ((b.down - words * 8) & ~15UL) - 8;
    b.up = stack;
    stack_vectors(&b, s, &strings, p->ps_strings);
    stack_image(&b, s);
    stack_auxiliary(&b, FREEBSD_AT_EXECPATH, path);
    stack_auxiliary(&b, FREEBSD_AT_OSRELDATE, bsd_release(p));
    stack_auxiliary(&b, FREEBSD_AT_CANARY, canary_at);
    stack_auxiliary(&b, FREEBSD_AT_CANARYLEN, CANARY_LENGTH);
    stack_auxiliary(&b, FREEBSD_AT_NCPUS, online_processors());
    stack_auxiliary(&b, FREEBSD_AT_PAGESIZES, page_sizes);
    stack_auxiliary(&b, FREEBSD_AT_PAGESIZESLEN, sizeof(sizes));
    stack_auxiliary(&b, FREEBSD_AT_STACKPROT, PROT_READ | PROT_WRITE);
    stack_auxiliary(&b, FREEBSD_AT_ARGC, (u64)s->argc);
    stack_auxiliary(&b, FREEBSD_AT_ARGV, strings.argvstr);
    stack_auxiliary(&b, FREEBSD_AT_ENVC, (u64)strings.nenvstr);
    stack_auxiliary(&b, FREEBSD_AT_ENVV, strings.envstr);
    stack_auxiliary(&b, FREEBSD_AT_PS_STRINGS, p->ps_strings);
    stack_auxiliary(&b, FREEBSD_AT_USRSTACKBASE, p->stack_top);
    stack_auxiliary(&b, FREEBSD_AT_NULL, 0);
    if (b.failed)
        return -E2BIG;
    f->rsp = stack;
    f->rdi = stack;
    f->rsi = 0;
    return 0;
}
