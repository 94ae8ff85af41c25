/* Children that share their parent's memory while it goes on, as the tracer of a leak checker does. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK 65536

static atomic_int go, seen, pid_seen;
static char *program;

static int work(void *argument)
{
    while (!go)
        sched_yield();
    pid_seen = getpid();
    seen += *(int *)argument;
    return seen & 0x7f;
}

static int execute(void *argument)
{
    char *words[] = {program, argument, NULL};

    execv(program, words);
    return 99;
}

static int attach(void *argument)
{
    int parent = getppid(), status;

    (void)argument;
    if (ptrace(PTRACE_ATTACH, parent, NULL, NULL) != 0)
        return errno;
    if (waitpid(parent, &status, __WALL) != parent || !WIFSTOPPED(status))
        return 98;
    return ptrace(PTRACE_DETACH, parent, NULL, NULL) != 0 ? 97 : WSTOPSIG(status);
}

static int start(int (*function)(void *), void *argument, char *stack)
{
    return clone(function, stack + STACK, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, argument);
}

static int ended(int pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

int main(int count, char **words)
{
    char *stacks[2] = {malloc(STACK), malloc(STACK)};
    int one = 1, wrong = 0;

    if (count > 1)
        return strlen(words[1]);
    program = words[0];
    for (int i = 0; i < 100; i++) {
        go = 0;
        int pid = start(work, &one, stacks[0]), other = start(work, &one, stacks[1]);
        go = 1; /* had it waited for either, neither would go on */
        ended(pid);
        wrong += pid_seen != pid && pid_seen != other;
        ended(other);
    }
    printf("%d seen, %d wrong\n", seen, wrong);
    printf("executed: %d\n", ended(start(execute, "seven..", stacks[0])));
    printf("attached: %d\n", ended(start(attach, NULL, stacks[0])));
    printf("executed: %d\n", ended(start(execute, "five.", stacks[1])));
    return 0;
}
