/* Finding mounts: the one that a file is on, and all of them.
 *
 * The host's statfs says how full a file system is but not where it is mounted from and on; the mount
 * that a file is on is looked up in the mount table by the number that statx gives. */
#include "files.h"

/* Kinds of the host's that are no file system to a BSD: pipes, sockets, event counters. */
#define PIPE_MAGIC 0x50495045
#define SOCKET_MAGIC 0x534f434b
#define ANONYMOUS_MAGIC 0x09041934

/* ---- what was found before ----------------------------------------------------------------------- */

/* opendir(3) asks for the file system of every directory that it opens, and reading the mount table takes fifty
 * times as long as the rest.  A mount keeps its unique number, which is never given out again, and its point as seen
 * from one root; what can change besides (MNT_RDONLY and its kin) is in the host's statfs. */
struct key {
    u64 mount, root_mount, root_inode;
};

static struct known_mount {
    struct key key;
    char point[512], type[32], source[256];
} known[4] LARGE;

static u32 next_known;
RUNTIME_LOCK(known_lock);

static bool same_key(const struct key *a, const struct key *b)
{
    return a->mount == b->mount && a->root_mount == b->root_mount && a->root_inode == b->root_inode;
}

/* False where the host (before Linux 6.8) has no unique numbers. */
static bool key_of(int dirfd, u64 path, u64 flags, struct key *key)
{
    struct linux_statx place, root;
    u64 wanted = LINUX_STATX_MNT_ID_UNIQUE | LINUX_STATX_INO;

    if (is_error(host(__NR_statx, dirfd, path, flags, wanted, &place)) ||
        is_error(host(__NR_statx, LINUX_AT_FDCWD, "/", 0, wanted, &root)))
        return false;
    if (!(place.mask & root.mask & LINUX_STATX_MNT_ID_UNIQUE))
        return false;
    *key = (struct key){place.mnt_id, root.mnt_id, root.ino};
    return true;
}

static bool recall(const struct key *key, struct known_mount *to)
{
    bool found = false;
    lock_acquire(&known_lock);
    for (size_t i = 0; i < ARRAY_LENGTH(known) && !found; i++)
        if (same_key(&known[i].key, key)) {
            *to = known[i];
            found = true;
        }
    lock_release(&known_lock);
    return found;
}

static void remember(const struct key *key, const struct mount_entry *entry)
{
    struct known_mount now = {.key = *key};
    if (strlen(entry->point) >= sizeof(now.point) || strlen(entry->type) >= sizeof(now.type) ||
        strlen(entry->source) >= sizeof(now.source))
        return;
    memcpy(now.point, entry->point, strlen(entry->point));
    memcpy(now.type, entry->type, strlen(entry->type));
    memcpy(now.source, entry->source, strlen(entry->source));
    lock_acquire(&known_lock);
    known[next_known++ % ARRAY_LENGTH(known)] = now;
    lock_release(&known_lock);
}

/* ---- one file system ---------------------------------------------------------------------------- */

struct search {
    u64 id, to;
    const struct key *key; /* to remember it by, or NULL */
    mount_receiver give;
    const struct linux_statfs *numbers;
};

static long give_if_found(const struct mount_entry *entry, void *context)
{
    const struct search *search = context;
    if (entry->id != search->id)
        return 0;
    if (search->key)
        remember(search->key, entry);
    long r = search->give(entry, search->numbers, search->to);
    return is_error(r) ? r : 1;
}

static long search_for(int dirfd, u64 path, u64 flags, const struct linux_statfs *numbers, u64 to,
                       mount_receiver give)
{
    struct known_mount before;
    struct linux_statx place;
    struct key key;
    bool keyed = key_of(dirfd, path, flags, &key);
    if (keyed && recall(&key, &before)) {
        struct mount_entry entry = {.point = before.point, .type = before.type, .source = before.source};
        return give(&entry, numbers, to);
    }
    long r = host(__NR_statx, dirfd, path, flags, LINUX_STATX_MNT_ID, &place);
    if (is_error(r))
        return r;
    struct search search = {
        .id = place.mnt_id, .to = to, .key = keyed ? &key : NULL, .give = give, .numbers = numbers};
    r = each_mount(give_if_found, &search);
    if (r == 1 || r == -EFAULT)
        return r == 1 ? 0 : r;
    /* No mount table, or a mount outside of what this process may see: one that holds its root. */
    struct mount_entry unknown = {.id = search.id, .point = "/", .type = "unknown", .source = ""};
    search.key = NULL;
    r = give_if_found(&unknown, &search);
    return is_error(r) ? r : 0;
}

long mount_of_path(u64 path, u64 to, mount_receiver give)
{
    struct linux_statfs numbers;
    long r = host(__NR_statfs, path, &numbers);
    return is_error(r) ? r : search_for(LINUX_AT_FDCWD, path, 0, &numbers, to, give);
}

long mount_of_descriptor(struct thread *t, u64 fd, u64 to, mount_receiver give)
{
    struct linux_statfs numbers;
    if (fd_is_reserved(t, (s32)fd))
        return -EBADF;
    long r = host(__NR_fstatfs, (s32)fd, &numbers);
    if (is_error(r))
        return r;
    if (numbers.type == PIPE_MAGIC || numbers.type == SOCKET_MAGIC || numbers.type == ANONYMOUS_MAGIC)
        return -EINVAL;
    return search_for((s32)fd, (u64) "", LINUX_AT_EMPTY_PATH, &numbers, to, give);
}

/* ---- all of them -------------------------------------------------------------------------------- */

struct collection {
    u64 to, room, size, count;
    mount_receiver give;
};

static long collect(const struct mount_entry *entry, void *context)
{
    struct collection *all = context;
    struct linux_statfs numbers;
    if (all->to != 0 && all->room < all->size)
        return 1;
    if (all->to != 0) {
        if (is_error(host(__NR_statfs, entry->point, &numbers)))
            memset(&numbers, 0, sizeof(numbers)); /* out of reach: it is mounted all the same */
        if (is_error(all->give(entry, &numbers, all->to + all->count * all->size)))
            return -EFAULT;
        all->room -= all->size;
    }
    all->count++;
    return 0;
}

long all_mounts(u64 to, u64 room, u64 size, mount_receiver give)
{
    struct collection all = {.to = to, .room = room, .size = size, .give = give};
    long r = each_mount(collect, &all);
    return is_error(r) ? r : (long)all.count;
}
