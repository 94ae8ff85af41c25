/* Changing who a process is.  What only the superuser may do is tried in a child, so that this one stays who
 * it was; for anybody else the refusals are checked. */
#include <sys/types.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>

#include "guest.h"

#define KEEP (-1L)

static int wrong; /* in a child: the line of the first thing that was not as expected */
#define EXPECT(expression, wanted)                              \
    do {                                                        \
        if ((long)(expression) != (long)(wanted) && wrong == 0) \
            wrong = __LINE__;                                   \
    } while (0)

static void in_child(void (*body)(void))
{
    long ends[2];
    int status = -1, line = -1;
    CHECK_IS(call(SYS_pipe2, (int *)ends, 0), 0);
    int reader = ((int *)ends)[0], writer = ((int *)ends)[1];
    long child = call(SYS_fork);
    if (child == 0) {
        body();
        call(SYS_write, writer, &wrong, sizeof(wrong));
        call(SYS_exit, 0);
    }
    call(SYS_close, writer);
    call(SYS_read, reader, &line, sizeof(line));
    call(SYS_close, reader);
    CHECK_IS(line, 0);
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(status, 0);
}

static void expect_users(u32 real, u32 effective, u32 saved)
{
    u32 ids[3] = {9, 9, 9};
    EXPECT(call(SYS_getresuid, &ids[0], &ids[1], &ids[2]), 0);
    EXPECT(ids[0], real);
    EXPECT(ids[1], effective);
    EXPECT(ids[2], saved);
}

static void expect_groups(u32 real, u32 effective, u32 saved)
{
    u32 ids[3] = {9, 9, 9};
    EXPECT(call(SYS_getresgid, &ids[0], &ids[1], &ids[2]), 0);
    EXPECT(ids[0], real);
    EXPECT(ids[1], effective);
    EXPECT(ids[2], saved);
}

static void users(void)
{
    EXPECT(call(SYS_seteuid, 1001), 0);
    expect_users(0, 1001, 0);
    EXPECT(call(SYS_getuid), 0);
    EXPECT(call(SYS_geteuid), 1001);
    EXPECT(call(SYS_seteuid, 1002), -EPERM);
    EXPECT(call(SYS_seteuid, 0), 0);
    EXPECT(call(SYS_setreuid, 1001, 1002), 0);
    expect_users(1001, 1002, 1002);
    EXPECT(call(SYS_setreuid, KEEP, 1001), 0);
    EXPECT(call(SYS_setuid, 0), -EPERM);
    EXPECT(call(SYS_issetugid), 1);
}

static void all_users(void)
{
    EXPECT(call(SYS_setresuid, 1001, 1002, 1003), 0);
    expect_users(1001, 1002, 1003);
    EXPECT(call(SYS_setresuid, 0, KEEP, KEEP), -EPERM);
    EXPECT(call(SYS_setuid, 1003), -EPERM); /* the saved one is not enough */
    EXPECT(call(SYS_setuid, 1001), 0);      /* the real one becomes all three */
    expect_users(1001, 1001, 1001);
}

static void become(void)
{
    EXPECT(call(SYS_setuid, 1005), 0); /* the superuser's: all three, and no way back */
    expect_users(1005, 1005, 1005);
    EXPECT(call(SYS_seteuid, 0), -EPERM);
}

static void groups(void)
{
    EXPECT(call(SYS_setegid, 2001), 0);
    EXPECT(call(SYS_getgid), call(SYS_getgid));
    EXPECT(call(SYS_getegid), 2001);
    EXPECT(call(SYS_setregid, 2002, 2003), 0);
    expect_groups(2002, 2003, 2003);
    EXPECT(call(SYS_setresgid, 2004, 2005, 2006), 0);
    expect_groups(2004, 2005, 2006);
    EXPECT(call(SYS_setgid, 2007), 0);
    expect_groups(2007, 2007, 2007);
    EXPECT(call(SYS_getgid), 2007);
}

/* Up to FreeBSD 14 the first group of the set is the effective one; from 15 on it is none of them. */
static void sets(void)
{
    u32 list[8] = {3001, 3002, 3003}, seen[8] = {0};
    EXPECT(call(80, 3, list), 0);
    EXPECT(call(SYS_getegid), 3001);
    EXPECT(call(79, 8, seen), 3);
    EXPECT(seen[0], 3001);
    EXPECT(seen[1], 3002);
    EXPECT(seen[2], 3003);
    EXPECT(call(79, 2, seen), -EINVAL);
    EXPECT(call(595, 8, seen), 2);
    EXPECT(seen[0], 3002);
    EXPECT(call(596, 1, list), 0);
    EXPECT(call(595, 8, seen), 1);
    EXPECT(seen[0], 3001);
    EXPECT(call(595, 0, 0), 1);
    EXPECT(call(80, 2000, list), -EINVAL);
    EXPECT(call(596, 3, 8), -EFAULT);
    EXPECT(call(596, 0, 0), 0);
    EXPECT(call(595, 8, seen), 0);
}

static void names(void)
{
    char name[64] = {0};
    EXPECT(call(SYS_setlogin, "somebody"), 0);
    EXPECT(call(SYS_getlogin, name, sizeof(name)), 0);
    EXPECT(equal(name, "somebody"), 1);
    EXPECT(call(SYS_getlogin, name, 4), -ERANGE);
    EXPECT(call(SYS_setlogin, "a name that is longer than the kernel has room for"), -EINVAL);
    EXPECT(call(SYS_setloginclass, "staff"), 0);
    EXPECT(call(SYS_getloginclass, name, sizeof(name)), 0);
    EXPECT(equal(name, "staff"), 1);
    EXPECT(call(SYS_setloginclass, "a class whose name is longer than any class may have"), -ENAMETOOLONG);
    EXPECT(call(SYS_setlogin, 8), -EFAULT);
}

static void refusals(void)
{
    u32 list[1] = {0};
    EXPECT(call(SYS_setuid, 0), -EPERM);
    EXPECT(call(SYS_setgid, 0), -EPERM);
    EXPECT(call(SYS_setegid, 0), -EPERM);
    EXPECT(call(SYS_setreuid, 0, 0), -EPERM);
    EXPECT(call(SYS_setregid, 0, 0), -EPERM);
    EXPECT(call(SYS_setresgid, 0, 0, 0), -EPERM);
    EXPECT(call(80, 1, list), -EPERM);
    EXPECT(call(596, 1, list), -EPERM);
    EXPECT(call(SYS_setlogin, "root"), -EPERM);
    EXPECT(call(SYS_setloginclass, "root"), -EPERM);
    EXPECT(call(55, 0), -EPERM); /* reboot */
}

static void give_up(void)
{
    EXPECT(call(596, 0, 0), 0);
    EXPECT(call(SYS_setresgid, 1001, 1001, 1001), 0);
    EXPECT(call(SYS_setresuid, 1001, 1001, 1001), 0);
    refusals();
}

static void test(void)
{
    if (call(SYS_geteuid) != 0) {
        in_child(refusals);
        return;
    }
    in_child(users);
    in_child(all_users);
    in_child(become);
    in_child(groups);
    in_child(sets);
    in_child(names);
    in_child(give_up);
}
