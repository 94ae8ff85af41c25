/* A FreeBSD program with a few ways to behave, chosen by its first argument:
 *   echo          say "ready", then copy input to output
 *   count         say "ready", then name each signal that arrives; ends after SIGTERM
 *   exit N        exit with that status
 *   kill N        send itself that signal, then wait
 *   exec PATH...  become that program
 *   cold N        make N sysctl calls that the supervisor serves; exits 0 when each answers
 *   daemon FILE   leave a child behind that makes a cold call a second later and writes "ok" to FILE
 *   call          getpid once, then exit: what a tracer's hooks change
 */
typedef unsigned long u64;

#include "call.h"
#define CALL(n, a, b, c) call(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
enum { EXIT = 1, FORK, READ, WRITE, OPEN, GETPID = 20, KILL = 37, EXECVE = 59, SETSID = 147, SYSCTL = 202,
       NANOSLEEP = 240, SIGPROCMASK = 340, SIGSUSPEND = 341, SIGACTION = 416 };

static volatile int done;

static void say(const char *s)
{
    long n = 0;
    while (s[n])
        n++;
    CALL(WRITE, 1, s, n);
}

static void say_number(long value)
{
    char text[24];
    int at = sizeof(text) - 1;
    text[at] = 0;
    do
        text[--at] = (char)('0' + value % 10);
    while (value /= 10);
    say(text + at);
}

static long number(const char *s)
{
    long value = 0;
    while (*s)
        value = value * 10 + *s++ - '0';
    return value;
}

static int is(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static void handler(int signal)
{
    say("signal ");
    say_number(signal);
    say("\n");
    if (signal == 15)
        done = 1;
}

static void sleep_ms(long ms)
{
    long time[2] = {ms / 1000, ms % 1000 * 1000000};
    CALL(NANOSLEEP, time, 0, 0);
}

static int cold(void)
{
    int name[2] = {1, 21}; /* kern.boottime */
    long time[2] = {0, 0};
    u64 length = sizeof(time);
    long r = call(SYSCTL, (long)name, 2, (long)time, (long)&length, 0, 0);
    return r == 0 && length == sizeof(time) && time[0] > 0;
}

static void count(void)
{
    struct { void (*handler)(int); int flags; unsigned mask[4]; } action = {handler, 0, {0, 0, 0, 0}};
    static const int signals[] = {1, 2, 3, 15, 20, 19, 30, 31};
    unsigned nothing[4] = {0, 0, 0, 0}, all[4] = {~0U, ~0U, ~0U, ~0U};
    /* Blocked but in the wait: one that came between looking at `done` and waiting would be waited for. */
    CALL(SIGPROCMASK, 3 /* SIG_SETMASK */, all, 0);
    for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        CALL(SIGACTION, signals[i], &action, 0);
    say("ready\n");
    while (!done)
        CALL(SIGSUSPEND, nothing, 0, 0);
}

static int run(long argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (is(what, "echo")) {
        char buffer[256];
        long n;
        say("ready\n");
        while ((n = CALL(READ, 0, buffer, sizeof(buffer))) > 0)
            CALL(WRITE, 1, buffer, n);
    } else if (is(what, "count")) {
        count();
    } else if (is(what, "exit")) {
        return (int)number(argv[2]);
    } else if (is(what, "kill")) {
        CALL(KILL, CALL(GETPID, 0, 0, 0), number(argv[2]), 0);
        sleep_ms(5000);
    } else if (is(what, "exec")) {
        return -(int)CALL(EXECVE, argv[2], argv + 2, argv + argc + 1);
    } else if (is(what, "cold")) {
        for (long i = number(argv[2]); i > 0; i--)
            if (!cold())
                return 1;
    } else if (is(what, "daemon")) {
        if (CALL(FORK, 0, 0, 0) != 0)
            return 0;
        CALL(SETSID, 0, 0, 0);
        sleep_ms(1000);
        if (cold())
            CALL(WRITE, CALL(OPEN, argv[2], 0x601, 0600), "ok", 2);
    } else if (is(what, "call")) {
        say_number(CALL(GETPID, 0, 0, 0));
    } else {
        say("hello\n");
    }
    return 0;
}

__attribute__((used)) static void begin(long *stack)
{
    CALL(EXIT, run(stack[0], (char **)(stack + 1)), 0, 0);
}

__attribute__((naked)) void _start(void)
{
    __asm__("andq $-16, %rsp\n\tcall begin\n\thlt");
}
