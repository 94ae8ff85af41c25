/* ptrace(2): sys_ptrace and kern_ptrace of sys/kern/sys_process.c, over what debugger.h offers.
 *
 * A process's number stands for the thread that reported, where the kernel tells that apart from the first
 * thread by its number: PT_LWPINFO and PT_GET_SC_ARGS.  Everywhere else it is the thread of that number, or, where
 * that has ended, the one that reported. */
#include "ptrace.h"
#include <linux/fcntl.h>

#define SAME_PLACE 1                /* an address to go on from that is none */
#define EVENTS_KNOWN                                                                                        \
    (FREEBSD_PTRACE_EXEC | FREEBSD_PTRACE_SCE | FREEBSD_PTRACE_SCX | FREEBSD_PTRACE_FORK | FREEBSD_PTRACE_LWP | \
     FREEBSD_PTRACE_VFORK)
#define MOST_THREADS 1024
#define CHUNK 4096UL

_Static_assert(FREEBSD_PTRACE_EXEC == DEBUG_EXEC && FREEBSD_PTRACE_SCE == DEBUG_ENTER &&
               FREEBSD_PTRACE_SCX == DEBUG_LEAVE && FREEBSD_PTRACE_FORK == DEBUG_FORK &&
               FREEBSD_PTRACE_LWP == DEBUG_THREADS && FREEBSD_PTRACE_VFORK == DEBUG_VFORK, "events");
_Static_assert(FREEBSD_PL_FLAG_SCE == STOP_ENTER && FREEBSD_PL_FLAG_SCX == STOP_LEAVE &&
               FREEBSD_PL_FLAG_EXEC == STOP_EXEC && FREEBSD_PL_FLAG_FORKED == STOP_FORKED &&
               FREEBSD_PL_FLAG_CHILD == STOP_CHILD && FREEBSD_PL_FLAG_BORN == STOP_BORN &&
               FREEBSD_PL_FLAG_EXITED == STOP_EXITS && FREEBSD_PL_FLAG_VFORKED == STOP_VFORKED &&
               FREEBSD_PL_FLAG_VFORK_DONE == STOP_VFORK_DONE, "reasons");

/* ---- memory ----------------------------------------------------------------------------------------- */

static long move_word(struct frame *f, const struct target *target, bool set, u64 at, s32 data)
{
    s32 word = data;
    long r = set ? target_write(target, at, &word, sizeof(word)) : target_read(target, at, &word, sizeof(word));
    if (r != sizeof(word))
        return -ENOMEM;
    return set ? 0 : bsd_signed_result(f, (long)(s64)word);
}

static long move_bytes(const struct target *target, u64 at)
{
    struct freebsd_ptrace_io_desc io;
    u8 chunk[CHUNK];
    u64 done = 0;
    long r = 0;

    if (copy_in(&io, at, sizeof(io)) != 0)
        return -EFAULT;
    if (io.op < FREEBSD_PIOD_READ_D || io.op > FREEBSD_PIOD_WRITE_I)
        return -EINVAL;
    bool write = io.op == FREEBSD_PIOD_WRITE_D || io.op == FREEBSD_PIOD_WRITE_I;
    while (r == 0 && done < io.len) {
        u64 from = io.offs + done, n = CHUNK - from % CHUNK;
        if (n > io.len - done)
            n = io.len - done;
        if (write && copy_in(chunk, io.addr + done, n) != 0)
            r = -EFAULT;
        else if ((write ? target_write(target, from, chunk, n) : target_read(target, from, chunk, n)) != (long)n)
            r = -EFAULT;
        else if (!write && copy_out(io.addr + done, chunk, n) != 0)
            r = -EFAULT;
        else
            done += n;
    }
    io.len = done;
    return r ?: copy_out(at, &io, sizeof(io));
}

struct search {
    struct freebsd_ptrace_vm_entry *entry;
    s32 index;
    char path[1024];
    bool found;
};

static bool visit_entry(const struct host_mapping *m, void *context)
{
    struct search *s = context;
    if (s->index++ != s->entry->entry)
        return true;
    s->found = true;
    s->entry->start = m->low;
    s->entry->end = m->high - 1;
    s->entry->offset = m->offset;
    s->entry->prot = (u32)(m->mode[0] == 'r') | (u32)(m->mode[1] == 'w') << 1 | (u32)(m->mode[2] == 'x') << 2;
    s->entry->fileid = m->inode != 0 ? (s64)m->inode : -1;
    s->entry->fsid = m->inode != 0 ? (u32)(m->major << 8 | m->minor) : (u32)-1;
    s->path[0] = 0;
    if (m->path[0] == '/' && strlen(m->path) < sizeof(s->path))
        memcpy(s->path, m->path, strlen(m->path) + 1);
    return false;
}

static bool hash_entry(const struct host_mapping *m, void *context)
{
    u32 *hash = context;
    *hash = (*hash * 31 + (u32)(m->low >> 12)) * 31 + (u32)(m->high >> 12) + (u32)m->mode[1];
    return true;
}

static long timestamp(const struct target *target)
{
    u32 hash = 0;
    long r = each_mapping_of(target->pid, hash_entry, &hash);
    return r != 0 ? r : (long)(hash & 0x7fffffff);
}

static long map_entry(const struct target *target, u64 at)
{
    struct freebsd_ptrace_vm_entry entry;
    struct search search = {.entry = &entry};

    if (copy_in(&entry, at, sizeof(entry)) != 0)
        return -EFAULT;
    if (entry.entry < 0)
        return -EINVAL;
    long r = each_mapping_of(target->pid, visit_entry, &search);
    if (r != 0)
        return r;
    if (!search.found)
        return search.index == entry.entry ? -ENOENT : -EINVAL;
    entry.entry++;
    entry.timestamp = (s32)timestamp(target);
    u32 room = entry.pathlen;
    entry.pathlen = room != 0 && search.path[0] != 0 ? (u32)strlen(search.path) + 1 : 0;
    if (entry.pathlen > room)
        r = -ENAMETOOLONG;
    else if (entry.pathlen != 0 && copy_out(entry.path, search.path, entry.pathlen) != 0)
        r = -EFAULT;
    return r ?: copy_out(at, &entry, sizeof(entry));
}

/* ---- threads ---------------------------------------------------------------------------------------- */

static void thread_name(const struct target *target, s32 tid, u8 name[20])
{
    char path[48];
    format(path, sizeof(path), "/proc/%d/task/%d/comm", target->pid, tid);
    long fd = host(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (is_error(fd))
        return;
    long n = host(__NR_read, fd, name, 19);
    host(__NR_close, fd);
    if (n > 0)
        name[n - 1] = 0; /* the end of the line */
}

static bool is_fault(const struct siginfo_host *info)
{
    return info->code > 0 && (info->signo == 4 || info->signo == 5 || info->signo == 7 || info->signo == 8 ||
                              info->signo == 11);
}

static void fill_siginfo(struct freebsd_siginfo *to, const struct debuggee_thread *thread)
{
    const struct siginfo_host *from = &thread->park.info;
    freebsd_siginfo(to, from);
    if (!is_fault(from))
        return;
    to->addr = from->fault.addr;
    if (to->signo == FREEBSD_SIGTRAP) {
        to->code = from->code == FREEBSD_TRAP_TRACE ? FREEBSD_TRAP_TRACE : FREEBSD_TRAP_BRKPT;
        to->addr = thread->frame.rip;
    }
}

static long thread_info(const struct target *target, const struct debuggee_thread *thread, u64 at, s32 size)
{
    struct freebsd_ptrace_lwpinfo info = {.lwpid = thread->state.tid};
    const struct park *park = &thread->park;

    if (size <= 0 || size > (s32)sizeof(info))
        return -EINVAL;
    if (park->event) {
        info.event = FREEBSD_PL_EVENT_SIGNAL;
        info.flags = (s32)park->flags;
        info.child_pid = park->child;
        if (park->info.signo != 0 && size >= (s32)offsetof(struct freebsd_ptrace_lwpinfo, tdname)) {
            info.flags |= FREEBSD_PL_FLAG_SI;
            fill_siginfo(&info.siginfo, thread);
        }
        if (is_in_call(thread)) {
            info.syscall_code = park->number;
            info.syscall_narg = park->count;
        }
    }
    freebsd_sigset_from_host(thread->state.mask, &info.sigmask);
    freebsd_sigset_from_host(park->pending, &info.siglist);
    thread_name(target, thread->state.tid, info.tdname);
    return copy_out(at, &info, (size_t)size);
}

static long thread_list(const struct target *target, u64 at, s32 room)
{
    s32 tids[MOST_THREADS];
    if (room <= 0)
        return -EINVAL;
    long n = target_threads(target, tids, MOST_THREADS);
    if (n > room)
        n = room;
    if (n > MOST_THREADS)
        n = MOST_THREADS;
    return copy_out(at, tids, (size_t)n * sizeof(tids[0])) ?: n;
}

static long call_arguments(const struct debuggee_thread *thread, u64 at, s32 size)
{
    u64 arguments[STOP_ARGUMENTS] = {0};
    const struct park *park = &thread->park;
    if (!is_in_call(thread))
        return -EINVAL;
    memcpy(arguments, park->arguments, (park->count < STOP_ARGUMENTS ? park->count : STOP_ARGUMENTS) * sizeof(u64));
    return copy_out(at, arguments, (u64)(u32)size < sizeof(arguments) ? (u64)(u32)size : sizeof(arguments));
}

static long suspend(const struct target *target, const struct debuggee_thread *thread, u32 held)
{
    return target_put(target, thread->at + offsetof(struct thread, debug_suspended), &held, sizeof(held));
}

/* ---- going on ----------------------------------------------------------------------------------------- */

static long go_on(struct target *target, struct debuggee_thread *thread, u32 request, u64 at, s32 data)
{
    long r = 0;
    s32 signal = data == 0 ? 0 : freebsd_signal_to_host(data);
    u32 events = target->debug.events;

    if (data < 0 || data > FREEBSD_MAXSIG || (data != 0 && signal == 0))
        return -EINVAL;
    switch (request) {
    case FREEBSD_PT_STEP:
        r = registers_step(target, thread, true);
        break;
    case FREEBSD_PT_TO_SCE:
        events |= FREEBSD_PTRACE_SCE;
        break;
    case FREEBSD_PT_TO_SCX:
        events |= FREEBSD_PTRACE_SCX;
        break;
    case FREEBSD_PT_SYSCALL:
        events |= FREEBSD_PTRACE_SCE | FREEBSD_PTRACE_SCX;
        break;
    }
    if (r == 0 && request != FREEBSD_PT_STEP && request != FREEBSD_PT_DETACH && at != SAME_PLACE) {
        thread->frame.rip = at;
        r = target_put(target, thread->frame_at, &thread->frame, sizeof(thread->frame));
    }
    if (r == 0 && events != target->debug.events)
        r = target_set_events(target, events);
    return r ?: target_resume(target, signal, request == FREEBSD_PT_DETACH);
}

static long change_events(struct target *target, u32 bit, bool on)
{
    return target_set_events(target, on ? target->debug.events | bit : target->debug.events & ~bit);
}

static long event_mask(struct target *target, bool set, u64 at, s32 size)
{
    u32 mask;
    if (size != sizeof(mask))
        return -EINVAL;
    if (!set)
        return put_u32(at, target->debug.events);
    if (get_u32(at, &mask) != 0)
        return -EFAULT;
    if (mask & ~EVENTS_KNOWN)
        return -EINVAL;
    return target_set_events(target, mask);
}

/* ---- the call ------------------------------------------------------------------------------------------- */

static bool means_reporter(u32 request)
{
    return request == FREEBSD_PT_LWPINFO || request == FREEBSD_PT_GET_SC_ARGS;
}

static long find_thread(const struct target *target, s32 id, u32 request, struct debuggee_thread *thread)
{
    long r = -ESRCH;
    if (id != target->pid || !means_reporter(request))
        r = target_thread(target, id, thread);
    return r != 0 && id == target->pid ? target_thread(target, 0, thread) : r;
}

static long serve(struct frame *f, struct target *target, struct debuggee_thread *thread, u32 request, u64 at,
                  s32 data)
{
    switch (request) {
    case FREEBSD_PT_READ_I:
    case FREEBSD_PT_READ_D:
        return move_word(f, target, false, at, 0);
    case FREEBSD_PT_WRITE_I:
    case FREEBSD_PT_WRITE_D:
        return move_word(f, target, true, at, data);
    case FREEBSD_PT_IO:
        return move_bytes(target, at);
    case FREEBSD_PT_STEP:
    case FREEBSD_PT_CONTINUE:
    case FREEBSD_PT_TO_SCE:
    case FREEBSD_PT_TO_SCX:
    case FREEBSD_PT_SYSCALL:
    case FREEBSD_PT_DETACH:
        return go_on(target, thread, request, at, data);
    case FREEBSD_PT_KILL:
        return host(__NR_kill, target->pid, 9);
    case FREEBSD_PT_LWPINFO:
        return thread_info(target, thread, at, data);
    case FREEBSD_PT_GETNUMLWPS:
        return target_threads(target, NULL, 0);
    case FREEBSD_PT_GETLWPLIST:
        return thread_list(target, at, data);
    case FREEBSD_PT_SETSTEP:
    case FREEBSD_PT_CLEARSTEP:
        return registers_step(target, thread, request == FREEBSD_PT_SETSTEP);
    case FREEBSD_PT_SUSPEND:
    case FREEBSD_PT_RESUME:
        return suspend(target, thread, request == FREEBSD_PT_SUSPEND);
    case FREEBSD_PT_FOLLOW_FORK:
        return change_events(target, FREEBSD_PTRACE_FORK, data != 0);
    case FREEBSD_PT_LWP_EVENTS:
        return change_events(target, FREEBSD_PTRACE_LWP, data != 0);
    case FREEBSD_PT_GET_EVENT_MASK:
    case FREEBSD_PT_SET_EVENT_MASK:
        return event_mask(target, request == FREEBSD_PT_SET_EVENT_MASK, at, data);
    case FREEBSD_PT_GET_SC_ARGS:
        return call_arguments(thread, at, data);
    case FREEBSD_PT_VM_TIMESTAMP:
        return timestamp(target);
    case FREEBSD_PT_VM_ENTRY:
        return map_entry(target, at);
    default:
        return registers_request(target, thread, request, at, data);
    }
}

long freebsd_sys_ptrace(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    u32 request = (u32)a[0];
    struct target target;
    struct debuggee_thread thread;

    if (request == FREEBSD_PT_TRACE_ME)
        return debug_me(t);
    if (t->in_vfork_child)
        return -EPERM;
    if (request == FREEBSD_PT_ATTACH)
        return debugger_attach(t, (s32)a[1]);
    long r = target_open((s32)a[1], &target);
    if (r == 0)
        r = find_thread(&target, (s32)a[1], request, &thread);
    return r ?: serve(f, &target, &thread, request, a[2], (s32)a[3]);
}
