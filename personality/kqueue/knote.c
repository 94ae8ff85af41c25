/* Knotes: found, added, changed, activated, dropped.  The order of the steps in knote_change is
 * that of the BSD kernels' kqueue_register, because programs see it: which error wins, when a
 * condition is looked at again, what a disabled knote remembers. */
#include <linux/fcntl.h>

#include "internal.h"

struct kqueue *scanning;

static const struct filter *const filters[KFILTER_COUNT] = {
    [KFILTER_READ] = &filter_fd,
    [KFILTER_WRITE] = &filter_fd,
    [KFILTER_EMPTY] = &filter_empty,
    [KFILTER_VNODE] = &filter_vnode,
    [KFILTER_PROC] = &filter_process,
    [KFILTER_PROCDESC] = &filter_procdesc,
    [KFILTER_SIGNAL] = &filter_signal,
    [KFILTER_TIMER] = &filter_timer,
    [KFILTER_USER] = &filter_user,
    [KFILTER_AIO] = &filter_request,
    [KFILTER_LIO] = &filter_request,
};

const struct filter *knote_filter_of(const struct knote *kn)
{
    return filters[kn->event.filter];
}

static u32 hash_of(u64 ident)
{
    return (u32)(ident ^ (ident >> 8)) % HASH_SIZE;
}

struct knote *knote_find(struct kqueue *kq, const struct knote_event *change, struct node *node)
{
    struct knote *kn = NULL;
    if (!filters[change->filter]->is_fd)
        kn = kq->hash[hash_of(change->ident)];
    else if (node)
        kn = node->notes;
    while (kn && (kn->event.filter != change->filter || kn->event.ident != change->ident))
        kn = kn->next;
    return kn;
}

void class_add(struct class_list *list, struct knote *kn)
{
    kn->class_previous = NULL;
    kn->class_next = list->first;
    if (list->first)
        list->first->class_previous = kn;
    list->first = kn;
}

void class_remove(struct class_list *list, struct knote *kn)
{
    if (kn->class_previous)
        kn->class_previous->class_next = kn->class_next;
    else
        list->first = kn->class_next;
    if (kn->class_next)
        kn->class_next->class_previous = kn->class_previous;
}

/* ---- the active list ------------------------------------------------------------------------- */

/* The hidden eventfd always reads; switching it on for one report makes the queue readable for
 * whoever waits in it or polls it. */
void wake_if_active(struct thread *t, struct kqueue *kq)
{
    if (kq->closed || kq->fd < 0 || (kq->active != 0) == (kq->wake_on != 0))
        return;
    int fd = source_fd(t, SOURCE_WAKE);
    if (fd < 0)
        return;
    struct epoll_event event = {kq->active ? EPOLLIN | EPOLLONESHOT : 0, SOURCE_DATA(SOURCE_WAKE)};
    int operation = kq->watching[SOURCE_WAKE] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (host(__NR_epoll_ctl, kq->fd, operation, fd, &event) == 0) {
        kq->watching[SOURCE_WAKE] = 1;
        kq->wake_on = kq->active != 0;
    }
}

static void enqueue(struct knote *kn)
{
    struct kqueue *kq = kn->queue;
    kn->queue_next = NULL;
    kn->queue_previous = kq->last;
    if (kq->last)
        kq->last->queue_next = kn;
    else
        kq->first = kn;
    kq->last = kn;
    kq->active++;
    kn->status |= STATUS_QUEUED;
}

void knote_unqueue(struct knote *kn)
{
    struct kqueue *kq = kn->queue;
    if (!(kn->status & STATUS_QUEUED))
        return;
    if (kn->queue_previous)
        kn->queue_previous->queue_next = kn->queue_next;
    else
        kq->first = kn->queue_next;
    if (kn->queue_next)
        kn->queue_next->queue_previous = kn->queue_previous;
    else
        kq->last = kn->queue_previous;
    kq->active--;
    kn->status &= (u8)~STATUS_QUEUED;
}

void knote_activate(struct thread *t, struct knote *kn)
{
    kn->status |= STATUS_ACTIVE;
    if (kn->status & (STATUS_QUEUED | STATUS_DISABLED))
        return;
    enqueue(kn);
    if (kn->queue != scanning)
        wake_if_active(t, kn->queue);
}

/* ---- adding and dropping --------------------------------------------------------------------- */

static void unlink_from(struct knote **chain, struct knote *kn)
{
    while (*chain && *chain != kn)
        chain = &(*chain)->next;
    if (*chain)
        *chain = kn->next;
}

void knote_drop(struct thread *t, struct knote *kn)
{
    const struct filter *filter = knote_filter_of(kn);
    struct node *node = kn->node;
    knote_unqueue(kn);
    if (kn->status & STATUS_ATTACHED)
        filter->detach(t, kn);
    if (filter->is_fd) {
        unlink_from(&node->notes, kn);
        if (!node->notes)
            node_drop(t, node);
    } else {
        unlink_from(&kn->queue->hash[hash_of(kn->event.ident)], kn);
    }
    runtime_free(kn);
}

struct knote *knote_make(struct kqueue *kq, const struct knote_event *change, struct node *node)
{
    struct knote *kn = runtime_alloc(sizeof(*kn));
    if (!kn)
        return NULL;
    kn->queue = kq;
    kn->node = node;
    kn->set = SET_NONE;
    kn->saved_fflags = change->fflags;
    kn->saved_data = change->data;
    kn->event = *change;
    kn->event.fflags = 0;
    kn->event.data = 0;
    kn->event.flags &= (u16)~(EV_ADD | EV_DELETE | EV_ENABLE | EV_DISABLE | EV_FORCEONESHOT);
    if (change->flags & EV_DISABLE)
        kn->status = STATUS_DISABLED;
    struct knote **chain = node ? &node->notes : &kq->hash[hash_of(change->ident)];
    while (node && *chain) /* what is ready at once is reported in the order in which it was added */
        chain = &(*chain)->next;
    kn->next = *chain;
    *chain = kn;
    return kn;
}

static long knote_add(struct thread *t, struct kqueue *kq, struct knote_event *change, struct node *node)
{
    const struct filter *filter = filters[change->filter];
    int error = 0;
    if (filter->is_fd && !node) {
        node = node_make(t, kq, (int)change->ident, false, &error);
        if (!node)
            return error;
    }
    struct knote *kn = knote_make(kq, change, node);
    if (!kn) {
        if (node && !node->notes)
            node_drop(t, node);
        return -ENOMEM;
    }
    change->fflags = 0; /* a receipt for it says so */
    change->data = 0;
    error = filter->attach(t, kn);
    if (error) {
        knote_drop(t, kn);
        return error;
    }
    kn->status |= STATUS_ATTACHED;
    /* A registered descriptor reports itself if it is ready; the others are looked at now. */
    if (kn->set == SET_NONE && !(kn->status & STATUS_DISABLED) && filter->holds(t, kn))
        knote_activate(t, kn);
    return 0;
}

static long knote_modify(struct thread *t, struct knote *kn, struct knote_event *change)
{
    const struct filter *filter = knote_filter_of(kn);
    if (change->flags & EV_FORCEONESHOT) {
        kn->event.flags |= EV_ONESHOT;
        knote_activate(t, kn);
    }
    if (change->flags & EV_ENABLE)
        kn->status &= (u8)~STATUS_DISABLED;
    else if (change->flags & EV_DISABLE)
        kn->status |= STATUS_DISABLED;
    if (!(change->flags & EV_KEEPUDATA))
        kn->event.udata = change->udata;
    if (filter->touch) {
        filter->touch(t, kn, change);
    } else {
        kn->saved_fflags = change->fflags;
        kn->saved_data = change->data;
    }
    if (kn->set != SET_NONE) {
        int error = node_update(t, kn->node, kn->set);
        if (error)
            return error;
    }
    if (kn->status & STATUS_DISABLED)
        return 0;
    kn->ready_at = 0;
    bool repeats = kn->set != SET_NONE && !node_is_edge(kn->node, kn->set);
    if ((kn->status & STATUS_ACTIVE) || (!repeats && filter->holds(t, kn)))
        knote_activate(t, kn);
    return 0;
}

long knote_change(struct thread *t, struct kqueue *kq, struct knote_event *change)
{
    struct node *node = NULL;
    if ((change->flags & (EV_ENABLE | EV_DISABLE)) == (EV_ENABLE | EV_DISABLE))
        return -EINVAL;
    if ((change->flags & (EV_ADD | EV_KEEPUDATA)) == (EV_ADD | EV_KEEPUDATA))
        return -EINVAL;
    if (change->filter == KFILTER_INVALID || change->filter >= KFILTER_COUNT)
        return -EINVAL;
    if (change->filter == KFILTER_UNSUPPORTED || change->filter == KFILTER_KERNEL) {
        if (!(change->flags & EV_ADD))
            return -ENOENT;
        return change->filter == KFILTER_KERNEL ? -EPERM : -ENXIO;
    }
    if (filters[change->filter]->is_fd) {
        if (change->ident > 0x7fffffff || fd_is_reserved(t, (long)change->ident))
            return -EBADF;
        node = node_find(kq, (int)change->ident);
        if (!node && host(__NR_fcntl, change->ident, F_GETFD) < 0)
            return -EBADF;
    }
    struct knote *kn = knote_find(kq, change, node);
    if (!kn)
        return change->flags & EV_ADD ? knote_add(t, kq, change, node) : -ENOENT;
    if (change->flags & EV_DELETE) {
        knote_drop(t, kn);
        return 0;
    }
    return knote_modify(t, kn, change);
}
