/* Threads: the area each one has, how one begins and how it ends.
 *
 * An area holds struct thread, the runtime's stack, the host's alternate signal stack and room for
 * the vector state, with a page below each stack that cannot be touched. */
#include "debug.h"
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <asm/prctl.h>

#define RUNTIME_STACK_SIZE (64 * 1024UL)
#define ALT_STACK_SIZE (64 * 1024UL)
#define SENT_TO_THREAD (-6) /* si_code SI_TKILL */
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#define FIRST_STATE (2 * PAGE) /* of vector state in the first thread's area */

/* Layout, upwards: guard, alternate stack, guard, runtime stack, struct thread, return frame, vector state.
 * The beginning of the stack, the thread and the return frame share a page, as every call touches it. */
#define RETURN_FRAME_SIZE ((sizeof(struct host_sigframe) + 63) & ~63UL)
#define THREAD_SIZE ((sizeof(struct thread) + 63) & ~63UL)
#define STATE_OFFSET (PAGE + ALT_STACK_SIZE + PAGE + RUNTIME_STACK_SIZE)
#define THREAD_OFFSET (STATE_OFFSET - RETURN_FRAME_SIZE - THREAD_SIZE)
_Static_assert(THREAD_SIZE + RETURN_FRAME_SIZE + 1024 < PAGE, "the page that every call touches");

static u64 align_up(u64 value, u64 alignment) { return (value + alignment - 1) & ~(alignment - 1); }

static u64 area_size(const struct process *p) { return align_up(STATE_OFFSET + p->xstate_size + 64, PAGE); }

RUNTIME_LEAF_LOCK(thread_list_lock);

/* Areas of threads that have ended, for those to come: making one takes three host calls, unmapping it an
 * interrupt of every processor that the process runs on, and its pages would be faulted in again. */
#define KEPT_AREAS 16
RUNTIME_LEAF_LOCK(kept_lock);
static struct thread *kept_areas;
static u32 kept_count;

static bool keep_area(struct thread *t, bool still_runs)
{
    lock_acquire(&kept_lock);
    bool room = kept_count < KEPT_AREAS && t->area_size >= area_size(t->process);
    if (room) {
        t->area_in_use = still_runs;
        t->next = kept_areas;
        kept_areas = t;
        kept_count++;
    }
    lock_release(&kept_lock);
    return room;
}

static struct thread *take_area(void)
{
    struct thread *found = NULL;
    if (kept_count == 0)
        return NULL;
    lock_acquire(&kept_lock);
    for (struct thread **link = &kept_areas; *link != NULL; link = &(*link)->next) {
        if (__atomic_load_n(&(*link)->area_in_use, __ATOMIC_ACQUIRE))
            continue;
        found = *link;
        *link = found->next;
        kept_count--;
        break;
    }
    lock_release(&kept_lock);
    return found;
}

static void guard(u64 page)
{
    if (host(__NR_madvise, page, PAGE, MADV_GUARD_INSTALL) != 0)
        host(__NR_mprotect, page, PAGE, PROT_NONE); /* at the price of two mappings more */
}

static u64 map_area(u64 size)
{
    long area = host(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                     -1, 0);
    return is_error(area) ? 0 : (u64)area;
}

static struct thread *lay_out(struct process *p, u64 area, u64 size)
{
    struct thread *t = (struct thread *)(area + THREAD_OFFSET);
    *t = (struct thread){0};
    t->self = t;
    t->area = area;
    t->area_size = size;
    t->runtime_stack = (u64)t;
    t->host_alt_stack = area + PAGE;
    t->host_alt_size = ALT_STACK_SIZE;
    t->return_frame = (u64)t + THREAD_SIZE;
    t->xstate = area + STATE_OFFSET;
    t->process = p;
    t->personality = p->personality;
    return t;
}

static void guard_area(u64 area)
{
    guard(area);
    guard(area + PAGE + ALT_STACK_SIZE);
}

struct thread *thread_allocate(struct process *p)
{
    struct thread *kept = take_area();
    if (kept != NULL)
        return lay_out(p, kept->area, kept->area_size);
    u64 size = area_size(p), area = map_area(size);
    if (area == 0)
        return NULL;
    guard_area(area);
    return lay_out(p, area, size);
}

/* The first thread's area is the runtime's own: no mapping to make. */
static u8 first_area[STATE_OFFSET + FIRST_STATE] __attribute__((section(".lbss.area"), aligned(4096)));

struct thread *thread_first(struct process *p)
{
    guard_area((u64)first_area);
    return lay_out(p, (u64)first_area, sizeof(first_area));
}

/* Now that the size of the vector state is known. */
bool thread_complete(struct thread *t)
{
    u64 size = t->process->xstate_size + 64;
    if (size <= FIRST_STATE)
        return true;
    t->xstate = map_area(align_up(size, PAGE));
    return t->xstate != 0;
}

void thread_area_free(struct thread *t)
{
    if (!keep_area(t, false))
        host(__NR_munmap, t->area, t->area_size);
}

int thread_arm(struct thread *t)
{
    struct {
        u64 base;
        s32 flags, pad;
        u64 size;
    } alt = {t->host_alt_stack, 0, 0, t->host_alt_size};
    t->reserved_base = t->process->reserved_base;
    host(__NR_arch_prctl, ARCH_SET_GS, t);
    t->tid = (s32)host(__NR_gettid);
    host(__NR_sigaltstack, &alt, 0);
    return dispatch_arm();
}

void thread_link(struct thread *t)
{
    struct process *p = t->process;
    lock_acquire(&thread_list_lock);
    t->previous = NULL;
    t->next = p->threads;
    if (p->threads != NULL)
        p->threads->previous = t;
    p->threads = t;
    p->thread_count++;
    lock_release(&thread_list_lock);
}

void thread_unlink(struct thread *t)
{
    struct process *p = t->process;
    lock_acquire(&thread_list_lock);
    if (t->previous != NULL)
        t->previous->next = t->next;
    else
        p->threads = t->next;
    if (t->next != NULL)
        t->next->previous = t->previous;
    p->thread_count--;
    lock_release(&thread_list_lock);
}

void each_thread(struct process *p, void (*visit)(struct thread *t, void *context), void *context)
{
    lock_acquire(&thread_list_lock);
    for (struct thread *t = p->threads; t != NULL; t = t->next)
        visit(t, context);
    lock_release(&thread_list_lock);
}

u32 thread_ids(struct process *p, s32 *tids, u32 room)
{
    u32 n = 0;
    lock_acquire(&thread_list_lock);
    for (struct thread *t = p->threads; t != NULL; t = t->next, n++)
        if (n < room)
            tids[n] = t->tid;
    lock_release(&thread_list_lock);
    return n;
}

/* Where a clone with a new stack begins; signals are blocked until the exit path. */
void new_thread_main(struct thread *t) __attribute__((noreturn));
void new_thread_main(struct thread *t)
{
    if (thread_arm(t) != 0)
        runtime_panic("guise: the host refused syscall user dispatch for a new thread");
    if (t->in_vfork_child)
        t->process->pid = t->tid;
    debug_thread_begins(t);
    leave_to_guest();
}

/* A frame on the new thread's own runtime stack, with the thread itself above it for clone_onto. */
static u64 prepare_stack(struct thread *t, const struct frame *start)
{
    u64 top = t->runtime_stack;
    t->frame = (struct frame *)(top - sizeof(struct frame));
    *t->frame = *start;
    t->frame->restore_all = 0;
    u64 stack = (u64)t->frame - 64;
    *(struct thread **)stack = t;
    return stack;
}

static void inherit(struct thread *to, const struct thread *from)
{
    to->personality = from->personality;
    to->mask = from->mask;
    to->call_number = from->call_number;
    to->signals_held = 1;
}

long thread_clone(struct thread *t, const struct frame *start, const struct clone_request *c)
{
    struct thread *fresh = thread_allocate(t->process);
    if (fresh == NULL)
        return -ENOMEM;
    inherit(fresh, t);
    fresh->guest_fs_base = c->tls;
    u64 stack = prepare_stack(fresh, start);
    if (t->personality->init_thread(fresh, t) != 0) {
        thread_area_free(fresh);
        return -ENOMEM;
    }
    upcall_keep_reply(t);
    thread_link(fresh);
    hold_signals(t);
    long tid = clone_onto(c->flags, stack, c->parent_tid, c->child_tid, c->tls);
    if (is_error(tid)) {
        thread_unlink(fresh);
        t->personality->end_thread(fresh);
        thread_area_free(fresh);
    }
    return tid;
}

long thread_create(struct thread *t, const struct frame *start, u64 fs_base, u64 parent_tid, u64 child_tid,
                   u32 tid_bytes)
{
    struct clone_request c = {
        .flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS,
        .parent_tid = parent_tid, .child_tid = child_tid, .tls = fs_base,
    };
    /* The host writes 4 bytes, before either thread runs on; a guest's long has 8. */
    if (parent_tid != 0) {
        if (tid_bytes == 8 && put_u32(parent_tid + 4, 0) != 0)
            return -EFAULT;
        c.flags |= CLONE_PARENT_SETTID;
    }
    if (child_tid != 0) {
        if (tid_bytes == 8 && put_u32(child_tid + 4, 0) != 0)
            return -EFAULT;
        c.flags |= CLONE_CHILD_SETTID;
    }
    return thread_clone(t, start, &c);
}

/* What was sent to the process, and had reached this thread alone, is still to be delivered.  The host lets
 * only the first thread repeat the details of a kill(). */
static void pass_signals_on(struct thread *t)
{
    s32 pid = t->process->pid;
    for (u32 i = 0; i < t->queued; i++) {
        const struct siginfo_host *info = &t->queue[i];
        if (info->code != SENT_TO_THREAD && host(__NR_rt_sigqueueinfo, pid, info->signo, info) != 0)
            host(__NR_kill, pid, info->signo);
    }
}

void thread_exit(struct thread *t)
{
    u64 all = ~0UL;
    hold_signals(t);
    run_thread_exit_hooks(t);
    thread_unlink(t);
    debug_last_thread_ends(t->process);
    t->personality->end_thread(t);
    /* Faults too from here on: there will be no stack to handle one. */
    host(__NR_rt_sigprocmask, 0 /* SIG_BLOCK */, &all, 0, 8);
    pass_signals_on(t);
    if (keep_area(t, true))
        release_and_exit(&t->area_in_use);
    unmap_and_exit(t->area, t->area_size);
}

/* The child of a plain fork has this thread alone; the others' areas are garbage in its memory. */
static void become_forked_child(struct thread *t, u32 inherited)
{
    struct process *p = t->process;
    for (struct thread *kept = kept_areas; kept != NULL; kept = kept->next)
        kept->area_in_use = 0;
    for (struct thread *other = p->threads; other != NULL;) {
        struct thread *next = other->next;
        if (other != t)
            thread_area_free(other);
        other = next;
    }
    t->next = t->previous = NULL;
    p->threads = t;
    p->thread_count = 1;
    p->pid = (s32)host(__NR_getpid);
    t->tid = p->pid;
    /* What was queued for the parent is not ours; what came since may be. */
    t->queued -= inherited;
    memmove(t->queue, t->queue + inherited, t->queued * sizeof(t->queue[0]));
    t->signal_pending = (queued_signals(t) & ~t->mask) != 0;
    if (dispatch_arm() != 0)
        runtime_panic("guise: the host refused syscall user dispatch after fork");
    run_fork_child_hooks(t);
}

static long fork_copy(struct thread *t, const struct clone_request *c)
{
    hold_signals(t);
    locks_acquire_all();
    u32 inherited = t->queued;
    long pid = host(__NR_clone, c->flags, 0, c->parent_tid, c->child_tid, c->tls);
    locks_release_all();
    if (c->flags & CLONE_FILES)
        t->process->shares_descriptors = true;
    if (pid == 0)
        become_forked_child(t, inherited);
    return pid;
}

/* At home a parent goes on only when the child has executed or is a zombie already, so that waiting
 * without blocking finds it.  The host lets go of the memory first, and the child is dead a moment later. */
static void await_end(const struct thread *child, long pid)
{
    if (pid > 0 && !child->vfork_executed)
        host(__NR_waitid, P_PID, pid, 0, WEXITED | WNOWAIT | __WALL, 0);
}

static void forget_sharer(struct thread *child)
{
    struct process *p = child->process;
    release_exec_memory(child);
    child->personality->end_thread(child);
    thread_area_free(child);
    runtime_free(p);
}

/* Children that share our memory and that nobody waits for: what they have of the runtime's is free once they
 * are gone. */
RUNTIME_LOCK(sharers_lock);
static struct thread *sharers;

static void free_sharers(void)
{
    for (struct thread **at = &sharers; *at != NULL;) {
        struct thread *child = *at;
        if (host(__NR_kill, child->process->pid, 0) == -ESRCH) {
            *at = child->next_sharer;
            forget_sharer(child);
        } else {
            at = &child->next_sharer;
        }
    }
}

static void keep_sharer(struct thread *child, s32 pid)
{
    child->process->pid = pid;
    lock_acquire(&sharers_lock);
    free_sharers();
    child->next_sharer = sharers;
    sharers = child;
    lock_release(&sharers_lock);
}

/* vfork and its kin: the child runs in our memory, most often while we wait, so it gets a thread and a process of
 * its own to change; only the guest's own memory is shared, as at home. */
static long fork_share(struct thread *t, const struct frame *start, const struct clone_request *c)
{
    struct process *p = runtime_alloc(sizeof(*p));
    if (p == NULL)
        return -ENOMEM;
    *p = *t->process;
    p->debug = (struct debuggee){.magic = DEBUGGEE_MAGIC};
    for (int signal = 1; c->default_actions && signal <= HOST_SIGNALS; signal++)
        if (p->actions[signal].handler > GUEST_SIG_IGN)
            p->actions[signal] = (struct guest_action){0};
    struct thread *child = thread_allocate(p);
    if (child == NULL) {
        runtime_free(p);
        return -ENOMEM;
    }
    p->threads = NULL;
    p->thread_count = 0;
    inherit(child, t);
    child->alt = t->alt;
    child->in_vfork_child = 1;
    child->guest_fs_base = t->guest_fs_base;
    if (t->personality->init_thread(child, t) != 0) {
        thread_area_free(child);
        runtime_free(p);
        return -ENOMEM;
    }
    u64 stack = prepare_stack(child, start);
    child->personality->finish(child, child->frame, 0);
    thread_link(child);
    hold_signals(t);
    __atomic_store_n(&t->awaits_child, 1, __ATOMIC_SEQ_CST);
    long pid = clone_onto(CLONE_VM | c->flags, stack, c->parent_tid, c->child_tid, c->tls);
    __atomic_store_n(&t->awaits_child, 0, __ATOMIC_SEQ_CST);
    if (!(c->flags & CLONE_VFORK) && pid > 0) {
        keep_sharer(child, (s32)pid);
        return pid;
    }
    await_end(child, pid);
    forget_sharer(child);
    return pid;
}

long process_clone(struct thread *t, const struct frame *start, u32 kind, const struct clone_request *c)
{
    bool shares = kind == FORK_SHARE && !((c->flags & CLONE_VFORK) && debug_follows(t));
    struct clone_request apart = *c;
    if (kind == FORK_SHARE && !shares)
        apart.flags &= ~(u64)(CLONE_VFORK | CLONE_VM);
    long pid = shares ? fork_share(t, start, c) : fork_copy(t, &apart);
    t->forked = pid > 0 ? (s32)pid : 0;
    t->forked_kind = kind;
    return pid;
}

long process_fork(struct thread *t, struct frame *f, u32 kind, u64 clone_flags)
{
    const struct clone_request c = {.flags = clone_flags | HOST_SIGCHLD | (kind == FORK_SHARE ? CLONE_VFORK : 0)};
    return process_clone(t, f, kind, &c);
}
