/* Asynchronous requests that only FreeBSD has: several buffers, locking memory, and the form of FreeBSD 6. */
#include "aio.h"

_Static_assert(FREEBSD_LIO_READV == (FREEBSD_LIO_READ | REQUEST_VECTOR), "as the common code says it");
_Static_assert(FREEBSD_LIO_WRITEV == (FREEBSD_LIO_WRITE | REQUEST_VECTOR), "as the common code says it");

long freebsd_sys_aio_readv(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return aio_submit(t, a[0], FREEBSD_LIO_READV, &aio_form_now, NO_LIST);
}

long freebsd_sys_aio_writev(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return aio_submit(t, a[0], FREEBSD_LIO_WRITEV, &aio_form_now, NO_LIST);
}

long freebsd_sys_aio_mlock(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return aio_submit(t, a[0], REQUEST_MLOCK, &aio_form_now, NO_LIST);
}

/* ---- FreeBSD 6: a smaller event, where the control block now has spare words ------------------------ */

static long read_old_event(u64 address, struct freebsd_sigevent *event)
{
    struct freebsd_osigevent old;
    if (copy_in(&old, address, sizeof(old)) != 0)
        return -EFAULT;
    if (old.notify != FREEBSD_SIGEV_NONE && old.notify != FREEBSD_SIGEV_SIGNAL &&
        old.notify != FREEBSD_SIGEV_KEVENT)
        return -EINVAL;
    *event = (struct freebsd_sigevent){.notify = old.notify};
    if (old.notify != FREEBSD_SIGEV_NONE)
        event->signo = old.signo; /* or the kqueue's descriptor */
    if (old.notify == FREEBSD_SIGEV_KEVENT)
        event->value = old.value;
    return 0;
}

static long read_old_block(u64 address, struct freebsd_aiocb *block)
{
    memset(block, 0, sizeof(*block));
    if (copy_in(block, address, offsetof(struct freebsd_aiocb, sigevent)) != 0)
        return -EFAULT;
    return read_old_event(address + offsetof(struct freebsd_aiocb, spare), &block->sigevent);
}

static const struct aio_form form_6 = {read_old_block, read_old_event};

long freebsd_sys_freebsd6_aio_read(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return aio_submit(t, a[0], FREEBSD_LIO_READ, &form_6, NO_LIST);
}

long freebsd_sys_freebsd6_aio_write(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return aio_submit(t, a[0], FREEBSD_LIO_WRITE, &form_6, NO_LIST);
}

long freebsd_sys_freebsd6_lio_listio(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return aio_submit_list(t, a, &form_6);
}
