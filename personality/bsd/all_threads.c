/* The other threads are asked by a signal of the host's that guests cannot have or send: 33, which the
 * host's own C library uses for exactly this.  Its handler makes the call on the spot, wherever the thread
 * is, and touches nothing else of it. */
#include "all_threads.h"
#include "tasks.h"
#include <linux/fcntl.h>
#include <linux/futex.h>

#define ASK 33
#define SENT_BY_THREAD (-6) /* SI_TKILL */
#define SA_SIGINFO_FLAG 4UL
#define SA_RESTORER_FLAG 0x04000000UL
#define SA_ONSTACK_FLAG 0x08000000UL
#define SA_RESTART_FLAG 0x10000000UL

extern char host_restorer[] __attribute__((visibility("hidden")));

static struct {
    u32 busy, done; /* futexes: somebody is at it; the last thread that has answered */
    long call;
    u64 arguments[3];
} job;

static void answer(int signal UNUSED, struct siginfo_host *info, void *context UNUSED)
{
    if (info->code != SENT_BY_THREAD)
        return;
    host(job.call, job.arguments[0], job.arguments[1], job.arguments[2]);
    __atomic_store_n(&job.done, (u32)host(__NR_gettid), __ATOMIC_RELEASE);
    host(__NR_futex, &job.done, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
}

/* A thread that has ended leaves no answer; the first one stays in the list as a zombie. */
static bool has_ended(s32 tid)
{
    char path[48], text[64];

    format(path, sizeof(path), "/proc/self/task/%d/stat", tid);
    long fd = host(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (is_error(fd))
        return true;
    long n = host(__NR_read, fd, text, sizeof(text));
    host(__NR_close, fd);
    for (long i = n - 2; i > 0; i--)
        if (text[i - 1] == ')')
            return text[i + 1] == 'Z' || text[i + 1] == 'X';
    return is_error(n);
}

static long ask(s32 tid, const void *asking)
{
    const struct thread *t = asking;
    const struct timespec_host moment = {0, 10000000};
    u32 seen;

    if (tid == t->tid)
        return 0;
    __atomic_store_n(&job.done, 0, __ATOMIC_RELEASE);
    long r = host(__NR_tgkill, t->process->pid, tid, ASK);
    while (r == 0 && (seen = __atomic_load_n(&job.done, __ATOMIC_ACQUIRE)) != (u32)tid) {
        if (host(__NR_futex, &job.done, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, seen, &moment, 0, 0) == -ETIMEDOUT &&
            has_ended(tid))
            break;
    }
    return r;
}

static void wait_for_turn(void)
{
    u32 free_word = 0;
    while (!__atomic_compare_exchange_n(&job.busy, &free_word, 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
        host(__NR_sched_yield);
        free_word = 0;
    }
}

/* A plain word and no runtime lock: whoever forks waits for those with all signals blocked. */
static void forget(struct thread *t UNUSED) { job.busy = 0; }
ON_FORK_CHILD(forget);

long in_all_threads(struct thread *t, long call, const u64 arguments[3])
{
    struct {
        u64 handler, flags, restorer, mask;
    } action = {(u64)answer, SA_SIGINFO_FLAG | SA_RESTORER_FLAG | SA_ONSTACK_FLAG | SA_RESTART_FLAG,
                (u64)host_restorer, ~0UL};

    long r = host(call, arguments[0], arguments[1], arguments[2]);
    if (r != 0 || t->process->thread_count == 1)
        return r;
    wait_for_turn();
    job.call = call;
    memcpy(job.arguments, arguments, sizeof(job.arguments));
    host(__NR_rt_sigaction, ASK, &action, 0, 8);
    /* Twice: a thread that was not asked yet may have made another one meanwhile. */
    r = for_each_task(t->process->pid, ask, t);
    if (r == 0)
        r = for_each_task(t->process->pid, ask, t);
    __atomic_store_n(&job.busy, 0, __ATOMIC_RELEASE);
    return r;
}
