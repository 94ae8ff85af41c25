/* Everyday work in small pieces, each timed by itself: overhead FOLDER prints "name nanoseconds" of one piece.
 *
 * The same program outside of a zone and in it; what is started before is not counted. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char block[1 << 16];
static int file, ends[2];
static volatile unsigned long sink;

static void need(int holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(1);
    }
}

static void compute(void)
{
    unsigned long value = sink;
    for (int i = 0; i < 200000; i++)
        value = value * 6364136223846793005UL + 1442695040888963407UL;
    sink = value;
}
static void write_file(void) { need(pwrite(file, block, sizeof(block), 0) == sizeof(block), "pwrite"); }
static void read_file(void) { need(pread(file, block, sizeof(block), 0) == sizeof(block), "pread"); }
static void look(void)
{
    struct stat about;
    need(stat("file", &about) == 0, "stat");
}
static void open_file(void)
{
    int one = open("file", O_RDONLY);
    need(one >= 0, "open");
    close(one);
}
static void make_file(void)
{
    int one = open("made", O_WRONLY | O_CREAT | O_EXCL, 0600);
    need(one >= 0 && write(one, block, 100) == 100, "create");
    close(one);
    need(unlink("made") == 0, "unlink");
}
static void *echo(void *nothing)
{
    char byte;
    while (read(ends[1], &byte, 1) == 1)
        need(write(ends[1], &byte, 1) == 1, "echo");
    return nothing;
}
static void round_trip(void)
{
    char byte = 'x';
    need(write(ends[0], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1, "round trip");
}
static void stream(void)
{
    need(write(ends[0], block, sizeof(block)) == sizeof(block), "stream");
    for (size_t got = 0; got < sizeof(block);) {
        ssize_t n = read(ends[1], block, sizeof(block));
        need(n > 0, "stream");
        got += (size_t)n;
    }
}

static void connect_ends(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(here);
    int one = 1, room = 1 << 20, server = socket(AF_INET, SOCK_STREAM, 0);
    need(bind(server, (void *)&here, size) == 0 && listen(server, 1) == 0, "listen");
    need(getsockname(server, (void *)&here, &size) == 0, "getsockname");
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    need(connect(ends[0], (void *)&here, size) == 0, "connect");
    ends[1] = accept(server, NULL, NULL);
    for (int end = 0; end < 2; end++)
        setsockopt(ends[end], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void measure(const char *name, void (*piece)(void), int times)
{
    double best = 1e18;
    for (int turn = 0; turn < 20; turn++) { /* the fastest turn is the one that nobody disturbed */
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (int i = 0; i < times; i++)
            piece();
        clock_gettime(CLOCK_MONOTONIC, &end);
        double took = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
        best = took / times < best ? took / times : best;
    }
    printf("%s %.1f\n", name, best);
}

int main(int count, char **words)
{
    pthread_t other;
    need(count == 2 && chdir(words[1]) == 0, "folder");
    file = open("file", O_RDWR | O_CREAT, 0600);
    need(file >= 0, "file");
    write_file();
    connect_ends();
    measure("compute", compute, 10);
    measure("write_64k", write_file, 500);
    measure("read_64k", read_file, 500);
    measure("stat", look, 5000);
    measure("open_and_close", open_file, 5000);
    measure("create_and_remove", make_file, 500);
    measure("loopback_64k", stream, 300);
    need(pthread_create(&other, NULL, echo, NULL) == 0, "thread");
    measure("loopback_round_trip", round_trip, 500);
    return 0;
}
