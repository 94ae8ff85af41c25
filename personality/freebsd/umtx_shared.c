/* UMTX_OP_SHM: a page of memory that belongs to an address, for objects that are too big for the space
 * their users have in their own shared memory: pthread's process-shared mutexes, barriers and the like.
 *
 * Whoever maps the same memory is to get the same page, so the page is a file in /dev/shm whose name says
 * which memory is meant: device, inode and offset of what is mapped there, or the process, for memory that no
 * other process can share.  It goes when it is destroyed, and at the latest with the process that made it:
 * one that ends without a call (killed) leaves it behind. */
#include "umtx.h"
#include "thread_state.h"
#include <linux/fcntl.h>

#define DIRECTORY "/dev/shm/"
#define PREFIX DIRECTORY "umtx-"
#define NAME_ROOM 96
#define MADE 64 /* pages that this process remembers having made */

struct place {
    bool shared, deleted;
    u64 major, minor, inode, offset;
};

RUNTIME_LOCK(made_lock);
static char made[MADE][NAME_ROOM];

/* ---- what is mapped at an address -------------------------------------------------------------------- */

static const char *hex_at(const char *at, u64 *value)
{
    *value = 0;
    for (;; at++) {
        if (*at >= '0' && *at <= '9')
            *value = *value << 4 | (u64)(*at - '0');
        else if (*at >= 'a' && *at <= 'f')
            *value = *value << 4 | (u64)(*at - 'a' + 10);
        else
            return at;
    }
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && memcmp(text + n - m, end, m) == 0;
}

/* low-high rwxp offset major:minor inode path */
static bool line_covers(const char *line, u64 address, struct place *place)
{
    u64 low, high, offset, inode = 0;
    const char *at = hex_at(line, &low);

    at = hex_at(at + (*at == '-'), &high);
    if (address < low || address >= high || strlen(at) < 6)
        return false;
    place->shared = at[4] == 's';
    at = hex_at(at + 6, &offset);
    at = hex_at(at + (*at == ' '), &place->major);
    at = hex_at(at + (*at == ':'), &place->minor);
    for (at += *at == ' '; *at >= '0' && *at <= '9'; at++)
        inode = inode * 10 + (u64)(*at - '0');
    place->inode = inode;
    place->offset = offset + address - low;
    place->deleted = ends_with(line, " (deleted)");
    return true;
}

static long place_of(u64 address, struct place *place)
{
    char buffer[2048], line[1024];
    size_t used = 0;
    long n, result = -EFAULT;

    long fd = host(__NR_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
    if (is_error(fd))
        return fd;
    while (result != 0 && (n = host(__NR_read, fd, buffer, sizeof(buffer))) > 0) {
        for (long i = 0; i < n && result != 0; i++) {
            if (buffer[i] != '\n') {
                if (used < sizeof(line) - 1)
                    line[used++] = buffer[i];
                continue;
            }
            line[used] = 0;
            used = 0;
            if (line_covers(line, address, place))
                result = 0;
        }
    }
    host(__NR_close, fd);
    return result;
}

static void name_of(const struct thread *t, u64 address, const struct place *place, char name[NAME_ROOM])
{
    if (place->shared)
        format(name, NAME_ROOM, PREFIX "%lx-%lx-%lx-%lx", place->major, place->minor, place->inode,
               place->offset);
    else
        format(name, NAME_ROOM, PREFIX "%d-%lx", t->process->pid, address);
}

/* ---- the files --------------------------------------------------------------------------------------- */

static void remember(const char *name)
{
    lock_acquire(&made_lock);
    for (u32 i = 0; i < MADE; i++) {
        if (made[i][0] == 0) {
            memcpy(made[i], name, strlen(name) + 1);
            break;
        }
    }
    lock_release(&made_lock);
}

static void forget(const char *name)
{
    lock_acquire(&made_lock);
    for (u32 i = 0; i < MADE; i++)
        if (strcmp(made[i], name) == 0)
            made[i][0] = 0;
    lock_release(&made_lock);
}

static void inherit_none(struct thread *t UNUSED) { memset(made, 0, sizeof(made)); }
ON_FORK_CHILD(inherit_none);

void umtx_shared_process_ends(const struct thread *t)
{
    if (t->in_vfork_child)
        return;
    for (u32 i = 0; i < MADE; i++)
        if (made[i][0] != 0)
            host(__NR_unlink, made[i]);
}

static long open_page(const char *name, bool create)
{
    const u32 flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0);
    long fd = host(__NR_openat, AT_FDCWD, name, flags, 0600);
    if (is_error(fd) || !create)
        return fd == -ENOENT ? -ESRCH : fd;
    long r = host(__NR_ftruncate, fd, PAGE);
    if (r != 0) {
        host(__NR_close, fd);
        return r;
    }
    remember(name);
    return fd;
}

long umtx_shared_op(struct thread *t, const u64 a[MAX_ARGUMENTS])
{
    char name[NAME_ROOM];
    struct place place;

    long r = place_of(a[3], &place);
    if (r != 0)
        return r;
    name_of(t, a[3], &place, name);
    switch ((u32)a[2]) {
    case FREEBSD_UMTX_SHM_CREAT:
        return open_page(name, true);
    case FREEBSD_UMTX_SHM_LOOKUP:
        return open_page(name, false);
    case FREEBSD_UMTX_SHM_DESTROY:
        forget(name);
        r = host(__NR_unlink, name);
        return r == -ENOENT ? -ESRCH : r;
    case FREEBSD_UMTX_SHM_ALIVE: /* asked of the page itself */
        return place.shared && !place.deleted ? 0 : -ENOTTY;
    default:
        return -EINVAL;
    }
}
