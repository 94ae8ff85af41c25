#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static volatile sig_atomic_t children, alarms;

static void on_signal(int number)
{
    if (number == SIGCHLD)
        children++;
    else
        alarms++;
}

int main(void)
{
    struct sigaction action;
    char text[64] = "";
    int ends[2], status, pid;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGCHLD, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    if (pipe(ends) != 0)
        return 1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    char *words[] = {"sh", "-c", "echo spawned; exit 5", NULL};
    if (posix_spawnp(&pid, "sh", &actions, NULL, words, environ) != 0)
        return 2;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    ssize_t got = read(ends[0], text, sizeof text - 1);
    printf("%zd bytes: %sstatus %d, %d children\n", got, text, WEXITSTATUS(status), (int)children);
    alarm(1);
    got = read(ends[0], text, 1);
    printf("%zd, %s, %d alarms\n", got, strerror(errno), (int)alarms);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        raise(SIGSEGV);
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    printf("signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return 0;
}
