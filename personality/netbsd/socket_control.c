/* Control messages in NetBSD's forms: who sent it, when it came, and where it came in. */
#include "netbsd.h"
#include "socket.h"
#include "socket_own.h"

#define ONE_GROUP 1

/* Only the kernel says who sent something, and only to those who asked. */
long credentials_to_host(struct thread *t UNUSED, struct control_buffer *to UNUSED) { return -EINVAL; }

long credentials_receive(int fd, long kind UNUSED, u32 guest_room UNUSED, struct linux_msghdr *m, u64 flags)
{
    return host_intr(__NR_recvmsg, fd, m, flags);
}

static bool append_old(const struct linux_ucred *from, struct control_buffer *to)
{
    struct netbsd_sockcred70 *c =
        control_append_guest(to, NETBSD_SOL_SOCKET, NETBSD_SCM_OCREDS, sizeof(*c));

    if (!c)
        return false;
    *c = (struct netbsd_sockcred70){.uid = from->uid, .euid = from->uid, .gid = from->gid, .egid = from->gid,
                                    .ngroups = ONE_GROUP, .groups = {from->gid}};
    return true;
}

/* A stream says it once, every datagram says it.  The host carries no effective ids and no further groups. */
bool credentials_from_host(int fd, long kind, const struct linux_ucred *from, struct control_buffer *to)
{
    if (!from->pid) /* the host's word for "the sender's were not recorded" */
        return true;
    bool old = host_option(fd, LINUX_SOL_SOCKET, HOST_HOLDS_PERSISTENT) == 1;
    if (socket_type(kind) != LINUX_SOCK_DGRAM)
        host_option_set(fd, LINUX_SOL_SOCKET, LINUX_SO_PASSCRED, 0);
    if (old)
        return append_old(from, to);
    struct netbsd_sockcred *c = control_append_guest(to, NETBSD_SOL_SOCKET, NETBSD_SCM_CREDS, sizeof(*c));
    if (!c)
        return false;
    *c = (struct netbsd_sockcred){.pid = from->pid, .uid = from->uid, .euid = from->uid, .gid = from->gid,
                                  .egid = from->gid, .ngroups = ONE_GROUP, .groups = {from->gid}};
    return true;
}

bool own_timestamp(int host_type UNUSED, const u8 *data, struct control_buffer *to)
{
    s64 stamp[2];

    memcpy(stamp, data, sizeof(stamp));
    const struct netbsd_timeval now = {.sec = stamp[0], .usec = (s32)stamp[1]};
    return control_append_data(to, NETBSD_SOL_SOCKET, NETBSD_SCM_TIMESTAMP, &now, sizeof(now));
}

bool own_ip_message(int fd, int host_type, const u8 *data, struct control_buffer *to)
{
    struct linux_in_pktinfo from;

    if (host_type != LINUX_IP_PKTINFO || host_option(fd, LINUX_SOL_SOCKET, HOST_HOLDS_RECVPKTINFO) != 1)
        return true;
    memcpy(&from, data, sizeof(from));
    struct netbsd_in_pktinfo info = {.ifindex = (u32)from.ifindex};
    memcpy(&info.addr, &from.addr, sizeof(info.addr));
    return control_append_data(to, LINUX_IPPROTO_IP, NETBSD_IP_PKTINFO, &info, sizeof(info));
}

/* ip6_savecontrol says nothing about packets of IPv4. */
bool own_mapped_message(int host_type UNUSED, const u8 *data UNUSED, struct control_buffer *to UNUSED)
{
    return true;
}

bool own_interface_wanted(int fd) { return host_option(fd, LINUX_SOL_SOCKET, HOST_HOLDS_RECVIF) == 1; }
