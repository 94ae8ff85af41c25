/* Space of a file: giving it back, and copying it into another file. */
#include "files.h"

#define OFFSET_MAXIMUM 0x7fffffffffffffffL
#define COPY_STEP 4096
#define COPY_AT_ONCE (1UL << 20) /* a result may be short; a signal must not wait for gigabytes */

/* Gives space back: the range reads as zeros afterwards and the size stays. */
long freebsd_sys_fspacectl(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_spacectl_range range;
    int fd = (s32)a[0];
    if (copy_in(&range, a[2], sizeof(range)) != 0)
        return -EFAULT;
    if ((s32)a[1] != FREEBSD_SPACECTL_DEALLOC || a[3] != 0)
        return -EINVAL;
    if (range.offset < 0 || range.len <= 0 || range.offset > OFFSET_MAXIMUM - range.len)
        return -EINVAL;
    if (fd_is_reserved(t, fd))
        return -EBADF;
    long r = host_intr(__NR_fallocate, fd, LINUX_FALLOC_FL_PUNCH_HOLE | LINUX_FALLOC_FL_KEEP_SIZE,
                       range.offset, range.len);
    if (is_error(r))
        return r == -ESPIPE ? -ENODEV : r;
    range.offset += range.len;
    range.len = 0;
    return a[4] == 0 ? 0 : copy_out(a[4], &range, sizeof(range));
}

/* ---- copying ------------------------------------------------------------------------------------ */

struct end { /* one side of a copy: at an offset of the caller's, or at the file's own position */
    int fd;
    u64 address;
    u64 offset;
};

static long step(struct end *side, u64 number, u64 positioned, u8 *buffer, size_t size)
{
    long r = side->address ? host(positioned, side->fd, buffer, size, side->offset)
                           : host(number, side->fd, buffer, size);
    if (!is_error(r))
        side->offset += (u64)r;
    return r;
}

/* Between file systems the host refuses; FreeBSD copies. */
static long copy_by_hand(struct end *in, struct end *out, u64 length)
{
    u8 buffer[COPY_STEP];
    long done = 0;
    while ((u64)done < length) {
        size_t size = length - (u64)done < sizeof(buffer) ? (size_t)(length - (u64)done) : sizeof(buffer);
        long got = step(in, __NR_read, __NR_pread64, buffer, size);
        if (got <= 0)
            return done > 0 ? done : got;
        long put = step(out, __NR_write, __NR_pwrite64, buffer, (size_t)got);
        if (put < got) { /* give back what was read and not written */
            long lost = put > 0 ? got - put : got;
            in->offset -= (u64)lost;
            if (in->address == 0)
                host(__NR_lseek, in->fd, -lost, LINUX_SEEK_CUR);
        }
        if (is_error(put))
            return done > 0 ? done : put;
        done += put;
        if (put < got)
            break;
    }
    return done;
}

long freebsd_sys_copy_file_range(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct end in = {.fd = (s32)a[0], .address = a[1]}, out = {.fd = (s32)a[2], .address = a[3]};
    u64 length = a[4];
    if (fd_is_reserved(t, in.fd) || fd_is_reserved(t, out.fd))
        return -EBADF;
    if (a[5] & ~(u64)FREEBSD_COPY_FILE_RANGE_CLONE)
        return -EINVAL;
    if ((in.address && get_u64(in.address, &in.offset) != 0) ||
        (out.address && get_u64(out.address, &out.offset) != 0))
        return -EFAULT;
    if (length > OFFSET_MAXIMUM)
        length = OFFSET_MAXIMUM;
    long r = host_intr(__NR_copy_file_range, in.fd, in.address ? &in.offset : NULL, out.fd,
                       out.address ? &out.offset : NULL, length, 0);
    if (r == -EXDEV || r == -EOPNOTSUPP || r == -ENOSYS)
        r = copy_by_hand(&in, &out, length < COPY_AT_ONCE ? length : COPY_AT_ONCE);
    if (is_error(r))
        return r;
    if ((in.address && put_u64(in.address, in.offset) != 0) ||
        (out.address && put_u64(out.address, out.offset) != 0))
        return -EFAULT;
    return r;
}
