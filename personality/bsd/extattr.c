/* Extended attributes, and access control lists, which no file system here has.
 *
 * FreeBSD's two namespaces become the host's "user." and "trusted.": both let only the superuser into
 * the second.  FreeBSD cuts a value that is too long for the caller's buffer, where the host refuses to
 * read it, and lists names with a length in front, where the host ends them with NUL. */
#include "files.h"

#define NAME_ROOM 256 /* the host's limit, prefix included */
#define LIST_MAXIMUM 65536
#define VALUE_MAXIMUM 65536

enum target { TARGET_FILE, TARGET_LINK, TARGET_FD };

struct call {
    enum target target;
    u64 file; /* a descriptor, or the address of a path */
    char name[NAME_ROOM];
};

static const char *prefix_of(u64 space)
{
    return space == BSD_EXTATTR_NAMESPACE_USER     ? "user."
           : space == BSD_EXTATTR_NAMESPACE_SYSTEM ? "trusted."
                                                       : NULL;
}

static long check_target(struct thread *t, struct call *call, enum target target, u64 file)
{
    call->target = target;
    call->file = target == TARGET_FD ? (u64)(s64)(s32)file : file;
    return target == TARGET_FD && fd_is_reserved(t, (s32)file) ? -EBADF : 0;
}

static long prepare(struct thread *t, struct call *call, enum target target, u64 file, u64 space, u64 name)
{
    long r = check_target(t, call, target, file);
    const char *prefix = prefix_of((u32)space);
    if (is_error(r))
        return r;
    if (prefix == NULL)
        return -EPERM;
    size_t used = strlen(prefix);
    memcpy(call->name, prefix, used);
    r = copy_in_string(call->name + used, name, sizeof(call->name) - used);
    return r == 0 ? -EINVAL : is_error(r) ? r : 0;
}

static long host_get(const struct call *call, void *to, u64 room)
{
    static const u32 numbers[] = {__NR_getxattr, __NR_lgetxattr, __NR_fgetxattr};
    long r = host(numbers[call->target], call->file, call->name, to, room);
    return r == -ENODATA ? WAY_NO_ATTRIBUTE : r;
}

static long host_list(const struct call *call, void *to, u64 room)
{
    static const u32 numbers[] = {__NR_listxattr, __NR_llistxattr, __NR_flistxattr};
    return host(numbers[call->target], call->file, to, room);
}

static long get_value(struct thread *t, enum target target, const u64 a[MAX_ARGUMENTS])
{
    struct call call;
    long r = prepare(t, &call, target, a[0], a[1], a[2]);
    if (is_error(r))
        return r;
    if ((s64)a[4] < 0)
        return -EINVAL;
    if (a[3] == 0)
        return host_get(&call, NULL, 0);
    if (a[4] > 0) {
        r = host_get(&call, (void *)a[3], a[4]);
        if (r != -ERANGE)
            return r;
    }
    void *whole = runtime_alloc(VALUE_MAXIMUM);
    if (whole == NULL)
        return -ENOMEM;
    r = host_get(&call, whole, VALUE_MAXIMUM);
    if (!is_error(r)) {
        u64 part = (u64)r < a[4] ? (u64)r : a[4];
        r = copy_out(a[3], whole, part) != 0 ? -EFAULT : (long)part;
    }
    runtime_free(whole);
    return r;
}

static long set_value(struct thread *t, enum target target, const u64 a[MAX_ARGUMENTS])
{
    static const u32 numbers[] = {__NR_setxattr, __NR_lsetxattr, __NR_fsetxattr};
    struct call call;
    long r = prepare(t, &call, target, a[0], a[1], a[2]);
    if (is_error(r))
        return r;
    r = host(numbers[target], call.file, call.name, a[3], a[4], 0);
    return is_error(r) ? r : (long)a[4];
}

static long delete_value(struct thread *t, enum target target, const u64 a[MAX_ARGUMENTS])
{
    static const u32 numbers[] = {__NR_removexattr, __NR_lremovexattr, __NR_fremovexattr};
    struct call call;
    long r = prepare(t, &call, target, a[0], a[1], a[2]);
    if (!is_error(r))
        r = host(numbers[target], call.file, call.name);
    return r == -ENODATA ? WAY_NO_ATTRIBUTE : r;
}

/* Turns the host's list into FreeBSD's in place: shorter by the prefix and the NUL, longer by a byte. */
static size_t convert_list(u8 *list, size_t length, const char *prefix)
{
    size_t skip = strlen(prefix), done = 0;
    for (size_t at = 0; at < length;) {
        size_t size = strlen((char *)list + at);
        if (size > skip && memcmp(list + at, prefix, skip) == 0) {
            u8 named = (u8)(size - skip);
            memmove(list + done + 1, list + at + skip, named);
            list[done] = named;
            done += 1U + named;
        }
        at += size + 1;
    }
    return done;
}

static long list_names(struct thread *t, enum target target, const u64 a[MAX_ARGUMENTS])
{
    struct call call;
    const char *prefix = prefix_of((u32)a[1]);
    long r = check_target(t, &call, target, a[0]);
    if (is_error(r))
        return r;
    if (prefix == NULL)
        return -EPERM;
    if ((s64)a[3] < 0)
        return -EINVAL;
    u8 *list = runtime_alloc(LIST_MAXIMUM);
    if (list == NULL)
        return -ENOMEM;
    r = host_list(&call, list, LIST_MAXIMUM);
    if (!is_error(r)) {
        size_t length = convert_list(list, (size_t)r, prefix);
        if (a[2] != 0 && length > a[3])
            length = a[3];
        r = a[2] != 0 && copy_out(a[2], list, length) != 0 ? -EFAULT : (long)length;
    }
    runtime_free(list);
    return r;
}

#define EXTATTR_CALL(name, serve, target)                                                          \
    long bsd_sys_extattr_##name(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS]) \
    {                                                                                              \
        return serve(t, target, a);                                                                \
    }

EXTATTR_CALL(get_file, get_value, TARGET_FILE)
EXTATTR_CALL(get_link, get_value, TARGET_LINK)
EXTATTR_CALL(get_fd, get_value, TARGET_FD)
EXTATTR_CALL(set_file, set_value, TARGET_FILE)
EXTATTR_CALL(set_link, set_value, TARGET_LINK)
EXTATTR_CALL(set_fd, set_value, TARGET_FD)
EXTATTR_CALL(delete_file, delete_value, TARGET_FILE)
EXTATTR_CALL(delete_link, delete_value, TARGET_LINK)
EXTATTR_CALL(delete_fd, delete_value, TARGET_FD)
EXTATTR_CALL(list_file, list_names, TARGET_FILE)
EXTATTR_CALL(list_link, list_names, TARGET_LINK)
EXTATTR_CALL(list_fd, list_names, TARGET_FD)

/* ---- access control lists ----------------------------------------------------------------------- */

/* As a file system mounted without them: the file has to be there, and then EOPNOTSUPP. */
static long no_list_of_path(u64 path, u64 flags)
{
    struct linux_statx ignored;
    long r = host(__NR_statx, LINUX_AT_FDCWD, path, flags, LINUX_STATX_BASIC_STATS, &ignored);
    return is_error(r) ? r : -EOPNOTSUPP;
}

static long no_list_of_descriptor(struct thread *t, u64 fd)
{
    if (fd_is_reserved(t, (s32)fd) || is_error(host(__NR_fcntl, (s32)fd, LINUX_F_GETFD, 0)))
        return -EBADF;
    return -EOPNOTSUPP;
}

#define ACL_CALLS(operation)                                                                        \
    long bsd_sys___acl_##operation##_file(struct thread *t UNUSED, struct frame *f UNUSED,       \
                                              const u64 a[MAX_ARGUMENTS])                            \
    {                                                                                               \
        return no_list_of_path(a[0], 0);                                                            \
    }                                                                                               \
    long bsd_sys___acl_##operation##_link(struct thread *t UNUSED, struct frame *f UNUSED,       \
                                              const u64 a[MAX_ARGUMENTS])                            \
    {                                                                                               \
        return no_list_of_path(a[0], LINUX_AT_SYMLINK_NOFOLLOW);                                    \
    }                                                                                               \
    long bsd_sys___acl_##operation##_fd(struct thread *t, struct frame *f UNUSED,                \
                                            const u64 a[MAX_ARGUMENTS])                              \
    {                                                                                               \
        return no_list_of_descriptor(t, a[0]);                                                      \
    }

ACL_CALLS(get)
ACL_CALLS(set)
ACL_CALLS(delete)
ACL_CALLS(aclcheck)
