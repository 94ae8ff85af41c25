/* Calls that signals interrupt, at every instruction of them: nothing is lost, repeated or wrongly ended. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BYTES 20000

static volatile sig_atomic_t handled;

static void count(int signal)
{
    (void)signal;
    handled++;
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

/* How each call ends when a handler runs in the midst of it. */
static void endings(int flags)
{
    struct timespec second = {0, 30000000}, left = {0, 0};
    int ends[2];
    char byte;
    handler(flags);
    if (pipe(ends) != 0)
        return;
    struct pollfd polled = {.fd = ends[0], .events = POLLIN};
    every(20000);
    int r = poll(&polled, 1, 60);
    printf("poll %d %s; ", r, r < 0 ? strerror(errno) : "");
    r = nanosleep(&second, &left);
    printf("nanosleep %d %s %d; ", r, strerror(errno), left.tv_nsec > 0 && left.tv_nsec < 30000000);
    every(0);
    pid_t child = fork();
    if (child == 0) {
        usleep(60000);
        _exit(write(ends[1], "x", 1) == 1 ? 3 : 4);
    }
    every(20000);
    r = (int)read(ends[0], &byte, 1);
    int error = errno, status = 0;
    every(0);
    printf("read %d %s; ", r, r < 0 ? strerror(error) : "");
    every(1000);
    r = waitpid(child, &status, 0);
    error = errno;
    every(0);
    if (r < 0)
        waitpid(child, &status, 0);
    printf("wait %d\n", r < 0 ? error == EINTR : r == child);
    printf("status %d, pause %ld %s\n", WEXITSTATUS(status), (every(5000), (long)pause()), strerror(errno));
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
    bytes(0);
    bytes(SA_RESTART);
    endings(0);
    endings(SA_RESTART);
    stopped();
    cheap();
    return 0;
}
