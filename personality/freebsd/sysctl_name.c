/* Names of sysctl's nodes: __sysctlbyname, and the node that older programs ask for a name's numbers.  Go looks for
 * three at every start. */
#include "freebsd.h"
#include "sysctl.h"

#define NAME_LIMIT 1024 /* MAXPATHLEN */

/* Whether the first word of `name` is this one.  Then *name moves behind it. */
static bool begins(const char **name, const char *word)
{
    const char *at = *name;
    while (*word != 0 && *at == *word) {
        at++;
        word++;
    }
    if (*word != 0 || (*at != 0 && *at != '.'))
        return false;
    *name = at;
    return true;
}

/* The numbers of a dotted name, by the rules of personality/freebsd/sysctl/tree.py, and its node.  0: there is
 * none. */
static u32 parse(const char *name, u32 numbers[MOST_NUMBERS], const struct sysctl_node **found)
{
    const struct sysctl_node *node = sysctl_nodes;
    for (u32 count = 1; count <= MOST_NUMBERS; count++) {
        while (!begins(&name, sysctl_names + node->name)) {
            if (node->next == 0)
                return 0;
            node = &sysctl_nodes[node->next];
        }
        numbers[count - 1] = node->number;
        *found = node;
        if (*name == 0 || name[1] == 0 || (node->flags & SYSCTL_TAKES_REST))
            return count;
        if (!(node->flags & SYSCTL_CHILDREN))
            return 0;
        name++;
        node++;
    }
    return 0;
}

/* The name, with a NUL behind it.  False: the supervisor knows what is wrong with it. */
static bool read_name(char name[NAME_LIMIT], u64 at, u64 size)
{
    if (size == 0 || size >= NAME_LIMIT || copy_in(name, at, size) != 0)
        return false;
    name[size] = 0;
    return true;
}

bool freebsd_name_to_numbers(const u64 a[MAX_ARGUMENTS], long *result)
{
    const struct sysctl_node *node;
    u32 numbers[MOST_NUMBERS];
    char name[NAME_LIMIT];
    u64 room;
    if ((a[3] != 0 && get_u64(a[3], &room) != 0) || a[4] == 0 || !read_name(name, a[4], a[5]))
        return false;
    u32 count = parse(name, numbers, &node);
    if (count != 0)
        return sysctl_put(a, numbers, count * sizeof(u32), result);
    *result = -ENOENT;
    return true;
}

long freebsd_sys_sysctlbyname(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    const struct sysctl_node *node;
    u32 numbers[MOST_NUMBERS];
    char name[NAME_LIMIT];
    long result;
    if (!read_name(name, a[0], a[1]))
        return serve_by_upcall(t, f, a);
    if (parse(name, numbers, &node) == 0)
        return -ENOENT;
    return a[4] == 0 && sysctl_answer(t->process, node, a, &result) ? result : serve_by_upcall(t, f, a);
}
