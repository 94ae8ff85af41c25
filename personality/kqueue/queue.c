/* Kqueues as descriptors: made, found, duplicated, closed, gone in the child of a fork. */
#include <linux/fcntl.h>
#include <linux/kcmp.h>

#include "internal.h"

struct lock kqueue_lock __attribute__((section("runtime_locks"), used, aligned(4)));
struct kqueue *all_queues;

/* The child of an rfork that shares the parent's descriptors finds the parent's hidden ones in
 * their places, and must not touch them. */
static bool places_taken;

/* A vfork child runs on the parent's memory with descriptors of its own; kqueues are not
 * inherited, so there is nothing for it to see and nothing that it may change. */
bool in_shared_child(const struct thread *t)
{
    return t->in_vfork_child != 0;
}

long kqueue_create(struct thread *t, bool close_on_exec)
{
    if (in_shared_child(t) || places_taken)
        return -ENOMEM;
    long fd = host(__NR_epoll_create1, close_on_exec ? EPOLL_CLOEXEC : 0);
    if (fd < 0)
        return fd;
    struct kqueue *kq = runtime_alloc(sizeof(*kq));
    lock_acquire(&kqueue_lock);
    struct slot *slot = kq ? slot_make((int)fd) : NULL;
    if (slot) {
        kq->fd = (s32)fd;
        kq->fd_count = 1;
        kq->references = 1;
        kq->next = all_queues;
        all_queues = kq;
        slot->queue = kq;
        slot_mark((int)fd);
    }
    lock_release(&kqueue_lock);
    if (!slot) {
        if (kq)
            runtime_free(kq);
        host(__NR_close, fd);
        return -ENOMEM;
    }
    return fd;
}

static bool adopt(struct kqueue *kq, int fd)
{
    struct slot *slot = slot_make(fd);
    if (!slot)
        return false;
    slot->queue = kq;
    kq->fd_count++;
    slot_mark(fd);
    return true;
}

struct kqueue *queue_find(struct thread *t, int fd)
{
    if (fd < 0 || in_shared_child(t) || fd_is_reserved(t, fd))
        return NULL;
    struct slot *slot = slot_of(fd);
    if (slot && slot->queue)
        return slot->queue;
    if (!all_queues || host(__NR_fcntl, fd, F_GETFD) < 0)
        return NULL;
    for (struct kqueue *kq = all_queues; kq; kq = kq->next)
        if (same_file(kq->fd, fd))
            return adopt(kq, fd) ? kq : NULL;
    return NULL;
}

bool kqueue_is(struct thread *t, int fd)
{
    lock_acquire(&kqueue_lock);
    bool found = queue_find(t, fd) != NULL;
    lock_release(&kqueue_lock);
    return found;
}

void queue_release(struct thread *t UNUSED, struct kqueue *kq)
{
    if (--kq->references == 0)
        runtime_free(kq);
}

static void queue_empty(struct thread *t, struct kqueue *kq)
{
    for (u32 i = 0; i < HASH_SIZE; i++)
        while (kq->hash[i])
            knote_drop(t, kq->hash[i]);
    while (kq->nodes)
        node_drop(t, kq->nodes);
}

static int other_known_descriptor(const struct kqueue *kq)
{
    for (int fd = 0; fd < slot_limit(); fd++)
        if (slot_of(fd)->queue == kq)
            return fd;
    return -1;
}

static void queue_descriptor_closed(struct thread *t, struct kqueue *kq, int fd)
{
    kq->fd_count--;
    if (kq->fd == fd) {
        int other = kq->fd_count ? other_known_descriptor(kq) : find_duplicate(fd);
        if (other >= 0 && !kq->fd_count && !adopt(kq, other))
            other = -1;
        if (other >= 0)
            kq->fd = other;
    }
    if (kq->fd_count)
        return;
    kq->closed = 1;
    queue_empty(t, kq);
    struct kqueue **link = &all_queues;
    while (*link != kq)
        link = &(*link)->next;
    *link = kq->next;
    queue_release(t, kq);
}

static void kqueue_fd_close(struct thread *t, int fd)
{
    if (!slot_maybe_used(fd) || in_shared_child(t))
        return;
    lock_acquire(&kqueue_lock);
    struct slot *slot = slot_of(fd);
    if (slot) {
        while (slot->nodes && !slot->nodes->hidden)
            node_drop(t, slot->nodes);
        if (slot->nodes)
            node_move(t, slot->nodes);
        slot = slot_of(fd);
        struct kqueue *kq = slot->queue;
        slot->queue = NULL;
        slot_mark(fd);
        if (kq)
            queue_descriptor_closed(t, kq, fd);
    }
    lock_release(&kqueue_lock);
    signals_tell_core(t);
}
ON_FD_CLOSE(kqueue_fd_close);

void kqueue_socket_shut(struct thread *t, int fd)
{
    if (!slot_maybe_used(fd) || in_shared_child(t))
        return;
    lock_acquire(&kqueue_lock);
    struct slot *slot = slot_of(fd);
    for (struct node *node = slot ? slot->nodes : NULL; node; node = node->next_same_fd)
        for (struct knote *kn = node->hidden ? NULL : node->notes; kn; kn = kn->next) {
            kn->ready_at = 0;
            if (!(kn->status & STATUS_DISABLED) && knote_filter_of(kn)->holds(t, kn))
                knote_activate(t, kn);
        }
    lock_release(&kqueue_lock);
}

static bool shares_descriptors_with_parent(void)
{
    return host(__NR_kcmp, host(__NR_getppid), host(__NR_getpid), KCMP_FILES, 0, 0) == 0;
}

/* BSD kqueues are not inherited by fork.  The epoll descriptors would still be the parent's: they
 * are closed before the child could take an event away from it. */
static void kqueue_fork_child(struct thread *t)
{
    if (in_shared_child(t) || slot_limit() == 0)
        return; /* or there never was a kqueue */
    bool shared = shares_descriptors_with_parent();
    if (shared && all_queues)
        places_taken = true;
    for (int fd = 0; fd < slot_limit(); fd++) {
        struct slot *slot = slot_of(fd);
        if (slot->queue && !shared)
            host(__NR_close, fd);
        for (struct node *node = slot->nodes; node && !shared; node = node->next_same_fd)
            if (node->hidden)
                host(__NR_close, fd);
    }
    while (all_queues) {
        struct kqueue *kq = all_queues;
        all_queues = kq->next;
        kq->fd = -1; /* nothing to unregister from: the registrations are the parent's */
        queue_empty(t, kq);
        runtime_free(kq);
    }
    scanning = NULL;
    slots_reset();
    signals_reset();
    timers_forget();
    sources_reset(t, !shared);
    signals_tell_core(t);
}
ON_FORK_CHILD(kqueue_fork_child);

/* What follows an exec cannot know the knotes of what was before. */
static void kqueue_exec(struct thread *t UNUSED)
{
    lock_acquire(&kqueue_lock);
    for (int fd = 0; fd < slot_limit() && all_queues; fd++)
        if (slot_of(fd)->queue)
            host(__NR_fcntl, fd, F_SETFD, FD_CLOEXEC);
    lock_release(&kqueue_lock);
}
ON_EXEC(kqueue_exec);
