/* Debugging other guests: the side of the one that debugs. */
#include "debugger.h"
#include "debug.h"
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/wait.h>

#define MOST_DEBUGGEES 64
#define QUEUED (-1)

struct entry {
    s32 pid;
    u32 reported; /* the number of the stop that was waited for */
    u32 foreign;  /* no child of ours: the host does not tell us of its end */
    u32 watched, dead;
    s64 shift;
};

static struct entry entries[MOST_DEBUGGEES] LARGE;
static u32 entry_count, news, listens;

/* ---- the table -------------------------------------------------------------------------------------- */

/* Nothing here may wait for a lock: a signal's handler adds entries. */
static struct entry *entry_of(s32 pid)
{
    for (u32 i = 0; i < MOST_DEBUGGEES && entry_count > 0; i++)
        if (__atomic_load_n(&entries[i].pid, __ATOMIC_ACQUIRE) == pid)
            return &entries[i];
    return NULL;
}

static struct entry *add(s32 pid, bool foreign)
{
    struct entry *known = entry_of(pid);
    for (u32 i = 0; known == NULL && i < MOST_DEBUGGEES; i++) {
        s32 nobody = 0;
        if (!__atomic_compare_exchange_n(&entries[i].pid, &nobody, -1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
        entries[i] = (struct entry){.pid = -1, .foreign = foreign};
        __atomic_add_fetch(&entry_count, 1, __ATOMIC_SEQ_CST);
        __atomic_store_n(&entries[i].pid, pid, __ATOMIC_RELEASE);
        return &entries[i];
    }
    return known;
}

void debugger_forget(s32 pid)
{
    struct entry *e = entry_of(pid);
    if (e == NULL)
        return;
    __atomic_store_n(&e->pid, 0, __ATOMIC_RELEASE);
    __atomic_sub_fetch(&entry_count, 1, __ATOMIC_SEQ_CST);
}

static void forget_all(struct thread *t UNUSED)
{
    if (entry_count > 0)
        memset(entries, 0, sizeof(entries));
    entry_count = listens = 0;
}
ON_FORK_CHILD(forget_all);

/* ---- news -------------------------------------------------------------------------------------------- */

static void announce_news(void)
{
    __atomic_add_fetch(&news, 1, __ATOMIC_SEQ_CST);
    host_call6_plain(__NR_futex, (u64)&news, FUTEX_WAKE_PRIVATE, INT32_MAX, 0, 0, 0);
}

static bool wants_child_signal(struct thread *t, int signal)
{
    return signal == HOST_SIGCHLD && entry_count > 0 && !t->in_vfork_child;
}
WANTS_SIGNAL(wants_child_signal);

static void child_signal(struct thread *t UNUSED, int signal)
{
    if (signal == HOST_SIGCHLD && entry_count > 0)
        announce_news();
}
ON_SIGNAL(child_signal);

bool debugger_nudged(struct thread *t UNUSED, const struct siginfo_host *info)
{
    u32 kind = (u32)info->rt.value;
    bool fresh = kind != NUDGE_LOOK && entry_of(info->rt.pid) == NULL &&
                 add(info->rt.pid, kind == NUDGE_FOLLOW) != NULL;
    if (entry_count > 0)
        announce_news();
    return fresh;
}

void debugger_signal(struct siginfo_host *info)
{
    u64 signal = info->rt.value;
    if (info->code != QUEUED || !is_nudge_value(signal))
        return;
    info->code = HOST_CLD_TRAPPED;
    info->chld.status = (s32)(u32)signal;
    info->chld.utime = info->chld.stime = 0;
}

long target_put(const struct target *target, u64 to, const void *from, size_t n)
{
    return poke(target->pid, to, from, n) ? 0 : -ESRCH;
}

#define PUT(target, member, value)                                                                       \
    target_put(target, (u64)&main_process.debug.member + (u64)(target)->shift, &(value), sizeof(value))

static u64 next_thread(const struct target *target, u64 at, struct thread *state)
{
    u64 threads = 0;
    if (at == 0 && !peek(target->pid, (u64)&main_process.threads + (u64)target->shift, &threads, sizeof(threads)))
        return 0;
    for (;;) {
        at = at == 0 ? threads : (u64)state->next;
        if (at == 0 || !peek(target->pid, at, state, sizeof(*state)))
            return 0;
        if (!state->debug_gone)
            return at;
    }
}

/* ---- being debugged ----------------------------------------------------------------------------------- */

static bool knows_us(s32 parent, s64 shift, s32 pid)
{
    s32 theirs[MOST_DEBUGGEES * sizeof(struct entry) / sizeof(s32)];
    if (!peek(parent, (u64)entries + (u64)shift, theirs, sizeof(theirs)))
        return false;
    for (u32 i = 0; i < MOST_DEBUGGEES; i++)
        if (theirs[i * sizeof(struct entry) / sizeof(s32)] == pid)
            return true;
    return false;
}

/* Any of its threads may be the one that waits for children without knowing that this is not enough now. */
static void nudge_threads(s32 pid, s64 shift, u32 kind)
{
    const struct target target = {.pid = pid, .shift = shift};
    struct thread state;
    for (u64 at = 0; (at = next_thread(&target, at, &state)) != 0;)
        nudge_thread(pid, state.tid, kind);
}

bool debug_register(s32 debugger, u32 kind)
{
    struct debuggee theirs;
    s64 shift = 0;
    while (find_runtime(debugger, &shift, &theirs)) {
        if (knows_us(debugger, shift, main_process.pid))
            return true;
        nudge_threads(debugger, shift, kind);
        wait_a_moment();
    }
    return false;
}

bool debugger_knows(s32 debugger, s32 pid)
{
    struct debuggee theirs;
    s64 shift = 0;
    return find_runtime(debugger, &shift, &theirs) && knows_us(debugger, shift, pid);
}

bool debuggee_is_here(s32 pid)
{
    struct debuggee theirs;
    return debuggee_at(pid, 0, &theirs);
}

long debug_me(struct thread *t)
{
    struct process *p = t->process;
    s32 parent = (s32)host(__NR_getppid);
    struct debuggee theirs;
    s64 shift = 0;

    if (p->debug.debugger != 0)
        return -EBUSY;
    if (t->in_vfork_child) {
        if (add(p->pid, false) == NULL)
            return -ENOMEM;
        announce_news();
        debug_begins(t, parent);
        return 0;
    }
    if (parent <= 1 || !find_runtime(parent, &shift, &theirs))
        return -EPERM;
    if (!debug_register(parent, NUDGE_TRACE_ME))
        return -EPERM;
    debug_begins(t, parent);
    return 0;
}

bool debug_takes_stop(struct thread *t, s32 pid)
{
    struct target target = {.pid = pid};
    const u32 stop = HOST_SIGSTOP;
    if (pid == t->process->pid) {
        if (!is_debugged(t))
            return false;
        t->process->debug.asked_stop = HOST_SIGSTOP;
        hold_signals(t);
        return true;
    }
    if (pid <= 0 || !find_runtime(pid, &target.shift, &target.debug) || target.debug.debugger == 0 ||
        PUT(&target, asked_stop, stop) != 0)
        return false;
    nudge_threads(pid, target.shift, NUDGE_LOOK);
    return true;
}

/* ---- waiting ------------------------------------------------------------------------------------------- */

bool debugger_is_busy(void) { return entry_count > 0; }

const u32 *debugger_news(struct thread *t)
{
    if (!__atomic_exchange_n(&listens, 1, __ATOMIC_SEQ_CST))
        action_refresh(t, HOST_SIGCHLD);
    return &news;
}

static bool is_meant(const struct who *who, s32 pid)
{
    if (who->kind == P_PID)
        return pid == who->id;
    return who->kind == P_ALL || host(__NR_getpgid, pid) == (who->id != 0 ? who->id : host(__NR_getpgid, 0));
}

static void describe(struct siginfo_host *info, s32 pid, s32 code, s32 status)
{
    *info = (struct siginfo_host){.signo = HOST_SIGCHLD, .code = code};
    info->chld.pid = pid;
    info->chld.status = status;
}

static void release_leaving(const struct entry *e, const struct debuggee *d)
{
    u32 resumed = d->resumed + 1;
    poke(e->pid, (u64)&main_process.debug.resumed + (u64)e->shift, &resumed, sizeof(resumed));
    nudge_process(e->pid, NUDGE_LOOK);
}

static void note_death(s32 pid)
{
    struct entry *e = entry_of(pid);
    if (e != NULL)
        __atomic_store_n(&e->dead, 1, __ATOMIC_SEQ_CST);
    announce_news();
}

static bool look_at(struct entry *e, s32 pid, bool keep, struct siginfo_host *info)
{
    struct debuggee d;
    if (e->foreign && !e->watched) {
        e->watched = 1;
        watch_process(pid, note_death);
    }
    if (e->foreign && e->dead) {
        describe(info, pid, HOST_CLD_KILLED, HOST_SIGKILL);
        if (!keep)
            debugger_forget(pid);
        return true;
    }
    if (!find_runtime(pid, &e->shift, &d) || d.debugger != main_process.pid)
        return false;
    if (e->foreign && d.leaving) {
        describe(info, pid, d.leaving_code, d.leaving_status);
        if (!keep) {
            release_leaving(e, &d);
            debugger_forget(pid);
        }
        return true;
    }
    struct debuggee_thread reporter;
    struct target target = {pid, e->shift, d};
    if (d.stopped == d.resumed || d.stopped == e->reported || target_thread(&target, 0, &reporter) != 0)
        return false;
    if (!keep)
        e->reported = d.stopped;
    describe(info, pid, HOST_CLD_TRAPPED, reporter.park.signal);
    return true;
}

s32 debugger_look(const struct who *who, bool keep, struct siginfo_host *info)
{
    for (u32 i = 0; i < MOST_DEBUGGEES; i++) {
        s32 pid = __atomic_load_n(&entries[i].pid, __ATOMIC_ACQUIRE);
        if (pid > 0 && is_meant(who, pid) && look_at(&entries[i], pid, keep, info))
            return pid;
    }
    return 0;
}

bool debugger_awaits(const struct who *who)
{
    for (u32 i = 0; i < MOST_DEBUGGEES; i++) {
        s32 pid = __atomic_load_n(&entries[i].pid, __ATOMIC_ACQUIRE);
        if (pid > 0 && entries[i].foreign && is_meant(who, pid))
            return true;
    }
    return false;
}

/* ---- one debuggee --------------------------------------------------------------------------------------- */

long target_threads(const struct target *target, s32 *tids, u32 room)
{
    struct thread state;
    u32 n = 0;
    for (u64 at = 0; (at = next_thread(target, at, &state)) != 0; n++)
        if (n < room)
            tids[n] = state.tid;
    return n;
}

long target_thread(const struct target *target, s32 tid, struct debuggee_thread *thread)
{
    u64 at = 0;
    while ((at = next_thread(target, at, &thread->state)) != 0)
        if (tid != 0 ? thread->state.tid == tid : at == (u64)target->debug.reporter)
            break;
    if (at == 0)
        return -ESRCH;
    thread->at = at;
    thread->park_at = (u64)thread->state.park;
    thread->frame_at = (u64)thread->state.frame;
    thread->park = (struct park){.event = 0};
    if (thread->park_at != 0) {
        if (!peek(target->pid, thread->park_at, &thread->park, sizeof(thread->park)))
            return -ESRCH;
        thread->frame_at = (u64)thread->park.frame;
    }
    return peek(target->pid, thread->frame_at, &thread->frame, sizeof(thread->frame)) ? 0 : -ESRCH;
}

/* Ours is asked first: a thread's number is most often that of its process. */
static s32 process_of(s32 id)
{
    s32 tids[256];
    if (entry_of(id) != NULL)
        return id;
    for (u32 i = 0; i < MOST_DEBUGGEES && entry_count > 0; i++) {
        struct target target = {.pid = entries[i].pid, .shift = entries[i].shift};
        if (target.pid <= 0 || !find_runtime(target.pid, &target.shift, &target.debug))
            continue;
        long n = target_threads(&target, tids, ARRAY_LENGTH(tids));
        for (long k = 0; k < n && k < (long)ARRAY_LENGTH(tids); k++)
            if (tids[k] == id)
                return target.pid;
    }
    return id;
}

long target_open(s32 id, struct target *target)
{
    s32 pid = process_of(id);
    struct entry *e = entry_of(pid);
    target->pid = pid;
    target->shift = e != NULL ? e->shift : 0;
    if (pid <= 0 || host(__NR_kill, pid, 0) == -ESRCH)
        return -ESRCH;
    if (!find_runtime(pid, &target->shift, &target->debug))
        return e != NULL ? -ESRCH : -EPERM; /* ours, and it ends just now; or it never was any guest's */
    const struct debuggee *d = &target->debug;
    if (d->debugger == 0)
        return -EPERM;
    if (e == NULL || d->debugger != main_process.pid)
        return -EBUSY;
    return d->stopped == d->resumed || d->stopped != e->reported ? -EBUSY : 0;
}

long target_read(const struct target *target, u64 from, void *to, size_t n)
{
    long r = move_memory(__NR_process_vm_readv, target->pid, from, to, n);
    return is_error(r) ? -EFAULT : r;
}

/* The host writes to what is mapped read-only through /proc alone, and gives the process a copy of the page. */
long target_write(const struct target *target, u64 to, const void *from, size_t n)
{
    char path[32];
    long r = move_memory(__NR_process_vm_writev, target->pid, to, (void *)from, n);
    if (r == (long)n)
        return r;
    format(path, sizeof(path), "/proc/%d/mem", target->pid);
    long fd = host(__NR_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (is_error(fd))
        return -EFAULT;
    r = host(__NR_pwrite64, fd, from, n, to);
    host(__NR_close, fd);
    return is_error(r) ? -EFAULT : r;
}

long target_set_events(struct target *target, u32 events)
{
    target->debug.events = events;
    return PUT(target, events, events);
}

long target_resume(struct target *target, s32 signal, bool detach)
{
    struct debuggee_thread reporter;
    s32 nobody = 0;
    long r = target_thread(target, 0, &reporter);
    if (r == 0)
        r = target_put(target, reporter.park_at + offsetof(struct park, signal), &signal, sizeof(signal));
    if (r == 0 && detach)
        r = PUT(target, debugger, nobody);
    if (r == 0)
        r = PUT(target, resumed, target->debug.stopped);
    if (r != 0)
        return r;
    nudge_thread(target->pid, target->debug.stopping, NUDGE_LOOK);
    if (detach)
        debugger_forget(target->pid);
    return 0;
}

static bool is_child(s32 pid)
{
    struct siginfo_host info;
    return host(__NR_waitid, P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL, 0) == 0;
}

long debugger_attach(struct thread *t, s32 pid)
{
    struct target target = {.pid = pid};
    const u32 events = DEBUG_EXEC, stop = HOST_SIGSTOP;
    const s32 self = t->process->pid;

    if (pid == self)
        return -EINVAL;
    long r = pid <= 0 ? -ESRCH : host(__NR_kill, pid, 0);
    if (r != 0)
        return r;
    if (!await_runtime(pid, &target.shift, &target.debug))
        return -EPERM;
    if (target.debug.debugger != 0)
        return -EBUSY;
    struct entry *e = add(pid, !is_child(pid));
    if (e == NULL)
        return -ENOMEM;
    e->shift = target.shift;
    e->reported = target.debug.stopped;
    r = PUT(&target, events, events);
    if (r == 0)
        r = PUT(&target, asked_stop, stop);
    if (r == 0)
        r = PUT(&target, debugger, self);
    if (r != 0) {
        debugger_forget(pid);
        return r;
    }
    nudge_threads(pid, target.shift, NUDGE_LOOK);
    return 0;
}
