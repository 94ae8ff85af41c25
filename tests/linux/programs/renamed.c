/* What /proc/self/exe leads to while the program's file is renamed, another takes its name, and it is removed. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[4096];

static void say(const char *when)
{
    char own[4096], start[4] = "";
    ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
    own[n < 0 ? 0 : n] = 0;
    int fd = open("/proc/self/exe", O_RDONLY);
    ssize_t read_ = read(fd, start, 4);
    printf("%s: %s, %zd bytes, ELF: %d\n", when, strrchr(own, '/'), read_, memcmp(start, "\177ELF", 4) == 0);
    close(fd);
}

int main(void)
{
    char moved[4200];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[n < 0 ? 0 : n] = 0;
    snprintf(moved, sizeof(moved), "%s.moved", path);
    say("started");
    rename(path, moved);
    say("renamed");
    int fd = open(path, O_CREAT | O_WRONLY, 0700);
    if (write(fd, "other", 5) != 5)
        return 1;
    close(fd);
    say("another took its name");
    unlink(path);
    rename(moved, path);
    say("back");
    unlink(path);
    n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[n < 0 ? 0 : n] = 0;
    printf("removed: %s\n", strrchr(path, '/'));
    return 0;
}
