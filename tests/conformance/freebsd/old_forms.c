/* Calls in the form of FreeBSD 6 to 11: offsets with padding before them, smaller control structures of System V
 * IPC, the first locks of libthr, and the calls that take another call's number. */
#include "threads.h"

#include <sys/syscall.h>

#define EBADF 9
#define ENOENT 2
#define EINVAL 22
#define EPERM 1
#define EBUSY 16
#define CREAT 0x200

static void offsets(void)
{
    char path[40] = "/tmp/guise-old-", text[16] = {0};
    for (long i = length(path), n = call(SYS_getpid); n > 0; n /= 10)
        path[i++] = (char)('0' + n % 10);
    long fd = call(SYS_open, path, 0x0602, 0600);
    CHECK(fd >= 0);
    CHECK_IS(call(174, fd, "0123456789", 10, JUNK(7), 3L), 10); /* pwrite */
    CHECK_IS(call(173, fd, text, 4, JUNK(7), 5L), 4);           /* pread */
    CHECK(memcmp(text, "2345", 4) == 0);
    CHECK_IS(call(173, fd, text, 4, 0, -1L), -EINVAL);
    CHECK_IS(call(199, fd, JUNK(7), 6L, 0), 6); /* lseek */
    CHECK_IS(call(SYS_read, fd, text, 2), 2);
    CHECK(memcmp(text, "34", 2) == 0);
    CHECK_IS(call(199, fd, 0, 0L, 2), 13);
    CHECK_IS(call(201, fd, JUNK(7), 5L), 0); /* ftruncate */
    CHECK_IS(call(199, fd, 0, 0L, 2), 5);
    CHECK_IS(call(200, path, JUNK(7), 8192L), 0); /* truncate */
    CHECK_IS(call(199, fd, 0, 0L, 2), 8192);
    CHECK_IS(call(SYS_pwrite, fd, "second page", 11, 4096L), 11);
    char *mapped = (char *)call(197, 0, 4096L, 1, 2, fd, JUNK(7), 4096L); /* mmap, MAP_PRIVATE */
    CHECK(memcmp(mapped, "second page", 11) == 0);
    CHECK_IS(call(SYS_munmap, mapped, 4096L), 0);
    CHECK_IS(call(197, 0, 4096L, 1, 2, 999, 0, 0L), -EBADF);
    CHECK_IS(call(SYS_unlink, path), 0);
    CHECK_IS(call(200, path, 0, 0L), -ENOENT);
    call(SYS_close, fd);
    CHECK_IS(call(SYS_freebsd11_vadvise, 0), -EINVAL); /* never did anything */
}

struct perm { /* struct ipc_perm_old: ids of 16 bits */
    u16 cuid, cgid, uid, gid, mode, seq;
    long key;
};

static void semaphores(void)
{
    struct {
        struct perm perm;
        void *base;
        u16 nsems;
        s64 otime, pad, ctime, pad2[5];
    } state, *to = &state;
    long id = call(SYS_semget, 0, 3, CREAT | 0600);
    CHECK(id >= 0);
    memset(&state, 0xff, sizeof(state));
    CHECK_IS(call(220, id, 0, 2, &to), 0); /* IPC_STAT */
    CHECK_IS(state.nsems, 3);
    CHECK_IS(state.perm.mode & 0777, 0600);
    CHECK_IS(state.perm.uid, (u16)call(SYS_geteuid));
    CHECK(state.ctime > 1600000000);
    state.perm.mode = 0640;
    CHECK_IS(call(220, id, 0, 1, &to), 0); /* IPC_SET */
    CHECK_IS(call(220, id, 0, 2, &to), 0);
    CHECK_IS(state.perm.mode & 0777, 0640);
    long value = 7;
    CHECK_IS(call(220, id, 1, 8, &value), 0); /* SETVAL */
    CHECK_IS(call(220, id, 1, 5, 0), 7);      /* GETVAL */
    CHECK_IS(call(220, id, 0, 0, 0), 0);      /* IPC_RMID */
    CHECK_IS(call(220, id, 0, 2, &to), -EINVAL);
}

static void shared_memory(void)
{
    struct {
        struct perm perm;
        int size, lpid, cpid;
        u16 attached;
        s64 atime, dtime, ctime;
        void *internal;
    } state;
    long id = call(SYS_shmget, 0, 8000, CREAT | 0600);
    CHECK(id >= 0);
    memset(&state, 0xff, sizeof(state));
    CHECK_IS(call(229, id, 2, &state), 0);
    CHECK_IS(state.size, 8000);
    CHECK_IS(state.attached, 0);
    CHECK_IS(state.cpid, call(SYS_getpid));
    CHECK_IS(state.atime, 0);
    state.perm.mode = 0640;
    CHECK_IS(call(229, id, 1, &state), 0);
    CHECK_IS(call(229, id, 2, &state), 0);
    CHECK_IS(state.perm.mode & 0777, 0640);
    CHECK_IS(call(229, id, 0, 0), 0);
    CHECK_IS(call(229, id, 2, &state), -EINVAL);
}

static void messages(void)
{
    struct {
        struct perm perm;
        void *first, *last;
        u64 bytes, count, room;
        int spid, rpid;
        s64 stime, pad1, rtime, pad2, ctime, pad3, pad4[4];
    } state;
    struct {
        long type;
        char text[8];
    } message = {3, "hello"};
    long id = call(SYS_msgget, 0, CREAT | 0600);
    CHECK(id >= 0);
    CHECK_IS(call(SYS_msgsnd, id, &message, 6, 0), 0);
    memset(&state, 0xff, sizeof(state));
    CHECK_IS(call(224, id, 2, &state), 0);
    CHECK_IS(state.count, 1);
    CHECK_IS(state.bytes, 6);
    CHECK_IS(state.spid, call(SYS_getpid));
    CHECK_IS(state.rtime, 0);
    state.perm.mode = 0640;
    CHECK_IS(call(224, id, 1, &state), 0);
    CHECK_IS(call(224, id, 2, &state), 0);
    CHECK_IS(state.perm.mode & 0777, 0640);
    CHECK_IS(call(224, id, 0, 0), 0);
    CHECK_IS(call(224, id, 2, &state), -EINVAL);
}

/* A lock is a word with its owner's thread id, 0 when nobody has it; the top bit says that somebody waits. */
#define UNOWNED 0UL
#define CONTESTED 0x8000000000000000UL

static volatile u64 lock_word = UNOWNED;
static volatile int held_by_other;

static void hold(void *unused)
{
    (void)unused;
    call(434, &lock_word);
    held_by_other = 1;
    sleep_ms(30);
    held_by_other = 0;
    call(435, &lock_word);
}

static void first_locks(void)
{
    struct guest_thread other;
    long tid;
    call(SYS_thr_self, &tid);
    CHECK_IS(call(434, &lock_word), 0);
    CHECK_IS(lock_word & ~CONTESTED, tid);
    CHECK_IS(call(435, &lock_word), 0);
    CHECK_IS(lock_word, UNOWNED);
    CHECK_IS(call(435, &lock_word), -EPERM); /* it is nobody's */
    CHECK_IS(thread_begin(&other, hold, 0), 0);
    while (!held_by_other)
        sleep_ms(1);
    CHECK_IS(call(434, &lock_word), 0); /* waits for the other to let go */
    CHECK_IS(held_by_other, 0);
    CHECK_IS(lock_word & ~CONTESTED, tid);
    CHECK_IS(call(435, &lock_word), 0);
    thread_join(&other);
    CHECK_IS(lock_word & ~CONTESTED, UNOWNED);
}

static void indirect(void)
{
    char text[4] = {0};
    s32 ends[2];
    CHECK_IS(call(SYS_syscall, 20, 0), call(20));
    CHECK_IS(call(SYS___syscall, 20L, 0), call(20));
    CHECK_IS(call(SYS_syscall, JUNK(SYS_pipe2), ends, 0), 0);
    CHECK_IS(call(SYS_syscall, SYS_write, ends[1], "abc", 3), 3);
    CHECK_IS(call(SYS___syscall, (long)SYS_read, ends[0], text, 4), 3);
    CHECK(equal(text, "abc"));
    CHECK_IS(call(SYS_syscall, SYS_close, 999), -EBADF);
    /* Six registers and one more: the sixth argument of mmap is the first on the stack. */
    char *memory = (char *)call(SYS_syscall, SYS_mmap, 0L, 4096L, 3, 0x1002, -1, 0L);
    CHECK((long)memory > 0);
    memory[4095] = 1;
    CHECK_IS(call(SYS_syscall, SYS_munmap, memory, 4096L), 0);
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
}

static void test(void)
{
    offsets();
    semaphores();
    shared_memory();
    messages();
    first_locks();
    indirect();
}
