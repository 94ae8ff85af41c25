"""Builds sandbox._core: the host calls that isolation takes and Python 3.11 lacks.

API mode, so that the compiler checks every declaration.  Each function returns 0 or more on
success and -errno otherwise: errno is read on the C side, where nothing can overwrite it.
"""

from __future__ import annotations

from cffi import FFI

ffi = FFI()

ffi.cdef(
    """
    long zone_unshare(int flags);
    long zone_setns(int fd, int kind);
    long zone_mount(const char *source, const char *target, const char *type, unsigned long flags,
                    const char *data);
    long zone_umount(const char *target, int flags);
    long zone_pivot_root(const char *new_root, const char *put_old);
    long zone_open_tree(int at, const char *path, unsigned int flags);
    long zone_openat2(int at, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
    long zone_move_mount(int from, int to, const char *target, unsigned int flags);
    long zone_set_mount(int fd, const char *path, unsigned int flags, uint64_t set, uint64_t clear);
    long zone_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
    long zone_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable);
    long zone_filter(const char *program, unsigned short instructions);
    long zone_sethostname(const char *name, size_t length);
    long zone_loopback_up(void);
    long zone_spend_pids(int last);
    long zone_new_group(void);
    long zone_apart(void *what);
    extern "Python" void zone_work_apart(void *what);
    """
)

ffi.set_source(
    "sandbox._core",
    r"""
    #include <errno.h>
    #include <linux/capability.h>
    #include <linux/filter.h>
    #include <linux/seccomp.h>
    #include <net/if.h>
    #include <sched.h>
    #include <stdint.h>
    #include <string.h>
    #include <sys/ioctl.h>
    #include <sys/mount.h>
    #include <sys/prctl.h>
    #include <sys/socket.h>
    #include <sys/syscall.h>
    #include <sys/wait.h>
    #include <unistd.h>

    #ifndef SYS_open_tree
    #define SYS_open_tree 428
    #endif
    #ifndef SYS_move_mount
    #define SYS_move_mount 429
    #endif
    #ifndef SYS_openat2
    #define SYS_openat2 437
    #endif
    #ifndef SYS_mount_setattr
    #define SYS_mount_setattr 442
    #endif

    static long result(long value) { return value < 0 ? -errno : value; }

    static long zone_unshare(int flags) { return result(unshare(flags)); }

    static long zone_setns(int fd, int kind) { return result(setns(fd, kind)); }

    static long zone_mount(const char *source, const char *target, const char *type, unsigned long flags,
                           const char *data)
    {
        return result(mount(source, target, type, flags, data));
    }

    static long zone_umount(const char *target, int flags) { return result(umount2(target, flags)); }

    static long zone_pivot_root(const char *new_root, const char *put_old)
    {
        return result(syscall(SYS_pivot_root, new_root, put_old));
    }

    static long zone_open_tree(int at, const char *path, unsigned int flags)
    {
        return result(syscall(SYS_open_tree, at, path, flags));
    }

    /* struct open_how of linux/openat2.h, which older C libraries do not have. */
    static long zone_openat2(int at, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
    {
        struct { uint64_t flags, mode, resolve; } how = { flags, mode, resolve };
        return result(syscall(SYS_openat2, at, path, &how, sizeof how));
    }

    static long zone_move_mount(int from, int to, const char *target, unsigned int flags)
    {
        return result(syscall(SYS_move_mount, from, "", to, target, flags));
    }

    /* struct mount_attr of linux/mount.h, which older C libraries do not have. */
    static long zone_set_mount(int fd, const char *path, unsigned int flags, uint64_t set, uint64_t clear)
    {
        struct { uint64_t set, clear, propagation, userns_fd; } attributes = { set, clear, 0, 0 };
        return result(syscall(SYS_mount_setattr, fd, path, flags, &attributes, sizeof attributes));
    }

    static long zone_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
    {
        return result(prctl(option, a, b, c, d));
    }

    static long zone_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable)
    {
        struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
        struct __user_cap_data_struct data[2] = {
            { (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
            { (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32) },
        };
        return result(syscall(SYS_capset, &header, data));
    }

    static long zone_filter(const char *program, unsigned short instructions)
    {
        struct sock_fprog filter = { instructions, (struct sock_filter *)program };
        return result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
    }

    static long zone_sethostname(const char *name, size_t length)
    {
        return result(sethostname(name, length));
    }

    /* Children that end at once, until one had the number `last` or a higher one. */
    static long zone_spend_pids(int last)
    {
        int child;

        do {
            child = vfork();
            if (child < 0)
                return -errno;
            if (child == 0)
                _exit(0);
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
                ;
        } while (child < last);
        return 0;
    }

    /* A child that has ended, in a process group of its own, and that waits to be collected: until then the
     * group is there, and its parent can join it. */
    static long zone_new_group(void)
    {
        int child = vfork();

        if (child == 0) {
            setpgid(0, 0);
            _exit(0);
        }
        return result(child);
    }

    static void zone_work_apart(void *what);

    /* A child that runs Python in our memory, while this process waits for its end. */
    static long zone_apart(void *what)
    {
        static const char text[] = "guise: a process that was making a zone was killed; try again\n";
        volatile int done = 0;
        int child = vfork();

        if (child == 0) {
            zone_work_apart(what);
            done = 1;
            _exit(0);
        }
        if (child < 0)
            return -errno;
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
        if (!done) { /* it left our memory, and Python's lock, as they were in the middle of something */
            if (write(2, text, sizeof text - 1) < 0)
                _exit(126);
            _exit(125);
        }
        return 0;
    }

    static long zone_loopback_up(void)
    {
        struct ifreq request;
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        long r;

        if (fd < 0)
            return -errno;
        memset(&request, 0, sizeof request);
        strcpy(request.ifr_name, "lo");
        request.ifr_flags = IFF_UP | IFF_RUNNING;
        r = result(ioctl(fd, SIOCSIFFLAGS, &request));
        close(fd);
        return r;
    }
    """,
    extra_compile_args=["-O2", "-Wall", "-Wextra", "-Werror"],
)

if __name__ == "__main__":
    ffi.compile(verbose=False)
