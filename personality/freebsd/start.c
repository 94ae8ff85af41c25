/* The stack and registers with which FreeBSD starts a program: exec_copyout_strings and exec_setregs.
 *
 * Downwards from the strings: ps_strings, path, page sizes, canary, then the vectors: argc, argv,
 * NULL, envp, NULL, auxiliary vector.  %rdi points at argc. */
#include "freebsd.h"
#include <linux/auxvec.h>
#include <linux/mman.h>

#define CANARY_LENGTH 64
#define HUGE_PAGE (2UL << 20)

struct builder {
    u64 at;
    bool failed;
};

static u64 push(struct builder *b, const void *data, u64 size, u64 alignment)
{
    b->at = (b->at - size) & ~(alignment - 1);
    b->failed |= copy_out(b->at, data, size) != 0;
    return b->at;
}

static void word(struct builder *b, u64 *at, u64 value)
{
    b->failed |= put_u64(*at, value) != 0;
    *at += 8;
}

static void aux(struct builder *b, u64 *at, u64 key, u64 value)
{
    word(b, at, key);
    word(b, at, value);
}

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
    struct builder b = {s->stack, false};
    u64 sizes[2] = {PAGE, HUGE_PAGE};
    u8 canary[CANARY_LENGTH];
    long envc = 0;
    while (s->envp[envc] != NULL)
        envc++;

    host(__NR_getrandom, canary, sizeof(canary), 0);
    struct freebsd_ps_strings strings = {.nargvstr = (s32)s->argc, .nenvstr = (s32)envc};
    p->ps_strings = push(&b, &strings, sizeof(strings), 16);
    u64 path = push(&b, s->executable, strlen(s->executable) + 1, 16);
    u64 page_sizes = push(&b, sizes, sizeof(sizes), 16);
    u64 canary_at = push(&b, canary, sizeof(canary), 16);

    u64 words = 1 + (u64)s->argc + 1 + (u64)envc + 1 + 2 * 40;
    /* 8 below a 16-byte boundary, as %rsp must be: then both are the same. */
    u64 stack = ((b.at - words * 8) & ~15UL) - 8;
    u64 at = stack;
    word(&b, &at, (u64)s->argc);
    u64 argv = at;
    for (int i = 0; i < s->argc; i++)
        word(&b, &at, (u64)s->argv[i]);
    word(&b, &at, 0);
    u64 envp = at;
    for (long i = 0; i < envc; i++)
        word(&b, &at, (u64)s->envp[i]);
    word(&b, &at, 0);
    strings.argvstr = argv;
    strings.envstr = envp;
    b.failed |= copy_out(p->ps_strings, &strings, sizeof(strings)) != 0;

    if (s->phdr != 0) {
        aux(&b, &at, FREEBSD_AT_PHDR, s->phdr);
        aux(&b, &at, FREEBSD_AT_PHENT, s->phent);
        aux(&b, &at, FREEBSD_AT_PHNUM, s->phnum);
    }
    aux(&b, &at, FREEBSD_AT_PAGESZ, PAGE);
    aux(&b, &at, FREEBSD_AT_FLAGS, 0);
    aux(&b, &at, FREEBSD_AT_ENTRY, s->entry);
    aux(&b, &at, FREEBSD_AT_BASE, s->interpreter_base);
    aux(&b, &at, FREEBSD_AT_EXECPATH, path);
    aux(&b, &at, FREEBSD_AT_OSRELDATE, bsd_release(p));
    aux(&b, &at, FREEBSD_AT_CANARY, canary_at);
    aux(&b, &at, FREEBSD_AT_CANARYLEN, CANARY_LENGTH);
    aux(&b, &at, FREEBSD_AT_NCPUS, online_processors());
    aux(&b, &at, FREEBSD_AT_PAGESIZES, page_sizes);
    aux(&b, &at, FREEBSD_AT_PAGESIZESLEN, sizeof(sizes));
    aux(&b, &at, FREEBSD_AT_STACKPROT, PROT_READ | PROT_WRITE);
    aux(&b, &at, FREEBSD_AT_ARGC, (u64)s->argc);
    aux(&b, &at, FREEBSD_AT_ARGV, argv);
    aux(&b, &at, FREEBSD_AT_ENVC, (u64)envc);
    aux(&b, &at, FREEBSD_AT_ENVV, envp);
    aux(&b, &at, FREEBSD_AT_PS_STRINGS, p->ps_strings);
    aux(&b, &at, FREEBSD_AT_USRSTACKBASE, p->stack_top);
    aux(&b, &at, FREEBSD_AT_NULL, 0);
    if (b.failed)
        return -E2BIG;
    f->rsp = stack;
    f->rdi = stack;
    f->rsi = 0;
    return 0;
}
