/* What the host says that is mapped: the lines of /proc/self/maps.
 * One is "low-high rwxp offset major:minor inode   path", numbers in hexadecimal but for the inode. */
#include "runtime.h"
#include <linux/fcntl.h>

static const char *number(const char *at, u32 base, u64 *value)
{
    for (*value = 0;; at++) {
        u32 digit = *at >= '0' && *at <= '9' ? (u32)(*at - '0') : *at >= 'a' && *at <= 'f' ? (u32)(*at - 'a') + 10 : 16;
        if (digit >= base)
            return at;
        *value = *value * base + digit;
    }
}

static void read_line(const char *line, struct host_mapping *m)
{
    m->line = line;
    const char *at = number(line, 16, &m->low);
    at = number(at + (*at == '-'), 16, &m->high);
    m->mode = *at == ' ' && strlen(at) > 5 ? at + 1 : "----";
    at = number(at + (*at == ' ' ? 6 : 0), 16, &m->offset);
    at = number(at + (*at == ' '), 16, &m->major);
    at = number(at + (*at == ':'), 16, &m->minor);
    at = number(at + (*at == ' '), 10, &m->inode);
    while (*at == ' ')
        at++;
    m->path = at;
}

static long each_line(const char *maps, bool (*visit)(const struct host_mapping *m, void *context), void *context)
{
    char text[5120]; /* a path of a page and the numbers: no line is longer */
    u64 kept = 0;
    bool more = true;
    long n, fd = host(__NR_openat, AT_FDCWD, maps, O_RDONLY | O_CLOEXEC, 0);

    if (is_error(fd))
        return fd;
    while (more && (n = host(__NR_read, fd, text + kept, sizeof(text) - kept)) > 0) {
        u64 end = kept + (u64)n, from = 0;
        for (u64 i = kept; i < end && more; i++) {
            struct host_mapping m;
            if (text[i] != '\n')
                continue;
            text[i] = 0;
            read_line(text + from, &m);
            more = visit(&m, context);
            from = i + 1;
        }
        kept = end - from < sizeof(text) ? end - from : 0;
        memmove(text, text + from, kept);
    }
    host(__NR_close, fd);
    return 0;
}

long each_host_mapping(bool (*visit)(const struct host_mapping *m, void *context), void *context)
{
    return each_line("/proc/self/maps", visit, context);
}

long each_mapping_of(s32 pid, bool (*visit)(const struct host_mapping *m, void *context), void *context)
{
    char maps[32];
    format(maps, sizeof(maps), "/proc/%d/maps", pid);
    return each_line(maps, visit, context);
}
