/* A signal to oneself: kill, the handler, and the return from it. */
#include "bench.h"

static volatile long handled;
static long self;

static void handler(int signal)
{
    (void)signal;
    handled++;
}

#ifdef __FreeBSD__
static void install(void)
{
    struct {
        void (*handler)(int);
        int flags;
        uint32_t mask[4];
    } action = {.handler = handler};
    must(call(SYS_sigaction, SIGUSR1, &action, 0), "sigaction");
}
#else
#define SA_RESTORER 0x4000000

void restorer(void);
__asm__(".text\nrestorer:\n    movl $15, %eax\n    syscall\n");

static void install(void)
{
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        uint64_t mask;
    } action = {.handler = handler, .flags = SA_RESTORER, .restorer = restorer};
    must(call(SYS_sigaction, SIGUSR1, &action, 0, 8), "rt_sigaction");
}
#endif

static void prepare(void)
{
    self = call(SYS_getpid);
    install();
}

static void once(void)
{
    long before = handled;
    must(call(SYS_kill, self, SIGUSR1), "kill");
    if (handled != before + 1)
        must(-1, "delivery");
}
