/* The stack and registers with which Linux starts a program: create_elf_tables of fs/binfmt_elf.c.
 *
 * The strings stay where the host put them for the runtime; below them a second set of vectors is built,
 * whose auxiliary values describe the guest's image instead of the runtime's.  The vDSO is the host's:
 * its code may run as it is, and the calls it falls back to are let through (signal.c). */
#include "linux.h"
#include <linux/auxvec.h>

#define HWCAP2_FSGSBASE 2UL /* a program that wrote %gs itself would take the runtime's thread away */

struct builder {
    u64 at;
    bool failed;
};

static void word(struct builder *b, u64 value)
{
    b->failed |= put_u64(b->at, value) != 0;
    b->at += 8;
}

static u64 auxiliary(const struct start_info *s, u64 key, u64 value, u64 path)
{
    switch (key) {
    case AT_PHDR: return s->phdr;
    case AT_PHENT: return s->phent;
    case AT_PHNUM: return s->phnum;
    case AT_ENTRY: return s->entry;
    case AT_BASE: return s->interpreter_base;
    case AT_EXECFN: return path;
    case AT_HWCAP2: return value & ~HWCAP2_FSGSBASE;
    }
    return value;
}

int linux_start(struct thread *t UNUSED, struct frame *f, const struct start_info *s)
{
    const u64 *auxv = (const u64 *)s->host_auxv;
    u64 envc = 0, pairs = 1, size = strlen(s->executable) + 1;

    while (s->envp[envc] != NULL)
        envc++;
    for (const u64 *pair = auxv; pair[0] != AT_NULL; pair += 2)
        pairs++;
    u64 path = s->stack - size;
    u64 words = 1 + (u64)s->argc + 1 + envc + 1 + 2 * pairs;
    u64 stack = (path - words * 8) & ~15UL;
    struct builder b = {stack, copy_out(path, s->executable, size) != 0};

    word(&b, (u64)s->argc);
    for (int i = 0; i < s->argc; i++)
        word(&b, (u64)s->argv[i]);
    word(&b, 0);
    for (u64 i = 0; i < envc; i++)
        word(&b, (u64)s->envp[i]);
    word(&b, 0);
    for (const u64 *pair = auxv; pair[0] != AT_NULL; pair += 2) {
        word(&b, pair[0]);
        word(&b, auxiliary(s, pair[0], pair[1], path));
    }
    word(&b, AT_NULL);
    word(&b, 0);
    if (b.failed)
        return -E2BIG;
    f->rsp = stack;
    return 0;
}
