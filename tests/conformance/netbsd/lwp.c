/* Lightweight processes: making them, parking, waiting, names, the private pointer. */
#include "guest.h"

#define STACK 65536
#define ESRCH 3
#define EINTR 4
#define EDEADLK 11
#define EINVAL 22
#define EALREADY 37
#define ETIMEDOUT 60

static volatile s32 ran, parked, child_id;
static volatile u64 child_pointer;

static long make(void (*body)(void), u64 flags, s32 *id)
{
    struct context c;
    memset(&c, 0, sizeof(c));
    long r = call(307, &c); /* getcontext */
    if (r)
        return r;
    char *stack = map_pages(STACK);
    c.registers[RIP] = (u64)body;
    c.registers[RSP] = (u64)stack + STACK - 8;
    c.registers[RDI] = 77;
    c.thread_pointer = (u64)stack;
    c.flags = 4 | 0x80000 | 1; /* registers, thread pointer, mask */
    return call(309, &c, flags, id);
}

static void body(void)
{
    child_id = (s32)call(311);
    child_pointer = (u64)call(316);
    ran++;
    call(310);
}

static void parking_body(void)
{
    child_id = (s32)call(311);
    parked = 1;
    long r = call(478, 0, 0, 0, 0, 0, 0); /* ___lwp_park60, for ever */
    parked = r == 0 || r == -EALREADY ? 2 : 3;
    call(310);
}

static void waiting_body(void)
{
    struct timespec t = {60, 0};
    child_id = (s32)call(311);
    parked = 1;
    long r = call(430, &t, 0);
    parked = r == -EINTR ? 2 : 3;
    call(310);
}

static void nothing(int signal, struct siginfo *info, struct context *c)
{
    (void)signal, (void)info, (void)c;
}

static void lives(void)
{
    s32 id = 0, departed = 0;
    CHECK_IS(make(body, 0, &id), 0);
    CHECK(id > 0);
    CHECK_IS(call(312, id, &departed), 0); /* _lwp_wait */
    CHECK(departed == id && child_id == id && ran == 1);
    CHECK(child_pointer != 0);
    CHECK_IS(call(312, id, &departed), -ESRCH);

    CHECK_IS(make(body, 0x80, &id), 0); /* LWP_SUSPENDED */
    sleep_for(20);
    CHECK_IS(ran, 1);
    CHECK_IS(call(314, id), 0); /* _lwp_continue */
    CHECK_IS(call(312, 0, &departed), 0);
    CHECK(departed == id && ran == 2);

    CHECK_IS(make(body, 0x40, &id), 0); /* LWP_DETACHED */
    while (ran < 3)
        call(350); /* sched_yield */
    CHECK(call(312, id, &departed) < 0);
    CHECK_IS(call(319, call(311)), 0);       /* _lwp_detach of itself */
    CHECK_IS(call(319, call(311)), -EINVAL); /* once */
    CHECK_IS(call(319, 1), -ESRCH);
    struct context bad;
    memset(&bad, 0, sizeof(bad));
    CHECK_IS(call(309, &bad, 0, &id), -EINVAL);
}

static void parks(void)
{
    s32 id = 0, self = (s32)call(311), departed;
    struct timespec t = {0, 20000000};
    CHECK_IS(call(478, 3, 0, &t, 0, 0, 0), -ETIMEDOUT);
    CHECK(t.sec == 0 && t.nsec == 0); /* what is left */
    CHECK_IS(call(321, self, 0), 0);  /* an unpark that comes first is kept */
    CHECK_IS(call(478, 3, 0, 0, 0, 0, 0), -EALREADY);
    t = (struct timespec){0, -1};
    CHECK_IS(call(478, 3, 0, &t, 0, 0, 0), -EINVAL);
    t = (struct timespec){1, 0};
    CHECK_IS(call(478, 0, 1, &t, 0, 0, 0), -ETIMEDOUT); /* TIMER_ABSTIME, long ago */
    CHECK_IS(call(434, &t, 0, 0, 0), -ETIMEDOUT);       /* compat_60__lwp_park */
    struct {
        s32 sec, pad;
        s64 nsec;
    } old = {1, 0, 0};
    CHECK_IS(call(320, &old, 0, 0, 0), -ETIMEDOUT); /* compat_50__lwp_park */
    CHECK_IS(call(321, 1, 0), -ESRCH);

    parked = 0;
    CHECK_IS(make(parking_body, 0, &id), 0);
    while (!parked)
        call(350);
    sleep_for(10);
    CHECK_IS(call(321, id, 0), 0);
    CHECK_IS(call(312, id, &departed), 0);
    CHECK_IS(parked, 2);

    parked = 0;
    CHECK_IS(make(parking_body, 0, &id), 0);
    while (!parked)
        call(350);
    CHECK(call(322, 0, 0, 0) > 0); /* how many at once */
    CHECK_IS(call(322, &id, 1, 0), 0);
    CHECK_IS(call(312, id, &departed), 0);
    CHECK_IS(parked, 2);
}

static void signals_and_wakes(void)
{
    s32 id = 0, departed;
    set_handler(30, nothing, 0);
    CHECK_IS(call(318, 1, 30), -ESRCH);
    CHECK_IS(call(318, call(311), 64), -EINVAL);
    for (int way = 0; way < 2; way++) {
        parked = 0;
        CHECK_IS(make(waiting_body, 0, &id), 0);
        while (!parked)
            call(350);
        sleep_for(20);
        if (way == 0)
            CHECK_IS(call(318, id, 30), 0); /* _lwp_kill */
        else
            CHECK_IS(call(315, id), 0); /* _lwp_wakeup */
        CHECK_IS(call(312, id, &departed), 0);
        CHECK_IS(parked, 2);
    }
}

static void names_and_pointers(void)
{
    char name[32] = "";
    u64 word = 42, *control = 0, seen;
    CHECK_IS(call(323, 0, "worker"), 0);
    CHECK_IS(call(324, 0, name, sizeof(name)), 0);
    CHECK(equal(name, "worker"));
    CHECK_IS(call(323, 1, "x"), -ESRCH);
    CHECK_IS(call(317, &word), 0); /* _lwp_setprivate */
    CHECK(call(316) == (long)&word);
    __asm__ volatile("movq %%fs:0, %0" : "=r"(seen));
    CHECK_IS(seen, 42);
    CHECK_IS(call(325, 1, &control), 0); /* _lwp_ctl */
    CHECK(control != 0);
    CHECK_IS(call(325, 0x80, &control), -19); /* ENODEV */
}

static struct {
    volatile s32 processor, count;
} *volatile shown;

static void shown_body(void)
{
    u64 control;
    call(325, 1, &control);
    shown = (void *)control;
    while (parked == 0)
        ;
    struct timespec t = {60, 0};
    call(430, &t, 0);
    parked = 2;
    while (parked == 2)
        ;
    call(310);
}

/* Which processor an LWP runs on, as others see it: one while it runs, none while it waits. */
static void processors(void)
{
    s32 id = 0, departed;
    u64 own = 0;
    CHECK_IS(call(325, 1, &own), 0);
    CHECK(*(volatile s32 *)own >= 0);
    shown = 0;
    parked = 0;
    CHECK_IS(make(shown_body, 0, &id), 0);
    while (shown == 0)
        call(350);
    CHECK(shown->processor >= 0);
    parked = 1;
    for (int i = 0; shown->processor >= 0 && i < 5000; i++)
        sleep_for(1);
    CHECK_IS(shown->processor, -1);
    s32 count = shown->count;
    CHECK_IS(call(318, id, 30), 0);
    while (parked == 1)
        call(350);
    CHECK(shown->processor >= 0);
    CHECK_IS(shown->count > count, 1); /* it gave the processor up */
    parked = 3;
    CHECK_IS(call(312, id, &departed), 0);
}

static void test(void)
{
    s32 departed;
    CHECK(call(311) > 0);
    CHECK_IS(call(350), 0); /* sched_yield */
    CHECK_IS(call(312, 0, &departed), -ESRCH);
    CHECK_IS(call(312, call(311), &departed), -EDEADLK);
    lives();
    parks();
    signals_and_wakes();
    names_and_pointers();
    processors();
}
