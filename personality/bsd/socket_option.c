/* setsockopt and getsockopt: which level answers, and how values are fetched and handed back.
 *
 * Level 0 means IPPROTO_IP on an Internet socket and SOL_LOCAL on a local one.  An option of a level
 * that the socket's protocol does not have is EINVAL. */
#include "socket.h"

long option_read(const struct option_call *c, void *to, u32 wanted)
{
    if (c->size < wanted)
        return -EINVAL;
    return copy_in(to, c->value, wanted);
}

long option_read_int(const struct option_call *c, int *value)
{
    return option_read(c, value, sizeof(*value));
}

long option_write(struct option_call *c, const void *from, u32 size)
{
    if (size < c->size)
        c->size = size;
    return c->value && c->size ? copy_out(c->value, from, c->size) : 0;
}

long option_write_int(struct option_call *c, int value)
{
    return option_write(c, &value, sizeof(value));
}

static const struct option_rule *find_rule(int name, const struct option_rule *rules, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (rules[i].guest == name)
            return &rules[i];
    return NULL;
}

long option_set_by_rule(const struct option_call *c, const struct option_rule *rules, size_t count)
{
    const struct option_rule *rule = find_rule(c->name, rules, count);
    u8 byte;
    int value;
    long r;

    if (!rule || (rule->extra & OPTION_GET_ONLY))
        return -ENOPROTOOPT;
    if ((rule->extra & OPTION_BYTE) && c->size == 1) {
        r = option_read(c, &byte, 1);
        value = byte;
    } else {
        r = option_read_int(c, &value);
    }
    if (r)
        return r;
    if (rule->truth)
        value = value != 0;
    return host_option_set(c->fd, rule->host_level, rule->host, value);
}

long option_get_by_rule(struct option_call *c, const struct option_rule *rules, size_t count)
{
    const struct option_rule *rule = find_rule(c->name, rules, count);
    int value = 0, size = sizeof(value);
    u8 byte;
    long r;

    if (!rule)
        return -ENOPROTOOPT;
    r = host(__NR_getsockopt, c->fd, rule->host_level, rule->host, &value, &size);
    if (r)
        return r;
    if (rule->truth)
        value = value ? rule->truth : 0;
    if ((rule->extra & OPTION_BYTE) && c->size == 1) {
        byte = (u8)value;
        return option_write(c, &byte, 1);
    }
    return option_write_int(c, value);
}

typedef long (*level_handler)(struct option_call *c);

/* ICMPv6's only option, a filter of message types: FreeBSD's bits let pass what the host's keep out. */
#define ICMP6_FILTER 18
#define ICMP6_FILTER_HOST 1

static long icmp6_filter(struct option_call *c, bool set)
{
    u32 filter[8], size = sizeof(filter), i;
    long r;

    if (c->name != ICMP6_FILTER || socket_type(c->kind) != LINUX_SOCK_RAW)
        return -ENOPROTOOPT;
    r = set ? option_read(c, filter, sizeof(filter))
            : host(__NR_getsockopt, c->fd, LINUX_IPPROTO_ICMPV6, ICMP6_FILTER_HOST, filter, &size);
    if (r)
        return r;
    for (i = 0; i < ARRAY_LENGTH(filter); i++)
        filter[i] = ~filter[i];
    return set ? host(__NR_setsockopt, c->fd, LINUX_IPPROTO_ICMPV6, ICMP6_FILTER_HOST, filter, size)
               : option_write(c, filter, sizeof(filter));
}

static long dispatch(struct option_call *c, bool set)
{
    int domain = socket_domain(c->kind);
    long result;

    if (own_option(c, set, &result))
        return result;
    if (c->level == BSD_SOL_SOCKET)
        return set ? socket_level_set(c) : socket_level_get(c);
    if (domain == SOCKET_UNIX && c->level == BSD_SOL_LOCAL)
        return set ? local_level_set(c) : local_level_get(c);
    if (domain == SOCKET_INET && c->level == BSD_IPPROTO_IP)
        return set ? ip_level_set(c) : ip_level_get(c);
    if (domain == SOCKET_INET6 && c->level == BSD_IPPROTO_IPV6)
        return set ? ipv6_level_set(c) : ipv6_level_get(c);
    if (domain == SOCKET_INET6 && c->level == BSD_IPPROTO_ICMPV6)
        return icmp6_filter(c, set);
    if (socket_is_tcp(c->kind) && c->level == BSD_IPPROTO_TCP)
        return set ? tcp_level_set(c) : tcp_level_get(c);
    return -EINVAL;
}

long bsd_sys_setsockopt(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct option_call c = {t, (int)a[0], 0, (int)a[1], (int)a[2], a[3], (u32)a[4]};

    (void)f;
    if (!c.value && c.size)
        return -EFAULT;
    if ((s32)c.size < 0)
        return -EINVAL;
    c.kind = socket_kind(t, c.fd);
    return c.kind < 0 ? c.kind : dispatch(&c, true);
}

long bsd_sys_getsockopt(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct option_call c = {t, (int)a[0], 0, (int)a[1], (int)a[2], a[3], 0};
    long r;

    (void)f;
    if (c.value && get_u32(a[4], &c.size))
        return -EFAULT;
    if ((s32)c.size < 0)
        return -EINVAL;
    c.kind = socket_kind(t, c.fd);
    if (c.kind < 0)
        return c.kind;
    r = dispatch(&c, false);
    return r ? r : put_u32(a[4], c.size);
}
