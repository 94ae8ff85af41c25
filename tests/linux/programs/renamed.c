/* What /proc/self/exe leads to while the program's file is renamed, another takes its name, and it is removed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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
    struct stat opened = {0}, named = {0}, link = {0};
    struct statx extended = {0};
    int failed = fstat(fd, &opened) | stat("/proc/self/exe", &named) | lstat("/proc/self/exe", &link) |
                 statx(AT_FDCWD, "/proc/self/exe", 0, STATX_INO, &extended);
    printf("failed: %d, the same: %d %d, links: %d, a link itself: %d\n", failed,
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev && named.st_size == opened.st_size,
           extended.stx_ino == opened.st_ino, (int)named.st_nlink, S_ISLNK(link.st_mode));
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        puts(argv[1]);
        return 0;
    }
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
    say("removed");
    fflush(stdout);
    execl("/proc/self/exe", argv[0], "executed again", (char *)NULL);
    return 1;
}
