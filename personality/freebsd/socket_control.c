/* Control messages that FreeBSD alone has: time stamps on four clocks, and the type of service. */
#include "socket.h"

#define NANOSECOND 1000000000L
/* 2^64 / 10^9: struct bintime counts fractions of a second in units of 2^-64. */
#define BINTIME_PER_NANOSECOND 18446744073UL

bool own_timestamp(int type, const u8 *data, struct control_buffer *to)
{
    struct timespec_host real, monotonic;
    s64 stamp[2];

    memcpy(stamp, data, sizeof(stamp));
    switch (type) {
    case LINUX_SO_TIMESTAMP_OLD:
        return control_append_data(to, FREEBSD_SOL_SOCKET, FREEBSD_SCM_TIMESTAMP, stamp, sizeof(stamp));
    case LINUX_SO_TIMESTAMPNS_OLD:
        return control_append_data(to, FREEBSD_SOL_SOCKET, FREEBSD_SCM_REALTIME, stamp, sizeof(stamp));
    case LINUX_SO_TIMESTAMPNS_NEW:
        stamp[1] = (s64)((u64)stamp[1] * BINTIME_PER_NANOSECOND);
        return control_append_data(to, FREEBSD_SOL_SOCKET, FREEBSD_SCM_BINTIME, stamp, sizeof(stamp));
    default:
        if (clock_read(0, &real) || clock_read(1, &monotonic))
            return true;
        stamp[1] = stamp[1] * 1000 - real.nsec + monotonic.nsec;
        stamp[0] += monotonic.sec - real.sec;
        for (; stamp[1] < 0; stamp[1] += NANOSECOND)
            stamp[0]--;
        for (; stamp[1] >= NANOSECOND; stamp[1] -= NANOSECOND)
            stamp[0]++;
        return control_append_data(to, FREEBSD_SOL_SOCKET, FREEBSD_SCM_MONOTONIC, stamp, sizeof(stamp));
    }
}

bool own_ip_message(int fd UNUSED, int host_type, const u8 *data, struct control_buffer *to)
{
    return host_type != LINUX_IP_TOS || control_append_data(to, LINUX_IPPROTO_IP, FREEBSD_IP_RECVTOS, data, 1);
}

/* In IPv6's words, as ip6_savecontrol_v4 does it: an int each. */
bool own_mapped_message(int host_type, const u8 *data, struct control_buffer *to)
{
    const s32 class = data[0];

    switch (host_type) {
    case LINUX_IP_TOS: /* a byte on the host */
        return control_append_data(to, FREEBSD_IPPROTO_IPV6, FREEBSD_IPV6_TCLASS, &class, sizeof(class));
    case LINUX_IP_TTL:
        return control_append_data(to, FREEBSD_IPPROTO_IPV6, FREEBSD_IPV6_HOPLIMIT, data, sizeof(s32));
    default:
        return true;
    }
}

bool own_interface_wanted(int fd UNUSED) { return true; }
