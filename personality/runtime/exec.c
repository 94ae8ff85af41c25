/* Replacing the program: the supervisor plans, and the runtime executes itself with the plan.
 *
 * The file decides which kernel's face the new program gets: a guest image is started by the
 * runtime, a host program by the host, a script by its interpreter.  The guest's argument pointers
 * go to the host as they are; only the environment gets one string more. */
#include "debug.h"
#include "trace.h"
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#define EXEC_GUEST 1
#define EXEC_HOST 2
#define EXEC_SCRIPT 3
#define MAX_SCRIPTS 5
#define MAX_POINTERS (1UL << 20)
#define ACCESS_EXECUTE 1

struct exec {
    char path[1024];
    u64 name[2]; /* the last component of what was asked for, as far as the host keeps it */
    u64 argv, envp; /* guest arrays, or our own copies */
    int image, plan, interpreter, interpreter_plan;
    union {
        char answer[1200];
        char scratch[1200]; /* when the answer was read */
    };
    char personality[32]; /* of the program whose interpreter is looked for */
    bool linkless;        /* no component of the path is a link */
};

static void close_if(int fd)
{
    if (fd >= 0)
        host(__NR_close, fd);
}

static void close_files(struct exec *x)
{
    close_if(x->image);
    close_if(x->plan);
    close_if(x->interpreter);
    close_if(x->interpreter_plan);
    x->image = x->plan = x->interpreter = x->interpreter_plan = -1;
}

/* Keeps fd open if it is a regular file that we may execute; closes it and says why not otherwise. */
static long check_program(long fd)
{
    struct stat s;
    if (is_error(fd))
        return fd;
    long r = host(__NR_fstat, fd, &s);
    if (r == 0 && (s.st_mode & S_IFMT) != S_IFREG)
        r = -EACCES;
    if (r == 0)
        r = host(__NR_faccessat2, fd, "", ACCESS_EXECUTE, AT_EMPTY_PATH | AT_EACCESS);
    if (r == -ENOSYS)
        r = 0; /* before Linux 5.8: the host's execve checks it where it matters */
    if (r != 0) {
        host(__NR_close, fd);
        return r;
    }
    return fd;
}

#define OPEN_PROGRAM (O_RDONLY | O_CLOEXEC | O_NONBLOCK)

static long open_program(const char *path)
{
    return check_program(host(__NR_openat, AT_FDCWD, path, OPEN_PROGRAM, 0));
}

/* The same of a path without links: what it is called is known then.  Any failure: open_program may differ. */
static long open_linkless(const char *path)
{
    const struct open_how how = {.flags = OPEN_PROGRAM, .resolve = RESOLVE_NO_SYMLINKS};
    return check_program(host(__NR_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

/* A descriptor that was opened for execution alone is one of a mere path to the host, and has to be opened
 * again: the image is read. */
static long open_descriptor(int fd)
{
    char link[40];
    long flags = host(__NR_fcntl, fd, F_GETFL, 0);
    if (is_error(flags))
        return flags;
    if (!(flags & O_PATH))
        return check_program(host(__NR_fcntl, fd, F_DUPFD_CLOEXEC, 0));
    format(link, sizeof(link), "/proc/self/fd/%d", fd);
    return open_program(link);
}

static long count_pointers(u64 array)
{
    u64 pointer;
    if (array == 0)
        return 0;
    for (u64 n = 0; n < MAX_POINTERS; n++) {
        if (get_u64(array + 8 * n, &pointer) != 0)
            return -EFAULT;
        if (pointer == 0)
            return (long)n;
    }
    return -E2BIG;
}

/* `front` strings of ours, then the guest's array from its `skip`th pointer on. */
static long join_pointers(struct thread *t, u64 *joined, const u64 *front, u32 count, u64 array, u32 skip)
{
    long n = count_pointers(array);
    if (n < 0)
        return n;
    u64 rest = (u64)n > skip ? (u64)n - skip : 0;
    u64 *all = runtime_alloc(8 + (count + rest + 1) * 8);
    if (all == NULL)
        return -ENOMEM;
    all[0] = (u64)t->exec_memory; /* a list, so that one release frees every array */
    t->exec_memory = all;
    memcpy(all + 1, front, count * 8);
    if (rest > 0 && copy_in(all + 1 + count, array + 8 * skip, rest * 8) != 0)
        return -EFAULT;
    *joined = (u64)(all + 1);
    return 0;
}

void release_exec_memory(struct thread *t)
{
    while (t->exec_memory != NULL) {
        u64 *all = t->exec_memory;
        t->exec_memory = (void *)all[0];
        runtime_free(all);
    }
}

/* A plan that was kept: x->answer gets the interpreter's path, as from the supervisor.  A guest of the
 * host's own kind most often executes another of its kind. */
static bool find_plan(struct thread *t, struct exec *x, int image, bool interpreter, int *plan,
                      struct plan_start *start)
{
    const char *assumed = t->process->assumed;
    char personality[32], variants[2][64] = {"", ""};
    u32 count = 1;
    struct image_key key;
    if (!image_key(image, &key))
        return false;
    if (interpreter) {
        format(variants[0], sizeof(variants[0]), "-interpreter-%s", x->personality);
    } else if (assumed[0] != 0) {
        bool likely = strcmp(assumed, t->personality->name) == 0;
        format(variants[likely ? 0 : 1], sizeof(variants[0]), "-as-%s", assumed);
        count = 2;
    }
    int found = -1;
    for (u32 i = 0; i < count && found < 0; i++)
        found = cached_plan(t->process, &key, variants[i], start);
    if (found < 0)
        return false;
    if (!plan_strings(found, start, x->answer, sizeof(x->answer) - 2, personality, sizeof(personality)) ||
        find_personality(personality) == NULL) {
        host(__NR_close, found);
        return false;
    }
    memcpy(x->personality, personality, sizeof(personality));
    *plan = found;
    return true;
}

static long ask(struct thread *t, struct exec *x, const char *path, int fd, bool interpreter, int *plan)
{
    struct upcall_result result;
    struct plan_start start;
    bool traced = t->process->is_traced && !interpreter;
    u64 args[MAX_ARGUMENTS] = {interpreter, personality_hash(x->personality), traced};
    if (!traced && find_plan(t, x, fd, interpreter, plan, &start))
        return EXEC_GUEST;
    long r = upcall(t, UPCALL_EXEC, args, 0, path, strlen(path) + 1, fd, x->answer, sizeof(x->answer) - 2, &result);
    if (r != 0)
        return r == -ECONNRESET ? -EIO : r;
    x->answer[result.payload] = 0;
    x->answer[result.payload + 1] = 0;
    *plan = result.fds[0];
    if (result.value == EXEC_GUEST && !interpreter &&
        !(plan_read(*plan, &start) &&
          plan_strings(*plan, &start, x->answer, sizeof(x->answer) - 2, x->personality, sizeof(x->personality))))
        return -EIO;
    return result.value;
}

/* x->answer: interpreter NUL optional argument NUL.  The script's path becomes an argument. */
static long enter_script(struct thread *t, struct exec *x)
{
    size_t length = strlen(x->answer), option = strlen(x->answer + length + 1);
    char *text = runtime_alloc(8 + length + option + 2 + sizeof(x->path));
    if (text == NULL)
        return -ENOMEM;
    *(u64 *)text = (u64)t->exec_memory;
    t->exec_memory = text;
    char *interpreter = text + 8, *argument = interpreter + length + 1, *script = argument + option + 1;
    memcpy(interpreter, x->answer, length);
    memcpy(argument, x->answer + length + 1, option);
    memcpy(script, x->path, strlen(x->path));
    u64 front[3] = {(u64)interpreter, (u64)argument, (u64)script};
    if (option == 0)
        front[1] = front[2];
    long r = join_pointers(t, &x->argv, front, option == 0 ? 2 : 3, x->argv, 1);
    if (r == 0)
        memcpy(x->path, interpreter, length + 1);
    return r;
}

/* The host and its guests know programs by the path that was given; the file behind links is found when it is
 * asked for.  With most others the path is to be without links, and with all it has to be absolute. */
static bool keeps_path(const struct process *p, const struct exec *x, const char *personality)
{
    return x->path[0] == '/' && strcmp(personality, p->assumed) == 0;
}

static long open_image(const struct process *p, struct exec *x, int fd)
{
    long r = -ELOOP;
    if (fd >= 0)
        return open_descriptor(fd);
    if (!keeps_path(p, x, p->personality->name))
        r = open_linkless(x->path);
    x->linkless = !is_error(r);
    return is_error(r) ? open_program(x->path) : r;
}

static long plan_program(struct thread *t, struct exec *x, int fd)
{
    for (u32 depth = 0; depth <= MAX_SCRIPTS; depth++) {
        long r = open_image(t->process, x, fd);
        if (is_error(r))
            return r;
        fd = -1;
        x->image = (int)r;
        r = ask(t, x, x->path, x->image, false, &x->plan);
        if (r != EXEC_SCRIPT)
            return r;
        close_files(x);
        r = enter_script(t, x);
        if (r != 0)
            return r;
    }
    return -ELOOP;
}

static long plan_interpreter(struct thread *t, struct exec *x)
{
    char path[sizeof(x->answer)];
    memcpy(path, x->answer, sizeof(path));
    if (path[0] == 0)
        return 0;
    long r = open_program(path);
    if (is_error(r))
        return r;
    x->interpreter = (int)r;
    r = ask(t, x, path, x->interpreter, true, &x->interpreter_plan);
    if (r < 0)
        return r;
    return r == EXEC_GUEST ? 0 : -ENOEXEC;
}

static void pass_on(int fd, bool pass)
{
    if (fd >= 0)
        host(__NR_fcntl, fd, F_SETFD, pass ? 0 : FD_CLOEXEC);
}

static void pass_files(const struct exec *x, bool pass)
{
    pass_on(x->image, pass);
    pass_on(x->plan, pass);
    pass_on(x->interpreter, pass);
    pass_on(x->interpreter_plan, pass);
}

/* The runtime's own descriptors go from guest to guest as they are; the host's programs get none. */
static void pass_reserved(const struct process *p, bool pass)
{
    for (int i = 0; i < p->reserved_count; i++)
        if (!(reserved_own >> i & 1))
            pass_on(p->reserved_base + i, pass);
}

/* Without "." and "..", and with one slash where there are several.  True only of a path without links. */
static void simplify(char *path)
{
    char *to = path;
    for (const char *at = path; *at != 0;) {
        while (*at == '/')
            at++;
        size_t n = 0;
        while (at[n] != 0 && at[n] != '/')
            n++;
        if (n == 2 && at[0] == '.' && at[1] == '.') {
            while (to > path && *--to != '/')
                ;
        } else if (n > 0 && !(n == 1 && at[0] == '.')) {
            *to++ = '/';
            memmove(to, at, n);
            to += n;
        }
        at += n;
    }
    *to = 0;
}

/* The name of a file to which no link leads, without looking in /proc, which takes longer than the rest. */
static bool settle_linkless(struct exec *x)
{
    char *path = x->scratch;
    size_t given = strlen(x->path) + 1;
    long n = 1; /* with its NUL */
    if (!x->linkless)
        return false;
    if (x->path[0] != '/')
        n = host(__NR_getcwd, path, sizeof(x->path));
    if (is_error(n) || (n > 1 && path[0] != '/') || (size_t)n + given > sizeof(x->path))
        return false;
    path[n - 1] = '/';
    memcpy(path + n, x->path, given);
    simplify(path);
    memcpy(x->path, path, strlen(path) + 1);
    return true;
}

/* What the program will be known by: a path that was relative, or a descriptor's, means nothing later. */
static void settle_path(const struct process *p, struct exec *x)
{
    char link[40], *path = x->scratch;
    if (keeps_path(p, x, x->personality) || settle_linkless(x))
        return;
    format(link, sizeof(link), "/proc/self/fd/%d", x->image);
    long n = host(__NR_readlink, link, path, sizeof(x->path) - 1);
    if (n <= 0 || path[0] != '/')
        return;
    path[n] = 0;
    memcpy(x->path, path, (size_t)n + 1);
}

static void remember_name(struct exec *x)
{
    char *name = (char *)x->name;
    const char *last = last_name(x->path);
    for (size_t i = 0; i < sizeof(x->name) - 1 && last[i] != 0; i++)
        name[i] = last[i];
}

static long start_guest(struct thread *t, struct exec *x, u64 ignored)
{
    struct process *p = t->process;
    char string[BOOT_NUMBERS * 17 + sizeof(p->assumed) + sizeof(p->release_of) + sizeof(x->path) + 48];
    settle_path(p, x);
    const u64 numbers[BOOT_NUMBERS] = {
        [BOOT_RUNTIME] = (u64)p->runtime_fd, [BOOT_PLANS] = (u64)p->plans_fd,
        [BOOT_PLAN] = (u64)x->plan, [BOOT_IMAGE] = (u64)x->image,
        [BOOT_INTERPRETER_PLAN] = (u64)x->interpreter_plan, [BOOT_INTERPRETER] = (u64)x->interpreter,
        [BOOT_ENGINE] = p->engine, [BOOT_RELEASE] = p->run_release, [BOOT_NO_PATCH] = p->no_patch,
        [BOOT_SUPERVISOR] = (u64)named_tracer(), [BOOT_DEBUG] = debug_calls, [BOOT_MASK] = t->mask,
        [BOOT_IGNORED] = ignored, [BOOT_VACANT] = reserved_own, [BOOT_TRACE] = (u64)trace_descriptor(),
        [BOOT_TRACE_SLOT] = (u64)trace_slot_index(t),
        [BOOT_NAME] = x->name[0], [BOOT_NAME_REST] = x->name[1], [BOOT_XSTATE] = p->xstate_size,
        [BOOT_PROCESSORS] = p->processors,
        [BOOT_DEBUGGER] = (u64)p->debug.debugger, [BOOT_DEBUG_EVENTS] = p->debug.events,
        [BOOT_DEBUG_STOPS] = p->debug.stopped,
    };
    int n = format(string, sizeof(string), "GUISE=control=%d,again=", p->control_fd);
    for (u32 i = 0; i < BOOT_NUMBERS; i++)
        n += format(string + n, sizeof(string) - (size_t)n, "%lx,", numbers[i]);
    format(string + n, sizeof(string) - (size_t)n, "%s,%s,exe=%s", p->assumed, p->release_of, x->path);
    u64 front[1] = {(u64)string}, envp;
    long r = join_pointers(t, &envp, front, 1, x->envp, 0);
    if (r != 0)
        return r;
    /* Signals stay blocked over the exec and are delivered to the new program. */
    hold_signals(t);
    if (t->signal_pending)
        return RESTART_ALWAYS; /* an exec never fails with EINTR */
    pass_files(x, true);
    const u64 nudges = signal_bit(HOST_SIGNUDGE); /* deadly until the new program has its handler */
    host(__NR_rt_sigprocmask, 0 /* SIG_BLOCK */, &nudges, 0, 8);
    t->vfork_executed = 1;
    r = host(__NR_execveat, p->runtime_fd, "", x->argv, envp, AT_EMPTY_PATH);
    t->vfork_executed = 0;
    pass_files(x, false);
    return r;
}

static long start_host(struct thread *t, struct exec *x)
{
    u64 mask = t->mask; /* the whole of it: what we watch ends here */
    pass_reserved(t->process, false);
    host(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &mask, 0, 8);
    t->vfork_executed = 1;
    long r = host_intr(__NR_execve, x->path, x->argv, x->envp);
    t->vfork_executed = 0;
    pass_reserved(t->process, true);
    return r == RESTART ? RESTART_ALWAYS : r;
}

long process_exec(struct thread *t, int fd, u64 path, u64 argv, u64 envp)
{
    struct exec own, *x = &own;
    x->name[0] = x->name[1] = 0;
    x->argv = argv;
    x->envp = envp;
    x->image = x->plan = x->interpreter = x->interpreter_plan = -1;
    x->answer[0] = x->personality[0] = 0;
    x->linkless = false;
    long r = 0;
    if (fd >= 0)
        format(x->path, sizeof(x->path), "/dev/fd/%d", fd);
    else
        r = copy_in_string(x->path, path, sizeof(x->path));
    if (r >= 0 && fd < 0)
        remember_name(x);
    if (r >= 0)
        r = plan_program(t, x, fd);
    if (r == EXEC_GUEST)
        r = plan_interpreter(t, x) ?: EXEC_GUEST;
    if (r > 0) {
        run_exec_hooks(t);
        u64 ignored = actions_before_exec(t->process);
        r = r == EXEC_GUEST ? start_guest(t, x, ignored) : start_host(t, x);
    }
    close_files(x);
    release_exec_memory(t);
    return r;
}

void process_exit(struct thread *t, int status)
{
    char report[2048];
    const struct personality *p = t->personality;
    int n = 0;
    for (u32 i = 0; calls_unserved && i < p->call_limit && n < (int)sizeof(report) - 64; i++)
        if (p->unserved[i] != 0)
            n += format(report + n, sizeof(report) - (size_t)n, "%s %lu\n", call_name(p, i), p->unserved[i]);
    if (calls_unserved && p->unserved[p->call_limit] != 0)
        n += format(report + n, sizeof(report) - (size_t)n, "unknown %lu\n", p->unserved[p->call_limit]);
    struct upcall_result result;
    run_process_exit_hooks(t, status);
    debug_ends(t, HOST_CLD_EXITED, status);
    if (n > 0)
        upcall(t, UPCALL_COUNT, NULL, 0, report, (size_t)n, -1, NULL, 0, &result);
    for (;;)
        host(__NR_exit_group, status);
}
