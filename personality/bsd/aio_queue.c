/* Asynchronous requests that tell a kqueue when they are done (SIGEV_KEVENT), alone or as a list.
 *
 * The engine's lock comes first: what it asks for takes that of the requests, so nothing here is called with the
 * latter held. */
#include "aio.h"
#include "kqueue.h"

#define FLAGS_OF_CHOICE (EV_CLEAR | EV_DISPATCH | EV_ONESHOT)

u64 aio_token(void)
{
    static u64 last;
    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

static bool request_done(struct thread *t, u64 token, s64 *data)
{
    bool done = false;
    aio_lock();
    aio_advance(t);
    for (struct request *r = aio_first(t); r != NULL; r = aio_next(t, r))
        if (r->token == token && r->done) {
            *data = r->error;
            done = true;
        }
    aio_unlock();
    return done;
}

static bool list_done(struct thread *t, u64 token, s64 *data)
{
    bool done = true;
    aio_lock();
    aio_advance(t);
    for (struct request *r = aio_first(t); r != NULL; r = aio_next(t, r))
        done &= r->list.token != token || r->done;
    aio_unlock();
    *data = 0;
    return done;
}

static struct knote_event note_of(const struct request *r)
{
    const struct bsd_sigevent *event = &r->block.sigevent;
    return (struct knote_event){
        .ident = r->address, .filter = KFILTER_AIO, .guest_filter = BSD_EVFILT_AIO,
        .flags = event_queue_flags(event), .udata = event->value,
    };
}

static struct knote_event note_of_list(struct request_list list, u64 value)
{
    return (struct knote_event){
        .ident = list.address, .filter = KFILTER_LIO, .guest_filter = EVENT_FILTER_LIST, .udata = value,
    };
}

long aio_watch(struct thread *t, const struct request *r)
{
    const struct bsd_sigevent *event = &r->block.sigevent;
    struct knote_event note = note_of(r);
    if (!event_is_for_queue(event))
        return 0;
    if (note.flags & ~FLAGS_OF_CHOICE)
        return -EINVAL;
    return kqueue_attach_request(t, event->signo, &note, r->token, request_done);
}

void aio_look(struct thread *t, const struct request *r)
{
    struct knote_event note = note_of(r);
    if (event_is_for_queue(&r->block.sigevent))
        kqueue_look_at_request(t, &note, r->token);
}

void aio_unwatch(struct thread *t, const struct request *r)
{
    struct knote_event note = note_of(r);
    bool last = r->list.token != 0;
    if (event_is_for_queue(&r->block.sigevent))
        kqueue_forget_request(t, &note, r->token);
    aio_lock();
    for (struct request *other = aio_first(t); other != NULL; other = aio_next(t, other))
        last &= other->list.token != r->list.token;
    aio_unlock();
    note = note_of_list(r->list, 0);
    if (last)
        kqueue_forget_request(t, &note, r->list.token);
}

long aio_watch_list(struct thread *t, struct request_list list, const struct bsd_sigevent *event)
{
    struct knote_event note = note_of_list(list, event->value);
    return kqueue_attach_request(t, event->signo, &note, list.token, list_done);
}

void aio_look_list(struct thread *t, struct request_list list)
{
    struct knote_event note = note_of_list(list, 0);
    if (list.token)
        kqueue_look_at_request(t, &note, list.token);
}
