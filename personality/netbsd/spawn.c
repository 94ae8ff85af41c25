/* posix_spawn: a child that does what its parent asked for and executes a program, without the parent's program
 * running in it.  A failure on the way is the call's result. */
#include "files.h"
#include "netbsd.h"
#include "scheduling.h"
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/wait.h>

#define PATH_ROOM 1024
#define MOST_ACTIONS 4096
#define NOT_STARTED 255
#define KEEP (~0U)

struct spawn {
    char path[2 * PATH_ROOM];
    u64 argv, envp;
    struct netbsd_spawn_action *actions;
    u32 count;
    bool has_attributes;
    struct netbsd_spawn_attributes attributes;
};

/* ---- in the parent: everything is read and looked at first ---------------------------------------------- */

static long read_actions(struct spawn *s, u64 at)
{
    struct netbsd_spawn_actions list;

    if (at == 0)
        return 0;
    if (copy_in(&list, at, sizeof(list)) != 0)
        return -EFAULT;
    if (list.len == 0)
        return 0;
    if (list.len > MOST_ACTIONS)
        return -EINVAL;
    size_t size = list.len * sizeof(*s->actions);
    s->actions = runtime_alloc(size);
    if (s->actions == NULL)
        return -ENOMEM;
    s->count = list.len;
    return copy_in(s->actions, list.fae, size);
}

static bool changes_directory(const struct spawn *s)
{
    for (u32 i = 0; i < s->count; i++)
        if (s->actions[i].action == NETBSD_FAE_CHDIR || s->actions[i].action == NETBSD_FAE_FCHDIR)
            return true;
    return false;
}

/* The program is the one that the name means in the parent's directory. */
static long read_path(struct spawn *s, u64 at)
{
    char name[PATH_ROOM];
    long r = copy_in_string(name, at, sizeof(name));

    if (r < 0)
        return r;
    s->path[0] = 0;
    if (name[0] != '/' && changes_directory(s)) {
        r = host(__NR_getcwd, s->path, PATH_ROOM);
        if (r < 0)
            return r;
        s->path[r - 1] = '/';
        s->path[r] = 0;
    }
    memcpy(s->path + strlen(s->path), name, strlen(name) + 1);
    r = host(__NR_faccessat, LINUX_AT_FDCWD, s->path, 1 /* X_OK */);
    return is_error(r) ? r : 0;
}

static long read_request(struct spawn *s, const u64 a[MAX_ARGUMENTS])
{
    long r = read_actions(s, a[2]);

    if (r == 0)
        r = read_path(s, a[1]);
    if (r == 0 && a[3] != 0) {
        s->has_attributes = true;
        r = copy_in(&s->attributes, a[3], sizeof(s->attributes));
    }
    s->argv = a[4];
    s->envp = a[5];
    return r;
}

/* ---- in the child ---------------------------------------------------------------------------------------- */

static long open_as(struct thread *t, struct frame *f, const struct netbsd_spawn_action *action)
{
    const u64 close[MAX_ARGUMENTS] = {(u64)action->fildes};
    const u64 open[MAX_ARGUMENTS] = {action->path, (u64)action->oflag, action->mode};

    if (!is_error(host(__NR_fcntl, action->fildes, LINUX_F_GETFD, 0)))
        netbsd_sys_close(t, f, close);
    long fd = netbsd_sys_open(t, f, open);
    if (is_error(fd) || fd == action->fildes)
        return is_error(fd) ? fd : 0;
    long r = duplicate_onto(t, (int)fd, action->fildes, 0);
    host(__NR_close, fd);
    return is_error(r) ? r : 0;
}

static long carry_out(struct thread *t, struct frame *f, const struct netbsd_spawn_action *action)
{
    const u64 descriptor[MAX_ARGUMENTS] = {(u64)action->fildes};
    long r;

    switch (action->action) {
    case NETBSD_FAE_OPEN:
        return open_as(t, f, action);
    case NETBSD_FAE_DUP2: /* the new number lies where the others have a path */
        r = duplicate_onto(t, action->fildes, (s32)action->path, 0);
        return is_error(r) ? r : 0;
    case NETBSD_FAE_CLOSE:
        return netbsd_sys_close(t, f, descriptor);
    case NETBSD_FAE_CHDIR:
        return host(__NR_chdir, action->path);
    case NETBSD_FAE_FCHDIR:
        return host(__NR_fchdir, action->fildes);
    default:
        return 0;
    }
}

static long reset_ids(void)
{
    long r = host(__NR_setresgid, KEEP, host(__NR_getgid), KEEP);
    return r != 0 ? r : host(__NR_setresuid, KEEP, host(__NR_getuid), KEEP);
}

static void default_signals(struct thread *t, u64 set)
{
    const struct guest_action dfl = {0};

    for (int signal = 1; signal <= HOST_SIGNALS; signal++)
        if (set & signal_bit(signal))
            action_set(t, signal, &dfl, NULL);
}

static long apply_attributes(struct thread *t, const struct netbsd_spawn_attributes *x)
{
    u32 flags = (u16)x->flags;
    long r = 0;

    if (flags & NETBSD_POSIX_SPAWN_SETPGROUP)
        r = host(__NR_setpgid, 0, x->pgroup);
    if (r == 0 && (flags & NETBSD_POSIX_SPAWN_SETSCHEDULER))
        r = scheduling_set(t->process->pid, x->schedpolicy, x->schedparam.priority);
    else if (r == 0 && (flags & NETBSD_POSIX_SPAWN_SETSCHEDPARAM))
        r = scheduling_set(t->process->pid, NETBSD_SCHED_NONE, x->schedparam.priority);
    if (r == 0 && (flags & NETBSD_POSIX_SPAWN_RESETIDS))
        r = reset_ids();
    if (r != 0)
        return r;
    if (flags & NETBSD_POSIX_SPAWN_SETSIGMASK)
        mask_set(t, netbsd_sigset_to_host(&x->sigmask));
    if (flags & NETBSD_POSIX_SPAWN_SETSIGDEF)
        default_signals(t, netbsd_sigset_to_host(&x->sigdefault));
    return 0;
}

static long become_program(struct thread *t, struct frame *f, const struct spawn *s)
{
    long r = 0;

    for (u32 i = 0; r == 0 && i < s->count; i++)
        r = carry_out(t, f, &s->actions[i]);
    if (r == 0 && s->has_attributes)
        r = apply_attributes(t, &s->attributes);
    return r != 0 ? r : process_exec(t, -1, (u64)s->path, s->argv, s->envp);
}

/* ---- both ------------------------------------------------------------------------------------------------ */

static s32 guest_errno(long r) { return is_guest_errno(r) ? (s32)guest_errno_of(r) : netbsd_errno_from_host((int)-r); }

/* `failure` is a word that both processes see.  The parent sleeps until the child is another program or is gone. */
static long spawn(struct thread *t, struct frame *f, const struct spawn *s, s64 *failure)
{
    const struct clone_request c = {.flags = CLONE_VFORK | 17 /* SIGCHLD */};
    struct siginfo_host info;

    long pid = process_clone(t, f, FORK_COPY, &c);
    if (pid == 0) {
        *failure = become_program(t, f, s);
        process_exit(t, NOT_STARTED);
    }
    if (is_error(pid) || *failure == 0)
        return pid;
    host(__NR_waitid, P_PID, pid, &info, WEXITED | __WALL, 0);
    return *failure;
}

long netbsd_sys_posix_spawn(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct spawn *s = runtime_alloc(sizeof(*s));
    long shared = host(__NR_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long r = s == NULL || is_error(shared) ? -ENOMEM : read_request(s, a);

    if (r == 0)
        r = spawn(t, f, s, (s64 *)shared);
    if (!is_error(shared))
        host(__NR_munmap, shared, PAGE);
    if (s != NULL)
        runtime_free(s->actions);
    runtime_free(s);
    if (is_error(r))
        return guest_errno(r); /* an error number is the result */
    return a[0] != 0 && put_u32(a[0], (u32)r) != 0 ? NETBSD_EFAULT : 0;
}
