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

struct copy {
    long to;
    struct host_mapping runtime; /* its code, by which its other mappings are known; inode 0 before that came */
};

/* The runtime's code tells its file, which its data follows; what the host adds of its own has a name in brackets. */
static bool is_hidden(const struct host_mapping *m, struct copy *copy)
{
    const struct host_mapping *runtime = &copy->runtime;
    if (over_runtime(m->low, m->high - m->low)) {
        copy->runtime = *m;
        return true;
    }
    if (runtime->inode != 0 && m->inode == runtime->inode && m->major == runtime->major && m->minor == runtime->minor)
        return true;
    return m->path[0] == '[' && m->path[1] == 'v'; /* vdso, vvar, vsyscall */
}

static bool copy_line(const struct host_mapping *m, void *context)
{
    struct copy *copy = context;
    if (!is_hidden(m, copy)) {
        host(__NR_write, copy->to, m->line, strlen(m->line));
        host(__NR_write, copy->to, "\n", 1);
    }
    return true;
}

/* What is there now, without the runtime, in a file of its own. */
static long mappings(u64 host_flags)
{
    struct copy copy = {.to = host(__NR_memfd_create, "maps", host_flags & LINUX_O_CLOEXEC ? 1 /* MFD_CLOEXEC */ : 0)};
    if (is_error(copy.to))
        return copy.to;
    long r = each_host_mapping(copy_line, &copy);
    if (r != 0) {
        host(__NR_close, copy.to);
        return r;
    }
    host(__NR_lseek, copy.to, 0, 0);
    return copy.to;
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
