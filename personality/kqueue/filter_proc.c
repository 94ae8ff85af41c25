/* PROC and PROCDESC: the end of a process through a pidfd, the rest through its own notes.
 *
 * The wait status is exact for children, and for others that end by exit and run under the runtime;
 * for the rest it reads as 0, since the host tells a stranger no more than that it ended. */
#include <linux/wait.h>

#include "internal.h"
#include "process_note.h"

#define CHILD_EXITED 1
#define CHILD_DUMPED 3
#define STATUS_CORE 0x80
#define NEEDS_NOTES (NOTE_FORK | NOTE_EXEC | NOTE_TRACK)

static void notes_read(struct thread *t, struct knote *kn);

static long peek(int pidfd, struct siginfo_host *info)
{
    memset(info, 0, sizeof(*info));
    return host(__NR_waitid, P_PIDFD, pidfd, info, WEXITED | WNOWAIT | WNOHANG, 0);
}

static s64 wait_status(struct thread *t, const struct siginfo_host *info)
{
    if (info->code == CHILD_EXITED)
        return (info->chld.status & 0xff) << 8;
    int signal = t->personality->signal_from_host(info->chld.status);
    return signal | (info->code == CHILD_DUMPED ? STATUS_CORE : 0);
}

static void process_exited(struct thread *t, struct knote *kn)
{
    struct siginfo_host info;
    if (kn->event.flags & EV_EOF)
        return;
    if (kn->event.filter == KFILTER_PROC && kn->process.listener)
        notes_read(t, kn); /* its last words came before */
    bool is_child = peek(kn->node->fd, &info) == 0;
    if (is_child && !info.chld.pid) { /* a tracer has to take notice first */
        poll_now_and_then(t, kn);
        return;
    }
    poll_no_more(kn);
    kn->event.flags |= EV_EOF | EV_ONESHOT;
    if (kn->saved_fflags & NOTE_EXIT) {
        kn->event.fflags |= NOTE_EXIT;
        kn->event.data = is_child ? wait_status(t, &info) : kn->process.status;
    } else if (!kn->event.fflags) {
        kn->event.flags |= EV_DROP;
    }
    knote_activate(t, kn);
}

void process_ready(struct thread *t, struct node *node, struct knote *kn)
{
    if (node == kn->node)
        process_exited(t, kn);
    else
        notes_read(t, kn);
}

static bool process_holds(struct thread *t, struct knote *kn)
{
    if (kn->status & STATUS_POLLED)
        process_exited(t, kn);
    return kn->event.fflags != 0;
}

/* ---- following a process ---------------------------------------------------------------------- */

/* A hidden descriptor of this knote, watched by its queue; closed if that fails. */
static struct node *adopt(struct thread *t, struct knote *kn, int fd)
{
    int error;
    struct node *node = node_make(t, kn->queue, fd, true, &error);
    if (node)
        node->notes = kn;
    else
        host(__NR_close, fd);
    return node;
}

static void abandon(struct thread *t, struct knote *kn, struct node *node)
{
    int fd = node->fd;
    node_drop(t, node);
    if (kn->queue->fd >= 0) /* in the child of a fork they are closed already */
        host(__NR_close, fd);
}

static void listen_on(struct thread *t, struct knote *kn, int fd)
{
    kn->process.listener = adopt(t, kn, hide_descriptor(t, fd));
    if (kn->process.listener)
        node_update(t, kn->process.listener, SET_MAIN);
}

/* Nobody else may listen to the same process; the end of it is reported anyway. */
static void follow(struct thread *t, struct knote *kn)
{
    if (kn->process.listener || !(kn->saved_fflags & NEEDS_NOTES))
        return;
    long fd = process_listen(t, (s32)kn->event.ident);
    if (fd >= 0)
        listen_on(t, kn, (int)fd);
}

static int attach_pidfd(struct thread *t, struct knote *kn, int pidfd)
{
    kn->node = adopt(t, kn, hide_descriptor(t, pidfd));
    if (!kn->node)
        return -ENOMEM;
    int error = node_join(t, kn);
    if (error)
        abandon(t, kn, kn->node);
    return error;
}

static int process_attach(struct thread *t, struct knote *kn)
{
    if (kn->event.ident - 1 >= 0x7fffffff)
        return -ESRCH;
    long pidfd = host(__NR_pidfd_open, kn->event.ident, 0);
    if (pidfd < 0)
        return pidfd == -EINVAL ? -ESRCH : (int)pidfd;
    kn->event.flags |= EV_CLEAR;
    int error = attach_pidfd(t, kn, (int)pidfd);
    if (!error)
        follow(t, kn);
    return error;
}

static void process_detach(struct thread *t, struct knote *kn)
{
    poll_no_more(kn);
    if (kn->process.listener)
        abandon(t, kn, kn->process.listener);
    if (kn->node)
        abandon(t, kn, kn->node);
}

static void process_touch(struct thread *t, struct knote *kn, struct knote_event *change)
{
    kn->saved_fflags = change->fflags;
    kn->saved_data = change->data;
    follow(t, kn);
}

/* Two knotes for a new process, as a BSD kernel makes them: one that tells of the birth and goes,
 * one that follows it as its parent is followed. */
static bool track(struct thread *t, const struct knote *parent, const struct process_note *note, int fds[])
{
    struct knote_event event = parent->event;
    event.ident = (u64)note->pid;
    event.flags &= (u16)~(EV_EOF | EV_ONESHOT);
    event.fflags = 0;
    event.data = 0;
    struct knote *birth = knote_make(parent->queue, &event, NULL);
    struct knote *kn = knote_make(parent->queue, &event, NULL);
    if (birth) {
        birth->event.flags |= EV_ONESHOT;
        birth->event.fflags = NOTE_CHILD;
        birth->event.data = note->parent;
        birth->status |= STATUS_ATTACHED;
        knote_activate(t, birth);
    }
    if (!kn)
        return false;
    kn->saved_fflags = parent->saved_fflags;
    int pidfd = fds[NOTE_PIDFD];
    fds[NOTE_PIDFD] = -1;
    if (pidfd < 0 || attach_pidfd(t, kn, pidfd)) {
        knote_drop(t, kn);
        return false;
    }
    kn->status |= STATUS_ATTACHED;
    listen_on(t, kn, fds[NOTE_LISTENER]);
    fds[NOTE_LISTENER] = -1;
    return birth != NULL;
}

static void notes_read(struct thread *t, struct knote *kn)
{
    struct process_note note;
    int fds[NOTE_DESCRIPTORS];
    while (process_note_read(kn->process.listener->fd, &note, fds)) {
        if (note.event == NOTE_EXIT)
            kn->process.status = note.status;
        else
            kn->event.fflags |= note.event & kn->saved_fflags & (NOTE_FORK | NOTE_EXEC);
        if (note.event == NOTE_FORK && (kn->saved_fflags & NOTE_TRACK) && !track(t, kn, &note, fds))
            kn->event.fflags |= NOTE_TRACKERR;
        for (u32 i = 0; i < NOTE_DESCRIPTORS; i++)
            if (fds[i] >= 0)
                host(__NR_close, fds[i]);
    }
    if (kn->event.fflags)
        knote_activate(t, kn);
}

const struct filter filter_process = {
    .attach = process_attach,
    .detach = process_detach,
    .holds = process_holds,
    .touch = process_touch,
};

/* ---- the same for a descriptor of the guest's --------------------------------------------------- */

static int procdesc_attach(struct thread *t, struct knote *kn)
{
    struct siginfo_host info;
    if (kn->node->kind != NODE_OTHER || peek(kn->node->fd, &info) == -EINVAL)
        return -EINVAL;
    kn->event.flags |= EV_CLEAR;
    return node_join(t, kn);
}

static void procdesc_detach(struct thread *t, struct knote *kn)
{
    poll_no_more(kn);
    node_leave(t, kn);
}

const struct filter filter_procdesc = {
    .is_fd = true,
    .attach = procdesc_attach,
    .detach = procdesc_detach,
    .holds = process_holds,
};
