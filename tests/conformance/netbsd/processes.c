/* Processes: posix_spawn with what it is asked to do, forks of several kinds, waiting, limits, scheduling. */
#include "guest.h"

struct action {
    u32 what;
    s32 fd;
    u64 path;
    s32 flags;
    u32 mode;
};
enum { OPEN, DUP2, CLOSE, CHDIR };
struct actions {
    u32 size, count;
    struct action *list;
};
struct attributes {
    u16 flags;
    s32 group;
    s32 priority, policy;
    struct sigset defaults, mask;
};
_Static_assert(sizeof(struct action) == 24 && sizeof(struct attributes) == 48, "layouts");

static char *environment[] = {"A=b", 0};

static s32 spawn_status(const char *path, char **words, struct actions *actions, struct attributes *attributes)
{
    s32 pid = 0, status = -1;
    long r = call(474, &pid, path, actions, attributes, words, environment);
    if (r != 0)
        return -(s32)r;
    return call(449, pid, &status, 0, 0) == pid ? status : -1000;
}

static void spawns(void)
{
    char *words[] = {"sh", "-c", "echo $A; read x; echo $x; exec 9>&1", 0}, *quiet[] = {"sh", "-c", "exit 4", 0};
    CHECK_IS(spawn_status("/bin/sh", quiet, 0, 0), 4 << 8);
    CHECK_IS(spawn_status("/no/such", quiet, 0, 0), -2);
    s32 file = (s32)call(5, "input", 0x202, 0644);
    call(4, file, "first\n", 6);
    call(6, file);
    struct action list[] = {
        {OPEN, 0, (u64) "input", 0, 0},
        {OPEN, 1, (u64) "output", 0x601, 0600}, /* O_WRONLY | O_CREAT | O_TRUNC */
        {DUP2, 1, 2, 0, 0},
        {CHDIR, 0, (u64) "/", 0, 0},
    };
    struct actions actions = {4, 4, list};
    CHECK_IS(spawn_status("/bin/sh", words, &actions, 0), 0);
    char text_[32] = "";
    file = (s32)call(5, "output", 0, 0);
    CHECK_IS(call(3, file, text_, sizeof(text_)), 8);
    CHECK(memcmp(text_, "b\nfirst\n", 8) == 0);
    call(6, file);
    list[0].path = (u64) "/no/such";
    CHECK_IS(spawn_status("/bin/sh", quiet, &actions, 0), -2); /* what an action failed with */

    struct attributes attributes = {.flags = 2 | 0x20, .group = 0, .mask = SIGSET(15)};
    char *groups[] = {"sh", "-c", "kill -TERM $$; kill -USR1 $$; exit 9", 0};
    CHECK_IS(spawn_status("/bin/sh", groups, 0, &attributes), 30); /* SIGTERM was masked, SIGUSR1 is number 30 */
}

static void forks(void)
{
    s32 status;
    long child = call(66); /* vfork */
    if (child == 0)
        call(1, 5);
    CHECK(child > 0);
    CHECK_IS(call(449, child, &status, 0, 0), child);
    CHECK_IS(status, 5 << 8);
    child = call(282); /* __vfork14 */
    if (child == 0)
        call(1, 6);
    CHECK_IS(call(7, child, &status, 0, 0), child); /* compat_50_wait4 */
    CHECK_IS(status, 6 << 8);
    child = call(287, 20, 0); /* __clone with SIGCHLD */
    if (child == 0)
        call(1, 7);
    CHECK_IS(call(449, child, &status, 0, 0), child);
    CHECK_IS(status, 7 << 8);
    CHECK_IS(call(287, 0x800, 0), -22); /* CLONE_SIGHAND without CLONE_VM */
    child = call(2);
    if (child == 0) {
        call(37, call(20), 12); /* SIGSYS */
        call(1, 1);
    }
    CHECK_IS(call(449, child, &status, 0, 0), child);
    CHECK_IS(status & 0x7f, 12);

    child = call(2);
    if (child == 0)
        call(1, 8);
    struct siginfo info = {0};
    CHECK_IS(call(481, 1, child, &status, 0x20, 0, &info), child); /* wait6 of P_PID, WEXITED */
    CHECK(status == 8 << 8 && info.signo == 20 && info.pid == child && info.code == 1);
    CHECK_IS(call(449, -1, &status, 0, 0), -10); /* ECHILD */
    CHECK_IS(call(449, -1, &status, 0x400, 0), -22);
}

static void execution(void)
{
    char *words[] = {"sh", "-c", "exit $#", "sh", "1", "2", 0};
    s32 status;
    long child = call(2);
    if (child == 0) {
        call(59, "/bin/sh", words, environment);
        call(1, 100);
    }
    CHECK_IS(call(449, child, &status, 0, 0), child);
    CHECK_IS(status, 2 << 8);
    child = call(2);
    if (child == 0) {
        s32 fd = (s32)call(5, "/bin/sh", 0, 0);
        call(465, fd, words, environment); /* fexecve */
        call(1, 100);
    }
    CHECK_IS(call(449, child, &status, 0, 0), child);
    CHECK_IS(status, 2 << 8);
    CHECK_IS(call(59, "/etc", words, environment), -13);
}

static void limits(void)
{
    s64 limit[2];
    CHECK_IS(call(194, 8, limit), 0); /* RLIMIT_NOFILE */
    CHECK(limit[0] > 0 && limit[0] <= limit[1]);
    limit[0]--;
    CHECK_IS(call(195, 8, limit), 0);
    s64 again[2];
    call(194, 8, again);
    CHECK_IS(again[0], limit[0]);
    CHECK_IS(call(194, 12, limit), -22);
    s32 policy = -5, priority = -5;
    CHECK_IS(call(347, 0, 0, &policy, &priority), 0); /* _sched_getparam */
    CHECK_IS(policy, 0);
    u64 processors[4] = {0};
    CHECK_IS(call(349, 0, 0, sizeof(processors), processors), 0);
    CHECK_IS(call(100, 0, 0), 0); /* getpriority */
    CHECK_IS(call(96, 0, 0, 3), 0);
    CHECK_IS(call(100, 0, 0), 3);
    u64 usage[18];
    CHECK_IS(call(445, 0, usage), 0);
    CHECK(usage[4] > 0); /* ru_maxrss */
    CHECK_IS(call(445, 5, usage), -22);
}

static void test(void)
{
    spawns();
    forks();
    execution();
    limits();
}
