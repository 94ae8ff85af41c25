/* Duplicates of a kqueue's descriptor.
 *
 * dup and its relatives are plain host calls that the engine does not see.  It looks when it
 * matters: when a descriptor that it does not know is used as a kqueue, and when the descriptor
 * that it knows is closed. */
#include <linux/fcntl.h>
#include <linux/kcmp.h>

#include "internal.h"

struct directory_entry {
    u64 inode, offset;
    u16 length;
    u8 type;
    char name[];
};

bool same_file(int a, int b)
{
    long pid = host(__NR_getpid);
    return host(__NR_kcmp, pid, pid, KCMP_FILE, a, b) == 0;
}

static int number_of(const char *name)
{
    int value = 0;
    if (!*name)
        return -1;
    for (; *name; name++) {
        if (*name < '0' || *name > '9' || value > 100000000)
            return -1;
        value = value * 10 + (*name - '0');
    }
    return value;
}

int find_duplicate(int fd)
{
    char buffer[1024];
    int found = -1;
    long directory = host(__NR_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -1;
    while (found < 0) {
        long got = host(__NR_getdents64, directory, buffer, sizeof(buffer));
        if (got <= 0)
            break;
        for (long at = 0; at < got && found < 0;) {
            const struct directory_entry *entry = (const void *)(buffer + at);
            int other = number_of(entry->name);
            if (other >= 0 && other != fd && other != directory && same_file(fd, other))
                found = other;
            at += entry->length;
        }
    }
    host(__NR_close, directory);
    return found;
}
