/* Options at level IPPROTO_TCP.
 *
 * Not served, for want of a host's word: TCP_NOOPT, TCP_MD5SIG, TCP_DELACK, TCP_KEEPINIT (the host
 * counts attempts, not seconds), the choice of a TCP stack and its logs. */
#include "socket.h"

/* A bit of t_flags, which getsockopt shows for a switch that is on. */
#define TF_NODELAY 0x4

static const struct option_rule rules[] = {
    {BSD_TCP_NODELAY, LINUX_IPPROTO_TCP, LINUX_TCP_NODELAY, TF_NODELAY, 0},
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
    own_tcp_info(&from, &to);
    return option_write(c, &to, sizeof(to));
}

long tcp_level_set(struct option_call *c)
{
    return c->name == BSD_TCP_INFO ? -EINVAL : option_set_by_rule(c, rules, ARRAY_LENGTH(rules));
}

long tcp_level_get(struct option_call *c)
{
    return c->name == BSD_TCP_INFO ? get_info(c) : option_get_by_rule(c, rules, ARRAY_LENGTH(rules));
}
