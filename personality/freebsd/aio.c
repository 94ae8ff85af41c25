/* Asynchronous requests that only FreeBSD has: several buffers, and locking memory. */
#include "aio.h"

_Static_assert(FREEBSD_LIO_READV == (FREEBSD_LIO_READ | REQUEST_VECTOR), "as the common code says it");
_Static_assert(FREEBSD_LIO_WRITEV == (FREEBSD_LIO_WRITE | REQUEST_VECTOR), "as the common code says it");

long freebsd_sys_aio_readv(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return aio_submit(t, a[0], FREEBSD_LIO_READV);
}

long freebsd_sys_aio_writev(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return aio_submit(t, a[0], FREEBSD_LIO_WRITEV);
}

long freebsd_sys_aio_mlock(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return aio_submit(t, a[0], REQUEST_MLOCK);
}
