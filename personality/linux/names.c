/* Paths that mean the process's own program: the host would answer with the runtime. */
#include "linux.h"
#include <linux/fcntl.h>

#define LONGEST 40 /* of the spellings below */

bool linux_names_program(const struct thread *t, u64 path)
{
    char given[LONGEST], own[LONGEST];
    u64 start;

    if (get_u64(path, &start) != 0 || memcmp(&start, "/proc/", 6) != 0 ||
        copy_in_string(given, path, sizeof(given)) < 0)
        return false;
    if (strcmp(given, "/proc/self/exe") == 0 || strcmp(given, "/proc/thread-self/exe") == 0)
        return true;
    format(own, sizeof(own), "/proc/%d/exe", t->process->pid);
    return strcmp(given, own) == 0;
}

static bool is_program(const struct host_mapping *m, void *context)
{
    struct linux_program *program = context;
    if (program->address < m->low || program->address >= m->high)
        return true;
    size_t n = strlen(m->path);
    if (m->path[0] == '/' && n < sizeof(program->path))
        memcpy(program->path, m->path, n + 1);
    return false;
}

/* A program may have unmapped or covered its first page: then it is known by the path it was started by. */
void linux_find_program(const struct thread *t, struct linux_program *program)
{
    const char *given = t->process->executable;
    program->address = t->process->image_low;
    program->path[0] = 0;
    each_host_mapping(is_program, program);
    if (program->path[0] == 0)
        memcpy(program->path, given, strlen(given) + 1);
}

static long read_program_link(const struct thread *t, u64 to, u64 size)
{
    struct linux_program program;

    if ((s32)size <= 0)
        return -EINVAL;
    linux_find_program(t, &program);
    u64 n = strlen(program.path);
    if (n > (u32)size)
        n = (u32)size;
    return copy_out(to, program.path, n) != 0 ? -EFAULT : (long)n;
}

long linux_sys_readlink(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (linux_names_program(t, a[0]))
        return read_program_link(t, a[1], a[2]);
    return host(__NR_readlink, a[0], a[1], a[2]);
}

long linux_sys_readlinkat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    if (linux_names_program(t, a[1]))
        return read_program_link(t, a[2], a[3]);
    return host(__NR_readlinkat, a[0], a[1], a[2], a[3]);
}

/* The file itself, which may have no name any more; without /proc, what has its name. */
static long open_program(const struct thread *t, u64 flags, u64 mode)
{
    struct linux_program program;
    char link[40];
    format(link, sizeof(link), "/proc/self/fd/%d", t->process->program_fd);
    long r = host_intr(__NR_openat, AT_FDCWD, link, flags, mode);
    if (r != -ENOENT)
        return r;
    linux_find_program(t, &program);
    return host_intr(__NR_openat, AT_FDCWD, program.path, flags, mode);
}

long linux_sys_open(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (linux_names_program(t, a[0]))
        return open_program(t, a[1], a[2]);
    return host_intr(__NR_open, a[0], a[1], a[2]);
}

long linux_sys_openat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    if (linux_names_program(t, a[1]))
        return open_program(t, a[2], a[3]);
    return host_intr(__NR_openat, a[0], a[1], a[2], a[3]);
}

/* ---- what stat tells: the link itself is asked for by its own name, and is the host's ------------- */

static bool leads_to_program(const struct thread *t, u64 path, u64 flags)
{
    return !(flags & AT_SYMLINK_NOFOLLOW) && linux_names_program(t, path) && t->process->program_fd >= 0;
}

long linux_sys_stat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (leads_to_program(t, a[0], 0))
        return host(__NR_fstat, t->process->program_fd, a[1]);
    return host(__NR_stat, a[0], a[1]);
}

long linux_sys_newfstatat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    if (leads_to_program(t, a[1], a[3]))
        return host(__NR_newfstatat, t->process->program_fd, "", a[2], a[3] | AT_EMPTY_PATH);
    return host(__NR_newfstatat, a[0], a[1], a[2], a[3]);
}

long linux_sys_statx(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    if (leads_to_program(t, a[1], a[2]))
        return host(__NR_statx, t->process->program_fd, "", a[2] | AT_EMPTY_PATH, a[3], a[4]);
    return host(__NR_statx, a[0], a[1], a[2], a[3], a[4]);
}
