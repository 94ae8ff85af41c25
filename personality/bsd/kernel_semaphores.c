/* The ksem_ calls: POSIX semaphores as descriptors, which FreeBSD's own libc has not used since 9.0.
 *
 * A semaphore is a small file with a count in it: a named one in /dev/shm, so that processes find it, one
 * without a name in no directory at all.  Waiting is a futex in the file's only page. */
#include "bsd.h"
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/mman.h>

#define DIRECTORY "/dev/shm/ksem"
#define MOST_NAME 1024
#define MOST 0x7fffffffU /* SEM_VALUE_MAX */

#define MAGIC 0x6d65736b65737567UL /* no other file of this size begins with it */

struct semaphore {
    u64 magic;
    u32 count, waiters;
};

/* /a/b is DIRECTORY%a%b; a percent sign of the name is doubled. */
static long path_of(u64 address, char *path, size_t room)
{
    char name[MOST_NAME];
    size_t used = sizeof(DIRECTORY) - 1;
    long n = copy_in_string(name, address, sizeof(name));

    if (n < 0)
        return n;
    if (name[0] != '/')
        return -EINVAL;
    memcpy(path, DIRECTORY, used);
    for (const char *c = name; *c != 0; c++) {
        if (used + 3 > room)
            return -ENAMETOOLONG;
        path[used++] = *c == '/' ? '%' : *c;
        if (*c == '%')
            path[used++] = '%';
    }
    path[used] = 0;
    return 0;
}

/* NULL for what is no semaphore, any other file of the guest's above all. */
static struct semaphore *attach(struct thread *t, s64 fd)
{
    u64 magic = 0;

    if ((s32)fd != fd || fd_is_reserved(t, fd))
        return NULL;
    if (host(__NR_pread64, fd, &magic, sizeof(magic), 0) != sizeof(magic) || magic != MAGIC)
        return NULL;
    if (host(__NR_pread64, fd, &magic, 1, PAGE - 1) != 1) /* cut off: its page is no memory */
        return NULL;
    long at = host(__NR_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return is_error(at) ? NULL : (struct semaphore *)at;
}

static void detach(struct semaphore *s) { host(__NR_munmap, s, PAGE); }

static long fill(long fd, u32 value)
{
    struct semaphore s = {.magic = MAGIC, .count = value};
    long r = host(__NR_pwrite64, fd, &s, sizeof(s), 0);
    return is_error(r) ? r : host(__NR_ftruncate, fd, PAGE);
}

static long hand_out(long fd, u64 to)
{
    if (put_u64(to, (u64)fd) == 0)
        return 0;
    host(__NR_close, fd);
    return -EFAULT;
}

long bsd_sys_ksem_init(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if ((u32)a[1] > MOST)
        return -EINVAL;
    long fd = host(__NR_memfd_create, "ksem", 1 /* MFD_CLOEXEC */);
    if (is_error(fd))
        return fd;
    long r = fill(fd, (u32)a[1]);
    if (r != 0) {
        host(__NR_close, fd);
        return r;
    }
    return hand_out(fd, a[0]);
}

long bsd_sys_ksem_open(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char path[512];
    u32 flags = (u32)a[2];

    if (flags & ~(u32)(BSD_O_CREAT | BSD_O_EXCL) || (u32)a[4] > MOST)
        return -EINVAL;
    long r = path_of(a[1], path, sizeof(path));
    if (r != 0)
        return r;
    long fd = host(__NR_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd == -ENOENT && (flags & BSD_O_CREAT)) {
        fd = host(__NR_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, (u32)a[3] & 0777);
        if (!is_error(fd) && (r = fill(fd, (u32)a[4])) != 0) {
            host(__NR_close, fd);
            return r;
        }
    } else if (!is_error(fd) && (flags & BSD_O_CREAT) && (flags & BSD_O_EXCL)) {
        host(__NR_close, fd);
        return -EEXIST;
    }
    return is_error(fd) ? fd : hand_out(fd, a[0]);
}

long bsd_sys_ksem_unlink(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char path[512];
    long r = path_of(a[0], path, sizeof(path));
    return r != 0 ? r : host(__NR_unlinkat, AT_FDCWD, path, 0);
}

static long close_semaphore(struct thread *t, s64 fd)
{
    struct semaphore *s = attach(t, fd);

    if (s == NULL)
        return -EINVAL;
    detach(s);
    fd_closing(t, (int)fd);
    return host(__NR_close, fd);
}

long bsd_sys_ksem_close(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return close_semaphore(t, (s64)a[0]);
}

long bsd_sys_ksem_destroy(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct semaphore *s = attach(t, (s64)a[0]);

    if (s == NULL)
        return -EINVAL;
    bool busy = __atomic_load_n(&s->waiters, __ATOMIC_SEQ_CST) != 0;
    detach(s);
    return busy ? -EBUSY : close_semaphore(t, (s64)a[0]);
}

long bsd_sys_ksem_post(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct semaphore *s = attach(t, (s64)a[0]);
    long r = 0;

    if (s == NULL)
        return -EINVAL;
    if (__atomic_load_n(&s->count, __ATOMIC_RELAXED) == MOST)
        r = -EOVERFLOW;
    else
        __atomic_add_fetch(&s->count, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&s->waiters, __ATOMIC_SEQ_CST) != 0)
        host(__NR_futex, &s->count, FUTEX_WAKE, 1, 0, 0, 0);
    detach(s);
    return r;
}

static bool take(struct semaphore *s)
{
    u32 count = __atomic_load_n(&s->count, __ATOMIC_RELAXED);
    while (count != 0)
        if (__atomic_compare_exchange_n(&s->count, &count, count - 1, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

/* `limit`: a point of real time, NULL for none. */
static long wait_on(struct thread *t, s64 fd, const struct bsd_timespec *limit)
{
    struct semaphore *s = attach(t, fd);
    long r = 0;

    if (s == NULL)
        return -EINVAL;
    __atomic_add_fetch(&s->waiters, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        if (take(s)) {
            r = 0;
            break;
        }
        if (r != 0 && r != -EAGAIN)
            break;
        r = host_intr(__NR_futex, &s->count, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, limit, 0,
                      FUTEX_BITSET_MATCH_ANY);
    }
    __atomic_sub_fetch(&s->waiters, 1, __ATOMIC_SEQ_CST);
    detach(s);
    return r == RESTART && limit != NULL ? -EINTR : r;
}

long bsd_sys_ksem_wait(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return wait_on(t, (s64)a[0], NULL);
}

long bsd_sys_ksem_timedwait(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_timespec limit;

    if (a[1] == 0)
        return wait_on(t, (s64)a[0], NULL);
    if (copy_in(&limit, a[1], sizeof(limit)) != 0)
        return -EFAULT;
    if (limit.nsec < 0 || limit.nsec >= 1000000000)
        return -EINVAL;
    if (limit.sec < 0)
        limit.sec = limit.nsec = 0;
    return wait_on(t, (s64)a[0], &limit);
}

long bsd_sys_ksem_trywait(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct semaphore *s = attach(t, (s64)a[0]);

    if (s == NULL)
        return -EINVAL;
    bool taken = take(s);
    detach(s);
    return taken ? 0 : -EAGAIN;
}

long bsd_sys_ksem_getvalue(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct semaphore *s = attach(t, (s64)a[0]);

    if (s == NULL)
        return -EINVAL;
    u32 count = __atomic_load_n(&s->count, __ATOMIC_RELAXED);
    detach(s);
    return put_u32(a[1], count);
}
