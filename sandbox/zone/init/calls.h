/* What guise-init has instead of a C library: system calls, and the few kernel types that it uses. */
#ifndef GUISE_INIT_CALLS_H
#define GUISE_INIT_CALLS_H

#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/signalfd.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DO_NOT_WAIT 0x40 /* MSG_DONTWAIT */
#define LOOK_ONLY 0x2    /* MSG_PEEK */
#define SIGNALS 64
#define EVERY_SIGNAL (~0UL)

static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#define CALL0(n) call6(n, 0, 0, 0, 0, 0, 0)
#define CALL1(n, a) call6(n, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(n, a, b) call6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(n, a, b, c) call6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(n, a, b, c, d) call6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CALL5(n, a, b, c, d, e) call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define CALL6(n, a, b, c, d, e, f) call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static inline void leave(int status) __attribute__((noreturn));
static inline void leave(int status)
{
    for (;;)
        CALL1(__NR_exit_group, status);
}

static inline unsigned long signal_bit(int number) { return 1UL << (number - 1); }

/* A wait status, as wait4 gives it. */
static inline bool has_stopped(int status) { return (status & 0xff) == 0x7f; }
static inline bool has_continued(int status) { return status == 0xffff; }
static inline int ending_signal(int status) { return status & 0x7f; }
static inline int exit_status(int status) { return status >> 8 & 0xff; }
static inline int stopping_signal(int status) { return status >> 8 & 0xff; }

/* What goes over the socket between the process that a shell started and the init of its namespace. */
enum {
    SEND_SIGNAL = 1,   /* monitor: `number` came; `code` and `value` are its siginfo's */
    SEND_SIGNAL_ALONE, /* the same, and it came to the monitor alone, whatever init has seen of this number */
    TAKE_NOTE,         /* monitor: `number` came, perhaps together with one for the group; not to be sent on */
    HAS_STOPPED,       /* init: the program was stopped by `number` */
    HAS_CONTINUED,     /* init: it goes on */
    HAS_ENDED,         /* init: its wait status is `number`; with `value`, others live on */
};

struct message {
    uint32_t kind;
    int32_t number;
    int32_t code;
    uint32_t padding;
    uint64_t value;
};

struct entry { /* struct linux_dirent64 */
    uint64_t inode, offset;
    uint16_t size;
    uint8_t kind;
    char name[];
};

static inline int number_of(const char *text)
{
    int value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (*text - '0');
    return *text == 0 ? value : 0;
}

/* Whether this process's namespace holds any but process 1. */
static inline bool has_process(void)
{
    char room[2048] __attribute__((aligned(8)));
    long size, folder = CALL4(__NR_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    bool found = false;
    while (!found && (size = CALL3(__NR_getdents64, folder, room, sizeof(room))) > 0)
        for (long at = 0; at < size;) {
            const struct entry *e = (const struct entry *)(room + at);
            found = found || number_of(e->name) > 1;
            at += e->size;
        }
    CALL1(__NR_close, folder);
    return found;
}

/* Linux's signalfd over all signals, which the caller has blocked.  Negative on failure. */
static inline long open_signals(void)
{
    unsigned long all = EVERY_SIGNAL;
    return CALL4(__NR_signalfd4, -1, &all, sizeof(all), O_CLOEXEC | O_NONBLOCK);
}

static inline void block_signals(void)
{
    unsigned long all = EVERY_SIGNAL;
    CALL4(__NR_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
}

static inline bool tell(int socket, uint32_t kind, int number, int code, uint64_t value)
{
    struct message m = {.kind = kind, .number = number, .code = code, .value = value};
    long r;
    do
        r = CALL6(__NR_sendto, socket, &m, sizeof(m), 0x4000 /* MSG_NOSIGNAL */, NULL, 0);
    while (r == -EINTR);
    return r == (long)sizeof(m);
}

void monitor(int socket, int child, int attendant, bool apart) __attribute__((noreturn));
void init(int socket, int program, int ready, bool alone) __attribute__((noreturn));
void zone(int control, int again, bool bsd) __attribute__((noreturn));
void await(int from, char **words, char **environment) __attribute__((noreturn));

#endif
