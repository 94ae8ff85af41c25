/* Reapers: processes that inherit the orphans among their descendants.  The host calls them subreapers, and
 * leaves it to them to know who descends from whom, which is read from /proc here. */
#include "reaper.h"
#include "freebsd.h"
#include "tasks.h"
#include <linux/fcntl.h>
#include <linux/prctl.h>

#define MOST 4096 /* processes that are looked at */

struct relative {
    s32 pid, parent, subtree; /* subtree: the reaper's child it descends from; 0: none */
    char state;
};

struct family {
    struct relative *all;
    u32 count;
};

/* "pid (name) state ppid ..."; the name may hold anything. */
static bool read_stat(s32 pid, struct relative *r)
{
    char path[32], text[256];

    format(path, sizeof(path), "/proc/%d/stat", pid);
    long fd = host(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (is_error(fd))
        return false;
    long n = host(__NR_read, fd, text, sizeof(text) - 1);
    host(__NR_close, fd);
    if (n <= 0)
        return false;
    text[n] = 0;
    while (n > 0 && text[n - 1] != ')')
        n--;
    if (n == 0 || (size_t)n + 3 >= strlen(text))
        return false;
    *r = (struct relative){.pid = pid, .state = text[n + 1]};
    for (const char *at = text + n + 3; *at >= '0' && *at <= '9'; at++)
        r->parent = r->parent * 10 + (*at - '0');
    return true;
}

static long collect(s32 pid, const void *argument)
{
    struct family *family = *(struct family *const *)argument;
    if (family->count < MOST && read_stat(pid, &family->all[family->count]))
        family->count++;
    return 0;
}

static s32 subtree_of(const struct family *family, s32 reaper, const struct relative *one)
{
    if (one->parent == reaper)
        return one->pid;
    for (u32 i = 0; i < family->count; i++)
        if (family->all[i].pid == one->parent)
            return family->all[i].subtree;
    return 0;
}

/* Marks the descendants of `reaper`, until a pass finds no more. */
static long read_family(s32 reaper, struct family *family)
{
    struct family *self = family;
    bool more;

    family->count = 0;
    family->all = runtime_alloc(MOST * sizeof(*family->all));
    if (family->all == NULL)
        return -ENOMEM;
    long r = for_each_process(collect, &self);
    do {
        more = false;
        for (u32 i = 0; i < family->count; i++) {
            struct relative *one = &family->all[i];
            if (one->subtree != 0)
                continue;
            one->subtree = subtree_of(family, reaper, one);
            more |= one->subtree != 0;
        }
    } while (more);
    return r;
}

static long is_reaper(void)
{
    s32 on = 0;
    long r = host(__NR_prctl, PR_GET_CHILD_SUBREAPER, &on, 0, 0, 0);
    return r != 0 ? r : on != 0;
}

static long status(struct thread *t, const struct family *family, u64 data)
{
    struct freebsd_reaper_status out;
    s32 self = t->process->pid;

    memset(&out, 0, sizeof(out));
    out.flags = is_reaper() == 1 ? FREEBSD_REAPER_STATUS_OWNED : 0;
    out.reaper = out.flags ? self : 1;
    out.pid = -1;
    for (u32 i = 0; i < family->count; i++) {
        const struct relative *one = &family->all[i];
        if (one->subtree == 0)
            continue;
        out.descendants++;
        if (one->parent != self)
            continue;
        out.children++;
        if (out.pid == -1)
            out.pid = one->pid;
    }
    return copy_out(data, &out, sizeof(out));
}

static long list(struct thread *t, const struct family *family, u64 data)
{
    struct freebsd_reaper_pids wanted;
    struct freebsd_reaper_pidinfo info;
    u32 n = 0;

    if (copy_in(&wanted, data, sizeof(wanted)) != 0)
        return -EFAULT;
    for (u32 i = 0; i < family->count && n < wanted.count; i++) {
        const struct relative *one = &family->all[i];
        if (one->subtree == 0)
            continue;
        memset(&info, 0, sizeof(info));
        info.pid = one->pid;
        info.subtree = one->subtree;
        info.flags = FREEBSD_REAPER_PIDINFO_VALID;
        if (one->parent == t->process->pid)
            info.flags |= FREEBSD_REAPER_PIDINFO_CHILD;
        if (one->state == 'Z')
            info.flags |= FREEBSD_REAPER_PIDINFO_ZOMBIE;
        if (one->state == 'T')
            info.flags |= FREEBSD_REAPER_PIDINFO_STOPPED;
        if (copy_out(wanted.pids + (u64)n * sizeof(info), &info, sizeof(info)) != 0)
            return -EFAULT;
        n++;
    }
    /* The rest of the caller's array is marked as not valid. */
    memset(&info, 0, sizeof(info));
    return n < wanted.count ? copy_out(wanted.pids + (u64)n * sizeof(info), &info, sizeof(info)) : 0;
}

static long kill_them(struct thread *t, const struct family *family, u64 data)
{
    struct freebsd_reaper_kill wanted;
    long result = -ESRCH;

    if (copy_in(&wanted, data, sizeof(wanted)) != 0)
        return -EFAULT;
    const u32 known = FREEBSD_REAPER_KILL_CHILDREN | FREEBSD_REAPER_KILL_SUBTREE;
    int signal = freebsd_signal_to_host(wanted.sig);
    if (signal == 0 || (wanted.flags & ~known) || (wanted.flags & known) == known)
        return -EINVAL;
    wanted.killed = 0;
    wanted.fpid = -1;
    for (u32 i = 0; i < family->count; i++) {
        const struct relative *one = &family->all[i];
        if (one->subtree == 0 || one->state == 'Z' ||
            ((wanted.flags & FREEBSD_REAPER_KILL_CHILDREN) && one->parent != t->process->pid) ||
            ((wanted.flags & FREEBSD_REAPER_KILL_SUBTREE) && one->subtree != wanted.subtree))
            continue;
        long r = host(__NR_kill, one->pid, signal);
        if (r == 0) {
            wanted.killed++;
            if (result == -ESRCH)
                result = 0;
        } else if (r != -ESRCH && wanted.fpid == -1) {
            wanted.fpid = one->pid;
            result = r;
        }
    }
    return copy_out(data, &wanted, sizeof(wanted)) != 0 ? -EFAULT : result;
}

long reaper_command(struct thread *t, u32 command, u64 data)
{
    struct family family;
    long r = is_reaper();

    if (r < 0)
        return r;
    if (command == FREEBSD_PROC_REAP_ACQUIRE)
        return r ? -EBUSY : host(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (command == FREEBSD_PROC_REAP_RELEASE)
        return r ? host(__NR_prctl, PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) : -EINVAL;
    r = read_family(t->process->pid, &family);
    if (r == 0 && command == FREEBSD_PROC_REAP_STATUS)
        r = status(t, &family, data);
    else if (r == 0 && command == FREEBSD_PROC_REAP_GETPIDS)
        r = list(t, &family, data);
    else if (r == 0)
        r = kill_them(t, &family, data);
    runtime_free(family.all);
    return r;
}
