/* AIO and LIO: a request, or a list of them, is done.  Only the personality attaches such a knote, when the
 * request is made, and says when to look whether it is done.  What is not done by then, on a socket that was not
 * ready, goes on because it is asked about: now and then. */
#include "internal.h"

static int request_attach(struct thread *t UNUSED, struct knote *kn UNUSED)
{
    return -EPERM;
}

static void request_detach(struct thread *t UNUSED, struct knote *kn)
{
    poll_no_more(kn);
}

static bool request_holds(struct thread *t, struct knote *kn)
{
    if (!kn->request.done(t, kn->request.token, &kn->event.data)) {
        timers_changed = true;
        return false;
    }
    poll_no_more(kn);
    if (kn->event.filter == KFILTER_AIO)
        kn->event.flags |= EV_EOF;
    return true;
}

const struct filter filter_request = {
    .attach = request_attach,
    .detach = request_detach,
    .holds = request_holds,
};

long kqueue_attach_request(struct thread *t, int fd, const struct knote_event *event, u64 token, request_query *done)
{
    long error = -EBADF;
    lock_acquire(&kqueue_lock);
    struct kqueue *kq = queue_find(t, fd);
    struct knote *kn = kq ? knote_find(kq, event, NULL) : NULL;
    if (kn)
        knote_drop(t, kn); /* of an earlier request with the same control block */
    if (kq) {
        kn = knote_make(kq, event, NULL);
        error = kn ? 0 : -ENOMEM;
    }
    if (error == 0) {
        kn->request.token = token;
        kn->request.done = done;
        kn->status |= STATUS_ATTACHED;
    }
    lock_release(&kqueue_lock);
    return error;
}

static struct knote *find(const struct knote_event *event, u64 token)
{
    for (struct kqueue *kq = all_queues; kq; kq = kq->next) {
        struct knote *kn = knote_find(kq, event, NULL);
        if (kn && kn->request.token == token)
            return kn;
    }
    return NULL;
}

void kqueue_look_at_request(struct thread *t, const struct knote_event *event, u64 token)
{
    lock_acquire(&kqueue_lock);
    struct knote *kn = find(event, token);
    if (kn && request_holds(t, kn))
        knote_activate(t, kn);
    else if (kn)
        poll_now_and_then(t, kn);
    if (timers_changed)
        timers_program(t);
    lock_release(&kqueue_lock);
}

void kqueue_forget_request(struct thread *t, const struct knote_event *event, u64 token)
{
    lock_acquire(&kqueue_lock);
    struct knote *kn = find(event, token);
    if (kn)
        knote_drop(t, kn);
    lock_release(&kqueue_lock);
}
