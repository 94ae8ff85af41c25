/* Event queues in both layouts of struct kevent, where the first filter is number 0; event and timer descriptors; epoll. */
#include "guest.h"

enum { READ, WRITE, AIO, VNODE, PROC, SIGNAL, TIMER, FILE_SYSTEM, USER, EMPTY };
#define EV_ADD 1
#define EV_DELETE 2
#define EV_ONESHOT 0x10
#define EV_CLEAR 0x20
#define EV_RECEIPT 0x40
#define EV_ERROR 0x4000
#define EV_EOF 0x8000
#define NOTE_TRIGGER 0x1000000

struct old_event { /* up to NetBSD 10 */
    u64 ident;
    u32 filter, flags, notes;
    s64 data;
    u64 user;
};
struct event {
    u64 ident;
    u32 filter, flags, notes;
    s64 data;
    u64 user, more[4];
};
_Static_assert(sizeof(struct old_event) == 40 && sizeof(struct event) == 72, "layouts");

static s32 queue, ends[2];
static const struct timespec now = {0, 0}, soon = {5, 0};

static long change(u64 ident, u32 filter, u32 flags, u32 notes, s64 data)
{
    struct old_event e = {ident, filter, flags, notes, data, 7};
    return call(435, queue, &e, 1, 0, 0, 0);
}

static long collect(struct old_event *to, long room, const struct timespec *limit)
{
    return call(435, queue, 0, 0, to, room, limit);
}

static void descriptors(void)
{
    struct old_event got[4];
    CHECK_IS(change((u64)ends[0], READ, EV_ADD, 0, 0), 0);
    CHECK_IS(change((u64)ends[1], WRITE, EV_ADD | EV_CLEAR, 0, 0), 0);
    CHECK_IS(collect(got, 4, &now), 1);
    CHECK(got[0].ident == (u64)ends[1] && got[0].filter == WRITE && got[0].user == 7 && got[0].data > 4000);
    CHECK_IS(collect(got, 4, &now), 0);
    call(4, ends[1], "abc", 3);
    CHECK_IS(collect(got, 4, &soon), 1);
    CHECK(got[0].ident == (u64)ends[0] && got[0].filter == READ && got[0].data == 3);
    CHECK_IS(change((u64)ends[0], READ, EV_DELETE, 0, 0), 0);
    CHECK_IS(change((u64)ends[0], READ, EV_DELETE, 0, 0), -2);
    CHECK_IS(change(999, READ, EV_ADD, 0, 0), -9);
    CHECK_IS(change(0, 11, EV_ADD, 0, 0), -22);

    struct event e = {(u64)ends[0], READ, EV_ADD, 0, 0, 8, {1, 2, 3, 4}}, back = {0};
    CHECK_IS(call(501, queue, &e, 1, &back, 1, &soon), 1); /* __kevent100 */
    CHECK(back.filter == READ && back.data == 3 && back.user == 8);
    e.flags = EV_DELETE;
    CHECK_IS(call(501, queue, &e, 1, 0, 0, 0), 0);
    struct {
        s32 sec, pad;
        s64 nsec;
    } old = {0, 0, 0};
    CHECK_IS(call(345, queue, 0, 0, got, 4, &old), 0); /* compat_50_kevent */
}

static void others(void)
{
    struct old_event got[4];
    long pid = call(20);
    CHECK_IS(change(5, USER, EV_ADD | EV_CLEAR, 0, 0), 0);
    CHECK_IS(change(5, USER, 0, NOTE_TRIGGER, 0), 0);
    CHECK_IS(collect(got, 4, &soon), 1);
    CHECK(got[0].filter == USER && got[0].ident == 5);
    CHECK_IS(change(5, USER, EV_DELETE, 0, 0), 0);

    CHECK_IS(change(6, TIMER, EV_ADD | EV_ONESHOT, 0, 20), 0); /* milliseconds */
    CHECK_IS(collect(got, 4, &soon), 1);
    CHECK(got[0].filter == TIMER && got[0].ident == 6 && got[0].data == 1);
    CHECK_IS(change(6, TIMER, EV_ADD | EV_ONESHOT, 3, 1000000), 0); /* NOTE_NSECONDS */
    CHECK_IS(collect(got, 4, &soon), 1);
    CHECK(got[0].notes == 3);

    struct sigaction ignore = {.handler = (void *)1};
    CHECK_IS(call(340, 31, &ignore, 0, 0, 0), 0);
    CHECK_IS(change(31, SIGNAL, EV_ADD, 0, 0), 0);
    call(37, pid, 31);
    CHECK_IS(collect(got, 4, &soon), 1);
    CHECK(got[0].filter == SIGNAL && got[0].ident == 31 && got[0].data == 1);
    CHECK_IS(change(31, SIGNAL, EV_DELETE, 0, 0), 0);

    long child = call(2);
    if (child == 0) {
        sleep_for(50);
        call(1, 3);
    }
    CHECK_IS(change((u64)child, PROC, EV_ADD | EV_ONESHOT, 0x80000000, 0), 0); /* NOTE_EXIT */
    CHECK_IS(collect(got, 4, &soon), 1);
    CHECK(got[0].filter == PROC && got[0].ident == (u64)child && got[0].data == 3 << 8);
    s32 status;
    CHECK_IS(call(449, child, &status, 0, 0), child);

    s32 file = (s32)call(5, "watched", 0x202, 0644);
    CHECK_IS(change((u64)file, VNODE, EV_ADD | EV_CLEAR, 6, 0), 0); /* NOTE_WRITE, NOTE_EXTEND */
    call(4, file, "x", 1);
    CHECK_IS(collect(got, 4, &soon), 1);
    CHECK(got[0].filter == VNODE && (got[0].notes & 2));
    CHECK_IS(call(6, file), 0);
}

static void descriptors_of_events(void)
{
    u64 value = 0;
    s32 counter = (s32)call(267, 5, 0x400000 | 4); /* eventfd */
    CHECK(counter > 0);
    CHECK_IS(call(3, counter, &value, 8), 8);
    CHECK_IS(value, 5);
    CHECK_IS(call(3, counter, &value, 8), -35); /* EAGAIN */
    s32 timer = (s32)call(177, 3, 0);           /* timerfd_create */
    struct {
        struct timespec interval, value;
    } when = {{0, 0}, {0, 1000000}}, left;
    CHECK_IS(call(178, timer, 0, &when, 0), 0);
    CHECK_IS(call(3, timer, &value, 8), 8);
    CHECK_IS(value, 1);
    CHECK_IS(call(179, timer, &left), 0);
    CHECK(left.value.sec == 0 && left.value.nsec == 0);

    struct {
        u32 events;
        u64 data;
    } event = {1, 0x123456789}, got = {0, 0};
    s32 poller = (s32)call(502, 0);
    CHECK_IS(call(503, poller, 1, counter, &event), 0);
    CHECK_IS(call(504, poller, &got, 1, &now, 0), 0);
    value = 1;
    call(4, counter, &value, 8);
    CHECK_IS(call(504, poller, &got, 1, &soon, 0), 1);
    CHECK(got.events == 1 && got.data == 0x123456789);
    CHECK_IS(call(503, poller, 2, counter, 0), 0);
}

static void test(void)
{
    queue = (s32)call(455, 0x400000); /* kqueue1 */
    CHECK(queue > 0);
    CHECK_IS(call(92, queue, 1, 0), 1); /* FD_CLOEXEC */
    CHECK(call(344) > 0);
    CHECK_IS(call(453, ends, 0), 0);
    descriptors();
    others();
    descriptors_of_events();
}
