/* One descriptor in one queue, and its registration with epoll. */
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "internal.h"

static u32 generations;

u32 fd_poll(int fd, u32 events)
{
    struct pollfd request = {fd, (short)events, 0};
    long n = host(__NR_poll, &request, 1, 0);
    return n > 0 ? (u16)request.revents : 0;
}

static int describe(struct node *node)
{
    struct stat status;
    long error = host(__NR_fstat, node->fd, &status);
    if (error < 0)
        return (int)error;
    switch (status.st_mode & S_IFMT) {
    case S_IFSOCK:
        node->kind = NODE_STREAM;
        break;
    case S_IFIFO:
        node->kind = NODE_PIPE;
        node->access = (u8)(host(__NR_fcntl, node->fd, F_GETFL) & O_ACCMODE);
        break;
    case S_IFCHR:
        node->kind = NODE_DEVICE;
        break;
    case S_IFREG:
    case S_IFDIR:
    case S_IFBLK:
        node->kind = NODE_VNODE;
        break;
    default:
        node->kind = NODE_OTHER;
    }
    struct slot *slot = slot_of(node->fd);
    if (slot && slot->queue)
        node->kind = NODE_QUEUE;
    return 0;
}

struct node *node_find(struct kqueue *kq, int fd)
{
    struct slot *slot = slot_of(fd);
    struct node *node = slot ? slot->nodes : NULL;
    while (node && (node->queue != kq || node->hidden))
        node = node->next_same_fd;
    return node;
}

struct node *node_of_event(u64 data)
{
    struct slot *slot = slot_of((int)(u32)data);
    struct node *node = slot ? slot->nodes : NULL;
    while (node && node->generation != data >> 32)
        node = node->next_same_fd;
    return node;
}

struct node *node_make(struct thread *t, struct kqueue *kq, int fd, bool hidden, int *error)
{
    struct node *node = runtime_alloc(sizeof(*node));
    *error = -ENOMEM;
    if (!node)
        return NULL;
    node->fd = fd;
    node->queue = kq;
    node->hidden = hidden;
    if (queue_find(t, fd) == kq)
        *error = -EINVAL; /* a queue cannot watch itself */
    else
        *error = describe(node);
    struct slot *slot = *error ? NULL : slot_make(fd);
    if (!slot) {
        if (!*error)
            *error = -ENOMEM;
        runtime_free(node);
        return NULL;
    }
    node->generation = ++generations;
    node->next_same_fd = slot->nodes;
    slot->nodes = node;
    slot_mark(fd);
    node->next = kq->nodes;
    if (kq->nodes)
        kq->nodes->previous = node;
    kq->nodes = node;
    kq->node_count++;
    return node;
}

static void unlink_slot(struct node *node)
{
    struct slot *slot = slot_of(node->fd);
    struct node **link = &slot->nodes;
    while (*link != node)
        link = &(*link)->next_same_fd;
    *link = node->next_same_fd;
    slot_mark(node->fd);
}

static int set_descriptor(struct thread *t, const struct node *node, u32 set)
{
    return set == SET_MAIN ? node->queue->fd : source_fd(t, SOURCE_SIDE);
}

static void unregister(struct thread *t, struct node *node)
{
    struct epoll_event unused = {0, 0};
    for (u32 set = SET_MAIN; set <= SET_SIDE; set++) {
        if (node->registered[set] && node->queue->fd >= 0)
            host(__NR_epoll_ctl, set_descriptor(t, node, set), EPOLL_CTL_DEL, node->fd, &unused);
        node->registered[set] = 0;
    }
}

void node_drop(struct thread *t, struct node *node)
{
    struct kqueue *kq = node->queue;
    unregister(t, node);
    for (struct knote *kn = node->notes, *next; kn; kn = next) {
        next = node->hidden ? NULL : kn->next;
        kn->set = SET_NONE;
        if (node->hidden)
            continue; /* belongs to the hash chain of its process */
        knote_unqueue(kn);
        if (kn->status & STATUS_ATTACHED)
            knote_filter_of(kn)->detach(t, kn);
        runtime_free(kn);
    }
    unlink_slot(node);
    if (node->previous)
        node->previous->next = node->next;
    else
        kq->nodes = node->next;
    if (node->next)
        node->next->previous = node->previous;
    kq->node_count--;
    runtime_free(node);
}

/* ---- registration ---------------------------------------------------------------------------- */

static u32 host_events(const struct knote *kn)
{
    switch (kn->event.filter) {
    case KFILTER_READ:
        return EPOLLIN | EPOLLRDHUP;
    case KFILTER_WRITE:
        return EPOLLOUT;
    default:
        return EPOLLIN; /* a process descriptor */
    }
}

static bool needs_edge(const struct knote *kn)
{
    return (kn->event.flags & (EV_CLEAR | EV_DISPATCH)) || (kn->saved_fflags & NOTE_LOWAT);
}

static struct knote *next_note(const struct node *node, const struct knote *kn)
{
    return node->hidden ? NULL : kn->next;
}

bool node_is_edge(const struct node *node, u32 set)
{
    if (set == SET_SIDE || node->force_edge)
        return true;
    for (struct knote *kn = node->notes; kn; kn = next_note(node, kn))
        if (kn->set == set && needs_edge(kn))
            return true;
    return false;
}

int node_update(struct thread *t, struct node *node, u32 set)
{
    bool edge = node_is_edge(node, set);
    u32 wanted = 0;
    for (struct knote *kn = node->notes; kn; kn = next_note(node, kn))
        if (kn->set == set && (edge || !(kn->status & STATUS_DISABLED)))
            wanted |= host_events(kn);
    if (wanted && edge)
        wanted |= EPOLLET;
    if (wanted == node->registered[set] || node->queue->fd < 0)
        return 0;
    int set_fd = set_descriptor(t, node, set);
    if (set_fd < 0)
        return set_fd;
    struct epoll_event event = {wanted, (u64)node->generation << 32 | (u32)node->fd};
    int operation = !wanted ? EPOLL_CTL_DEL : node->registered[set] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    long error = host(__NR_epoll_ctl, set_fd, operation, node->fd, &event);
    if (error == -EEXIST) /* the same file came back to the same number through a duplicate */
        error = host(__NR_epoll_ctl, set_fd, EPOLL_CTL_MOD, node->fd, &event);
    if (error && wanted)
        return error == -ENOSPC ? -ENOMEM : (int)error; /* the host's limit on watches */
    node->registered[set] = wanted;
    return 0;
}

static bool side_is_free(const struct node *node)
{
    for (const struct node *other = slot_of(node->fd)->nodes; other; other = other->next_same_fd)
        if (other != node && other->registered[SET_SIDE])
            return false;
    return true;
}

int node_join(struct thread *t, struct knote *kn)
{
    struct node *node = kn->node;
    u32 set = SET_MAIN;
    if (node->kind == NODE_VNODE)
        return 0;
    if (node->registered[SET_MAIN] && (needs_edge(kn) || node_is_edge(node, SET_MAIN)) &&
        side_is_free(node) && source_watch(t, node->queue, SOURCE_SIDE) == 0)
        set = SET_SIDE;
    kn->set = (u8)set;
    int error = node_update(t, node, set);
    if (error)
        kn->set = SET_NONE;
    if (error == -EPERM) /* what the host cannot poll, a BSD device has no filter for */
        return node->kind == NODE_DEVICE ? -ENODEV : -EINVAL;
    return error;
}

void node_leave(struct thread *t, struct knote *kn)
{
    u32 set = kn->set;
    kn->set = SET_NONE;
    if (set != SET_NONE)
        node_update(t, kn->node, set);
}

void node_move(struct thread *t, struct node *node)
{
    int fd = hide_descriptor(t, (int)host(__NR_dup, node->fd));
    if (fd < 0 || !slot_make(fd))
        return;
    unregister(t, node);
    unlink_slot(node);
    node->fd = fd;
    struct slot *slot = slot_of(fd);
    node->next_same_fd = slot->nodes;
    slot->nodes = node;
    slot_mark(fd);
    node_update(t, node, SET_MAIN);
}

/* The host would repeat a condition (a hang-up) that no knote reports: be told of changes only. */
void node_quiet(struct thread *t, struct node *node)
{
    u32 registered = node->registered[SET_MAIN];
    if (node->force_edge || !registered || !(fd_poll(node->fd, registered & 0xffff)))
        return;
    node->force_edge = 1;
    node_update(t, node, SET_MAIN);
}

/* ---- events ---------------------------------------------------------------------------------- */

static u32 relevant(const struct knote *kn)
{
    return host_events(kn) | EPOLLHUP | EPOLLERR;
}

void node_ready(struct thread *t, struct node *node, u32 set, u32 events)
{
    bool idle = true;
    for (struct knote *kn = node->notes; kn; kn = next_note(node, kn)) {
        if (kn->set != set || !(events & relevant(kn)) || !fd_is_news(kn, events))
            continue;
        kn->ready = events;
        kn->ready_at = scan_number;
        if (kn->event.filter == KFILTER_PROC || kn->event.filter == KFILTER_PROCDESC) {
            process_ready(t, node, kn);
            return; /* the only knote of its descriptor */
        }
        if ((kn->event.flags & EV_ONESHOT) || !(events & host_events(kn)))
            if (!knote_filter_of(kn)->holds(t, kn))
                continue;
        idle = idle && (kn->status & STATUS_DISABLED);
        knote_activate(t, kn);
    }
    if (idle && set == SET_MAIN && !node_is_edge(node, set))
        node_quiet(t, node);
}
