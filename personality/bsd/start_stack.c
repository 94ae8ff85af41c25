/* Building the stack with which a program starts: what the BSDs have in common of it. */
#include "start_stack.h"

u64 stack_push(struct stack_builder *b, const void *data, u64 size, u64 alignment)
{
    b->down = (b->down - size) & ~(alignment - 1);
    b->failed |= copy_out(b->down, data, size) != 0;
    return b->down;
}

u64 stack_count(char *const *vector)
{
    u64 n = 0;
    while (vector[n] != NULL)
        n++;
    return n;
}

static void word(struct stack_builder *b, u64 value)
{
    b->failed |= put_u64(b->up, value) != 0;
    b->up += 8;
}

static u64 vector_of(struct stack_builder *b, char *const *strings)
{
    u64 at = b->up;
    for (; *strings != NULL; strings++)
        word(b, (u64)*strings);
    word(b, 0);
    return at;
}

void stack_vectors(struct stack_builder *b, const struct start_info *s, struct bsd_ps_strings *strings, u64 at)
{
    strings->nargvstr = s->argc;
    strings->nenvstr = (s32)stack_count(s->envp);
    word(b, (u64)s->argc);
    strings->argvstr = vector_of(b, s->argv);
    strings->envstr = vector_of(b, s->envp);
    b->failed |= copy_out(at, strings, sizeof(*strings)) != 0;
}

void stack_auxiliary(struct stack_builder *b, u64 key, u64 value)
{
    word(b, key);
    word(b, value);
}

void stack_image(struct stack_builder *b, const struct start_info *s)
{
    if (s->phdr != 0) {
        stack_auxiliary(b, BSD_AT_PHDR, s->phdr);
        stack_auxiliary(b, BSD_AT_PHENT, s->phent);
        stack_auxiliary(b, BSD_AT_PHNUM, s->phnum);
    }
    stack_auxiliary(b, BSD_AT_PAGESZ, PAGE);
    stack_auxiliary(b, BSD_AT_FLAGS, 0);
    stack_auxiliary(b, BSD_AT_ENTRY, s->entry);
    stack_auxiliary(b, BSD_AT_BASE, s->interpreter_base);
}
