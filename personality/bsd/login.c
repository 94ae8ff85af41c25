/* The name that a BSD keeps beside the ids: who logged in.
 *
 * The host keeps the user id of a login (the audit session's), whose name is in the user database.  A name
 * that setlogin gives is kept in the process and its children, until they execute another program. */
#include "bsd.h"
#include <linux/fcntl.h>

#define NO_LOGIN (~0U)

static char given_name[BSD_MAXLOGNAME];

static long read_file(const char *path, char *to, size_t room)
{
    long fd = host(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (is_error(fd))
        return fd;
    size_t n = 0;
    long r = 0;
    while (n < room - 1 && (r = host(__NR_read, fd, to + n, room - 1 - n)) > 0)
        n += (size_t)r;
    host(__NR_close, fd);
    to[n] = 0;
    return is_error(r) ? r : (long)n;
}

static const char *number_at(const char *at, u32 *value)
{
    *value = 0;
    while (*at >= '0' && *at <= '9')
        *value = *value * 10 + (u32)(*at++ - '0');
    return at;
}

/* name:password:uid:... */
static void name_of(u32 uid, const char *database, char name[BSD_MAXLOGNAME])
{
    for (const char *line = database; *line != 0;) {
        const char *end = line, *at = line;
        while (*end != 0 && *end != '\n')
            end++;
        while (at < end && *at != ':')
            at++;
        size_t length = (size_t)(at - line);
        for (at++; at < end && *at != ':'; at++)
            continue;
        u32 found;
        if (at < end && at[1] >= '0' && at[1] <= '9' && *number_at(at + 1, &found) == ':' && found == uid &&
            length < BSD_MAXLOGNAME) {
            memcpy(name, line, length);
            name[length] = 0;
            return;
        }
        line = *end == 0 ? end : end + 1;
    }
}

static void login_name(char name[BSD_MAXLOGNAME])
{
    const size_t room = 64 * 1024;
    char text[16];
    u32 uid = NO_LOGIN;

    if (given_name[0] != 0) {
        memcpy(name, given_name, BSD_MAXLOGNAME);
        return;
    }
    if (read_file("/proc/self/loginuid", text, sizeof(text)) > 0)
        number_at(text, &uid);
    if (uid == NO_LOGIN)
        uid = (u32)host(__NR_getuid);
    char *database = runtime_alloc(room);
    if (database == NULL)
        return;
    if (read_file("/etc/passwd", database, room) > 0)
        name_of(uid, database, name);
    runtime_free(database);
}

long bsd_sys_getlogin(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char name[BSD_MAXLOGNAME] = "";
    u32 room = (u32)a[1];

    login_name(name);
    size_t length = strlen(name) + 1;
    if (length > room)
        return -ERANGE;
    return copy_out(a[0], name, length);
}

long bsd_sys_setlogin(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char name[BSD_MAXLOGNAME] = "";

    if (host(__NR_geteuid) != 0)
        return -EPERM;
    long r = copy_in_string(name, a[0], sizeof(name));
    if (r < 0)
        return r == -ENAMETOOLONG ? -EINVAL : r;
    memcpy(given_name, name, sizeof(name));
    return 0;
}
