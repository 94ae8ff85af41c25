/* Message queues of POSIX and of System V, semaphores with names. */
#include "guest.h"

static void posix(void)
{
    struct {
        s64 flags, most, size, current;
    } wanted = {0, 4, 64, 0}, seen;
    char got[64];
    u32 priority = 0;
    call(259, "/guise-test");
    s32 queue = (s32)call(257, "/guise-test", 0x202, 0600, &wanted); /* mq_open */
    CHECK(queue > 2);
    CHECK_IS(call(260, queue, &seen), 0);
    CHECK(seen.most == 4 && seen.size == 64 && seen.current == 0);
    CHECK_IS(call(263, queue, "low", 3, 1), 0); /* mq_send */
    CHECK_IS(call(263, queue, "high", 4, 9), 0);
    CHECK_IS(call(264, queue, got, 64, &priority), 4);
    CHECK(priority == 9 && memcmp(got, "high", 4) == 0);
    struct timespec past = {1, 0};
    CHECK_IS(call(433, queue, got, 64, &priority, &past), 3); /* there is one: no waiting */
    CHECK_IS(call(433, queue, got, 64, &priority, &past), -60);
    struct {
        s32 sec, pad;
        s64 nsec;
    } old = {1, 0, 0};
    CHECK_IS(call(265, queue, "x", 1, 2, &old), 0); /* compat_50_mq_timedsend */
    CHECK_IS(call(266, queue, got, 64, &priority, &old), 1);
    CHECK_IS(call(432, queue, "x", 1, 2, &past), 0);
    seen.flags = 4; /* O_NONBLOCK */
    CHECK_IS(call(261, queue, &seen, 0), 0);
    CHECK_IS(call(264, queue, got, 64, 0), 1);
    CHECK_IS(call(264, queue, got, 64, 0), -35);
    CHECK_IS(call(264, queue, got, 8, 0), -40); /* EMSGSIZE */
    CHECK_IS(call(258, queue), 0);
    CHECK_IS(call(259, "/guise-test"), 0);
    CHECK_IS(call(259, "/guise-test"), -2);
}

static void system_v(void)
{
    struct {
        s64 type;
        char text_[8];
    } message = {5, "five"}, got = {0, ""};
    u8 state[256];
    long queue = call(225, 0, 01600); /* msgget */
    CHECK(queue >= 0);
    CHECK_IS(call(226, queue, &message, 5, 0), 0);
    CHECK_IS(call(444, queue, 2, state), 0); /* IPC_STAT */
    CHECK_IS(call(302, queue, 2, state), 0);
    CHECK_IS(call(227, queue, &got, 8, 0, 0), 5);
    CHECK(got.type == 5 && equal(got.text_, "five"));
    CHECK_IS(call(227, queue, &got, 8, 0, 04000), -83); /* ENOMSG */
    CHECK_IS(call(444, queue, 0, 0), 0);
    CHECK(call(226, queue, &message, 5, 0) < 0);
}

static void semaphores(void)
{
    long id = 0, again = 0;
    u32 value = 9;
    struct timespec past = {1, 0};
    call(249, "/guise-sem");
    CHECK_IS(call(248, "/guise-sem", 0xa00, 0600, 1, &id), 0); /* _ksem_open, O_CREAT | O_EXCL */
    CHECK_IS(call(248, "/guise-sem", 0, 0, 0, &again), 0);
    CHECK_IS(call(252, id), 0); /* wait */
    CHECK_IS(call(254, again, &value), 0);
    CHECK_IS(value, 0);
    CHECK_IS(call(256, id, &past), -60);
    CHECK_IS(call(251, again), 0);
    CHECK_IS(call(256, id, &past), 0);
    CHECK_IS(call(250, again), 0);
    CHECK_IS(call(250, id), 0);
    CHECK_IS(call(249, "/guise-sem"), 0);
}

static void test(void)
{
    posix();
    system_v();
    semaphores();
}
