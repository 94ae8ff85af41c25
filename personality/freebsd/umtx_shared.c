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
    bool found, shared, deleted;
    u64 address, major, minor, inode, offset;
};

RUNTIME_LOCK(made_lock);
static char made[MADE][NAME_ROOM] LARGE;
static bool any_made; /* by this process or another that shares its memory: spares most the look */

/* ---- what is mapped at an address -------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && memcmp(text + n - m, end, m) == 0;
}

static bool covers(const struct host_mapping *m, void *context)
{
    struct place *place = context;

    if (place->address < m->low || place->address >= m->high)
        return true;
    place->found = true;
    place->shared = m->mode[3] == 's';
    place->deleted = ends_with(m->path, " (deleted)");
    place->major = m->major;
    place->minor = m->minor;
    place->inode = m->inode;
    place->offset = m->offset + place->address - m->low;
    return false;
}

static long place_of(u64 address, struct place *place)
{
    place->address = address;
    place->found = false;
    long r = each_host_mapping(covers, place);
    return r != 0 ? r : place->found ? 0 : -EFAULT;
}

static void name_of(const struct thread *t, const struct place *place, char name[NAME_ROOM])
{
    if (place->shared)
        format(name, NAME_ROOM, PREFIX "%lx-%lx-%lx-%lx", place->major, place->minor, place->inode,
               place->offset);
    else
        format(name, NAME_ROOM, PREFIX "%d-%lx", t->process->pid, place->address);
}

/* ---- the files --------------------------------------------------------------------------------------- */

static void remember(const char *name)
{
    lock_acquire(&made_lock);
    for (u32 i = 0; i < MADE; i++) {
        if (made[i][0] == 0) {
            memcpy(made[i], name, strlen(name) + 1);
            any_made = true;
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

static void inherit_none(struct thread *t UNUSED)
{
    if (any_made)
        memset(made, 0, sizeof(made));
    any_made = false;
}
ON_FORK_CHILD(inherit_none);

void umtx_shared_process_ends(const struct thread *t)
{
    if (t->in_vfork_child || !any_made)
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
    name_of(t, &place, name);
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
