/* Makes known calls; the first argument says which. */
#include "threads.h"

#define SYS_FORK 2
#define SYS_OPEN 5
#define SYS_GETPPID 39
#define SYS_EXECVE 59
#define SYS_VFORK 66
#define SYS_SIGACTION 416
#define SYS_KILL 37
#define SYS_GETPID 20
#define SYS_LSEEK 478
#define SYS_WAIT4 7
#define SYS_CONNECT 98
#define SYS_SOCKET 97
#define SYS_NANOSLEEP 240
#define SIGUSR1 30
#define SIGKILL 9

static long count_per_thread;

static long value_of(const char *digits)
{
    long value = 0;
    while (*digits)
        value = value * 10 + (*digits++ - '0');
    return value;
}

/* Descriptor numbers name the thread and offsets count, so that a reader can tell what is missing. */
static void many(void *number)
{
    for (long i = 0; i < count_per_thread; i++)
        call(SYS_LSEEK, 5000 + (long)number, i, 0);
}

static void threads(long how_many, long count)
{
    static struct guest_thread all[64];
    count_per_thread = count;
    for (long i = 0; i < how_many; i++)
        thread_begin(&all[i], many, (void *)i);
    for (long i = 0; i < how_many; i++)
        thread_join(&all[i]);
}

static void handler(int number)
{
    (void)number;
}

static void plain(char **vector)
{
    struct {
        void (*handler)(int);
        u32 flags, mask[4];
    } action = {handler, 0, {0}};
    u8 address[16] = {16, 2, 0, 9, 127, 0, 0, 1};
    int status = 0;
    call(4, 1, "hello\n", 6);
    call(SYS_OPEN, "/no/such\nfile", 0x601, 0644);
    call(SYS_OPEN, 8, 0, 0);
    call(SYS_SIGACTION, SIGUSR1, &action, 0);
    call(SYS_KILL, call(SYS_GETPID), SIGUSR1);
    long s = call(SYS_SOCKET, 2, 1, 0);
    call(SYS_CONNECT, s, address, sizeof(address));
    long child = call(SYS_FORK);
    if (child == 0)
        call(1, 7);
    call(SYS_WAIT4, child, &status, 0, 0);
    child = call(SYS_VFORK);
    if (child == 0) {
        char *arguments[] = {vector[0], "leave", 0}, *none[] = {"SECRET=1", 0};
        call(SYS_EXECVE, vector[0], arguments, none);
        call(1, 99);
    }
    call(SYS_WAIT4, child, &status, 0, 0);
}

static void test(void)
{
    long count = start_vector[0];
    char **vector = (char **)(start_vector + 1);
    const char *mode = count > 1 ? vector[1] : "plain";
    struct timespec long_time = {100, 0};
    if (equal(mode, "threads"))
        threads(value_of(vector[2]), value_of(vector[3]));
    else if (equal(mode, "sleep"))
        call(SYS_NANOSLEEP, &long_time, 0);
    else if (equal(mode, "die"))
        call(SYS_KILL, call(SYS_GETPID), SIGKILL);
    else if (equal(mode, "leave"))
        call(1, 3);
    else
        plain(vector);
    call(1, 5);
}
