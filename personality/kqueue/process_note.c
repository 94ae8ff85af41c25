/* Notes from process to process, for PROC knotes that want more than the end.
 *
 * Who watches a process binds a datagram socket to a name made of the session and the process's
 * number.  The runtime of that process sends there; where nobody listens, the host says so at once.
 * A new process binds its own name before it runs any guest code, and sends the socket along with
 * the news of its birth: nothing that it tells later can be missed, even if the watcher is slow.
 *
 * Most sessions have no watcher, and trying to reach one takes three host calls.  So who begins to watch
 * says so in a bit that all processes of the session share: O_APPEND, which means nothing to a socket, of
 * the control socket's one open file. */
#include "process_note.h"

#include <asm/socket.h>
#include <asm/stat.h>
#include <linux/fcntl.h>

#include "kqueue.h"

#define UNIX_FAMILY 1
#define DATAGRAM 2
#define RIGHTS 1
#define CREDENTIALS 2
#define MESSAGE_DONTWAIT 0x40
#define MESSAGE_CLOEXEC 0x40000000

struct name {
    u16 family;
    char text[62];
};

struct control {
    u64 length;
    s32 level, type;
};

struct message {
    u64 name;
    u32 name_length, pad;
    u64 vector, vector_length, control, control_length;
    u32 flags, pad_end;
};

/* The control socket is the same for all processes of a session, and for no others. */
static u64 session(struct thread *t)
{
    static u64 number;
    struct stat status;
    if (!number && host(__NR_fstat, t->process->control_fd, &status) == 0)
        number = status.st_ino;
    return number;
}

/* An abstract name: it vanishes with its socket. */
static u64 make_name(struct thread *t, struct name *name, s32 pid)
{
    name->family = UNIX_FAMILY;
    name->text[0] = 0;
    int n = format(name->text + 1, sizeof(name->text) - 1, "guise-kqueue-%lx-%d", session(t), pid);
    return sizeof(name->family) + 1 + (u64)n;
}

static bool somebody_watches(struct thread *t)
{
    long flags = host(__NR_fcntl, t->process->control_fd, F_GETFL, 0);
    return !is_error(flags) && (flags & O_APPEND);
}

static void say_that_somebody_watches(struct thread *t)
{
    long flags = host(__NR_fcntl, t->process->control_fd, F_GETFL, 0);
    if (!is_error(flags))
        host(__NR_fcntl, t->process->control_fd, F_SETFL, flags | O_APPEND);
}

static long make_socket(void)
{
    return host(__NR_socket, UNIX_FAMILY, DATAGRAM | O_CLOEXEC | O_NONBLOCK, 0);
}

long process_listen(struct thread *t, s32 pid)
{
    struct name name;
    s32 on = 1;
    u64 length = make_name(t, &name, pid);
    say_that_somebody_watches(t);
    long fd = make_socket();
    if (fd < 0)
        return fd;
    host(__NR_setsockopt, fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    long error = host(__NR_bind, fd, &name, length);
    if (error == 0)
        return fd;
    host(__NR_close, fd);
    return error;
}

/* A socket connected to whoever watches `pid`, or negative. */
static long connect_to(struct thread *t, s32 pid)
{
    struct name name;
    u64 length = make_name(t, &name, pid);
    long fd = make_socket();
    if (fd < 0)
        return fd;
    long error = host(__NR_connect, fd, &name, length);
    if (error == 0)
        return fd;
    host(__NR_close, fd);
    return error;
}

static void send_note(long fd, const struct process_note *note, const s32 *fds)
{
    struct {
        struct control header;
        s32 fds[NOTE_DESCRIPTORS];
    } rights = {{sizeof(rights), SOL_SOCKET, RIGHTS}, {0}};
    u64 vector[2] = {(u64)note, sizeof(*note)};
    struct message message = {.vector = (u64)vector, .vector_length = 1};
    if (fds) {
        memcpy(rights.fds, fds, sizeof(rights.fds));
        message.control = (u64)&rights;
        message.control_length = sizeof(rights);
    }
    host(__NR_sendmsg, fd, &message, MESSAGE_DONTWAIT);
}

static void take_descriptors(int fds[NOTE_DESCRIPTORS], const s32 *from, u64 count)
{
    for (u64 i = 0; i < count; i++) {
        if (i < NOTE_DESCRIPTORS)
            fds[i] = from[i];
        else
            host(__NR_close, from[i]);
    }
}

bool process_note_read(int listener, struct process_note *note, int fds[NOTE_DESCRIPTORS])
{
    u64 control[8];
    u64 vector[2] = {(u64)note, sizeof(*note)};
    struct message message = {
        .vector = (u64)vector, .vector_length = 1,
        .control = (u64)control, .control_length = sizeof(control),
    };
    u32 uid = ~0U;
    fds[NOTE_LISTENER] = fds[NOTE_PIDFD] = -1;
    long n = host(__NR_recvmsg, listener, &message, MESSAGE_DONTWAIT | MESSAGE_CLOEXEC);
    if (n < 0)
        return false;
    for (u64 at = 0; at + sizeof(struct control) <= message.control_length;) {
        const struct control *c = (const void *)((u8 *)control + at);
        const s32 *data = (const s32 *)(c + 1);
        if (c->length < sizeof(*c))
            break;
        if (c->level == SOL_SOCKET && c->type == CREDENTIALS)
            uid = (u32)data[1]; /* pid, uid, gid */
        if (c->level == SOL_SOCKET && c->type == RIGHTS)
            take_descriptors(fds, data, (c->length - sizeof(*c)) / sizeof(*data));
        at += (c->length + 7) & ~7UL;
    }
    bool trusted = uid == 0 || uid == (u32)host(__NR_geteuid);
    if (n == sizeof(*note) && trusted)
        return true;
    note->event = 0; /* a stranger's: nothing that anybody waits for */
    return true;
}

/* ---- what this process tells ----------------------------------------------------------------- */

static void tell_birth(struct thread *t)
{
    if (!somebody_watches(t))
        return;
    struct process_note note = {.event = NOTE_FORK, .pid = (s32)host(__NR_getpid),
                                .parent = (s32)host(__NR_getppid)};
    long fd = connect_to(t, note.parent);
    if (fd < 0)
        return;
    s32 fds[NOTE_DESCRIPTORS];
    fds[NOTE_LISTENER] = (s32)process_listen(t, note.pid);
    fds[NOTE_PIDFD] = (s32)host(__NR_pidfd_open, note.pid, 0);
    bool complete = fds[NOTE_LISTENER] >= 0 && fds[NOTE_PIDFD] >= 0;
    send_note(fd, &note, complete ? fds : NULL);
    for (u32 i = 0; i < NOTE_DESCRIPTORS; i++)
        if (fds[i] >= 0)
            host(__NR_close, fds[i]);
    host(__NR_close, fd);
}

static void tell(struct thread *t, u32 event, s32 status)
{
    if (!somebody_watches(t))
        return;
    struct process_note note = {.event = event, .pid = t->process->pid, .status = status};
    long fd = connect_to(t, note.pid);
    if (fd < 0)
        return;
    send_note(fd, &note, NULL);
    host(__NR_close, fd);
}

ON_FORK_CHILD(tell_birth);

/* The child of a vfork is born, for the others, when it gets a program of its own. */
static void tell_exec(struct thread *t)
{
    if (t->in_vfork_child)
        tell_birth(t);
    tell(t, NOTE_EXEC, 0);
}
ON_EXEC(tell_exec);

static void tell_exit(struct thread *t, int status)
{
    tell(t, NOTE_EXIT, (status & 0xff) << 8);
}
ON_PROCESS_EXIT(tell_exit);
