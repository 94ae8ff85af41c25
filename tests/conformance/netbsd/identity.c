/* Who a process is: users, groups, sessions, names; what it may not become. */
#include "guest.h"

static s32 in_child(void (*body)(void))
{
    s32 status = -1;
    long child = call(2);
    if (child == 0) {
        body();
        call(1, 0);
    }
    call(449, child, &status, 0, 0);
    return status;
}

static void expect(int good, int number_)
{
    if (!good)
        call(1, number_);
}

static void session(void)
{
    long pid = call(20);
    expect(call(147) == pid, 1); /* setsid */
    expect(call(81) == pid, 2);  /* getpgrp */
    expect(call(207, 0) == pid, 3);
    expect(call(286, 0) == pid, 4);
    expect(call(147) == -1, 5);
    char name[17] = "";
    expect(call(50, "somebody") == (call(25) == 0 ? 0 : -1), 6);
    expect(call(49, name, 17) == 0 && (call(25) != 0 || equal(name, "somebody")), 7);
}

static void group(void)
{
    expect(call(82, 0, 0) == 0, 1); /* setpgid */
    expect(call(81) == call(20), 2);
    expect(call(82, 0, 1) < 0, 3);
}

static void give_up(void)
{
    u32 groups[3] = {7, 8, 9}, seen[16] = {0};
    if (call(25) != 0)
        return;
    expect(call(80, 3, groups) == 0, 1);
    expect(call(79, 16, seen) == 3 && seen[0] == 7 && seen[2] == 9, 2);
    expect(call(182, 55) == 0 && call(43) == 55 && call(47) == 0, 3); /* setegid */
    expect(call(127, 56, 57) == 0 && call(47) == 56 && call(43) == 57, 4);
    expect(call(183, 66) == 0 && call(25) == 66 && call(24) == 0, 5); /* seteuid */
    expect(call(183, 0) == 0, 6);
    expect(call(181, 58) == 0 && call(47) == 58 && call(43) == 58, 7); /* setgid */
    expect(call(126, 67, 68) == 0 && call(24) == 67 && call(25) == 68, 8);
    expect(call(23, 0) == -1, 9); /* setuid: no longer */
    expect(call(208, 0, 0) == -1, 10); /* reboot */
}

static void set_user(void)
{
    if (call(25) == 0)
        expect(call(23, 77) == 0 && call(24) == 77 && call(25) == 77 && call(23, 0) == -1, 1);
}

static void test(void)
{
    CHECK_IS(in_child(session), 0);
    CHECK_IS(in_child(group), 0);
    CHECK_IS(in_child(give_up), 0);
    CHECK_IS(in_child(set_user), 0);
    CHECK_IS(call(79, 0, 0) >= 0, 1);
    CHECK_IS(call(37, call(20), 0), 0);
    CHECK_IS(call(37, 0x7ffffff0, 0), -3);
    CHECK_IS(call(207, 0x7ffffff0), -3);
    u8 bytes[16] = {0};
    CHECK_IS(call(91, bytes, 16, 0), 16); /* getrandom */
    CHECK_IS(call(355, bytes, 1), 0);     /* uuidgen */
    CHECK_IS(bytes[7] >> 4, 1);           /* version 1, little endian */
    s32 set = -1;
    CHECK_IS(call(415, 1, call(20), 0, -2, &set), 0); /* _pset_bind, PS_QUERY */
    CHECK_IS(set, 0);
    call(60, 077);
    CHECK_IS(call(60, 022), 077);
}
