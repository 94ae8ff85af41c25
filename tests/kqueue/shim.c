/* What the engine needs of the runtime, on libc. */
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "shim.h"

u32 reserved_own;

static int signal_same(int host_signal)
{
    return host_signal;
}

static const struct personality test_personality = {
    .name = "test",
    .signal_from_host = signal_same,
    .signal_to_host = signal_same,
};
static struct process test_process = {
    .personality = &test_personality,
    .control_fd = 0,
    .reserved_base = 1000,
    .reserved_count = 8,
};
struct thread test_thread = {.personality = &test_personality, .process = &test_process};
u64 host_calls;

long host_call6(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    __atomic_fetch_add(&host_calls, 1, __ATOMIC_RELAXED);
    long r = syscall(n, a, b, c, d, e, f);
    return r < 0 ? -errno : r;
}

long host_interruptible6(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    return host_call6(n, a, b, c, d, e, f);
}

void lock_acquire(struct lock *l)
{
    while (__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE))
        syscall(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, 1, &(struct timespec){0, 1000000}, NULL, 0);
}

void lock_release(struct lock *l)
{
    __atomic_store_n(&l->word, 0, __ATOMIC_RELEASE);
    syscall(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

int refreshed_signal;

void action_refresh(struct thread *t UNUSED, int host_signal)
{
    refreshed_signal = host_signal;
}

bool drop_ignored_signals(struct thread *t UNUSED)
{
    return false;
}

void *runtime_alloc(size_t size)
{
    return calloc(1, size);
}

void runtime_free(void *p)
{
    free(p);
}

int format(char *to, size_t room, const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    int n = vsnprintf(to, room, fmt, list);
    va_end(list);
    return n;
}

long clock_read(int clock, struct timespec_host *ts)
{
    struct timespec now;
    clock_gettime(clock, &now);
    ts->sec = now.tv_sec;
    ts->nsec = now.tv_nsec;
    return 0;
}

typedef HOOK_TYPE(fd_hook) fd_hook_entry;
extern const fd_hook_entry __start_hook_fd_close[], __stop_hook_fd_close[];
typedef HOOK_TYPE(thread_hook) thread_hook_entry;
extern const thread_hook_entry __start_hook_fork_child[], __stop_hook_fork_child[];
typedef HOOK_TYPE(signal_hook) signal_hook_entry;
extern const signal_hook_entry __start_hook_signal[], __stop_hook_signal[];
typedef HOOK_TYPE(signal_query) signal_query_entry;
extern const signal_query_entry __start_hook_wants_signal[];

void guest_signal(int signal)
{
    for (const signal_hook_entry *hook = __start_hook_signal; hook < __stop_hook_signal; hook++)
        hook->run(&test_thread, signal);
}

bool signal_wanted(int signal)
{
    return __start_hook_wants_signal->run(&test_thread, signal);
}

void guest_close(int fd)
{
    for (const fd_hook_entry *hook = __start_hook_fd_close; hook < __stop_hook_fd_close; hook++)
        hook->run(&test_thread, fd);
    close(fd);
}

int guest_fork(void)
{
    int pid = fork();
    if (pid == 0)
        for (const thread_hook_entry *hook = __start_hook_fork_child; hook < __stop_hook_fork_child; hook++)
            hook->run(&test_thread);
    return pid;
}

/* ---- events in arrays ------------------------------------------------------------------------ */

static int read_changes(struct kqueue_io *io, struct knote_event *to, int count)
{
    memcpy(to, (void *)io->changes, (size_t)count * sizeof(*to));
    io->changes += (size_t)count * sizeof(*to);
    return 0;
}

static int write_events(struct kqueue_io *io, const struct knote_event *from, int count)
{
    memcpy((void *)io->events, from, (size_t)count * sizeof(*from));
    io->events += (size_t)count * sizeof(*from);
    return 0;
}

long raw_kevent(int kq, struct knote_event *changes, int nchanges, struct knote_event *out, int room, int ms)
{
    struct kqueue_io io = {read_changes, write_events, (u64)changes, (u64)out};
    struct timespec_host timeout = {ms / 1000, ms % 1000 * 1000000L};
    return kqueue_kevent(&test_thread, kq, nchanges, room, &io, ms < 0 ? NULL : &timeout);
}

struct knote_event event_of(u64 ident, int filter, int flags, u32 fflags, s64 data, u64 udata)
{
    return (struct knote_event){.ident = ident, .filter = (u32)filter, .guest_filter = -filter,
                                .flags = (u16)flags, .fflags = fflags, .data = data, .udata = udata};
}

/* The runtime keeps all its reserved numbers occupied. */
__attribute__((constructor)) static void occupy_reserved(void)
{
    test_process.runtime_fd = test_process.reserved_base + 1;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < test_process.reserved_count; i++)
        dup3(fd, test_process.reserved_base + i, O_CLOEXEC);
    close(fd);
}

int kq_new(void)
{
    return (int)kqueue_create(&test_thread, true);
}

long change(int kq, u64 ident, int filter, int flags, u32 fflags, s64 data, u64 udata)
{
    struct knote_event event = event_of(ident, filter, flags, fflags, data, udata);
    return raw_kevent(kq, &event, 1, NULL, 0, 0);
}

long collect_events(int kq, struct knote_event *out, int room, int ms)
{
    return raw_kevent(kq, NULL, 0, out, room, ms);
}

long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- results --------------------------------------------------------------------------------- */

static int checks, failures;

void check(bool good, const char *text, const char *file, int line, const char *fmt, ...)
{
    va_list list;
    const char *slash = strrchr(file, '/');
    printf("%s %d - %s:%d %s", good ? "ok" : "not ok", ++checks, slash ? slash + 1 : file, line, text);
    va_start(list, fmt);
    if (!good && *fmt) {
        printf(" # ");
        vprintf(fmt, list);
    }
    va_end(list);
    printf("\n");
    fflush(stdout);
    failures += !good;
}

int finish(void)
{
    printf("1..%d\n", checks);
    return failures != 0;
}
