/* Plans that the loader kept, found without asking the supervisor: an exec that needs no Python.
 *
 * The supervisor hands down a descriptor of its plan folder.  A plan's name is made of what the file
 * system says of the image (loader/cache.py, key_of), so a file that changed has no plan here and
 * goes to the supervisor as before. */
#include "core.h"
#include "plan.h"
#include <asm/stat.h>
#include <linux/fcntl.h>

#define TRAILER_SIZE 8 /* loader/layout.py: magic and checksum */

static u64 nanoseconds(u64 seconds, u64 rest) { return seconds * 1000000000UL + rest; }

/* A plan steers what is mapped: one that another user wrote is not taken. */
static bool is_whole(int fd, const struct plan_header *h)
{
    struct stat status;
    if (host(__NR_fstat, fd, &status) != 0)
        return false;
    return (status.st_uid == 0 || status.st_uid == (u64)host(__NR_geteuid)) && h->magic == PLAN_MAGIC &&
           h->version == PLAN_VERSION && (u64)status.st_size == h->total_size + TRAILER_SIZE;
}

bool image_key(int image, struct image_key *key)
{
    struct stat s;
    if (host(__NR_fstat, image, &s) != 0)
        return false;
    format(key->name, sizeof(key->name), "%lx-%lx-%lx-%lx-%lx-%d", s.st_dev, s.st_ino, s.st_size,
           nanoseconds(s.st_mtime, s.st_mtime_nsec), nanoseconds(s.st_ctime, s.st_ctime_nsec), PLAN_VERSION);
    return true;
}

bool plan_read(int plan, struct plan_start *start)
{
    start->size = host(__NR_pread64, plan, start->bytes, sizeof(start->bytes), 0);
    return start->size >= (long)sizeof(struct plan_header);
}

int cached_plan(const struct process *p, const struct image_key *key, const char *variant, struct plan_start *start)
{
    char name[192];
    if (p->plans_fd < 0)
        return -1;
    format(name, sizeof(name), "%s%s.plan", key->name, variant);
    long fd = host(__NR_openat, p->plans_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
    if (is_error(fd))
        return -1;
    if (!plan_read((int)fd, start) || !is_whole((int)fd, (const struct plan_header *)start->bytes)) {
        host(__NR_close, fd);
        return -1;
    }
    return (int)fd;
}

/* One of the strings at a plan's end, out of its first bytes if it lies there. */
static bool read_string(int plan, const struct plan_start *start, u32 offset, char *to, size_t room)
{
    to[0] = 0;
    if (offset == 0)
        return true;
    for (u32 i = 0; offset + i < (u64)start->size && i < room; i++) {
        to[i] = start->bytes[offset + i];
        if (to[i] == 0)
            return true;
    }
    long n = host(__NR_pread64, plan, to, room - 1, offset);
    if (n <= 0)
        return false;
    to[n] = 0;
    return true;
}

bool plan_strings(int plan, const struct plan_start *start, char *interpreter, size_t room, char *personality,
                  size_t personality_room)
{
    const struct plan_header *h = (const struct plan_header *)start->bytes;
    return read_string(plan, start, h->interpreter_offset, interpreter, room) &&
           read_string(plan, start, h->personality_offset, personality, personality_room);
}
