/* READ, WRITE and EMPTY on descriptors: when they hold and what `data` says.
 *
 * Deviation: at EV_EOF a BSD kernel reports the socket's pending error in fflags and leaves it
 * pending.  The host can only hand it out once, and getsockopt(SO_ERROR), read and write need it
 * more: fflags stays 0. */
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/socket.h>
#include <linux/fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>

#include "internal.h"

#define LEVEL_TCP 6
#define TERMINAL_QUEUE 4096
#define HOST_AF_UNIX 1
#define HOST_SOCK_STREAM 1
#define MESSAGE_DONTWAIT 0x40
#define MESSAGE_NOSIGNAL 0x4000

static s64 unread(int fd)
{
    s32 count = 0;
    long error = host(__NR_ioctl, fd, FIONREAD, &count);
    return error < 0 ? error : count;
}

static s64 unsent(int fd)
{
    s32 count = 0;
    long error = host(__NR_ioctl, fd, SIOCOUTQ, &count);
    return error < 0 ? error : count;
}

static bool connection(int fd, struct tcp_info *info)
{
    u32 size = sizeof(*info);
    memset(info, 0, sizeof(*info));
    return host(__NR_getsockopt, fd, LEVEL_TCP, TCP_INFO, info, &size) == 0;
}

/* Connections that wait to be accepted: TCP tells, others have at least the one that woke us. */
static s64 backlog(int fd)
{
    struct tcp_info info;
    return connection(fd, &info) && info.tcpi_unacked ? info.tcpi_unacked : 1;
}

static s64 send_space(int fd)
{
    s32 buffer = 0;
    u32 size = sizeof(buffer);
    s64 queued = unsent(fd);
    host(__NR_getsockopt, fd, SOL_SOCKET, SO_SNDBUF, &buffer, &size);
    s64 space = buffer - (queued > 0 ? queued : 0);
    return space > 0 ? space : 0;
}

enum protocol { PROTOCOL_UNASKED, PROTOCOL_TCP, PROTOCOL_LOCAL, PROTOCOL_OTHER };
/* The host's states of a connection. */
#define TCP_CLOSE_WAIT 8
#define TCP_SENT_ITS_END (1U << 4 | 1U << 5 | 1U << 6 | 1U << 9 | 1U << 11) /* FIN_WAIT1, _2, TIME_WAIT, LAST_ACK, CLOSING */

static s32 socket_word(int fd, int option)
{
    s32 value = -1;
    u32 size = sizeof(value);
    host(__NR_getsockopt, fd, SOL_SOCKET, option, &value, &size);
    return value;
}

static enum protocol protocol_of(struct node *node)
{
    if (node->protocol == PROTOCOL_UNASKED) {
        bool stream = socket_word(node->fd, SO_TYPE) == HOST_SOCK_STREAM;
        bool local = socket_word(node->fd, SO_DOMAIN) == HOST_AF_UNIX;
        bool tcp = socket_word(node->fd, SO_PROTOCOL) == LEVEL_TCP;
        node->protocol = stream && local ? PROTOCOL_LOCAL : stream && tcp ? PROTOCOL_TCP : PROTOCOL_OTHER;
    }
    return (enum protocol)node->protocol;
}

/* Whether this side may send no more.  The host's poll does not say so while the other side still may. */
static bool sending_is_over(struct knote *kn)
{
    struct tcp_info info;
    int fd = kn->node->fd;
    switch (protocol_of(kn->node)) {
    case PROTOCOL_TCP:
        if (!connection(fd, &info))
            return false;
        kn->write.acknowledged = info.tcpi_bytes_acked;
        return (TCP_SENT_ITS_END >> info.tcpi_state) & 1;
    case PROTOCOL_LOCAL: /* a stream: nothing is sent */
        return host(__NR_sendto, fd, NULL, 0, MESSAGE_DONTWAIT | MESSAGE_NOSIGNAL, NULL, 0) == -EPIPE;
    default:
        return false;
    }
}

/* The host wakes writers when the peer has sent its end; a BSD kernel only when it has acknowledged more. */
bool fd_is_news(const struct knote *kn, u32 events)
{
    struct tcp_info info;
    if (kn->event.filter != KFILTER_WRITE || !(kn->event.flags & EV_CLEAR) || !kn->write.reported ||
        (events & (POLLHUP | POLLERR)) || kn->node->protocol != PROTOCOL_TCP)
        return true;
    return !connection(kn->node->fd, &info) || info.tcpi_state != TCP_CLOSE_WAIT ||
           info.tcpi_bytes_acked != kn->write.acknowledged;
}

static void set_eof(struct knote *kn, bool eof)
{
    if (eof)
        kn->event.flags |= EV_EOF;
    else
        kn->event.flags &= (u16)~EV_EOF;
}

/* A stream socket that was never connected: the host calls it hung up, a BSD kernel not ready. */
static bool never_connected(u32 events)
{
    return (events & POLLHUP) && !(events & (POLLRDHUP | POLLERR));
}

static bool stream_holds(struct knote *kn, u32 events)
{
    int fd = kn->node->fd;
    if (events & POLLHUP)
        events = fd_poll(fd, POLLIN | POLLOUT | POLLRDHUP);
    if (never_connected(events))
        return false;
    if (kn->event.filter == KFILTER_WRITE) {
        bool eof = (events & POLLHUP) || sending_is_over(kn);
        kn->event.data = send_space(fd);
        set_eof(kn, eof);
        if (eof || (events & POLLERR))
            return true;
        bool room = (events & POLLOUT) != 0;
        if (kn->saved_fflags & NOTE_LOWAT)
            room = kn->event.data >= kn->saved_data;
        kn->write.reported |= room;
        return room;
    }
    bool eof = (events & (POLLRDHUP | POLLHUP)) != 0;
    s64 waiting = unread(fd);
    set_eof(kn, eof);
    if (waiting == -EINVAL) { /* it listens */
        kn->event.data = events & POLLIN ? backlog(fd) : 0;
        return (events & POLLIN) != 0;
    }
    kn->event.data = waiting > 0 ? waiting : 0;
    if (eof || (events & POLLERR))
        return true;
    if (kn->saved_fflags & NOTE_LOWAT)
        return kn->event.data >= kn->saved_data;
    return (events & POLLIN) != 0;
}

/* BSD pipes go both ways: each end can be read and written, and the far end's close is an end of
 * file for both.  The host's have one direction; the other filter only ever reports that end. */
static bool pipe_holds(struct knote *kn, u32 events)
{
    struct node *node = kn->node;
    bool eof = (events & (node->access == O_WRONLY ? POLLERR : POLLHUP)) != 0;
    s64 waiting = unread(node->fd);
    set_eof(kn, eof);
    kn->event.data = 0;
    if (kn->event.filter == KFILTER_READ) {
        if (node->access != O_WRONLY)
            kn->event.data = waiting > 0 ? waiting : 0;
        return eof || kn->event.data > 0;
    }
    if (eof || node->access == O_RDONLY)
        return eof;
    long size = host(__NR_fcntl, node->fd, F_GETPIPE_SZ);
    if (size > waiting && waiting >= 0)
        kn->event.data = size - waiting;
    return (events & POLLOUT) != 0;
}

static bool device_holds(struct knote *kn, u32 events)
{
    int fd = kn->node->fd;
    bool eof = (events & POLLHUP) != 0;
    bool ready = (events & (kn->event.filter == KFILTER_READ ? POLLIN : POLLOUT)) != 0;
    s64 count = kn->event.filter == KFILTER_READ ? unread(fd) : TERMINAL_QUEUE - unsent(fd);
    set_eof(kn, eof);
    kn->event.data = count > 0 ? count : ready && !eof;
    return eof || ready;
}

static bool queue_holds(struct knote *kn, u32 events)
{
    struct slot *slot = slot_of(kn->node->fd);
    bool ready = (events & POLLIN) != 0;
    kn->event.data = slot && slot->queue && slot->queue->active ? slot->queue->active : ready;
    return ready;
}

static bool fd_holds(struct thread *t, struct knote *kn)
{
    struct node *node = kn->node;
    if (node->kind == NODE_VNODE) {
        if (kn->event.filter == KFILTER_READ)
            return vnode_offset_holds(t, kn);
        kn->event.data = 0;
        return true;
    }
    if (kn->status & STATUS_POLLED)
        timers_changed = true;
    u32 events = kn->ready;
    if (kn->ready_at != scan_number)
        events = fd_poll(node->fd, POLLIN | POLLOUT | POLLRDHUP);
    switch (node->kind) {
    case NODE_STREAM:
        return stream_holds(kn, events);
    case NODE_PIPE:
        return pipe_holds(kn, events);
    case NODE_QUEUE:
        return queue_holds(kn, events);
    default:
        return device_holds(kn, events);
    }
}

/* The host says when a full buffer has room again, but not when room grows to a mark. */
static bool has_mark(const struct knote *kn)
{
    bool stream_write = kn->event.filter == KFILTER_WRITE && kn->node->kind == NODE_STREAM;
    return stream_write && (kn->saved_fflags & NOTE_LOWAT);
}

static void fd_touch(struct thread *t, struct knote *kn, struct knote_event *change)
{
    kn->saved_fflags = change->fflags;
    kn->saved_data = change->data;
    if (has_mark(kn))
        poll_now_and_then(t, kn);
    else
        poll_no_more(kn);
}

static int fd_attach(struct thread *t, struct knote *kn)
{
    struct node *node = kn->node;
    if (kn->event.filter == KFILTER_WRITE) {
        if (node->kind == NODE_QUEUE)
            return -EINVAL;
        if (node->kind == NODE_PIPE && node->access != O_RDONLY && (fd_poll(node->fd, POLLOUT) & POLLERR))
            return -EPIPE;
    } else if (node->kind == NODE_VNODE) {
        return vnode_watch_data(t, kn);
    }
    int error = node_join(t, kn);
    if (!error && has_mark(kn)) {
        error = poll_now_and_then(t, kn);
        if (error)
            node_leave(t, kn);
    }
    return error;
}

static void fd_detach(struct thread *t, struct knote *kn)
{
    poll_no_more(kn);
    if (kn->node->kind == NODE_VNODE && kn->event.filter == KFILTER_READ)
        vnode_unwatch(t, kn);
    node_leave(t, kn);
}

const struct filter filter_fd = {
    .is_fd = true,
    .attach = fd_attach,
    .detach = fd_detach,
    .holds = fd_holds,
    .touch = fd_touch,
};

/* ---- EMPTY: no byte is left in the send buffer ------------------------------------------------ */

static bool empty_holds(struct thread *t UNUSED, struct knote *kn)
{
    s64 queued = unsent(kn->node->fd);
    timers_changed = true;
    kn->event.data = queued > 0 ? queued : 0;
    return queued <= 0; /* a listening socket has no send buffer */
}

/* The host tells nobody when the last byte was acknowledged. */
static int empty_attach(struct thread *t, struct knote *kn)
{
    return kn->node->kind == NODE_STREAM ? poll_now_and_then(t, kn) : -EINVAL;
}

static void empty_detach(struct thread *t UNUSED, struct knote *kn)
{
    poll_no_more(kn);
}

const struct filter filter_empty = {
    .is_fd = true,
    .attach = empty_attach,
    .detach = empty_detach,
    .holds = empty_holds,
};
