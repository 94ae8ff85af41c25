"""Builds personality._core: the few host calls that the supervisor needs and Python lacks.

API mode, so that the compiler checks every declaration.  Each function returns 0 or more on
success and -errno otherwise: errno is read on the C side, where nothing can overwrite it.
"""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent

ffi = FFI()

ffi.cdef(
    """
    long core_read_memory(int pid, unsigned long address, void *to, size_t size);
    long core_write_memory(int pid, unsigned long address, const void *from, size_t size);
    long core_pidfd_getfd(int pid, int fd);
    long core_seize(int pid, unsigned long options);
    long core_listen(int pid);
    long core_get_siginfo(int pid, void *to, size_t size);
    long core_probe_dispatch(void);
    long core_ticks(unsigned long *pair);

    void *core_tally_new(void);
    void core_tally_free(void *tally);
    long core_tally_scan(void *tally, const char *data, size_t size, unsigned slot, unsigned *others,
                         unsigned room, unsigned *count);
    long core_tally_enter(void *tally, int process, unsigned kernel, unsigned number, unsigned long duration,
                          long result);
    unsigned long core_tally_count(void *tally);
    void core_tally_entry(void *tally, unsigned long i, long long *out);
    """
)

ffi.set_source(
    "personality._core",
    r"""
    #include <errno.h>
    #include <signal.h>
    #include <string.h>
    #include <sys/prctl.h>
    #include <sys/ptrace.h>
    #include <sys/syscall.h>
    #include <sys/uio.h>
    #include <unistd.h>

    #ifndef SYS_pidfd_open
    #define SYS_pidfd_open 434
    #endif
    #ifndef SYS_pidfd_getfd
    #define SYS_pidfd_getfd 438
    #endif

    static long result(long value) { return value < 0 ? -errno : value; }

    static long core_read_memory(int pid, unsigned long address, void *to, size_t size)
    {
        struct iovec here = { to, size }, there = { (void *)address, size };
        return result(process_vm_readv(pid, &here, 1, &there, 1, 0));
    }

    static long core_write_memory(int pid, unsigned long address, const void *from, size_t size)
    {
        struct iovec here = { (void *)from, size }, there = { (void *)address, size };
        return result(process_vm_writev(pid, &here, 1, &there, 1, 0));
    }

    static long core_pidfd_getfd(int pid, int fd)
    {
        int pidfd = syscall(SYS_pidfd_open, pid, 0);
        long copy;

        if (pidfd < 0)
            return -errno;
        copy = result(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
        close(pidfd);
        return copy;
    }

    static long core_seize(int pid, unsigned long options)
    {
        return result(ptrace(PTRACE_SEIZE, pid, (void *)0, (void *)options));
    }

    static long core_listen(int pid)
    {
        return result(ptrace(PTRACE_LISTEN, pid, (void *)0, (void *)0));
    }

    static long core_get_siginfo(int pid, void *to, size_t size)
    {
        siginfo_t info;
        long r = result(ptrace(PTRACE_GETSIGINFO, pid, (void *)0, &info));
        if (r >= 0)
            memcpy(to, &info, size < sizeof info ? size : sizeof info);
        return r;
    }

    /* Turning off what was never on: 0 where the kernel has syscall user dispatch, -EINVAL elsewhere. */
    static long core_probe_dispatch(void)
    {
        return result(prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 0 /* PR_SYS_DISPATCH_OFF */, 0, 0, 0));
    }
    """
    + f'#include "{HERE / "core_tally.c"}"\n#include "{HERE / "core_ticks.c"}"\n',
    extra_compile_args=["-O2", "-Wall", "-Wextra"],
)

if __name__ == "__main__":
    ffi.compile(verbose=False)
