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

RUNTIME_LEAF_LOCK(program_lock);
static char file[sizeof(((struct process *)0)->executable)];

/* The program's file.  The path that it was started by may lead there over links, which takes long to find out
 * and is seldom asked for. */
static const char *program_file(const struct thread *t)
{
    const char *given = t->process->executable;
    char link[40];

    lock_acquire(&program_lock);
    if (file[0] == 0) {
        long fd = host(__NR_openat, AT_FDCWD, given, O_PATH | O_CLOEXEC, 0), n = 0;
        if (!is_error(fd)) {
            format(link, sizeof(link), "/proc/self/fd/%d", (s32)fd);
            n = host(__NR_readlink, link, file, sizeof(file) - 1);
            host(__NR_close, fd);
        }
        if (n <= 0 || file[0] != '/')
            memcpy(file, given, strlen(given) + 1);
    }
    lock_release(&program_lock);
    return file;
}

static long read_program_link(const struct thread *t, u64 to, u64 size)
{
    const char *path = program_file(t);
    u64 n = strlen(path);

    if ((s32)size <= 0)
        return -EINVAL;
    if (n > (u32)size)
        n = (u32)size;
    return copy_out(to, path, n) != 0 ? -EFAULT : (long)n;
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

u64 linux_meant(const struct thread *t, u64 path)
{
    return linux_names_program(t, path) ? (u64)program_file(t) : path;
}

long linux_sys_open(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host_intr(__NR_open, linux_meant(t, a[0]), a[1], a[2]);
}

long linux_sys_openat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    return host_intr(__NR_openat, a[0], linux_meant(t, a[1]), a[2], a[3]);
}
