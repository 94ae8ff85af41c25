/* What NetBSD's procfs shows a process of itself, by the names self and curproc (sys/miscfs/procfs): its program, its
 * arguments and environment, its folders, its mappings.  The mappings have the form of Linux's, which they were made for. */
#include "files.h"
#include "memory.h"
#include "netbsd.h"

#define OWN "/proc/self/"

enum shown { NOT_SHOWN, PROGRAM, MAPPINGS, HOSTS };

/* `own`: the host's path of it. */
static enum shown which(u64 path, char own[32])
{
    static const struct {
        char name[12];
        u8 shown;
    } files[] = {{"exe", PROGRAM},   {"maps", MAPPINGS}, {"cmdline", HOSTS},
                 {"environ", HOSTS}, {"cwd", HOSTS},     {"root", HOSTS}};
    char whole[32];
    long length = copy_in_string(whole, path, sizeof(whole));

    if (length < 0)
        return NOT_SHOWN;
    const char *name = whole + last_component(whole, &length);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        size_t folder = (size_t)(name - whole);
        bool here = folder == strlen(OWN) && memcmp(whole, OWN, folder) == 0;
        bool current = folder == strlen("/proc/curproc/") && memcmp(whole, "/proc/curproc/", folder) == 0;
        if ((here || current) && strcmp(name, files[i].name) == 0) {
            memcpy(own, OWN, strlen(OWN));
            memcpy(own + strlen(OWN), name, strlen(name) + 1);
            return files[i].shown;
        }
    }
    return NOT_SHOWN;
}

static u64 hexadecimal(const char **at)
{
    u64 value = 0;
    for (; (**at >= '0' && **at <= '9') || (**at >= 'a' && **at <= 'f'); (*at)++)
        value = value << 4 | (u64)(**at <= '9' ? **at - '0' : **at - 'a' + 10);
    return value;
}

/* Device, inode and name: after addresses, access and offset. */
static const char *file_of(const char *line)
{
    for (int word = 0; *line && word < 3; line++)
        word += *line == ' ';
    return line;
}

/* The runtime's code tells its file, which its data follows; what the host adds of its own has a name in brackets. */
static bool is_hidden(const char *line, char runtime[1200])
{
    const char *file = file_of(line), *at = line;
    u64 start = hexadecimal(&at);
    at++;
    if (over_runtime(start, hexadecimal(&at) - start)) {
        memcpy(runtime, file, strlen(file) + 1);
        return true;
    }
    if (*runtime && strcmp(file, runtime) == 0)
        return true;
    for (; *file; file++)
        if (file[0] == '[' && file[1] == 'v') /* vdso, vvar, vsyscall */
            return true;
    return false;
}

/* What is there now, without the runtime, in a file of its own. */
static long mappings(u64 host_flags)
{
    struct line_reader in = {.fd = -1};
    char line[1200], runtime[1200] = "";
    long r = host(__NR_memfd_create, "maps", host_flags & LINUX_O_CLOEXEC ? 1 /* MFD_CLOEXEC */ : 0);
    long from = host(__NR_openat, LINUX_AT_FDCWD, OWN "maps", LINUX_O_RDONLY | LINUX_O_CLOEXEC, 0);

    if (is_error(r) || is_error(from)) {
        if (!is_error(from))
            host(__NR_close, from);
        return is_error(r) ? r : from;
    }
    in.fd = (int)from;
    while (next_line(&in, line, sizeof(line) - 1)) {
        if (is_hidden(line, runtime))
            continue;
        size_t length = strlen(line);
        line[length] = '\n';
        host(__NR_write, r, line, length + 1);
    }
    host(__NR_close, from);
    host(__NR_lseek, r, 0, 0);
    return r;
}

long own_process_open(struct thread *t, u64 path, u64 host_flags)
{
    char own[32];

    switch (which(path, own)) {
    case PROGRAM:
        return host(__NR_openat, LINUX_AT_FDCWD, t->process->executable, host_flags, 0);
    case MAPPINGS:
        return (host_flags & LINUX_O_ACCMODE) != LINUX_O_RDONLY ? -EACCES : mappings(host_flags);
    case HOSTS:
        return host(__NR_openat, LINUX_AT_FDCWD, own, host_flags, 0);
    default:
        return -ENOENT;
    }
}

long own_process_link(struct thread *t, u64 path, u64 to, u64 room)
{
    char own[32];
    const char *program = t->process->executable;
    size_t length = strlen(program);

    switch (which(path, own)) {
    case PROGRAM:
        length = length < room ? length : room;
        return copy_out(to, program, length) != 0 ? -EFAULT : (long)length;
    case NOT_SHOWN:
        return -ENOENT;
    default:
        return room == 0 ? 0 : host(__NR_readlinkat, LINUX_AT_FDCWD, own, to, room);
    }
}

long own_process_stat(struct thread *t, u64 path, u64 host_flags, struct bsd_stat *st)
{
    char own[32];
    enum shown shown = which(path, own);

    if (shown == NOT_SHOWN)
        return -ENOENT;
    bool follows = shown == PROGRAM && !(host_flags & LINUX_AT_SYMLINK_NOFOLLOW);
    return read_stat(LINUX_AT_FDCWD, (u64)(follows ? t->process->executable : own), host_flags, st);
}
