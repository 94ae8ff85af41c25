/* __sysctl: what this process knows as well as the supervisor is answered here, since the supervisor's first
 * answer takes some 10 ms: constants and a few facts, which programs ask for when they start, and random bytes, of
 * which some read many (Go's crypto/rand on NetBSD reads nothing else). */
#include "sysctl.h"

#define MOST_RANDOM 256 /* bytes of one read, as in both kernels */

bool sysctl_put(const u64 a[MAX_ARGUMENTS], const void *value, u64 size, long *result)
{
    u64 room = 0;
    if (a[3] != 0 && get_u64(a[3], &room) != 0)
        return false;
    u64 fits = a[2] != 0 && room < size ? room : size;
    if (a[2] != 0 && copy_out(a[2], value, fits) != 0)
        return false;
    if (a[3] != 0 && put_u64(a[3], WAY_SYSCTL_TELLS_WHOLE_SIZE ? size : fits) != 0)
        return false;
    *result = fits < size ? -ENOMEM : 0;
    return true;
}

/* 0: not known. */
static u64 fact(const struct process *p, u32 which)
{
    switch (which) {
    case FACT_PROCESSORS:
        return p->processors;
    case FACT_LAST_PROCESSOR:
        return p->processors > 1 ? p->processors - 1 : 0;
    case FACT_RELEASE_NUMBER:
        return bsd_release(p);
    case FACT_STACK_TOP:
        return p->stack_top;
    case FACT_PS_STRINGS:
        return p->ps_strings;
    default:
        return 0;
    }
}

bool sysctl_answer(const struct process *p, const struct sysctl_node *node, const u64 a[MAX_ARGUMENTS], long *result)
{
    if (node->kind == SYSCTL_CONSTANT)
        return sysctl_put(a, sysctl_values + node->value, node->size, result);
    u64 value = node->kind == SYSCTL_FACT ? fact(p, node->value) : 0;
    return value != 0 && sysctl_put(a, &value, node->size, result);
}

static const struct sysctl_node *find(const u32 *name, u32 count)
{
    u32 at = 0;
    for (u32 used = 0;; used++) {
        while (sysctl_nodes[at].number != name[used])
            if ((at = sysctl_nodes[at].next) == 0)
                return NULL;
        if (used + 1 == count)
            return &sysctl_nodes[at];
        if (!(sysctl_nodes[at].flags & SYSCTL_CHILDREN))
            return NULL;
        at++;
    }
}

/* Random bytes: {CTL_KERN, KERN_ARND} and a buffer. */
static bool put_random(const u64 a[MAX_ARGUMENTS], long *result)
{
    u8 bytes[MOST_RANDOM];
    u64 size;
    if (a[2] == 0 || get_u64(a[3], &size) != 0)
        return false;
    if (size > MOST_RANDOM)
        size = MOST_RANDOM;
    long n = host(__NR_getrandom, bytes, size, 0);
    if (!is_error(n))
        return sysctl_put(a, bytes, size, result);
    *result = n;
    return true;
}

static bool answer(const struct process *p, const u64 a[MAX_ARGUMENTS], long *result)
{
    u32 name[MOST_NUMBERS], count = (u32)a[1];
    if (count < 2 || count > MOST_NUMBERS || copy_in(name, a[0], count * sizeof(u32)) != 0)
        return false;
    if (own_sysctl(name, count, a, result))
        return true;
    if (a[4] != 0)
        return false;
    if (count == 2 && name[0] == BSD_CTL_KERN && name[1] == BSD_KERN_ARND)
        return put_random(a, result);
    const struct sysctl_node *node = find(name, count);
    return node != NULL && sysctl_answer(p, node, a, result);
}

long bsd_sys_sysctl(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    long result;
    return answer(t->process, a, &result) ? result : serve_by_upcall(t, f, a);
}
