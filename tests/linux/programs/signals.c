/* Signals, threads and processes of one program, printed: equal natively and as a guest. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 64

extern char **environ;
static volatile int hits;
static volatile double sum;

static void count(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    hits++;
    sum += 1.5; /* vector state must come back */
}

static void unprotect(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    printf("fault at %p, code %d\n", info->si_addr, info->si_code);
    mprotect((void *)((unsigned long)info->si_addr & ~4095UL), 4096, PROT_READ | PROT_WRITE);
}

static void *wait_for_cancel(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return NULL;
}

static void *spin(void *unused)
{
    (void)unused;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;)
        continue;
    return NULL;
}

static void *work(void *argument)
{
    struct timespec now;
    for (int i = 0; i < 500; i++) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        free(malloc(100 + (size_t)i));
    }
    return argument;
}

static int status_of(pid_t child)
{
    int status;
    waitpid(child, &status, 0);
    return status;
}

static void actions(void)
{
    struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO | SA_RESTART}, old;
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 1000; i++)
        kill(getpid(), SIGUSR1);
    sigaction(SIGUSR1, NULL, &old);
    printf("handled %d, %.1f, same %d\n", hits, sum, old.sa_sigaction == count);
    sigaltstack(&stack, NULL);
    action = (struct sigaction){.sa_sigaction = unprotect, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    char *page = mmap((void *)0x10000000, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    page[5] = 1;
    printf("written %d\n", page[5]);
}

static void masks(void)
{
    sigset_t blocked, old, pending;
    struct timespec limit = {5, 0};
    struct signalfd_siginfo read_from;
    siginfo_t info;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, &old);
    kill(getpid(), SIGUSR1);
    hits = 0;
    int r = ppoll(NULL, 0, &limit, &old);
    printf("ppoll %d %s, handled %d\n", r, strerror(errno), hits);
    kill(getpid(), SIGUSR1);
    sigpending(&pending);
    printf("pending %d\n", sigismember(&pending, SIGUSR1));
    r = sigwaitinfo(&blocked, &info);
    printf("waited %d, code %d, sender %d\n", r, info.si_code, info.si_pid == getpid());
    kill(getpid(), SIGUSR1);
    r = (int)read(signalfd(-1, &blocked, 0), &read_from, sizeof(read_from));
    printf("read %d, signal %u\n", r, read_from.ssi_signo);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

/* A timer that hits loops of every kind: plain code, the vDSO, system calls. */
static void timer(void)
{
    struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec every = {{0, 200000}, {0, 200000}}, never = {0};
    struct timespec now;
    timer_t id;
    sigaction(SIGALRM, &action, NULL);
    timer_create(CLOCK_MONOTONIC, &event, &id);
    timer_settime(id, 0, &every, NULL);
    for (hits = 0; hits < 200;)
        continue;
    for (hits = 0; hits < 200;)
        clock_gettime(CLOCK_MONOTONIC, &now);
    int interrupted = 0;
    for (hits = 0; hits < 200;)
        interrupted += getppid() < 0;
    timer_settime(id, 0, &never, NULL);
    printf("timer done, %d calls that fail of themselves\n", interrupted);
}

static void threads(void)
{
    pthread_t thread[THREADS];
    void *result;
    pthread_create(&thread[0], NULL, wait_for_cancel, NULL);
    pthread_create(&thread[1], NULL, spin, NULL);
    usleep(10000);
    for (int i = 0; i < 2; i++) {
        pthread_cancel(thread[i]);
        pthread_join(thread[i], &result);
        printf("cancelled %d\n", result == PTHREAD_CANCELED);
    }
    long all = 0;
    for (long i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, work, (void *)i);
    for (long i = 0; i < THREADS; i++) {
        pthread_join(thread[i], &result);
        all += (long)result;
    }
    printf("joined %ld\n", all);
}

static void processes(void)
{
    char *arguments[] = {"sh", "-c", "exit 3", NULL};
    int all = 0, status;
    pid_t child;
    for (int i = 0; i < 100; i++) {
        if ((child = fork()) == 0)
            _exit(i);
        all += WEXITSTATUS(status_of(child));
    }
    for (int i = 0; i < 10; i++) {
        posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ);
        all += WEXITSTATUS(status_of(child));
        if ((child = vfork()) == 0)
            _exit(4);
        all += WEXITSTATUS(status_of(child));
    }
    printf("statuses %d, system %d\n", all, WEXITSTATUS(system("exit 5")));
    if ((child = fork()) == 0)
        abort();
    printf("ended by %d\n", WTERMSIG(status_of(child)));
    if ((child = fork()) == 0) {
        raise(SIGSTOP);
        _exit(9);
    }
    waitpid(child, &status, WUNTRACED);
    printf("stopped by %d, ", WSTOPSIG(status));
    kill(child, SIGCONT);
    printf("then %d\n", WEXITSTATUS(status_of(child)));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    actions();
    masks();
    timer();
    threads();
    processes();
    return 0;
}
