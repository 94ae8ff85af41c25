/* What the files of the socket family share: addresses, kinds of socket, options, messages.
 *
 * State that FreeBSD keeps per socket and Linux does not have is kept where it cannot be lost by dup,
 * fork, exec or passing the descriptor on: in flags of the host's own socket that have no effect on a
 * socket of that kind (see HOST_HOLDS_*).
 */
#ifndef GUISE_BSD_SOCKET_H
#define GUISE_BSD_SOCKET_H

#include <linux/fcntl.h>

#include "bsd.h"
#include "abi_linux.h"

/* SO_NOSIGPIPE.  As the host's flag it asks poll to report queued network errors as POLLPRI, which only
 * happens on sockets that also set IP_RECVERR: FreeBSD has no such option. */
#define HOST_HOLDS_NOSIGPIPE LINUX_SO_SELECT_ERR_QUEUE
/* LOCAL_CREDS_PERSISTENT.  As the host's flag it counts dropped packets, which it does not for AF_UNIX. */
#define HOST_HOLDS_PERSISTENT LINUX_SO_RXQ_OVFL
/* SO_REUSEPORT of sockets that have no ports, for which newer hosts refuse it (EOPNOTSUPP).  As the host's flag it
 * leaves out UDP's checksums. */
#define HOST_HOLDS_REUSEPORT LINUX_SO_NO_CHECK

/* ---- addresses ------------------------------------------------------------------------------- */

union host_address {
    u16 family;
    struct linux_sockaddr_in in;
    struct linux_sockaddr_in6 in6;
    struct linux_sockaddr_un un;
    u8 bytes[128];
};

union guest_address {
    struct {
        u8 len, family;
    };
    struct bsd_sockaddr_in in;
    struct bsd_sockaddr_in6 in6;
    struct bsd_sockaddr_un un;
    u8 bytes[BSD_SOCK_MAXADDRLEN + 1];
};

/* Bytes of the host's form, or -errno as FreeBSD's connect and bind would say it. */
long socket_address_to_host(const union guest_address *from, u32 length, union host_address *to);
long socket_address_in(u64 guest, u32 length, union host_address *to);
/* Length of the guest's form (sa_len), 0 when there is no address. */
u32 socket_address_from_host(const union host_address *from, u32 length, union guest_address *to);
/* As above, to the guest's memory: at most *room bytes; *room becomes what was written. */
long socket_address_out(const union host_address *from, u32 length, u64 guest, u32 *room);
/* False when a local address names a file that is not a socket: FreeBSD says ENOTSOCK then. */
bool socket_exists_at(const union host_address *to);

/* ---- what sort of socket a descriptor is ------------------------------------------------------- */

#define SOCKET_DOMAIN 0x07
#define SOCKET_UNIX 1
#define SOCKET_INET 2
#define SOCKET_INET6 3
#define SOCKET_OTHER 4
#define SOCKET_TYPE_SHIFT 3
#define SOCKET_TYPE 0x38
/* A datagram socket that connect() was called on: where FreeBSD refuses an address, ask. */
#define SOCKET_MAY_BE_CONNECTED 0x40

/* The kind, or -ENOTSOCK, -EBADF (also for descriptors the guest must not see). */
long socket_kind(struct thread *t, int fd);
void socket_kind_set(struct thread *t, int fd, u32 kind);
u32 socket_kind_of(long host_domain, long host_type);

static inline int socket_domain(long kind) { return (int)(kind & SOCKET_DOMAIN); }
static inline int socket_type(long kind) { return (int)(kind & SOCKET_TYPE) >> SOCKET_TYPE_SHIFT; }
static inline bool socket_is(long kind, int domain, int host_type)
{
    return socket_domain(kind) == domain && socket_type(kind) == host_type;
}
static inline bool socket_is_internet(long kind)
{
    return socket_domain(kind) == SOCKET_INET || socket_domain(kind) == SOCKET_INET6;
}
static inline bool socket_is_tcp(long kind)
{
    return socket_is_internet(kind) && socket_type(kind) == LINUX_SOCK_STREAM;
}

/* ---- options of the host's socket --------------------------------------------------------------- */

long host_option(int fd, int level, int name); /* an int option's value, or -errno */
long host_option_set(int fd, int level, int name, int value);
bool socket_is_connected(int fd);
bool socket_is_nonblocking(int fd);

/* One call of setsockopt or getsockopt on its way through the levels. */
struct option_call {
    struct thread *t;
    int fd;
    long kind;
    int level, name; /* the guest's */
    u64 value;       /* guest address, 0: none */
    u32 size;        /* bytes there; getsockopt: on return, bytes written */
};
/* sooptcopyin and sooptcopyout: too little to read is EINVAL, too little room cuts the answer. */
long option_read(const struct option_call *c, void *to, u32 wanted);
long option_read_int(const struct option_call *c, int *value);
long option_write(struct option_call *c, const void *from, u32 size);
long option_write_int(struct option_call *c, int value);

/* An option that both kernels have as an int. */
struct option_rule {
    int guest, host_level, host;
    int truth; /* what getsockopt says for "on": FreeBSD shows a flag's own bit.  0: any value */
    int extra; /* OPTION_* */
};
#define OPTION_BYTE 1 /* a byte will do as well as an int */
#define OPTION_GET_ONLY 2
/* -ENOPROTOOPT when no rule matches. */
long option_set_by_rule(const struct option_call *c, const struct option_rule *rules, size_t count);
long option_get_by_rule(struct option_call *c, const struct option_rule *rules, size_t count);

/* In each kernel's own folder: options that it alone has, or serves in a way of its own.  False: not one of them. */
bool own_option(struct option_call *c, bool set, long *result);
/* A request about an interface that not all of the family have. */
long own_interface_request(int fd, u64 command, u64 data);
long socket_level_set(struct option_call *c);
long socket_level_get(struct option_call *c);
long local_level_set(struct option_call *c);
long local_level_get(struct option_call *c);
long ip_level_set(struct option_call *c);
long ip_level_get(struct option_call *c);
long ipv6_level_set(struct option_call *c);
long ipv6_level_get(struct option_call *c);
long tcp_level_set(struct option_call *c);
long tcp_level_get(struct option_call *c);
/* In each kernel's own folder: members of TCP_INFO's structure that it alone has. */
void own_tcp_info(const struct linux_tcp_info *from, struct bsd_tcp_info *to);
/* The algorithm against congestion.  What it is called here where the host says "reno", and the failure for a name that
 * the host does not know. */
struct congestion_words {
    const char *reno;
    u32 longest;
    long unknown;
};
long congestion_set(const struct option_call *c, const struct congestion_words *words);
long congestion_get(struct option_call *c, const struct congestion_words *words);
long multicast_group_set(struct option_call *c, int host_level);
/* What follows when a group was joined, with or without success; the option's result. */
long multicast_joined(const struct option_call *c, int host_level, long r);

/* IP_PORTRANGE_LOW is in force: bind has to look for a privileged port itself. */
bool socket_wants_low_port(int fd, long kind);
long port_range_set(struct option_call *c, int wanted);
long port_range_get(struct option_call *c);

/* ---- control messages ---------------------------------------------------------------------------- */

#define CONTROL_ROOM 2048 /* FreeBSD's limit for what one call may send (MCLBYTES) */

#define BSD_CONTROL_ALIGN(n) (((n) + 7UL) & ~7UL)
#define BSD_CONTROL_HEADER BSD_CONTROL_ALIGN(sizeof(struct bsd_cmsghdr))

struct control_buffer {
    u32 used, room;
    u8 *bytes;
    bool marked; /* the credentials were meant: credential_mark.c */
};

/* Append one message in the guest's (or the host's) form; returns its data, NULL: no room. */
void *control_append_guest(struct control_buffer *b, int level, int type, u32 size);
bool control_append_data(struct control_buffer *to, int level, int type, const void *data, u32 size);
void *control_append_host(struct control_buffer *b, int level, int type, u32 size);

/* Guest's messages to the host's; 0 or -errno. */
long control_to_host(struct thread *t, long kind, const u8 *from, u32 size, struct control_buffer *to);
/* Host's messages to guest memory as far as they fit; sets *truncated, *written. */
long control_from_host(struct thread *t, int fd, long kind, const struct linux_msghdr *from, u64 to,
                       u32 room, u32 *written, bool *truncated);
void control_close_rights(const struct linux_msghdr *m);

/* In each kernel's own folder: credentials and time stamps that travel with messages. */
long credentials_to_host(struct thread *t, struct control_buffer *to);
bool credentials_from_host(int fd, long kind, const struct linux_ucred *from, struct control_buffer *to);
/* recvmsg that also collects what a sender's SCM_CREDS says; as host_intr(recvmsg). */
long credentials_receive(int fd, long kind, u32 guest_room, struct linux_msghdr *m, u64 flags);

/* A descriptor to send with credentials, to be closed then, or -errno; and whether one that arrived is such. */
long credential_mark_make(void);
bool credential_mark_is(int fd);

bool own_timestamp(int host_type, const u8 *stamp, struct control_buffer *to);
/* A message at level IPPROTO_IP that the common code does not know, or that is more than one here; nothing is appended
 * where there is no word for it. */
bool own_ip_message(int fd, int host_type, const u8 *data, struct control_buffer *to);
/* As above, of a packet of IPv4 that came to a socket of IPv6. */
bool own_mapped_message(int host_type, const u8 *data, struct control_buffer *to);
/* Whether the host's IP_PKTINFO was asked for as IP_RECVIF. */
bool own_interface_wanted(int fd);

/* ---- data ------------------------------------------------------------------------------------------ */

/* What one send call sends: one buffer, or the vector that message.iov names. */
struct outgoing {
    struct linux_msghdr message; /* name and control point to the runtime's memory */
    u64 buffer, length;
    bool vector;
};
/* With the guest's flags; raises SIGPIPE where FreeBSD would. */
long socket_send(int fd, long kind, struct outgoing *o, u32 guest_flags);

/* A process that ever sets SO_NOSIGPIPE: its write() and writev() must go through socket_write first,
 * which answers -ENOTSOCK for every descriptor that it does not have to handle. */
extern u32 socket_nosigpipe_used;
long socket_write(struct thread *t, int fd, u64 buffer, u64 length, bool vector);
/* The host's write said EPIPE: raise the signal that it left out.  Returns -EPIPE. */
long socket_write_broken(struct thread *t, int fd);

/* accept4, for kernels that have it under other names only. */
long bsd_sys_accept4(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS]);

/* ---- requests on sockets, called by ioctl ------------------------------------------------------------ */

/* -ENOTTY: not a socket's request. */
long bsd_socket_ioctl(struct thread *t, int fd, u64 command, u64 data);

#endif
