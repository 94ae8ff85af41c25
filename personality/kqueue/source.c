/* The engine's hidden descriptors.  All queues share one of each kind, in fixed places among the
 * runtime's reserved numbers: a guest can neither see them nor close them. */
#include <linux/fcntl.h>
#include <linux/inotify.h>
#include <linux/timerfd.h>

#include "internal.h"

#define CLOCK_MONOTONIC_HOST 1

static bool made[SOURCE_COUNT];

static int place_of(const struct thread *t, enum source source)
{
    return t->process->reserved_base + KQUEUE_RESERVED_FIRST + (int)source;
}

static long make(enum source source)
{
    switch (source) {
    case SOURCE_WAKE:
        return host(__NR_eventfd2, 1, O_CLOEXEC | O_NONBLOCK);
    case SOURCE_TIMER:
        return host(__NR_timerfd_create, CLOCK_MONOTONIC_HOST, TFD_CLOEXEC | TFD_NONBLOCK);
    case SOURCE_VNODE:
        return host(__NR_inotify_init1, IN_CLOEXEC | IN_NONBLOCK);
    case SOURCE_SIGNAL:
        return host(__NR_eventfd2, 0, O_CLOEXEC | O_NONBLOCK);
    default:
        return host(__NR_epoll_create1, EPOLL_CLOEXEC);
    }
}

int source_fd(struct thread *t, enum source source)
{
    if (__atomic_load_n(&made[source], __ATOMIC_ACQUIRE))
        return place_of(t, source);
    long fd = make(source);
    if (fd < 0)
        return (int)fd;
    long placed = host(__NR_dup3, fd, place_of(t, source), O_CLOEXEC);
    host(__NR_close, fd);
    if (placed < 0)
        return (int)placed;
    __atomic_or_fetch(&reserved_own, 1U << (placed - t->process->reserved_base), __ATOMIC_RELAXED);
    __atomic_store_n(&made[source], true, __ATOMIC_RELEASE);
    return (int)placed;
}

int source_watch(struct thread *t, struct kqueue *kq, enum source source)
{
    if (kq->watching[source])
        return 0;
    int fd = source_fd(t, source);
    if (fd < 0)
        return fd;
    struct epoll_event event = {EPOLLIN, SOURCE_DATA(source)};
    long error = host(__NR_epoll_ctl, kq->fd, EPOLL_CTL_ADD, fd, &event);
    if (error == 0)
        kq->watching[source] = 1;
    return (int)error;
}

/* A reserved number stays occupied, or the host would give it to the guest. */
static void vacate(struct thread *t, int place)
{
    if (host(__NR_dup2, t->process->runtime_fd, place) < 0)
        host(__NR_close, place);
    else
        __atomic_and_fetch(&reserved_own, ~(1U << (place - t->process->reserved_base)), __ATOMIC_RELAXED);
}

void sources_reset(struct thread *t, bool close)
{
    for (u32 source = 0; source < SOURCE_COUNT; source++) {
        if (made[source] && close)
            vacate(t, place_of(t, (enum source)source));
        made[source] = false;
    }
}

/* A descriptor that is needed per knote goes above the numbers that guests are given first. */
int hide_descriptor(struct thread *t, int fd)
{
    if (fd < 0)
        return fd;
    int above = t->process->reserved_base + t->process->reserved_count;
    long moved = host(__NR_fcntl, fd, F_DUPFD_CLOEXEC, above);
    if (moved < 0)
        moved = host(__NR_fcntl, fd, F_DUPFD_CLOEXEC, above / 2);
    if (moved < 0)
        return fd;
    host(__NR_close, fd);
    return (int)moved;
}

static void side_drain(struct thread *t)
{
    struct epoll_event events[64];
    long n;
    do {
        n = host(__NR_epoll_wait, source_fd(t, SOURCE_SIDE), events, ARRAY_LENGTH(events), 0);
        for (long i = 0; i < n; i++) {
            struct node *node = node_of_event(events[i].data);
            if (node)
                node_ready(t, node, SET_SIDE, events[i].events);
        }
    } while (n == (long)ARRAY_LENGTH(events));
}

void source_ready(struct thread *t, struct kqueue *kq, enum source source)
{
    switch (source) {
    case SOURCE_WAKE:
        kq->wake_on = 0;
        break;
    case SOURCE_TIMER:
        timers_expire(t);
        break;
    case SOURCE_VNODE:
        vnode_drain(t);
        break;
    case SOURCE_SIGNAL:
        signals_drain(t);
        break;
    default:
        side_drain(t);
    }
}
