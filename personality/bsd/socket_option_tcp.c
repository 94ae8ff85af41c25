/* Options at level IPPROTO_TCP.
 *
 * Not served, for want of a host's word: TCP_NOOPT, TCP_MD5SIG, TCP_DELACK, TCP_KEEPINIT (the host
 * counts attempts, not seconds), the choice of a TCP stack and its logs. */
#include "socket.h"

/* Bits of FreeBSD's t_flags, which getsockopt shows for switches that are on. */
#define TF_NODELAY 0x4
#define TF_NOPUSH 0x1000
#define FASTOPEN_QUEUE 1024
#define LONGEST_UNACKED 0x7fffffff

static const struct option_rule rules[] = {
    {BSD_TCP_NODELAY, LINUX_IPPROTO_TCP, LINUX_TCP_NODELAY, TF_NODELAY, 0},
    {BSD_TCP_NOPUSH, LINUX_IPPROTO_TCP, LINUX_TCP_CORK, TF_NOPUSH, 0},
    {BSD_TCP_MAXSEG, LINUX_IPPROTO_TCP, LINUX_TCP_MAXSEG, 0, 0},
    {BSD_TCP_KEEPIDLE, LINUX_IPPROTO_TCP, LINUX_TCP_KEEPIDLE, 0, 0},
    {BSD_TCP_KEEPINTVL, LINUX_IPPROTO_TCP, LINUX_TCP_KEEPINTVL, 0, 0},
    {BSD_TCP_KEEPCNT, LINUX_IPPROTO_TCP, LINUX_TCP_KEEPCNT, 0, 0},
};

static const u8 states[] = {
    [1] = BSD_TCPS_ESTABLISHED, [2] = BSD_TCPS_SYN_SENT,   [3] = BSD_TCPS_SYN_RECEIVED,
    [4] = BSD_TCPS_FIN_WAIT_1,  [5] = BSD_TCPS_FIN_WAIT_2, [6] = BSD_TCPS_TIME_WAIT,
    [7] = BSD_TCPS_CLOSED,      [8] = BSD_TCPS_CLOSE_WAIT, [9] = BSD_TCPS_LAST_ACK,
    [10] = BSD_TCPS_LISTEN,     [11] = BSD_TCPS_CLOSING,   [12] = BSD_TCPS_SYN_RECEIVED,
};

static const struct {
    u8 guest, host;
} info_options[] = {
    {BSD_TCPI_OPT_TIMESTAMPS, LINUX_TCPI_OPT_TIMESTAMPS},
    {BSD_TCPI_OPT_SACK, LINUX_TCPI_OPT_SACK},
    {BSD_TCPI_OPT_WSCALE, LINUX_TCPI_OPT_WSCALE},
    {BSD_TCPI_OPT_ECN, LINUX_TCPI_OPT_ECN},
    {BSD_TCPI_OPT_TFO, LINUX_TCPI_OPT_SYN_DATA},
};

static long get_info(struct option_call *c)
{
    struct linux_tcp_info from;
    struct bsd_tcp_info to;
    u32 size = sizeof(from);
    size_t i;
    long r;

    memset(&from, 0, sizeof(from));
    memset(&to, 0, sizeof(to));
    r = host(__NR_getsockopt, c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_INFO, &from, &size);
    if (r)
        return r;
    if (from.state < ARRAY_LENGTH(states))
        to.state = states[from.state];
    for (i = 0; i < ARRAY_LENGTH(info_options); i++)
        if (from.options & info_options[i].host)
            to.options |= info_options[i].guest;
    to.wscale = from.wscale;
    to.rto = from.rto;
    to.snd_mss = from.snd_mss;
    to.rcv_mss = from.rcv_mss;
    to.last_data_recv = from.last_data_recv * 1000; /* milliseconds there */
    to.rtt = from.rtt;
    to.rttvar = from.rttvar;
    /* Segments there, bytes here. */
    to.snd_cwnd = from.snd_cwnd * from.snd_mss;
    to.snd_ssthresh = from.snd_ssthresh > 0xffffffffU / (from.snd_mss | 1)
                          ? 0xffffffffU
                          : from.snd_ssthresh * from.snd_mss;
    to.rcv_space = from.rcv_space;
    to.snd_wnd = from.snd_wnd;
    to.snd_rexmitpack = from.total_retrans;
    to.rcv_ooopack = from.rcv_ooopack;
    to.rttmin = from.min_rtt;
    return option_write(c, &to, sizeof(to));
}

/* The one algorithm that both kernels have under different names. */
static const char bsd_reno[] = "newreno", host_reno[] = "reno";

static long set_congestion(const struct option_call *c)
{
    char name[BSD_TCP_CA_NAME_MAX];
    u32 size = c->size < sizeof(name) - 1 ? c->size : sizeof(name) - 1;
    const char *wanted = name;
    long r;

    memset(name, 0, sizeof(name));
    if (!size)
        return -EINVAL;
    r = option_read(c, name, size);
    if (r)
        return r;
    if (!strcmp(name, bsd_reno))
        wanted = host_reno;
    r = host(__NR_setsockopt, c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_CONGESTION, wanted, strlen(wanted));
    return r == -ENOENT || r == -EPERM ? -ESRCH : r;
}

static long get_congestion(struct option_call *c)
{
    char name[BSD_TCP_CA_NAME_MAX + 1];
    u32 size = BSD_TCP_CA_NAME_MAX;
    long r;

    memset(name, 0, sizeof(name));
    r = host(__NR_getsockopt, c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_CONGESTION, name, &size);
    if (r)
        return r;
    if (!strcmp(name, host_reno))
        return option_write(c, bsd_reno, sizeof(bsd_reno));
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

long tcp_level_set(struct option_call *c)
{
    switch (c->name) {
    case BSD_TCP_INFO:
        return -EINVAL;
    case BSD_TCP_CONGESTION:
        return set_congestion(c);
    case BSD_TCP_MAXUNACKTIME:
        return set_unacked_time(c);
    case BSD_TCP_FASTOPEN:
        return set_fast_open(c);
    default:
        return option_set_by_rule(c, rules, ARRAY_LENGTH(rules));
    }
}

long tcp_level_get(struct option_call *c)
{
    switch (c->name) {
    case BSD_TCP_INFO:
        return get_info(c);
    case BSD_TCP_CONGESTION:
        return get_congestion(c);
    case BSD_TCP_MAXUNACKTIME:
        return get_unacked_time(c);
    case BSD_TCP_FASTOPEN:
        return get_fast_open(c);
    default:
        return option_get_by_rule(c, rules, ARRAY_LENGTH(rules));
    }
}
