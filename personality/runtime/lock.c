/* Locks on futex words, and the hooks through which modules hear of events.
 *
 * A fork must not copy a lock that another thread holds, so all of them are taken around it: the
 * ordinary ones first, which are never nested in each other, then the leaves, under which nothing is
 * taken.  So it cannot deadlock. */
#include "core.h"
#include <linux/futex.h>

extern struct lock __start_runtime_locks[] __attribute__((visibility("hidden")));
extern struct lock __stop_runtime_locks[] __attribute__((visibility("hidden")));

extern struct lock __start_runtime_leaf_locks[] __attribute__((visibility("hidden")));
extern struct lock __stop_runtime_leaf_locks[] __attribute__((visibility("hidden")));

void lock_acquire(struct lock *l)
{
    u32 expected = 0;
    if (__atomic_compare_exchange_n(&l->word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE) != 0)
        host(__NR_futex, &l->word, FUTEX_WAIT_PRIVATE, 2, 0);
}

void lock_release(struct lock *l)
{
    if (__atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) == 2)
        host(__NR_futex, &l->word, FUTEX_WAKE_PRIVATE, 1);
}

void locks_acquire_all(void)
{
    for (struct lock *l = __start_runtime_locks; l < __stop_runtime_locks; l++)
        lock_acquire(l);
    for (struct lock *l = __start_runtime_leaf_locks; l < __stop_runtime_leaf_locks; l++)
        lock_acquire(l);
}

void locks_release_all(void)
{
    for (struct lock *l = __start_runtime_leaf_locks; l < __stop_runtime_leaf_locks; l++)
        lock_release(l);
    for (struct lock *l = __start_runtime_locks; l < __stop_runtime_locks; l++)
        lock_release(l);
}

#define DECLARE_HOOKS(section_name, type)                                                          \
    typedef HOOK_TYPE(type) section_name;                                                          \
    extern const section_name __start_##section_name[] __attribute__((weak, visibility("hidden")));  \
    extern const section_name __stop_##section_name[] __attribute__((weak, visibility("hidden")))

DECLARE_HOOKS(hook_fd_close, fd_hook);
DECLARE_HOOKS(hook_fork_child, thread_hook);
DECLARE_HOOKS(hook_thread_exit, thread_hook);
DECLARE_HOOKS(hook_process_exit, exit_hook);
DECLARE_HOOKS(hook_exec, thread_hook);
DECLARE_HOOKS(hook_signal, signal_hook);
DECLARE_HOOKS(hook_wants_signal, signal_query);

#define FOR_HOOKS(section_name, h, t)                                                              \
    for (const section_name *h = __start_##section_name; h < __stop_##section_name; h++)           \
        if (h->owner == NULL || h->owner == (t)->personality)

void fd_closing(struct thread *t, int fd)
{
    FOR_HOOKS(hook_fd_close, h, t)
        h->run(t, fd);
}

void run_fork_child_hooks(struct thread *t)
{
    FOR_HOOKS(hook_fork_child, h, t)
        h->run(t);
}

void run_thread_exit_hooks(struct thread *t)
{
    FOR_HOOKS(hook_thread_exit, h, t)
        h->run(t);
}

void run_process_exit_hooks(struct thread *t, int status)
{
    FOR_HOOKS(hook_process_exit, h, t)
        h->run(t, status);
}

void run_exec_hooks(struct thread *t)
{
    FOR_HOOKS(hook_exec, h, t)
        h->run(t);
}

void run_signal_hooks(struct thread *t, int host_signal)
{
    FOR_HOOKS(hook_signal, h, t)
        h->run(t, host_signal);
}

bool signal_is_wanted(struct thread *t, int host_signal)
{
    bool wanted = false;
    FOR_HOOKS(hook_wants_signal, h, t)
        wanted = wanted || h->run(t, host_signal);
    return wanted;
}
