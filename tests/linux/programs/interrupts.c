/* Calls that signals interrupt, at every instruction of them: nothing is lost, repeated or wrongly ended. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BYTES 20000

static volatile sig_atomic_t handled;
static struct shared {
    volatile int ticks, read_done;
} *shared; /* with children */

static void count(int signal)
{
    (void)signal;
    handled++;
    shared->ticks++;
}

static void every(long microseconds)
{
    struct itimerval value = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &value, NULL);
}

static void handler(int flags)
{
    struct sigaction action = {.sa_handler = count, .sa_flags = flags};
    sigaction(SIGALRM, &action, NULL);
}

/* A byte at a time through a pipe: every value once and in order, whatever interrupts either end. */
static void bytes(int flags)
{
    int ends[2], wrong = 0, interrupted = 0, others = 0, status;
    handler(flags);
    if (pipe(ends) != 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        every(150);
        for (int i = 0; i < BYTES;) {
            unsigned char byte = (unsigned char)i;
            i += write(ends[1], &byte, 1) == 1;
        }
        _exit(0);
    }
    close(ends[1]);
    every(150);
    for (int i = 0;;) {
        unsigned char byte;
        ssize_t n = read(ends[0], &byte, 1);
        if (n == 0)
            break;
        if (n < 0) {
            interrupted += errno == EINTR;
            others += errno != EINTR;
            continue;
        }
        wrong += byte != (unsigned char)i++;
    }
    every(0);
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0)
        continue;
    printf("flags %x: wrong %d, other errors %d, restarted %d, handled %d\n", (unsigned)flags, wrong, others,
           (flags & SA_RESTART) == 0 || interrupted == 0, handled > 0);
}

/* How each call ends when a handler runs in the midst of it.  Times are long, so that a busy machine changes
 * nothing: what ends a wait is the signal, or the child that waits for signals. */
static void endings(int flags)
{
    struct timespec wanted = {5, 0}, left = {0, 0};
    int ends[2], status = 0;
    char byte;
    handler(flags);
    if (pipe(ends) != 0)
        return;
    struct pollfd polled = {.fd = ends[0], .events = POLLIN};
    every(20000);
    int r = poll(&polled, 1, 5000);
    printf("poll %d %s; ", r, r < 0 ? strerror(errno) : "");
    r = nanosleep(&wanted, &left);
    printf("nanosleep %d %s %d; ", r, strerror(errno), left.tv_sec == 4);
    every(0);
    shared->ticks = shared->read_done = 0;
    pid_t child = fork();
    if (child == 0) {
        while (shared->ticks < 3 && !shared->read_done)
            usleep(1000);
        while (!(flags & SA_RESTART) && !shared->read_done)
            usleep(1000);
        _exit(write(ends[1], "x", 1) == 1 ? 3 : 4);
    }
    every(20000);
    r = (int)read(ends[0], &byte, 1);
    int error = errno;
    shared->read_done = 1;
    every(0);
    printf("read %d %s; ", r, r < 0 ? strerror(error) : "");
    waitpid(child, &status, 0);
    every(5000);
    r = pause();
    printf("status %d, pause %d %s\n", WEXITSTATUS(status), r, strerror(errno));
    every(0);
    close(ends[0]);
    close(ends[1]);
}

/* A stop and a continuation are no interruption. */
static void stopped(void)
{
    struct timespec limit = {0, 200000000};
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(nanosleep(&limit, NULL) == 0 ? 5 : 6);
    for (int i = 0; i < 20; i++) {
        kill(child, SIGSTOP);
        kill(child, SIGCONT);
        usleep(2000);
    }
    waitpid(child, &status, 0);
    printf("stopped and continued: %d\n", WEXITSTATUS(status));
}

/* Cheap calls under a storm: the result and the number of calls stay right. */
static void cheap(void)
{
    pid_t self = getpid();
    uid_t euid = geteuid();
    int wrong = 0;
    handler(SA_RESTART);
    every(100);
    handled = 0;
    for (long i = 0; handled < 1500; i++) {
        wrong += syscall(SYS_getpid) != self;
        wrong += close(-1) != -1 || errno != EBADF;
        wrong += lseek(-1, 0, SEEK_SET) != -1 || errno != EBADF;
        wrong += syscall(SYS_geteuid) != euid;
    }
    every(0);
    printf("cheap calls: wrong %d\n", wrong);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bytes(0);
    bytes(SA_RESTART);
    endings(0);
    endings(SA_RESTART);
    stopped();
    cheap();
    return 0;
}
