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

static const struct congestion_words congestion = {"newreno", FREEBSD_TCP_CA_NAME_MAX, -ESRCH};

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
        *result = set ? congestion_set(c, &congestion) : congestion_get(c, &congestion);
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
