/* Several threads in one queue: adding while another waits, sharing the work, forks. */
#include "shim.h"

#include <poll.h>

static void *wait_one(void *argument)
{
    struct knote_event event;
    long n = collect_events(*(int *)argument, &event, 1, 5000);
    return (void *)(n == 1 ? (long)event.udata : -n - 1000);
}

static void added_while_waiting(void)
{
    int kq = kq_new(), s[2];
    pthread_t thread;
    void *result;
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    if (write(s[1], "x", 1) != 1)
        abort();
    pthread_create(&thread, NULL, wait_one, &kq);
    usleep(20000);
    CHECK(change(kq, s[0], KFILTER_READ, EV_ADD | EV_CLEAR, 0, 0, 41) == 0);
    pthread_join(thread, &result);
    CHECK((long)result == 41, "%ld", (long)result);
    pthread_create(&thread, NULL, wait_one, &kq);
    usleep(20000);
    CHECK(change(kq, 1, KFILTER_TIMER, EV_ADD | EV_ONESHOT, 0, 20, 42) == 0);
    pthread_join(thread, &result);
    CHECK((long)result == 42, "%ld", (long)result);
    CHECK(change(kq, 2, KFILTER_USER, EV_ADD | EV_CLEAR, 0, 0, 43) == 0);
    pthread_create(&thread, NULL, wait_one, &kq);
    usleep(20000);
    CHECK(change(kq, 2, KFILTER_USER, 0, NOTE_TRIGGER, 0, 43) == 0);
    pthread_join(thread, &result);
    CHECK((long)result == 43, "%ld", (long)result);
    /* a signal counts in a queue in which another thread waits */
    CHECK(change(kq, SIGHUP, KFILTER_SIGNAL, EV_ADD, 0, 0, 44) == 0);
    pthread_create(&thread, NULL, wait_one, &kq);
    usleep(20000);
    guest_signal(SIGHUP);
    pthread_join(thread, &result);
    CHECK((long)result == 44, "%ld", (long)result);
    /* a descriptor that is closed while somebody waits for it just goes away */
    char c;
    CHECK(read(s[0], &c, 1) == 1);
    pthread_create(&thread, NULL, wait_one, &kq);
    usleep(20000);
    guest_close(s[0]);
    CHECK(change(kq, 2, KFILTER_USER, 0, NOTE_TRIGGER, 0, 45) == 0);
    pthread_join(thread, &result);
    CHECK((long)result == 45, "%ld", (long)result);
    guest_close(s[1]), guest_close(kq);
}

enum { WAITERS = 4, TICKS = 20000 };
static int shared_kq;
static u64 taken, done_waiters;

static void *take_ticks(void *argument UNUSED)
{
    struct knote_event events[4];
    for (;;) {
        long n = collect_events(shared_kq, events, 4, 5000);
        if (n <= 0)
            return (void *)1;
        for (long i = 0; i < n; i++) {
            if (events[i].filter == KFILTER_USER && events[i].ident == 9) {
                __atomic_fetch_add(&done_waiters, 1, __ATOMIC_RELAXED);
                return NULL;
            }
            char c;
            if (read((int)events[i].ident, &c, 1) == 1)
                __atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
            change(shared_kq, events[i].ident, KFILTER_READ, EV_ENABLE, 0, 0, 0);
        }
    }
}

static void *make_ticks(void *argument)
{
    int fd = *(int *)argument;
    for (int i = 0; i < TICKS; i++)
        if (write(fd, "x", 1) != 1)
            return (void *)1;
    return NULL;
}

/* EV_DISPATCH hands each descriptor to one thread at a time: no byte may be left behind. */
static void shared_work(void)
{
    int s[3][2];
    pthread_t waiters[WAITERS], makers[3];
    shared_kq = kq_new();
    for (int i = 0; i < 3; i++) {
        socketpair(AF_UNIX, SOCK_STREAM, 0, s[i]);
        fcntl(s[i][0], F_SETFL, O_NONBLOCK);
        change(shared_kq, s[i][0], KFILTER_READ, EV_ADD | EV_DISPATCH, 0, 0, 0);
        pthread_create(&makers[i], NULL, make_ticks, &s[i][1]);
    }
    for (int i = 0; i < WAITERS; i++)
        pthread_create(&waiters[i], NULL, take_ticks, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(makers[i], NULL);
    for (int i = 0; i < 5000 && __atomic_load_n(&taken, __ATOMIC_RELAXED) < 3 * TICKS; i++)
        usleep(2000);
    CHECK(taken == 3 * TICKS, "%lu", (unsigned long)taken);
    CHECK(change(shared_kq, 9, KFILTER_USER, EV_ADD, NOTE_TRIGGER, 0, 0) == 0);
    for (int i = 0; i < WAITERS; i++)
        pthread_join(waiters[i], NULL);
    CHECK(done_waiters == WAITERS, "%lu", (unsigned long)done_waiters);
    for (int i = 0; i < 3; i++)
        guest_close(s[i][0]), guest_close(s[i][1]);
    guest_close(shared_kq);
}

/* What one thread triggers, another sees, every time: Go's netpollBreak. */
static void *ping(void *argument)
{
    int *queues = argument;
    struct knote_event event;
    for (int i = 0; i < TICKS; i++) {
        if (change(queues[1], 1, KFILTER_USER, 0, NOTE_TRIGGER, 0, 0))
            return (void *)1;
        if (collect_events(queues[0], &event, 1, 5000) != 1)
            return (void *)2;
    }
    return NULL;
}

static void breaks(void)
{
    int a = kq_new(), b = kq_new();
    struct knote_event event;
    pthread_t thread;
    void *result;
    change(a, 1, KFILTER_USER, EV_ADD | EV_CLEAR, 0, 0, 0);
    change(b, 1, KFILTER_USER, EV_ADD | EV_CLEAR, 0, 0, 0);
    pthread_create(&thread, NULL, ping, (int[]){a, b});
    int rounds = 0;
    for (; rounds < TICKS; rounds++) {
        if (collect_events(b, &event, 1, 5000) != 1)
            break;
        if (change(a, 1, KFILTER_USER, 0, NOTE_TRIGGER, 0, 0))
            break;
    }
    pthread_join(thread, &result);
    CHECK(rounds == TICKS && !result, "%d %ld", rounds, (long)result);
    guest_close(a), guest_close(b);
}

static void forks(void)
{
    int kq = kq_new(), s[2], status;
    struct knote_event ev[8];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    change(kq, s[0], KFILTER_READ, EV_ADD, 0, 0, 5);
    change(kq, 1, KFILTER_TIMER, EV_ADD, 0, 30, 6);
    change(kq, 2, KFILTER_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER, 0, 7);
    change(kq, (u64)getppid(), KFILTER_PROC, EV_ADD, NOTE_EXIT, 0, 8);
    int pid = guest_fork();
    if (pid == 0) {
        if (collect_events(kq, ev, 8, 0) != -EBADF || fcntl(kq, F_GETFD) != -1)
            _exit(1);
        int own = kq_new();
        if (own != kq)
            _exit(2);
        change(own, 1, KFILTER_TIMER, EV_ADD, 0, 10, 0);
        change(own, 2, KFILTER_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER, 0, 0);
        if (collect_events(own, ev, 8, 1000) != 1 || ev[0].filter != KFILTER_USER)
            _exit(3);
        _exit(collect_events(own, ev, 8, 1000) == 1 && ev[0].filter == KFILTER_TIMER ? 0 : 4);
    }
    waitpid(pid, &status, 0);
    CHECK(status == 0, "%x", status);
    usleep(40000);
    CHECK(collect_events(kq, ev, 8, 0) == 2);
    CHECK(write(s[1], "x", 1) == 1);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].udata == 5);
    guest_close(s[0]), guest_close(s[1]), guest_close(kq);
}

int main(void)
{
    added_while_waiting();
    shared_work();
    breaks();
    forks();
    return finish();
}
