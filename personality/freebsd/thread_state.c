/* The entries of thread_state.h: made on first use, gone with the thread. */
#include "thread_state.h"
#include <linux/futex.h>

RUNTIME_LOCK(states_lock);
static struct thread_state *states;

static struct thread_state *find(const struct process *p, s32 tid)
{
    struct thread_state *s = states;
    while (s != NULL && (s->process != p || s->tid != tid))
        s = s->next;
    return s;
}

struct thread_state *thread_state_find(const struct process *p, s32 tid)
{
    lock_acquire(&states_lock);
    struct thread_state *s = find(p, tid);
    lock_release(&states_lock);
    return s;
}

struct thread_state *thread_state_of(struct thread *t, s32 tid)
{
    struct thread_state *found = thread_state_find(t->process, tid);
    if (found != NULL) {
        if (tid == t->tid)
            found->thread = t;
        return found;
    }
    struct thread_state *fresh = runtime_alloc(sizeof(*fresh));
    if (fresh == NULL)
        return NULL;
    fresh->process = t->process;
    fresh->tid = tid;
    fresh->thread = tid == t->tid ? t : NULL;
    lock_acquire(&states_lock);
    found = find(t->process, tid);
    if (found == NULL) {
        fresh->next = states;
        states = fresh;
    }
    lock_release(&states_lock);
    if (found == NULL)
        return fresh;
    runtime_free(fresh);
    return found;
}

struct thread_state *thread_state_next(const struct process *p, const struct thread_state *last)
{
    lock_acquire(&states_lock);
    struct thread_state *s = last == NULL ? states : last->next;
    while (s != NULL && s->process != p)
        s = s->next;
    lock_release(&states_lock);
    return s;
}

bool thread_state_wake(const struct process *p, s32 tid)
{
    lock_acquire(&states_lock);
    struct thread_state *s = find(p, tid);
    if (s != NULL) {
        __atomic_store_n(&s->awake, 1, __ATOMIC_SEQ_CST);
        host(__NR_futex, &s->awake, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
    }
    lock_release(&states_lock);
    return s != NULL;
}

static void forget(struct thread *t)
{
    struct thread_state *gone = NULL;
    lock_acquire(&states_lock);
    for (struct thread_state **at = &states; *at != NULL; at = &(*at)->next) {
        if ((*at)->process == t->process && (*at)->tid == t->tid) {
            gone = *at;
            *at = gone->next;
            break;
        }
    }
    lock_release(&states_lock);
    runtime_free(gone);
}
ON_THREAD_EXIT(forget);

/* In the child of a fork one thread is left, under a new id; it keeps what was said of it. */
static void keep_own(struct thread *t)
{
    struct thread_state *s = states, *own = NULL;
    while (s != NULL) {
        struct thread_state *next = s->next;
        if (own == NULL && s->thread == t)
            own = s;
        else
            runtime_free(s);
        s = next;
    }
    states = own;
    if (own != NULL) {
        own->next = NULL;
        own->tid = t->tid;
    }
}
ON_FORK_CHILD(keep_own);
