/* The requests on sockets: interfaces, the out-of-band mark, owners. */
#include "sockets.h"

struct ifreq {
    char name[16];
    union {
        struct sockaddr_in addr;
        s32 value;
        s16 flags[2];
    };
};

#define SIOCATMARK 0x40047307
#define SIOCSPGRP 0x80047308
#define SIOCGPGRP 0x40047309
#define SIOCGIFFLAGS 0xc0206911
#define SIOCGIFINDEX 0xc0206920
#define SIOCGIFADDR 0xc0206921
#define SIOCGIFCONF 0xc0106924
#define SIOCGIFNETMASK 0xc0206925
#define SIOCGIFMTU 0xc0206933
#define SIOCGIFMEDIA 0xc0306938

static void one_interface(int s)
{
    struct ifreq r = {.name = "lo"};

    CHECK_IS(call(SYS_ioctl, s, SIOCGIFADDR, &r), 0);
    CHECK_IS(r.addr.len, 16);
    CHECK_IS(r.addr.family, AF_INET);
    CHECK_IS(r.addr.addr, LOOPBACK);
    CHECK_IS(call(SYS_ioctl, s, SIOCGIFNETMASK, &r), 0);
    CHECK_IS(r.addr.addr, 0xff);
    CHECK_IS(call(SYS_ioctl, s, SIOCGIFFLAGS, &r), 0);
    CHECK_IS(r.flags[0] & 0x49, 0x49); /* up, loopback, running */
    CHECK_IS(call(SYS_ioctl, s, SIOCGIFMTU, &r), 0);
    CHECK(r.value > 1000);
    CHECK_IS(call(SYS_ioctl, s, SIOCGIFINDEX, &r), 0);
    CHECK(r.value > 0);
    CHECK_IS(call(SYS_ioctl, s, SIOCGIFADDR, 8L), -EFAULT);
    r = (struct ifreq){.name = "nosuch0"};
    CHECK_IS(call(SYS_ioctl, s, SIOCGIFFLAGS, &r), -ENXIO);
    CHECK(call(SYS_ioctl, s, SIOCGIFMEDIA, &r) < 0);
}

static void all_interfaces(int s)
{
    u8 buffer[4096];
    struct { s32 len; void *to; } conf = {sizeof(buffer), buffer};
    int links = 0, loopbacks = 0;
    s32 at = 0;

    CHECK_IS(call(SYS_ioctl, s, SIOCGIFCONF, &conf), 0);
    while (at + 32 <= conf.len) {
        struct ifreq *r = (struct ifreq *)(buffer + at);
        links += r->addr.family == AF_LINK;
        loopbacks += r->addr.family == AF_INET && r->addr.addr == LOOPBACK;
        at += 16 + (r->addr.len > 16 ? r->addr.len : 16);
    }
    CHECK_IS(at, conf.len);
    CHECK(links > 0);
    CHECK_IS(loopbacks, 1);
    conf.len = 40;
    CHECK_IS(call(SYS_ioctl, s, SIOCGIFCONF, &conf), 0);
    CHECK(conf.len <= 40);
    conf.len = 0;
    CHECK_IS(call(SYS_ioctl, s, SIOCGIFCONF, &conf), -EINVAL);
}

static void marks_and_owners(void)
{
    struct sockaddr_in name;
    int value = 0, a, s = bound(STREAM, &name), c = (int)call(SYS_socket, AF_INET, STREAM, 0);
    char byte;

    call(SYS_listen, s, 1);
    call(SYS_connect, c, &name, sizeof(name));
    a = (int)call(SYS_accept, s, 0, 0);
    CHECK_IS(call(SYS_sendto, c, "!", 1, MSG_OOB, 0, 0), 1);
    CHECK_IS(call(SYS_ioctl, a, SIOCATMARK, &value), 0);
    CHECK_IS(value, 1);
    CHECK_IS(call(SYS_recvfrom, a, &byte, 1, MSG_OOB, 0, 0), 1);
    CHECK_IS(byte, '!');
    CHECK_IS(call(SYS_recvfrom, a, &byte, 1, MSG_OOB, 0, 0), -EINVAL);
    value = (int)call(SYS_getpid);
    CHECK_IS(call(SYS_ioctl, a, SIOCSPGRP, &value), 0);
    value = 0;
    CHECK_IS(call(SYS_ioctl, a, SIOCGPGRP, &value), 0);
    CHECK_IS(value, call(SYS_getpid));
    CHECK_IS(call(SYS_ioctl, 1, SIOCATMARK, &value), -ENOTTY);
    call(SYS_close, a);
    call(SYS_close, c);
    call(SYS_close, s);
}

static void test(void)
{
    int s = (int)call(SYS_socket, AF_INET, DGRAM, 0);
    one_interface(s);
    all_interfaces(s);
    marks_and_owners();
    call(SYS_close, s);
}
