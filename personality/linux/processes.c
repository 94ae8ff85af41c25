/* Making threads and processes, replacing programs, and ending either. */
#include "linux.h"
#include <asm/prctl.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/reboot.h>
#include <linux/sched.h>

/* ---- clone ---------------------------------------------------------------------------------------- */

static long clone_process(struct thread *t, struct frame *f, const struct clone_request *c, u64 stack)
{
    struct frame start = *f;

    if (c->flags & CLONE_SIGHAND)
        return -EINVAL;
    if (stack != 0)
        start.rsp = stack;
    if (c->flags & CLONE_VM)
        return process_clone(t, &start, FORK_SHARE, c);
    long pid = process_clone(t, &start, FORK_COPY, c);
    if (pid == 0)
        f->rsp = start.rsp;
    return pid;
}

static long clone_thread(struct thread *t, const struct frame *f, const struct clone_request *c, u64 stack)
{
    const u64 needed = CLONE_VM | CLONE_SIGHAND;
    struct frame start = *f;

    if ((c->flags & needed) != needed || (c->flags & CLONE_VFORK))
        return -EINVAL;
    if (stack != 0)
        start.rsp = stack;
    start.rax = 0;
    return thread_clone(t, &start, c);
}

static long clone_with(struct thread *t, struct frame *f, struct clone_request *c, u64 stack)
{
    if (c->flags & CLONE_THREAD)
        return clone_thread(t, f, c, stack);
    if ((c->flags & (CLONE_SIGHAND | CLONE_VM | CLONE_VFORK)) == (CLONE_SIGHAND | CLONE_VM | CLONE_VFORK))
        c->flags &= ~(u64)CLONE_SIGHAND; /* until its exec the child has a copy of the actions */
    return clone_process(t, f, c, stack);
}

long linux_sys_clone(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct clone_request c = {.flags = (u32)a[0], .parent_tid = a[2], .child_tid = a[3], .tls = a[4]};
    return clone_with(t, f, &c, a[1]);
}

static void default_actions(struct thread *t)
{
    const struct guest_action dfl = {0};
    for (int signal = 1; signal <= HOST_SIGNALS; signal++)
        if (t->process->actions[signal].handler > GUEST_SIG_IGN)
            action_set(t, signal, &dfl, NULL);
}

static long read_arguments(struct linux_clone_args *args, u64 at, u64 size)
{
    u64 more;

    memset(args, 0, sizeof(*args));
    if (size < 64 || size > PAGE)
        return size < 64 ? -EINVAL : -E2BIG;
    for (u64 offset = sizeof(*args); offset + 8 <= size; offset += 8)
        if (get_u64(at + offset, &more) != 0 || more != 0)
            return -E2BIG;
    return copy_in(args, at, size < sizeof(*args) ? size : sizeof(*args));
}

/* Choosing the child's pid or cgroup is refused as by a kernel that is older than that. */
long linux_sys_clone3(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    const u64 known = 0xffffffffUL | CLONE_CLEAR_SIGHAND;
    struct linux_clone_args args;

    long r = read_arguments(&args, a[0], a[1]);
    if (r != 0)
        return r;
    if ((args.flags & (~known | CSIGNAL)) || args.exit_signal > HOST_SIGNALS || args.set_tid_size != 0 ||
        (args.stack == 0) != (args.stack_size == 0) ||
        ((args.flags & (CLONE_THREAD | CLONE_PARENT)) && args.exit_signal != 0))
        return -EINVAL;
    struct clone_request c = {
        .flags = (args.flags & 0xffffffff) | args.exit_signal,
        .parent_tid = args.parent_tid, .child_tid = args.child_tid, .tls = args.tls,
        .default_actions = (args.flags & CLONE_CLEAR_SIGHAND) != 0,
    };
    /* clone has one pointer for both. */
    bool both = (args.flags & CLONE_PIDFD) && (args.flags & CLONE_PARENT_SETTID);
    if (args.flags & CLONE_PIDFD) {
        c.parent_tid = args.pidfd;
        c.flags &= ~(u64)CLONE_PARENT_SETTID;
    }
    long pid = clone_with(t, f, &c, args.stack + args.stack_size);
    if (pid > 0 && both)
        (void)put_u32(args.parent_tid, (u32)pid);
    if (pid == 0 && c.default_actions)
        default_actions(t);
    return pid;
}

long linux_sys_fork(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return process_fork(t, f, FORK_COPY, 0);
}

long linux_sys_vfork(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return process_fork(t, f, FORK_SHARE, 0);
}

/* ---- exec and exit ---------------------------------------------------------------------------------- */

static long exec_program(struct thread *t, u64 argv, u64 envp)
{
    struct linux_program program;
    linux_find_program(t, &program);
    long r = process_exec(t, -1, (u64)program.path, argv, envp);
    if (r == -ENOENT && t->process->program_fd >= 0) { /* its file has no name any more */
        format(program.path, sizeof(program.path), "/proc/self/fd/%d", t->process->program_fd);
        r = process_exec(t, -1, (u64)program.path, argv, envp);
    }
    return r;
}

long linux_sys_execve(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (linux_names_program(t, a[0]))
        return exec_program(t, a[1], a[2]);
    return process_exec(t, -1, a[0], a[1], a[2]);
}

/* "directory/name" for a name that is relative to a descriptor. */
static long join_path(char *to, size_t room, s32 directory, const char *name, bool follow)
{
    char link[40];

    format(link, sizeof(link), "/proc/self/fd/%d", directory);
    long n = host(__NR_readlink, link, to, room - 1);
    if (is_error(n))
        return n == -ENOENT ? -EBADF : n;
    if ((u64)n + strlen(name) + 2 > room)
        return -ENAMETOOLONG;
    to[n] = '/';
    memcpy(to + n + 1, name, strlen(name) + 1);
    if (follow)
        return 0;
    long fd = host(__NR_openat, AT_FDCWD, to, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    if (is_error(fd))
        return fd;
    n = host(__NR_readlinkat, fd, "", link, 1);
    host(__NR_close, fd);
    return is_error(n) ? 0 : -ELOOP;
}

long linux_sys_execveat(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    char name[1024], path[2048];
    s32 directory = (s32)a[0];
    u32 flags = (u32)a[4];

    if (flags & ~(u32)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    long n = copy_in_string(name, a[1], sizeof(name));
    if (n < 0)
        return n;
    if (n > 0 && (name[0] == '/' || directory == AT_FDCWD) && !(flags & AT_SYMLINK_NOFOLLOW)) {
        const u64 named[MAX_ARGUMENTS] = {a[1], a[2], a[3]};
        return linux_sys_execve(t, f, named);
    }
    if (directory != AT_FDCWD && fd_is_reserved(t, directory))
        return -EBADF;
    if (n == 0)
        return flags & AT_EMPTY_PATH ? process_exec(t, directory, 0, a[2], a[3]) : -ENOENT;
    long r = join_path(path, sizeof(path), directory, name, !(flags & AT_SYMLINK_NOFOLLOW));
    return r != 0 ? r : process_exec(t, -1, (u64)path, a[2], a[3]);
}

/* The last thread takes the process with it. */
long linux_sys_exit(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (__atomic_load_n(&t->process->thread_count, __ATOMIC_ACQUIRE) == 1)
        process_exit(t, (int)(a[0] & 0xff));
    thread_exit(t);
}

long linux_sys_exit_group(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    process_exit(t, (int)(a[0] & 0xff));
}

/* ---- what a process may set of itself ---------------------------------------------------------------- */

/* Refused: what would take the runtime's own means away.  A kernel without the option says EINVAL. */
long linux_sys_prctl(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    switch ((int)a[0]) {
    case PR_SET_SYSCALL_USER_DISPATCH: /* how calls are caught */
    case PR_SET_SECCOMP: /* a filter would see the host's calls that the runtime makes */
    case PR_SET_MM:      /* describes the runtime's program to the host, not the guest's */
        return -EINVAL;
    }
    return host(__NR_prctl, a[0], a[1], a[2], a[3], a[4]);
}

/* %gs is the runtime's; a program that never set it reads 0. */
long linux_sys_arch_prctl(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    switch ((int)a[0]) {
    case ARCH_SET_FS:
    case ARCH_GET_FS:
    case ARCH_GET_CPUID:
    case ARCH_SET_CPUID:
        return host(__NR_arch_prctl, a[0], a[1]);
    case ARCH_GET_GS:
        return put_u64(a[1], 0);
    }
    return -EINVAL;
}

/* ---- the end of all of them ------------------------------------------------------------------------ */

/* In a zone's pid namespace, as in any, the superuser stops that; all other requests are the host's to refuse. */
long linux_sys_reboot(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 magic = (u32)a[1], what = (u32)a[2];
    bool reboots = what == LINUX_REBOOT_CMD_RESTART || what == LINUX_REBOOT_CMD_RESTART2;
    bool halts = what == LINUX_REBOOT_CMD_HALT || what == LINUX_REBOOT_CMD_POWER_OFF;

    if ((u32)a[0] == LINUX_REBOOT_MAGIC1 && (reboots || halts) &&
        (magic == LINUX_REBOOT_MAGIC2 || magic == LINUX_REBOOT_MAGIC2A || magic == LINUX_REBOOT_MAGIC2B ||
         magic == LINUX_REBOOT_MAGIC2C))
        zone_end(halts ? ZONE_HALT : ZONE_REBOOT); /* returns outside of a zone */
    return host(__NR_reboot, a[0], a[1], a[2], a[3]);
}
