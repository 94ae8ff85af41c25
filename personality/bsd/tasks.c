/* Threads and processes are found in /proc, the host's only list of them. */
#include "tasks.h"
#include <linux/fcntl.h>

struct directory_entry { /* getdents64 */
    u64 inode;
    s64 offset;
    u16 length;
    u8 type;
    char name[];
};

static s32 number_of(const char *name)
{
    s32 n = 0;
    for (; *name >= '0' && *name <= '9'; name++)
        n = n * 10 + (*name - '0');
    return *name == 0 ? n : 0;
}

static long walk(const char *path, task_function f, const void *argument)
{
    u8 buffer[2048] __attribute__((aligned(8)));
    long result = 0, n;

    long fd = host(__NR_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (is_error(fd))
        return fd;
    while ((n = host(__NR_getdents64, fd, buffer, sizeof(buffer))) > 0) {
        for (long at = 0; at < n;) {
            const struct directory_entry *e = (const struct directory_entry *)(buffer + at);
            s32 id = number_of(e->name);
            long r = id > 0 ? f(id, argument) : 0;
            if (r != 0 && r != -ESRCH && result == 0)
                result = r;
            at += e->length;
        }
    }
    host(__NR_close, fd);
    return is_error(n) && result == 0 ? n : result;
}

long for_each_task(s32 pid, task_function f, const void *argument)
{
    char path[32];

    format(path, sizeof(path), "/proc/%d/task", pid);
    long r = walk(path, f, argument);
    return r == -ENOENT ? -ESRCH : r;
}

long for_each_process(task_function f, const void *argument) { return walk("/proc", f, argument); }
