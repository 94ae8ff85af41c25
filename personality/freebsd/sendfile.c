/* sendfile: headers, a part of a file, trailers, all through one socket.
 *
 * The result is an error number alone; how many bytes went out is stored apart, also when the call
 * failed half-way, so a caller with a non-blocking socket goes on from there. */
#include "files.h"

#define AT_ONCE 0x7ffff000UL /* the host's own limit for one call */

struct transfer {
    int file, socket;
    u64 sent;
};

static long send_vector(struct transfer *out, u64 vector, s32 count)
{
    if (vector == 0 || count <= 0)
        return 0;
    long r = host_intr(__NR_writev, out->socket, vector, count);
    if (is_error(r))
        return r;
    out->sent += (u64)r;
    return 0;
}

/* `length` 0: up to the end of the file. */
static long send_part(struct transfer *out, u64 offset, u64 length)
{
    u64 done = 0;
    while (length == 0 || done < length) {
        u64 step = length == 0 || length - done > AT_ONCE ? AT_ONCE : length - done;
        long r = host_intr(__NR_sendfile, out->socket, out->file, &offset, step);
        if (is_error(r))
            return r;
        if (r == 0)
            break;
        done += (u64)r;
        out->sent += (u64)r;
    }
    return 0;
}

/* The host would find out while sending, which an empty file never comes to. */
static long check_socket(int fd)
{
    s32 kind = 0, size = sizeof(kind);
    u8 peer[128];
    long r = host(__NR_getsockopt, fd, LINUX_SOL_SOCKET, LINUX_SO_TYPE, &kind, &size);
    if (is_error(r))
        return r;
    if (kind != LINUX_SOCK_STREAM)
        return -EINVAL;
    size = sizeof(peer);
    r = host(__NR_getpeername, fd, peer, &size);
    return r == -ENOTCONN ? r : 0;
}

static long check_ends(struct thread *t, const struct transfer *out)
{
    if (fd_is_reserved(t, out->file) || fd_is_reserved(t, out->socket))
        return -EBADF;
    u32 from = descriptor_type(out->file), to = descriptor_type(out->socket);
    if (is_error(host(__NR_fcntl, out->file, LINUX_F_GETFD, 0)) ||
        is_error(host(__NR_fcntl, out->socket, LINUX_F_GETFD, 0)))
        return -EBADF;
    if (from != MODE_REGULAR && from != MODE_BLOCK)
        return -EINVAL;
    return to == MODE_SOCKET ? check_socket(out->socket) : -ENOTSOCK;
}

static long vector_length(u64 vector, s32 count, u64 *length)
{
    struct freebsd_iovec part;
    *length = 0;
    for (s32 i = 0; vector != 0 && i < count; i++) {
        if (copy_in(&part, vector + (u64)i * sizeof(part), sizeof(part)) != 0)
            return -EFAULT;
        *length += part.len;
    }
    return 0;
}

/* The length that FreeBSD 4 was given covers the headers too; 0 means all of the file there as well, which
 * is why a length that the headers use up sends all of it. */
static long part_of_4(const struct freebsd_sf_hdtr *around, u64 *length)
{
    u64 headers;
    long r = vector_length(around->headers, around->hdr_cnt, &headers);
    if (around->headers != 0)
        *length = *length > headers ? *length - headers : 0;
    return r;
}

static long send(struct thread *t, const u64 a[MAX_ARGUMENTS], bool headers_count)
{
    struct transfer out = {.file = (s32)a[0], .socket = (s32)a[1]};
    struct freebsd_sf_hdtr around = {.headers = 0};
    u64 length = a[3];
    if ((s64)a[2] < 0)
        return -EINVAL;
    if (a[4] && copy_in(&around, a[4], sizeof(around)) != 0)
        return -EFAULT;
    long r = headers_count ? part_of_4(&around, &length) : 0;
    if (!is_error(r))
        r = check_ends(t, &out);
    if (is_error(r))
        return r;
    r = send_vector(&out, around.headers, around.hdr_cnt);
    if (!is_error(r))
        r = send_part(&out, a[2], length);
    if (!is_error(r))
        r = send_vector(&out, around.trailers, around.trl_cnt);
    if (r == RESTART && out.sent > 0)
        r = -EINTR; /* what went out must not go out again */
    if (r != RESTART && a[5] && put_u64(a[5], out.sent) != 0)
        return -EFAULT;
    return r;
}

long freebsd_sys_sendfile(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return send(t, a, false);
}

long freebsd_sys_freebsd4_sendfile(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return send(t, a, true);
}
