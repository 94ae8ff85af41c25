/* What only FreeBSD's event queues have. */
#include "freebsd.h"
#include "kqueue.h"

#define SAME(name) _Static_assert((u32)(name) == (u32)FREEBSD_##name, #name)
SAME(EV_FORCEONESHOT);
SAME(EV_KEEPUDATA);
SAME(EV_DROP);
SAME(NOTE_FILE_POLL);
SAME(NOTE_SECONDS);
SAME(NOTE_MSECONDS);
SAME(NOTE_USECONDS);
SAME(NOTE_NSECONDS);
_Static_assert(offsetof(struct freebsd_kevent, ext) == sizeof(struct freebsd_freebsd11_kevent),
               "the old structure is the new one without its end");

long freebsd_sys_kqueuex(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (a[0] & ~(u64)FREEBSD_KQUEUE_CLOEXEC)
        return -EINVAL;
    return kqueue_create(t, (a[0] & FREEBSD_KQUEUE_CLOEXEC) != 0);
}
