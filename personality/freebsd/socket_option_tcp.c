/* Options at level IPPROTO_TCP that FreeBSD has and names in its own way: the algorithm against congestion, fast open, the
 * time without acknowledgement. */
#include "socket_own.h"

#define TF_NOPUSH 0x1000 /* of t_flags, which getsockopt shows */
#define FASTOPEN_QUEUE 1024
#define LONGEST_UNACKED 0x7fffffff

void own_tcp_info(const struct linux_tcp_info *from, struct freebsd_tcp_info *to)
{
    if (from->options & LINUX_TCPI_OPT_SYN_DATA)
        to->options |= FREEBSD_TCPI_OPT_TFO;
    to->rttmin = from->min_rtt;
}

/* The one algorithm that both kernels have under different names. */
static const char freebsd_reno[] = "newreno", host_reno[] = "reno";

static long set_congestion(const struct option_call *c)
{
    char name[FREEBSD_TCP_CA_NAME_MAX];
    u32 size = c->size < sizeof(name) - 1 ? c->size : sizeof(name) - 1;
    const char *wanted = name;
    long r;

    memset(name, 0, sizeof(name));
    if (!size)
        return -EINVAL;
    r = option_read(c, name, size);
    if (r)
        return r;
    if (!strcmp(name, freebsd_reno))
        wanted = host_reno;
    r = host(__NR_setsockopt, c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_CONGESTION, wanted, strlen(wanted));
    return r == -ENOENT || r == -EPERM ? -ESRCH : r;
}

static long get_congestion(struct option_call *c)
{
    char name[FREEBSD_TCP_CA_NAME_MAX + 1];
    u32 size = FREEBSD_TCP_CA_NAME_MAX;
    long r;

    memset(name, 0, sizeof(name));
    r = host(__NR_getsockopt, c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_CONGESTION, name, &size);
    if (r)
        return r;
    if (!strcmp(name, host_reno))
        return option_write(c, freebsd_reno, sizeof(freebsd_reno));
    return option_write(c, name, (u32)strlen(name) + 1);
}

/* Seconds here, milliseconds there. */
static long set_unacked_time(const struct option_call *c)
{
    int value;
    long r = option_read_int(c, &value);

    if (r)
        return r;
    if (value < 0 || value > LONGEST_UNACKED / 1000)
        return -EINVAL;
    return host_option_set(c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_USER_TIMEOUT, value * 1000);
}

static long get_unacked_time(struct option_call *c)
{
    long r = host_option(c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_USER_TIMEOUT);

    return r < 0 ? r : option_write_int(c, (int)(r / 1000));
}

/* A switch here, the length of the queue of such connections there. */
static long set_fast_open(const struct option_call *c)
{
    int value;
    long r = option_read_int(c, &value);

    if (r)
        return r;
    return host_option_set(c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_FASTOPEN, value ? FASTOPEN_QUEUE : 0);
}

static long get_fast_open(struct option_call *c)
{
    long r = host_option(c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_FASTOPEN);

    return r < 0 ? r : option_write_int(c, r != 0);
}

static const struct option_rule rules[] = {
    {FREEBSD_TCP_NOPUSH, LINUX_IPPROTO_TCP, LINUX_TCP_CORK, TF_NOPUSH, 0},
};

bool tcp_own_option(struct option_call *c, bool set, long *result)
{
    switch (c->name) {
    case FREEBSD_TCP_NOPUSH:
        *result = set ? option_set_by_rule(c, rules, ARRAY_LENGTH(rules))
                      : option_get_by_rule(c, rules, ARRAY_LENGTH(rules));
        return true;
    case FREEBSD_TCP_CONGESTION:
        *result = set ? set_congestion(c) : get_congestion(c);
        return true;
    case FREEBSD_TCP_MAXUNACKTIME:
        *result = set ? set_unacked_time(c) : get_unacked_time(c);
        return true;
    case FREEBSD_TCP_FASTOPEN:
        *result = set ? set_fast_open(c) : get_fast_open(c);
        return true;
    default:
        return false;
    }
}
