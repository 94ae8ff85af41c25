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

static long read_program_link(const struct thread *t, u64 to, u64 size)
{
    const char *path = t->process->executable;
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

static u64 meant(const struct thread *t, u64 path)
{
    return linux_names_program(t, path) ? (u64)t->process->executable : path;
}

long linux_sys_open(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host_intr(__NR_open, meant(t, a[0]), a[1], a[2]);
}

long linux_sys_openat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    return host_intr(__NR_openat, a[0], meant(t, a[1]), a[2], a[3]);
}
