/* VNODE, and READ on files: what happens to a file, through one inotify descriptor.
 *
 * The host names files by path there; /proc/self/fd names the one that is open, whatever became of
 * its path.  An unlinked file that is still open is no "delete" for inotify but a change of its
 * attributes, so link count and size are compared with what they were. */
#include <linux/inotify.h>
#include <linux/stat.h>

#include "internal.h"

#define NAMES_CHANGED (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

static struct class_list vnodes;

static bool is_directory(u32 mode)
{
    return (mode & S_IFMT) == S_IFDIR;
}

static u32 host_mask(u32 notes, bool directory)
{
    u32 mask = IN_MASK_ADD;
    if (notes & (NOTE_DELETE | NOTE_LINK | NOTE_ATTRIB))
        mask |= IN_ATTRIB | IN_DELETE_SELF;
    if (notes & (NOTE_WRITE | NOTE_EXTEND | NOTE_LINK))
        mask |= directory ? NAMES_CHANGED : IN_MODIFY;
    if (notes & NOTE_RENAME)
        mask |= IN_MOVE_SELF;
    if (notes & NOTE_OPEN)
        mask |= IN_OPEN;
    if (notes & NOTE_CLOSE)
        mask |= IN_CLOSE_NOWRITE;
    if (notes & NOTE_CLOSE_WRITE)
        mask |= IN_CLOSE_WRITE;
    if (notes & NOTE_READ)
        mask |= IN_ACCESS;
    return mask == IN_MASK_ADD ? mask | IN_DELETE_SELF : mask;
}

static long watch(struct thread *t, const struct knote *kn, const char *suffix, u32 mask)
{
    char path[48];
    int fd = source_fd(t, SOURCE_VNODE);
    if (fd < 0)
        return fd;
    format(path, sizeof(path), "/proc/self/fd/%d%s", kn->node->fd, suffix);
    return host(__NR_inotify_add_watch, fd, path, mask);
}

static int vnode_watch(struct thread *t, struct knote *kn, u32 notes)
{
    struct stat status;
    long error = host(__NR_fstat, kn->node->fd, &status);
    if (error)
        return (int)error;
    bool directory = is_directory(status.st_mode);
    kn->vnode.size = (u64)status.st_size;
    kn->vnode.links = (u32)status.st_nlink;
    kn->vnode.parent_watch = -1;
    long wd = watch(t, kn, "", host_mask(notes, directory));
    if (wd < 0)
        return wd == -ENOSPC ? -ENOMEM : (int)wd; /* the host's limit on watches */
    kn->vnode.watch = (s32)wd;
    /* Nothing tells an open directory that it was removed; its parent knows. */
    if (directory && (notes & NOTE_DELETE))
        kn->vnode.parent_watch = (s32)watch(t, kn, "/..", IN_DELETE | IN_MASK_ADD);
    return source_watch(t, kn->queue, SOURCE_VNODE);
}

static bool watched_by_another(const struct knote *self, s32 wd)
{
    for (const struct knote *kn = vnodes.first; kn; kn = kn->class_next)
        if (kn != self && (kn->vnode.watch == wd || kn->vnode.parent_watch == wd))
            return true;
    return false;
}

void vnode_unwatch(struct thread *t, struct knote *kn)
{
    s32 watches[] = {kn->vnode.watch, kn->vnode.parent_watch};
    class_remove(&vnodes, kn);
    for (u32 i = 0; i < ARRAY_LENGTH(watches) && kn->queue->fd >= 0; i++)
        if (watches[i] >= 0 && !watched_by_another(kn, watches[i]))
            host(__NR_inotify_rm_watch, source_fd(t, SOURCE_VNODE), watches[i]);
}

/* ---- what an event means --------------------------------------------------------------------- */

static u32 notes_of(struct knote *kn, s32 wd, u32 mask)
{
    struct stat status;
    u32 notes = 0;
    if (host(__NR_fstat, kn->node->fd, &status))
        return 0;
    bool directory = is_directory(status.st_mode);
    if (status.st_nlink == 0 && kn->vnode.links != 0)
        notes |= NOTE_DELETE;
    if (wd == kn->vnode.watch) {
        if (mask & IN_DELETE_SELF)
            notes |= NOTE_DELETE;
        if (status.st_nlink != kn->vnode.links && !(notes & NOTE_DELETE))
            notes |= NOTE_LINK;
        if ((mask & IN_ATTRIB) && !(notes & (NOTE_LINK | NOTE_DELETE)))
            notes |= NOTE_ATTRIB;
        if (mask & (directory ? NAMES_CHANGED : IN_MODIFY))
            notes |= NOTE_WRITE;
        if ((mask & IN_MODIFY) && (u64)status.st_size > kn->vnode.size)
            notes |= NOTE_EXTEND;
        if (mask & IN_MOVE_SELF)
            notes |= NOTE_RENAME;
        if (mask & IN_UNMOUNT)
            notes |= NOTE_REVOKE;
        if (mask & IN_OPEN)
            notes |= NOTE_OPEN;
        if (mask & IN_CLOSE_NOWRITE)
            notes |= NOTE_CLOSE;
        if (mask & IN_CLOSE_WRITE)
            notes |= NOTE_CLOSE_WRITE;
        if (mask & IN_ACCESS)
            notes |= NOTE_READ;
    }
    kn->vnode.links = (u32)status.st_nlink;
    kn->vnode.size = (u64)status.st_size;
    return notes;
}

static void dispatch(struct thread *t, s32 wd, u32 mask)
{
    for (struct knote *kn = vnodes.first; kn; kn = kn->class_next) {
        if (wd != kn->vnode.watch && wd != kn->vnode.parent_watch)
            continue;
        if (kn->event.filter == KFILTER_READ) {
            if (vnode_offset_holds(t, kn))
                knote_activate(t, kn);
            continue;
        }
        kn->event.fflags |= notes_of(kn, wd, mask) & kn->saved_fflags;
        if (mask & IN_UNMOUNT)
            kn->event.flags |= EV_EOF;
        if (kn->event.fflags || (mask & IN_UNMOUNT))
            knote_activate(t, kn);
    }
}

void vnode_drain(struct thread *t)
{
    char buffer[2048] __attribute__((aligned(8)));
    for (;;) {
        long got = host(__NR_read, source_fd(t, SOURCE_VNODE), buffer, sizeof(buffer));
        if (got <= 0)
            return;
        for (long at = 0; at < got;) {
            const struct inotify_event *event = (const void *)(buffer + at);
            if (event->mask & IN_Q_OVERFLOW) {
                for (struct knote *kn = vnodes.first; kn; kn = kn->class_next)
                    dispatch(t, kn->vnode.watch, IN_MODIFY | NAMES_CHANGED | IN_ATTRIB);
            } else if (!(event->mask & IN_IGNORED)) {
                dispatch(t, event->wd, event->mask);
            }
            at += (long)(sizeof(*event) + event->len);
        }
    }
}

/* ---- the filters ----------------------------------------------------------------------------- */

static int vnode_attach(struct thread *t, struct knote *kn)
{
    if (kn->node->kind != NODE_VNODE)
        return -EINVAL;
    int error = vnode_watch(t, kn, kn->saved_fflags);
    if (!error)
        class_add(&vnodes, kn);
    return error;
}

static void vnode_detach(struct thread *t, struct knote *kn)
{
    vnode_unwatch(t, kn);
}

static bool vnode_holds(struct thread *t UNUSED, struct knote *kn)
{
    return kn->event.fflags != 0 || (kn->event.flags & EV_EOF);
}

static void vnode_touch(struct thread *t, struct knote *kn, struct knote_event *change)
{
    kn->saved_fflags = change->fflags;
    kn->saved_data = change->data;
    vnode_watch(t, kn, kn->saved_fflags);
}

const struct filter filter_vnode = {
    .is_fd = true,
    .attach = vnode_attach,
    .detach = vnode_detach,
    .holds = vnode_holds,
    .touch = vnode_touch,
};

/* READ on a file holds while the offset is not at its end; growth activates it again. */
int vnode_watch_data(struct thread *t, struct knote *kn)
{
    int error = vnode_watch(t, kn, NOTE_WRITE);
    if (!error)
        class_add(&vnodes, kn);
    return error;
}

bool vnode_offset_holds(struct thread *t UNUSED, struct knote *kn)
{
    struct stat status;
    if (host(__NR_fstat, kn->node->fd, &status))
        return false;
    long offset = host(__NR_lseek, kn->node->fd, 0, 1);
    kn->event.data = status.st_size - (offset > 0 ? offset : 0);
    return (kn->saved_fflags & NOTE_FILE_POLL) || kn->event.data != 0;
}
