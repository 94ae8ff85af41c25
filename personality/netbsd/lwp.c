/* The list of LWPs: made with their threads; those that others may wait for stay until somebody has. */
#include "lwp.h"
#include <linux/futex.h>

RUNTIME_LOCK(list_lock);
static struct lwp *all;
static u32 departures; /* a futex */

void lwps_lock(void) { lock_acquire(&list_lock); }
void lwps_unlock(void) { lock_release(&list_lock); }

struct lwp *lwp_new(const struct process *p)
{
    struct lwp *l = runtime_alloc(sizeof(*l));
    if (l == NULL)
        return NULL;
    l->process = p;
    l->control.cpu = ON_NO_CPU;
    lwps_lock();
    l->next = all;
    all = l;
    lwps_unlock();
    return l;
}

static void take_out(const struct lwp *l)
{
    for (struct lwp **at = &all; *at != NULL; at = &(*at)->next) {
        if (*at == l) {
            *at = l->next;
            return;
        }
    }
}

void lwp_free(struct lwp *l)
{
    lwps_lock();
    take_out(l);
    lwps_unlock();
    runtime_free(l->start);
    runtime_free(l);
}

static struct lwp *skip_others(const struct process *p, struct lwp *l)
{
    while (l != NULL && (l->process != p || l->tid == 0))
        l = l->next;
    return l;
}

struct lwp *lwp_first(const struct process *p) { return skip_others(p, all); }
struct lwp *lwp_next(const struct process *p, const struct lwp *l) { return skip_others(p, l->next); }

struct lwp *lwp_find(const struct process *p, s32 tid)
{
    struct lwp *l = lwp_first(p);
    while (l != NULL && l->tid != tid)
        l = lwp_next(p, l);
    return l;
}

u32 lwp_departures(void) { return __atomic_load_n(&departures, __ATOMIC_ACQUIRE); }

void lwp_tell_waiters(void)
{
    __atomic_add_fetch(&departures, 1, __ATOMIC_SEQ_CST);
    host(__NR_futex, &departures, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT32_MAX, 0, 0, 0);
}

long lwp_await_departure(u32 seen)
{
    long r = host_intr(__NR_futex, &departures, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, seen, 0, 0, 0);
    return r == -EAGAIN ? 0 : r;
}

/* ---- with the threads ------------------------------------------------------------------------------------ */

/* A new LWP begins with every signal blocked, until it has entered its context. */
int lwp_init(struct thread *t, const struct thread *creator)
{
    struct lwp *maker = creator != NULL ? lwp_of(creator) : NULL;
    struct lwp *l = maker != NULL ? maker->made : NULL;

    if (l != NULL) {
        maker->made = NULL;
        t->mask = ~0UL;
    } else {
        l = lwp_new(t->process);
        if (l == NULL)
            return -ENOMEM;
        if (maker != NULL) { /* a child of vfork, which goes on where its parent is */
            l->on_stack = maker->on_stack;
            l->link = maker->link;
        }
    }
    t->personal = l;
    return 0;
}

void lwp_end(struct thread *t)
{
    struct lwp *l = lwp_of(t);

    t->personal = NULL;
    t->shown_cpu = NULL;
    if (t->in_vfork_child || l->tid == 0) { /* or it never ran */
        lwp_free(l);
        return;
    }
    lwps_lock();
    bool forgotten = l->detached;
    l->departed = true;
    l->waits_for = 0;
    l->control.cpu = NETBSD_LWPCTL_CPU_EXITED;
    if (forgotten)
        take_out(l);
    lwps_unlock();
    if (forgotten)
        runtime_free(l);
    lwp_tell_waiters();
}

/* In the child of a fork one LWP is left, under a new id. */
static void keep_own(struct thread *t)
{
    struct lwp *own = lwp_of(t);
    for (struct lwp *l = all; l != NULL;) {
        struct lwp *next = l->next;
        if (l != own) {
            runtime_free(l->start);
            runtime_free(l);
        }
        l = next;
    }
    all = own;
    if (own == NULL)
        return;
    own->next = NULL;
    own->tid = t->tid;
    own->process = t->process;
    own->waiter = 0;
    own->detached = false;
}
ON_FORK_CHILD(keep_own);

void lwp_main_stack(const struct thread *t, struct netbsd_stack *to)
{
    const u64 limit = 8UL << 20; /* what the host lets a stack grow to, unless told otherwise */
    *to = (struct netbsd_stack){.sp = t->process->stack_top - limit, .size = limit};
}
