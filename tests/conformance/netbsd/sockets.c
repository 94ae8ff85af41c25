/* Sockets: old and new numbers, addresses with a length in front, options, messages with descriptors, many at once. */
#include "guest.h"

struct address { /* struct sockaddr_in */
    u8 length, family;
    u16 port;
    u32 host;
    u8 zero[8];
};
struct vector {
    void *base;
    u64 length;
};
struct message {
    void *name;
    u32 name_length;
    struct vector *vectors;
    s32 count;
    void *control;
    u32 control_length;
    s32 flags;
};
struct control {
    u32 length;
    s32 level, type;
};

#define SOL_SOCKET 0xffff
#define LOOPBACK 0x0100007f

static s32 listener, client, server;

static void connections(void)
{
    struct address here = {16, 2, 0, LOOPBACK, {0}}, seen = {0};
    u32 size = sizeof(seen);
    s32 word = 1;
    listener = (s32)call(394, 2, 1 | 0x10000000, 0); /* __socket30, SOCK_CLOEXEC */
    CHECK(listener > 2);
    CHECK_IS(call(92, listener, 1, 0), 1);
    CHECK_IS(call(105, listener, SOL_SOCKET, 4, &word, 4), 0); /* SO_REUSEADDR */
    word = 0;
    u32 word_size = 4;
    CHECK_IS(call(118, listener, SOL_SOCKET, 4, &word, &word_size), 0);
    CHECK(word != 0 && word_size == 4);
    CHECK_IS(call(104, listener, &here, sizeof(here)), 0);
    CHECK_IS(call(106, listener, 5), 0);
    CHECK_IS(call(32, listener, &seen, &size), 0); /* getsockname */
    CHECK(size == 16 && seen.length == 16 && seen.family == 2 && seen.port != 0 && seen.host == LOOPBACK);
    client = (s32)call(97, 2, 1, 0); /* compat_30_socket */
    CHECK(client > 2);
    CHECK_IS(call(98, client, &seen, sizeof(seen)), 0);
    size = sizeof(seen);
    server = (s32)call(456, listener, &seen, &size, 0, 0x20000000); /* paccept, SOCK_NONBLOCK */
    CHECK(server > 2 && seen.family == 2 && seen.length == 16);
    char byte;
    CHECK_IS(call(29, server, &byte, 1, 0, 0, 0), -35);
    CHECK_IS(call(133, client, "hello", 5, 0, 0, 0), 5);
    struct {
        s32 fd;
        s16 events, results;
    } wait = {server, 1, 0};
    CHECK_IS(call(209, &wait, 1, 5000), 1); /* poll */
    CHECK_IS(wait.results, 1);
    char text_[16] = "";
    CHECK_IS(call(29, server, text_, 16, 2, 0, 0), 5); /* MSG_PEEK */
    CHECK_IS(call(3, server, text_, 16), 5);
    CHECK(equal(text_, "hello"));
    CHECK_IS(call(134, client, 1), 0); /* shutdown */
    CHECK_IS(call(209, &wait, 1, 5000), 1);
    CHECK_IS(call(3, server, text_, 16), 0);
    struct address nobody = {16, 2, 0x0100, LOOPBACK, {0}}; /* port 1 */
    CHECK_IS(call(98, call(394, 2, 1, 0), &nobody, 16), -61); /* ECONNREFUSED */
    CHECK_IS(call(394, 99, 1, 0), -47);                       /* EAFNOSUPPORT */
    CHECK_IS(call(27, 0, 0, 0), -14);
}

static void descriptors(void)
{
    s32 pair[2], ends[2];
    CHECK_IS(call(135, 1, 1, 0, pair), 0); /* socketpair */
    CHECK_IS(call(453, ends, 0), 0);
    struct {
        struct control head;
        s32 pad, fd, pad2;
    } control = {{20, SOL_SOCKET, 1}, 0, ends[1], 0}; /* SCM_RIGHTS */
    char byte = 'm', text_[8];
    struct vector vector = {&byte, 1};
    struct message message = {0, 0, &vector, 1, &control, 24, 0};
    CHECK_IS(call(28, pair[0], &message, 0), 1);
    memset(&control, 0, sizeof(control));
    byte = 0;
    message.control_length = sizeof(control);
    CHECK_IS(call(27, pair[1], &message, 0), 1);
    CHECK_IS(byte, 'm');
    CHECK(control.head.length == 20 && control.head.level == SOL_SOCKET && control.head.type == 1 && control.fd > ends[1]);
    CHECK_IS(call(4, control.fd, "yes", 3), 3);
    CHECK_IS(call(3, ends[0], text_, 8), 3);

    s32 datagrams[2];
    CHECK_IS(call(135, 1, 2, 0, datagrams), 0);
    struct vector parts[2] = {{"one", 3}, {"three", 5}};
    struct {
        struct message message;
        u32 length;
    } many[2] = {{{0, 0, &parts[0], 1, 0, 0, 0}, 0}, {{0, 0, &parts[1], 1, 0, 0, 0}, 0}};
    CHECK_IS(call(476, datagrams[0], many, 2, 0), 2); /* sendmmsg */
    CHECK(many[0].length == 3 && many[1].length == 5);
    char room[2][8];
    parts[0] = (struct vector){room[0], 8};
    parts[1] = (struct vector){room[1], 8};
    CHECK_IS(call(475, datagrams[1], many, 2, 0x80, 0), 2); /* recvmmsg, MSG_DONTWAIT */
    CHECK(many[0].length == 3 && many[1].length == 5 && memcmp(room[1], "three", 5) == 0);

    u32 credentials[16], size = sizeof(credentials);
    CHECK_IS(call(118, pair[0], 0, 3, credentials, &size), 0); /* LOCAL_PEEREID */
    CHECK(size == 12 && credentials[0] == (u32)call(20) && credentials[1] == (u32)call(25));
}

static void test(void)
{
    connections();
    descriptors();
}
