/* System V and POSIX interprocess communication. */
#include "threads.h"

#define ENOENT 2
#define EINTR 4
#define EAGAIN 35
#define EBUSY 16
#define EEXIST 17
#define EINVAL 22
#define ENOMSG 83
#define EIDRM 82
#define ETIMEDOUT 60
#define CREAT 0x200
#define EXCL 0x400
#define NOWAIT 0x800

struct perm {
    u32 cuid, cgid, uid, gid;
    u16 mode, seq;
    s64 key;
};

static void semaphores(void)
{
    struct {
        struct perm perm;
        u64 base;
        u16 nsems;
        s64 otime, ctime;
    } state;
    struct {
        u16 number;
        s16 op, flags;
    } op = {1, -1, NOWAIT};
    u16 values[3] = {4, 5, 6};
    void *argument = values;

    long id = call(221, 0, 3, CREAT | 0600);
    CHECK(id >= 0);
    CHECK_IS(call(510, id, 0, 9, &argument), 0); /* SETALL */
    CHECK_IS(call(510, id, 1, 5, 0), 5);         /* GETVAL */
    CHECK_IS(call(222, id, &op, 1), 0);
    memset(values, 0, sizeof(values));
    CHECK_IS(call(510, id, 0, 6, &argument), 0); /* GETALL */
    CHECK_IS(values[1], 4);
    CHECK_IS(values[2], 6);
    CHECK_IS(call(510, id, 1, 4, 0), call(20)); /* GETPID */
    long value = 0;
    CHECK_IS(call(510, id, 1, 8, &value), 0); /* SETVAL */
    CHECK_IS(call(222, id, &op, 1), -EAGAIN);
    argument = &state;
    CHECK_IS(call(510, id, 0, 2, &argument), 0); /* IPC_STAT */
    CHECK_IS(state.nsems, 3);
    CHECK_IS(state.perm.mode & 0777, 0600);
    CHECK(state.ctime > 1600000000);
    state.perm.mode = 0640;
    CHECK_IS(call(510, id, 0, 1, &argument), 0); /* IPC_SET */
    CHECK_IS(call(510, id, 0, 2, &argument), 0);
    CHECK_IS(state.perm.mode & 0777, 0640);
    CHECK_IS(call(510, id, 0, 99, 0), -EINVAL);
    CHECK_IS(call(510, id, 0, 0, 0), 0); /* IPC_RMID */
    CHECK_IS(call(510, id, 1, 5, 0), -EINVAL);
}

static void memory(void)
{
    struct {
        struct perm perm;
        u64 size;
        int lpid, cpid;
        u32 attached;
        s64 atime, dtime, ctime;
    } state;

    long id = call(231, 0, 8000, CREAT | 0600);
    CHECK(id >= 0);
    char *a = (char *)call(228, id, 0, 0), *b = (char *)call(228, id, 0, 0x1000);
    CHECK((long)a > 0 && (long)b > 0 && a != b);
    a[5] = 9;
    CHECK_IS(b[5], 9);
    CHECK_IS(call(512, id, 2, &state), 0);
    CHECK_IS(state.size, 8000);
    CHECK_IS(state.attached, 2);
    CHECK_IS(state.cpid, call(20));
    CHECK_IS(call(230, a), 0);
    CHECK_IS(call(230, a), -EINVAL);
    CHECK_IS(call(512, id, 0, 0), 0);
    CHECK_IS(b[5], 9);
    CHECK_IS(call(230, b), 0);
    CHECK_IS(call(228, id, 0, 0), -EINVAL);
}

static void messages(void)
{
    struct {
        long type;
        char text[32];
    } out = {7, "hello"}, in;
    struct {
        struct perm perm;
        u64 first, last, bytes, count, room;
        int spid, rpid;
        s64 stime, rtime, ctime;
    } state;

    long id = call(225, 0, CREAT | 0600);
    CHECK(id >= 0);
    CHECK_IS(call(226, id, &out, 6, 0), 0);
    CHECK_IS(call(511, id, 2, &state), 0);
    CHECK_IS(state.count, 1);
    CHECK_IS(state.bytes, 6);
    CHECK_IS(state.spid, call(20));
    CHECK_IS(call(227, id, &in, sizeof(in.text), 8, NOWAIT), -ENOMSG);
    CHECK_IS(call(227, id, &in, sizeof(in.text), 7, 0), 6);
    CHECK_IS(in.type, 7);
    CHECK(equal(in.text, "hello"));
    CHECK_IS(call(511, id, 0, 0), 0);
    CHECK_IS(call(511, id, 2, &state), -EINVAL);
}

static void posix_queues(void)
{
    struct {
        s64 flags, most, size, now, reserved[4];
    } attr = {0, 4, 64, 0, {0}}, old;
    struct timespec past = {1, 0};
    char name[40] = "/guise-test-", text[64];
    u32 priority = 0;

    for (long i = 12, n = call(20); n > 0; n /= 10)
        name[i++] = (char)('0' + n % 10);
    long q = call(457, name, 0x202, 0600, &attr); /* O_CREAT | O_RDWR */
    CHECK(q >= 0);
    CHECK_IS(call(460, q, "low", 4, 1, 0), 0);
    CHECK_IS(call(460, q, "high", 5, 9, 0), 0);
    memset(&old, 0xff, sizeof(old));
    CHECK_IS(call(458, q, 0, &old), 0);
    CHECK_IS(old.now, 2);
    CHECK_IS(old.most, 4);
    CHECK_IS(old.flags, 0);
    CHECK_IS(call(459, q, text, 64, &priority, 0), 5);
    CHECK_IS(priority, 9);
    CHECK(equal(text, "high"));
    CHECK_IS(call(459, q, text, 64, &priority, 0), 4);
    CHECK_IS(call(459, q, text, 64, &priority, &past), -ETIMEDOUT);
    attr.flags = 4; /* O_NONBLOCK */
    CHECK_IS(call(458, q, &attr, 0), 0);
    CHECK_IS(call(458, q, 0, &old), 0);
    CHECK_IS(old.flags, 4);
    CHECK_IS(call(459, q, text, 64, &priority, 0), -EAGAIN);
    struct {
        int notify, signo;
        void *value;
        int thread;
        u64 spare[7];
    } event = {.notify = 1, .signo = 31, .value = &attr};
    u32 blocked[4] = {1U << 30, 0, 0, 0};
    u64 info[10];
    call(340, 1, blocked, 0); /* SIGUSR2 */
    CHECK_IS(call(461, q, &event), 0);
    CHECK_IS(call(461, q, &event), -EBUSY); /* one at a time */
    CHECK_IS(call(460, q, "wake", 5, 1, 0), 0);
    CHECK_IS(call(346, blocked, info), 31); /* sigwaitinfo */
    CHECK_IS((int)info[1], 0x10005);        /* SI_MESGQ */
    CHECK_IS(info[4], (u64)&attr);
    CHECK_IS(call(459, q, text, 64, &priority, 0), 5);
    CHECK_IS(call(461, q, &event), 0);
    CHECK_IS(call(461, q, 0), 0); /* not any more */
    event.signo = 129;
    CHECK_IS(call(461, q, &event), -EINVAL);
    event.notify = 77;
    CHECK_IS(call(461, q, &event), -EINVAL);
    call(340, 2, blocked, 0);
    CHECK_IS(call(457, name, 0xa02, 0600, &attr), -EEXIST);
    CHECK_IS(call(457, "noslash", 2, 0, 0), -EINVAL);
    CHECK_IS(call(462, name), 0);
    CHECK_IS(call(462, name), -ENOENT);
    call(6, q);
}

static void kernel_semaphores(void)
{
    long id = -1, other = -1;
    struct timespec past = {1, 0};
    char name[40] = "/guise-sem-";
    int value;

    for (long i = 11, n = call(20); n > 0; n /= 10)
        name[i++] = (char)('0' + n % 10);
    CHECK_IS(call(404, &id, 1), 0);
    CHECK_IS(call(403, id), 0); /* trywait */
    CHECK_IS(call(403, id), -EAGAIN);
    CHECK_IS(call(441, id, &past), -ETIMEDOUT);
    CHECK_IS(call(401, id), 0);
    CHECK_IS(call(441, id, &past), 0); /* what is there is taken, however late it is */
    CHECK_IS(call(401, id), 0);
    CHECK_IS(call(407, id, &value), 0);
    CHECK_IS(value, 1);
    CHECK_IS(call(402, id), 0);
    CHECK_IS(call(408, id), 0);
    CHECK_IS(call(401, id), -EINVAL);
    CHECK_IS(call(405, &id, name, 0x200, 0600, 0), 0);
    CHECK_IS(call(405, &other, name, 0, 0, 0), 0);
    CHECK_IS(call(405, &other, name, 0x200 | 0x800, 0600, 0), -EEXIST);
    int status;
    long child = call(2);
    if (child == 0) {
        sleep_ms(30);
        call(1, call(401, other) == 0 ? 0 : 1);
    }
    CHECK_IS(call(402, id), 0); /* until the child posts */
    call(7, child, &status, 0, 0);
    CHECK_IS(status, 0);
    CHECK_IS(call(406, name), 0);
    CHECK_IS(call(406, name), -ENOENT);
    CHECK_IS(call(400, id), 0);
}

/* Files that are no semaphores, one of them a semaphore that was cut: not looked at, not changed. */
static void no_semaphores(void)
{
    u32 content = 7;
    long id, file = call(482, (long)1 /* SHM_ANON */, 2 /* O_RDWR */, 0600); /* shm_open */

    CHECK(file >= 0);
    CHECK_IS(call(401, file), -EINVAL);
    CHECK_IS(call(480, file, 4096L), 0); /* ftruncate */
    CHECK_IS(call(4, file, &content, sizeof(content)), sizeof(content));
    CHECK_IS(call(401, file), -EINVAL);
    CHECK_IS(call(403, file), -EINVAL);
    CHECK_IS(call(475, file, &content, sizeof(content), 0L), sizeof(content)); /* pread */
    CHECK_IS(content, 7);
    CHECK_IS(call(401, -1L), -EINVAL);
    CHECK_IS(call(404, &id, 1), 0);
    call(480, id, 0L);
    long posted = call(401, id);
    CHECK(posted == 0 || posted == -EINVAL);
    call(400, id);
    call(6, file);
}

static void test(void)
{
    semaphores();
    memory();
    messages();
    posix_queues();
    kernel_semaphores();
    no_semaphores();
}
