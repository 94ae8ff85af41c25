/* Another root: as the host's, but for the working directory, which comes along unless it is below the new root. */
#include "files.h"
#include "netbsd.h"

#define DIRECTORY (LINUX_O_DIRECTORY | LINUX_O_PATH | LINUX_O_CLOEXEC)

/* The host marks a path that does not begin at the root. */
static bool is_outside(void)
{
    char path[4096];
    long length = host(__NR_getcwd, path, sizeof(path));
    return is_error(length) || path[0] != '/';
}

/* `directory` is closed; the host takes a descriptor as root by way of being there. */
static long change_root(int directory)
{
    int here = (int)host(__NR_openat, LINUX_AT_FDCWD, ".", DIRECTORY, 0);
    long r = is_error(here) ? here : host(__NR_fchdir, directory);

    if (r == 0) {
        r = host(__NR_chroot, ".");
        host(__NR_fchdir, here);
        if (r == 0 && is_outside())
            host(__NR_fchdir, directory);
    }
    if (!is_error(here))
        host(__NR_close, here);
    host(__NR_close, directory);
    return r;
}

long netbsd_sys_chroot(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    int directory = (int)host(__NR_openat, LINUX_AT_FDCWD, a[0], DIRECTORY, 0);
    return is_error(directory) ? directory : change_root(directory);
}

long netbsd_sys_fchroot(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    long directory = host(__NR_openat, (s32)a[0], ".", DIRECTORY, 0);
    return is_error(directory) ? directory : change_root((int)directory);
}
