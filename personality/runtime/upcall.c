/* Requests to the supervisor, for the calls that Python serves.
 *
 * Every process of one run shares one socket.  Each request carries a socket to answer on, so processes
 * need no turn-taking.  A process with one thread opens a pair of them for each request.  With more
 * threads the lowest free numbers would show for a moment what the guest has not opened, so from the
 * second thread on a pair is kept among the reserved numbers, and requests take turns. */
#include "core.h"
#include <linux/fcntl.h>
#include <linux/socket.h>
#include <linux/uio.h>

#define REQUEST_MAGIC 0x47555043U
#define AF_UNIX 1
#define SOCK_SEQPACKET 5
#define SOCK_CLOEXEC 02000000
#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define MSG_NOSIGNAL 0x4000
#define MSG_CMSG_CLOEXEC 0x40000000
#define MAX_FDS 4
#define POLLIN 1
#define REPLY_PLACE 7 /* among the reserved numbers: we receive here, the supervisor sends to the next */

RUNTIME_LOCK(reply_lock);
static bool reply_kept;

struct request_header {
    u32 magic, kind;
    u64 number, args[MAX_ARGUMENTS];
    s32 pid, tid;
    u32 payload_size, personality;
};
_Static_assert(sizeof(struct request_header) == 96, "request header");

struct reply_header {
    s64 value;
    u64 second;
    u32 has_second, payload_size;
};
_Static_assert(sizeof(struct reply_header) == 24, "reply header");

struct message {
    u64 name;
    u32 name_length, pad;
    struct iovec *iov;
    u64 iov_count;
    void *control;
    u64 control_length;
    u32 flags, pad2;
};
_Static_assert(sizeof(struct message) == 56, "msghdr");

struct rights {
    u64 length;
    s32 level, type;
    s32 fds[MAX_FDS];
};

static long send_request(struct thread *t, const struct request_header *header, const void *payload,
                         int reply_end, int send_fd)
{
    struct rights rights = {16 + 4, SOL_SOCKET, SCM_RIGHTS, {reply_end, send_fd, -1, -1}};
    u64 room = 24;
    if (send_fd >= 0)
        rights.length += 4;
    struct iovec iov[2] = {{(void *)header, sizeof(*header)}, {(void *)payload, header->payload_size}};
    struct message m = {.iov = iov, .iov_count = header->payload_size ? 2 : 1, .control = &rights,
                        .control_length = room};
    long r;
    do
        r = host(__NR_sendmsg, t->process->control_fd, &m, MSG_NOSIGNAL);
    while (r == -EINTR);
    return r;
}

/* Both ends of a kept pair are ours, so only the control socket tells that nobody will answer. */
static bool supervisor_is_gone(const struct process *p, int fd)
{
    struct {
        s32 fd;
        s16 events, revents;
    } watched[2] = {{fd, POLLIN, 0}, {p->control_fd, 0, 0}};
    while (host(__NR_poll, watched, 2, -1) == -EINTR)
        ;
    return watched[0].revents == 0;
}

static long receive_reply(const struct process *p, int fd, void *reply, size_t room, struct upcall_result *result)
{
    struct reply_header header;
    struct rights rights;
    struct iovec iov[2] = {{&header, sizeof(header)}, {reply, room}};
    struct message m = {.iov = iov, .iov_count = room ? 2 : 1, .control = &rights,
                        .control_length = sizeof(rights)};
    long r;
    if (supervisor_is_gone(p, fd))
        return -ECONNRESET;
    do
        r = host(__NR_recvmsg, fd, &m, MSG_CMSG_CLOEXEC);
    while (r == -EINTR);
    if (r < (long)sizeof(header))
        return is_error(r) ? r : -ECONNRESET;
    result->value = header.value;
    result->second = header.second;
    result->has_second = header.has_second;
    result->payload = (u32)(r - (long)sizeof(header));
    if (m.control_length >= 16 + 4 && rights.level == SOL_SOCKET && rights.type == SCM_RIGHTS)
        for (u64 i = 0; i < (rights.length - 16) / 4 && i < MAX_FDS; i++)
            result->fds[i] = rights.fds[i];
    return 0;
}

/* 32-bit FNV-1a of the personality's name: one supervisor may serve guests of several kernels. */
u32 personality_hash(const char *name)
{
    u32 hash = 0x811c9dc5;
    for (; *name; name++)
        hash = (hash ^ (u8)*name) * 0x01000193;
    return hash;
}

void upcall_keep_reply(struct thread *t)
{
    struct process *p = t->process;
    s32 pair[2];
    if (reply_kept || t->in_vfork_child || p->shares_descriptors ||
        is_error(host(__NR_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)))
        return;
    for (int i = 0; i < 2; i++) {
        host(__NR_dup3, pair[i], p->reserved_base + REPLY_PLACE + i, O_CLOEXEC);
        host(__NR_close, pair[i]);
    }
    __atomic_or_fetch(&reserved_own, 3U << REPLY_PLACE, __ATOMIC_RELAXED);
    reply_kept = true;
}

/* The kept pair is the parent's. */
static void leave_reply(struct thread *t)
{
    struct process *p = t->process;
    if (!reply_kept)
        return;
    reply_kept = false;
    if (p->shares_descriptors)
        return;
    for (int i = 0; i < 2; i++)
        host(__NR_dup2, p->runtime_fd, p->reserved_base + REPLY_PLACE + i);
    __atomic_and_fetch(&reserved_own, ~(3U << REPLY_PLACE), __ATOMIC_RELAXED);
}
ON_FORK_CHILD(leave_reply);

long upcall(struct thread *t, u32 kind, const u64 args[MAX_ARGUMENTS], u64 number, const void *payload,
            size_t size, int send_fd, void *reply, size_t room, struct upcall_result *result)
{
    const struct process *p = t->process;
    bool kept = reply_kept && !t->in_vfork_child;
    s32 pair[2] = {p->reserved_base + REPLY_PLACE, p->reserved_base + REPLY_PLACE + 1};
    long r = kept ? 0 : host(__NR_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    if (is_error(r))
        return r;
    struct request_header header = {.magic = REQUEST_MAGIC, .kind = kind, .number = number,
                                    .pid = t->process->pid, .tid = t->tid, .payload_size = (u32)size,
                                    .personality = personality_hash(t->process->personality->name)};
    if (args != NULL)
        memcpy(header.args, args, sizeof(header.args));
    memset(result, 0, sizeof(*result));
    for (u32 i = 0; i < MAX_FDS; i++)
        result->fds[i] = -1;
    if (kept)
        lock_acquire(&reply_lock);
    r = send_request(t, &header, payload, pair[1], send_fd);
    if (!is_error(r))
        r = receive_reply(p, pair[0], reply, room, result);
    if (kept)
        lock_release(&reply_lock);
    for (int i = 0; i < 2 && !kept; i++)
        host(__NR_close, pair[i]);
    return is_error(r) ? r : 0;
}

long serve_by_upcall(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct upcall_result result;
    u64 args[MAX_ARGUMENTS];
    memcpy(args, a, sizeof(args));
    /* Facts that only this side has; no cold call takes more than six arguments. */
    args[6] = t->process->stack_top;
    args[7] = t->process->ps_strings;
    long r = upcall(t, UPCALL_CALL, args, t->call_number, NULL, 0, -1, NULL, 0, &result);
    if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
        return r; /* no room to ask */
    if (r != 0)
        return -ENOSYS; /* the supervisor is gone: as a kernel without the call */
    if (result.has_second)
        f->rdx = result.second;
    return result.value;
}
