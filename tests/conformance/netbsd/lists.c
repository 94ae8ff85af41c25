/* Requests for several things or for later: lists of transfers, messages that are told of, semaphores with a limit; and
 * connections by the calls of before. */
#include "guest.h"

struct event {
    s32 kind, signal;
    s64 value;
    void *unused[2];
};

struct aiocb {
    s64 offset;
    void *buffer;
    u64 size;
    s32 fd, operation, priority, pad;
    struct event event;
    s32 state, error;
    s64 result;
};

struct old_time {
    s32 sec, pad;
    s64 nsec;
};

static volatile int told;

static void tell(int signal, struct siginfo *info, struct context *c)
{
    (void)signal, (void)c;
    told += (int)info->value;
}

static void wait_until_told(int wanted)
{
    for (int i = 0; told < wanted && i < 5000; i++)
        sleep_for(1);
    CHECK_IS(told, wanted);
}

static void transfers(void)
{
    char first[4] = "", second[4] = "";
    s32 fd = (s32)call(5, "list", 0x202, 0644);
    call(4, fd, "onetwo", 6);
    struct aiocb a = {.buffer = first, .size = 3, .fd = fd, .operation = 2}; /* LIO_READ */
    struct aiocb b = {.buffer = second, .size = 3, .offset = 3, .fd = fd, .operation = 2};
    struct aiocb *list[2] = {&a, &b};
    CHECK_IS(call(406, 1, list, 2, 0), 0); /* lio_listio, LIO_WAIT */
    CHECK(equal(first, "one") && equal(second, "two"));
    CHECK(call(403, &a) == 3 && call(403, &b) == 3);
    struct event event = {1, 33, 5, {0, 0}};
    set_handler(33, tell, 0);
    CHECK_IS(call(406, 0, list, 2, &event), 0); /* LIO_NOWAIT: told when all are done */
    wait_until_told(5);
    CHECK(call(403, &a) == 3 && call(403, &b) == 3);
    CHECK_IS(call(406, 7, list, 2, 0), -22);
    struct aiocb flush = {.fd = fd};
    CHECK_IS(call(401, 0x80, &flush), 0); /* aio_fsync, O_SYNC */
    struct old_time soon = {5, 0, 0};
    list[0] = &flush;
    CHECK_IS(call(404, list, 1, &soon), 0); /* compat_50_aio_suspend */
    CHECK_IS(call(403, &flush), 0);
    CHECK_IS(call(401, 0, &flush), -22);
    CHECK_IS(call(399, fd, 0), 3); /* aio_cancel: all are done */
    CHECK_IS(call(399, 999, 0), -9);
}

static void messages(void)
{
    struct {
        s64 flags, most, size, current;
    } wanted = {0, 4, 64, 0};
    struct event event = {1, 34, 7, {0, 0}};
    call(259, "/guise-notify");
    s32 queue = (s32)call(257, "/guise-notify", 0x202, 0600, &wanted);
    set_handler(34, tell, 0);
    told = 0;
    CHECK_IS(call(262, queue, &event), 0); /* mq_notify */
    CHECK_IS(call(262, queue, &event), -16);
    CHECK_IS(call(263, queue, "now", 3, 0), 0);
    wait_until_told(7);
    CHECK_IS(call(262, queue, 0), 0);
    call(259, "/guise-notify");
}

static void semaphores(void)
{
    long set = call(221, 0, 1, 01600);
    struct {
        u16 number;
        s16 change, flags;
    } take = {0, -1, 0}, give = {0, 1, 0};
    struct timespec limit = {0, 2000000};
    union {
        s32 value;
        void *pointer;
    } argument = {.value = 3};
    CHECK(set >= 0);
    CHECK_IS(call(301, set, 0, 8, &argument), 0); /* compat_50_____semctl13: SETVAL */
    CHECK_IS(call(301, set, 0, 5, 0), 3);
    argument.value = 0;
    call(301, set, 0, 8, &argument);
    CHECK_IS(call(506, set, &take, 1, &limit), -35); /* semtimedop */
    CHECK_IS(call(506, set, &give, 1, 0), 0);
    CHECK_IS(call(506, set, &take, 1, &limit), 0);
    CHECK_IS(call(223, 0), 0); /* semconfig */
    call(442, set, 0, 0, 0);
}

static void connections(void)
{
    struct {
        u8 length, family;
        u16 port;
        u32 host;
        u8 zero[8];
    } here = {16, 2, 0, 0x0100007f, {0}}, seen;
    u32 size = sizeof(here);
    s32 listener = (s32)call(394, 2, 1, 0), client = (s32)call(394, 2, 1, 0);
    call(104, listener, &here, size);
    call(106, listener, 5);
    call(32, listener, &here, &size);
    CHECK_IS(call(98, client, &here, size), 0);
    memset(&seen, 0, sizeof(seen));
    s32 server = (s32)call(30, listener, &seen, &size); /* accept */
    CHECK(server > 2 && size == 16 && seen.length == 16 && seen.family == 2);
    memset(&seen, 0, sizeof(seen));
    CHECK_IS(call(31, client, &seen, &size), 0); /* getpeername */
    CHECK(seen.length == 16 && seen.port == here.port && seen.host == here.host);
    CHECK_IS(call(31, listener, &seen, &size), -57); /* ENOTCONN */
    s32 count = 0, one = 1;
    call(4, client, "abc", 3);
    struct {
        s32 fd;
        s16 events, results;
    } wait = {server, 1, 0};
    call(209, &wait, 1, 5000);
    CHECK_IS(call(54, server, 0x4004667f, &count), 0); /* ioctl: FIONREAD */
    CHECK_IS(count, 3);
    CHECK_IS(call(54, server, 0x8004667e, &one), 0); /* FIONBIO */
    CHECK_IS(call(92, server, 3, 0) & 4, 4);
    CHECK_IS(call(54, server, 0x402c7413, &here), -25); /* TIOCGETA */
}

static void test(void)
{
    transfers();
    messages();
    semaphores();
    connections();
}
