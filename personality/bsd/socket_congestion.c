/* The algorithm by which a TCP socket avoids congestion: an option whose value is a name. */
#include "socket.h"

#define LONGEST_NAME 16

static const char host_reno[] = "reno"; /* the one that both kernels have under different names */

long congestion_set(const struct option_call *c, const struct congestion_words *words)
{
    char name[LONGEST_NAME + 1];
    u32 size = c->size < words->longest - 1 ? c->size : words->longest - 1;
    const char *wanted = name;
    long r;

    memset(name, 0, sizeof(name));
    if (!size)
        return -EINVAL;
    r = option_read(c, name, size);
    if (r)
        return r;
    if (!strcmp(name, words->reno))
        wanted = host_reno;
    r = host(__NR_setsockopt, c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_CONGESTION, wanted, strlen(wanted));
    return r == -ENOENT || r == -EPERM ? words->unknown : r;
}

long congestion_get(struct option_call *c, const struct congestion_words *words)
{
    char name[LONGEST_NAME + 1];
    u32 size = words->longest;
    const char *shown = name;
    long r;

    memset(name, 0, sizeof(name));
    r = host(__NR_getsockopt, c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_CONGESTION, name, &size);
    if (r)
        return r;
    if (!strcmp(name, host_reno))
        shown = words->reno;
    return option_write(c, shown, (u32)strlen(shown) + 1);
}
