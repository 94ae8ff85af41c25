/* Ways out of a sandbox, each tried in a process of its own: attempts SECRET PID KEY [NAME | -NAME | control]
 *
 * SECRET is a file that the host has and the sandbox does not show; PID is a process of the host, KEY the key of
 * a shared memory segment there.  A line for each: its name and "escaped", or what the kernel said.  What could
 * do harm is asked for in a form that does none: the clock is set to what it is, a module is no module.  An
 * answer that only comes after the check of rights (ENOEXEC for a module) is an escape.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static const char *secret;
static int host_pid, host_key;
static char area[4096];

/* An attempt returns 0 if it escaped, else what stopped it. */
static int why(long result) { return result < 0 ? errno : 0; }
/* As `why`, where these answers mean that nothing but the arguments was wrong. */
static int but(long result, int passed) { return result < 0 && errno != passed ? errno : 0; }
static int at(int fd, const char *path, int flags) { return (int)syscall(SYS_openat, fd, path, flags, 0600); }

static int reads(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_NONBLOCK), r = fd < 0 ? errno : read(fd, &byte, 1) == 1 ? 0 : errno ? errno : ENODATA;
    if (fd >= 0)
        close(fd);
    return r;
}

static int writes(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY), r;
    if (fd < 0)
        return errno;
    r = but(write(fd, text, strlen(text)), EINVAL);
    close(fd);
    return r;
}

/* The secret, below a folder of whatever process or descriptor. */
static int secret_below(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", folder, secret);
    return reads(path);
}

#define TRY(name, ...) static int name(void) { __VA_ARGS__ }

/* Mounts. */
TRY(mount_tmpfs, mkdir("t", 0700); return why(mount("none", "t", "tmpfs", 0, "")); )
TRY(mount_proc, mkdir("t", 0700); return why(mount("proc", "t", "proc", 0, "")); )
TRY(mount_sysfs, mkdir("t", 0700); return why(mount("sysfs", "t", "sysfs", 0, "")); )
TRY(mount_cgroup, mkdir("t", 0700); return why(mount("none", "t", "cgroup2", 0, "")); )
TRY(mount_devtmpfs, mkdir("t", 0700); return why(mount("none", "t", "devtmpfs", 0, "")); )
TRY(mount_bind, mkdir("t", 0700); return why(mount("/", "t", "", MS_BIND | MS_REC, "")); )
TRY(remount_root, return why(mount("none", "/", "", MS_REMOUNT | MS_BIND, "")); )
TRY(remount_proc_sys, return why(mount("none", "/proc/sys", "", MS_REMOUNT | MS_BIND, "")); )
TRY(share_mounts, return why(mount("none", "/", "", MS_SHARED | MS_REC, "")); )
TRY(unmount_proc, return why(umount2("/proc", MNT_DETACH)); )
TRY(unmount_tmp, return why(umount2("/tmp", MNT_DETACH)); )
TRY(unmount_kcore, return why(umount2("/proc/kcore", MNT_DETACH)); )
TRY(unmount_dev, return why(umount2("/dev", MNT_DETACH)); )
TRY(pivot, return why(syscall(SYS_pivot_root, ".", ".")); )
TRY(fs_open, return why(syscall(428 + 2, "tmpfs", 0)); )
TRY(fs_pick, return why(syscall(433, AT_FDCWD, "/", 0)); )
TRY(open_tree_clone, return why(syscall(428, AT_FDCWD, "/", 1 | O_CLOEXEC)); )
TRY(mount_setattr_writable, uint64_t a[4] = { 0 }; a[1] = 1; return why(syscall(442, AT_FDCWD, "/", 0, a, sizeof a)); )
TRY(chroot_out,
    int here = open("/", O_RDONLY), n;
    mkdir("c", 0700);
    if (chroot("c") < 0)
        return errno;
    if (fchdir(here) < 0)
        return errno;
    for (n = 0; n < 100; n++)
        if (chdir("..") < 0)
            return errno;
    if (chroot(".") < 0)
        return errno;
    return reads(secret); )

/* Files. */
TRY(secret_itself, return reads(secret); )
TRY(secret_by_link, unlink("l"); if (symlink(secret, "l") < 0) return errno; return reads("l"); )
TRY(secret_by_root_of_1, return secret_below("/proc/1/root"); )
TRY(secret_by_own_root, return secret_below("/proc/self/root/../../.."); )
TRY(secret_by_cwd_of_1, return secret_below("/proc/1/cwd/../../../.."); )
TRY(secret_by_parent, char p[64]; snprintf(p, 64, "/proc/%d/root", getppid()); return secret_below(p); )
TRY(secret_by_descriptors,
    int fd, n, last = ENOENT;
    for (fd = 0; fd < 4096; fd++) {
        char path[4096] = "";
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        for (n = 0; n < 30; n++) {
            int found = at(fd, strcat(path, "../"), O_RDONLY | O_DIRECTORY), file;
            if (found < 0)
                break;
            file = at(found, secret + 1, O_RDONLY);
            if (file >= 0)
                return 0;
            last = errno;
            close(found);
        }
    }
    return last; )
TRY(secret_by_descriptors_of_others,
    DIR *all = opendir("/proc"), *one;
    struct dirent *e, *f;
    int last = ENOENT;
    while (all && (e = readdir(all))) {
        char path[512];
        if (atoi(e->d_name) <= 0 || atoi(e->d_name) == getpid())
            continue;
        snprintf(path, sizeof path, "/proc/%s/fd", e->d_name);
        one = opendir(path);
        if (!one) {
            last = errno;
            continue;
        }
        while ((f = readdir(one))) {
            char below[1024];
            snprintf(below, sizeof below, "%s/%s/../../../../../../../..", path, f->d_name);
            last = secret_below(below);
            if (!last)
                return 0;
        }
        closedir(one);
    }
    return last; )
TRY(file_handle,
    struct { unsigned bytes; int type; unsigned char data[128]; } h = { 128, 0, { 0 } };
    int mount_id, here = open(".", O_RDONLY);
    if (syscall(SYS_name_to_handle_at, AT_FDCWD, ".", &h, &mount_id, 0) < 0)
        return errno;
    return why(syscall(SYS_open_by_handle_at, here, &h, O_RDONLY)); )
TRY(create_in_etc, int r = why(open("/etc/guise-escape", O_CREAT | O_WRONLY, 0600)); unlink("/etc/guise-escape"); return r; )
TRY(create_in_usr, int r = why(open("/usr/guise-escape", O_CREAT | O_WRONLY, 0600)); unlink("/usr/guise-escape"); return r; )
TRY(create_in_root, int r = why(open("/guise-escape", O_CREAT | O_WRONLY, 0600)); unlink("/guise-escape"); return r; )
TRY(write_passwd, return why(open("/etc/passwd", O_WRONLY)); )
TRY(chmod_passwd, struct stat s; stat("/etc/passwd", &s); return why(chmod("/etc/passwd", s.st_mode & 07777)); )
TRY(chown_passwd, return why(chown("/etc/passwd", 0, 0)); )
TRY(touch_passwd, struct timespec t[2] = { { 0, UTIME_OMIT }, { 0, UTIME_NOW } }; return why(utimensat(AT_FDCWD, "/etc/passwd", t, 0)); )
TRY(label_passwd, int r = why(setxattr("/etc/passwd", "user.guise", "x", 1, 0)); removexattr("/etc/passwd", "user.guise"); return r; )
TRY(link_passwd, int r = why(link("/etc/passwd", "hard")); unlink("hard"); return r; )
TRY(chmod_device, struct stat s; stat("/dev/null", &s); return why(chmod("/dev/null", s.st_mode & 07777)); )
TRY(shm_folder, char p[300]; snprintf(p, 300, "/dev/shm/%s", strrchr(secret, '/') + 1); return reads(p); )

/* The kernel's knobs and windows. */
TRY(core_pattern, return writes("/proc/sys/kernel/core_pattern", "core"); )
TRY(modprobe_path, return writes("/proc/sys/kernel/modprobe", "/sbin/modprobe"); )
TRY(ip_forward, return writes("/proc/sys/net/ipv4/ip_forward", "0"); )
TRY(printk_level, return writes("/proc/sys/kernel/printk", "4"); )
TRY(sysrq, return writes("/proc/sysrq-trigger", "0"); )
TRY(binfmt, return writes("/proc/sys/fs/binfmt_misc/register", "x"); )
TRY(kernel_memory, return reads("/proc/kcore"); )
TRY(kernel_log, return reads("/proc/kmsg"); )
TRY(kernel_log_device, return why(open("/dev/kmsg", O_RDONLY)); )
TRY(kernel_symbols,
    char line[64] = "";
    FILE *f = fopen("/proc/kallsyms", "r");
    if (!f)
        return errno;
    if (!fgets(line, sizeof line, f))
        return ENODATA;
    return strtoull(line, 0, 16) ? 0 : EPERM; )
TRY(slab_info, return reads("/proc/slabinfo"); )
TRY(key_list, return reads("/proc/keys"); )
TRY(timer_list, return reads("/proc/timer_list"); )
TRY(page_flags, return reads("/proc/kpageflags"); )
TRY(uevent_helper, return writes("/sys/kernel/uevent_helper", ""); )
TRY(power_state, int fd = open("/sys/power/state", O_WRONLY); return why(fd); )
TRY(release_agent,
    const char *p[] = { "/sys/fs/cgroup/release_agent", "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/cpu/release_agent", "/sys/fs/cgroup/pids/release_agent" };
    int n, r = ENOENT;
    for (n = 0; n < 4; n++)
        if (!(r = why(open(p[n], O_WRONLY))))
            return 0;
    return r; )
TRY(make_cgroup,
    const char *p[] = { "/sys/fs/cgroup/guise-escape", "/sys/fs/cgroup/pids/guise-escape" };
    int n, r = ENOENT;
    for (n = 0; n < 2; n++)
        if (!(r = why(mkdir(p[n], 0700)))) {
            rmdir(p[n]);
            return 0;
        }
    return r; )
TRY(leave_cgroup, return writes("/sys/fs/cgroup/pids/cgroup.procs", "0"); )
TRY(oom_protection, return writes("/proc/self/oom_score_adj", "-1000"); )
TRY(memory_of_1, int fd = open("/proc/1/mem", O_RDWR); return why(fd); )
TRY(environment_of_1, return reads("/proc/1/environ"); )

/* Devices. */
TRY(mknod_memory, unlink("d"); return why(mknod("d", S_IFCHR | 0600, makedev(1, 1))); )
TRY(mknod_disk, unlink("d"); return why(mknod("d", S_IFBLK | 0600, makedev(254, 0))); )
TRY(memory_device, return why(open("/dev/mem", O_RDONLY)); )
TRY(port_device, return why(open("/dev/port", O_RDONLY)); )
TRY(disk_device, const char *p[] = { "/dev/vda", "/dev/sda", "/dev/nvme0n1" }; int n, r = ENOENT;
    for (n = 0; n < 3; n++)
        if (!(r = why(open(p[n], O_RDONLY))))
            return 0;
    return r; )
TRY(fuse_device, return why(open("/dev/fuse", O_RDWR)); )
TRY(loop_device, return why(open("/dev/loop-control", O_RDWR)); )
TRY(tun_device, return why(open("/dev/net/tun", O_RDWR)); )
TRY(terminal_input,
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        return errno;
    setsid();
    slave = open(ptsname(master), O_RDWR);
    return slave < 0 ? errno : why(ioctl(slave, TIOCSTI, "x")); )
TRY(console_selection, char what = 6; return but(ioctl(0, 0x541c /* TIOCLINUX */, &what), ENOTTY); )

/* The kernel itself. */
TRY(load_module, return but(syscall(SYS_init_module, area, sizeof area, ""), ENOEXEC); )
TRY(load_module_file, int fd = open("/proc/self/exe", O_RDONLY); int r = but(syscall(SYS_finit_module, fd, "", 0), ENOEXEC); return r == EINVAL ? 0 : r; )
TRY(unload_module, return but(syscall(SYS_delete_module, "guise_none", O_NONBLOCK), ENOENT); )
TRY(load_kernel, return why(syscall(SYS_kexec_load, 0, 0, 0, 0)); )
TRY(load_kernel_file, return but(syscall(SYS_kexec_file_load, -1, -1, 0, 0, 0), EBADF); )
TRY(reboot_switch, return but(syscall(SYS_reboot, 0xfee1dead, 0x28121969, 0 /* Ctrl-Alt-Del */, 0), EINVAL); )
TRY(swap_on, return but(syscall(SYS_swapon, "/nonexistent", 0), ENOENT); )
TRY(swap_off, return but(syscall(SYS_swapoff, "/nonexistent"), ENOENT); )
TRY(set_time, struct timeval t; gettimeofday(&t, 0); return why(settimeofday(&t, 0)); )
TRY(set_clock, struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return why(clock_settime(CLOCK_REALTIME, &t)); )
TRY(adjust_clock, struct timex t = { .modes = ADJ_OFFSET | ADJ_NANO }; return why(adjtimex(&t)); )
TRY(account, return but(syscall(SYS_acct, "/nonexistent"), ENOENT); )
TRY(ports_all, int r = why(syscall(SYS_iopl, 3)); if (!r) syscall(SYS_iopl, 0); return r; )
TRY(ports_some, return why(syscall(SYS_ioperm, 0x80, 1, 1)); )
TRY(read_log, return why(syscall(SYS_syslog, 3, area, sizeof area)); )
TRY(load_program, uint32_t a[30] = { 2, 4, 4, 1 }; return why(syscall(SYS_bpf, 0, a, sizeof a)); )
TRY(trace_kernel, uint64_t a[16] = { (uint64_t)128 << 32 | 1, 0 }; a[0] = (uint64_t)128 << 32 | 1; return why(syscall(SYS_perf_event_open, a, -1, 0, -1, 0)); )
TRY(fault_handler, return why(syscall(SYS_userfaultfd, O_CLOEXEC)); )
TRY(io_ring, uint32_t p[30] = { 0 }; return why(syscall(SYS_io_uring_setup, 4, p)); )
TRY(key_add, return why(syscall(SYS_add_key, "user", "guise", "x", 1, -1 /* the thread's own ring */)); )
TRY(key_session, return why(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1)); )
TRY(key_request, return but(syscall(SYS_request_key, "user", "guise-none", 0, 0), ENOKEY); )
TRY(hang_up, return why(syscall(SYS_vhangup)); )
TRY(watch_all, return why(syscall(SYS_fanotify_init, 4 /* content: permission events */, O_RDONLY)); )

/* Rights. */
TRY(all_capabilities,
    uint32_t h[2] = { 0x20080522, 0 }, d[6] = { ~0u, ~0u, 0, 0x1ff, 0x1ff, 0 };
    return why(syscall(SYS_capset, h, d)); )
TRY(add_admin,
    uint32_t h[2] = { 0x20080522, 0 }, d[6];
    if (syscall(SYS_capget, h, d) < 0)
        return errno;
    d[0] |= 1u << 21, d[1] |= 1u << 21;
    return why(syscall(SYS_capset, h, d)); )
TRY(bounding_admin, int r = prctl(PR_CAPBSET_READ, 21); return r > 0 ? 0 : EPERM; )
TRY(gain_new_rights, int r = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); return r < 0 ? errno : r ? EPERM : 0; )
TRY(new_user_space, return why(unshare(CLONE_NEWUSER)); )
TRY(new_mount_space, return why(unshare(CLONE_NEWNS)); )
TRY(new_net_space, return why(unshare(CLONE_NEWNET)); )
TRY(new_pid_space, return why(unshare(CLONE_NEWPID)); )
TRY(new_cgroup_space, return why(unshare(CLONE_NEWCGROUP)); )
TRY(new_time_space, return why(unshare(0x80)); )
TRY(clone_user_space, long r = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); if (r == 0) _exit(0); return why(r); )
TRY(clone3_user_space, uint64_t a[11] = { CLONE_NEWUSER }; a[4] = SIGCHLD; long r = syscall(435, a, sizeof a); if (r == 0) _exit(0); return why(r); )
TRY(join_space_of_1, int fd = open("/proc/1/ns/mnt", O_RDONLY); return fd < 0 ? errno : why(setns(fd, CLONE_NEWNS)); )
TRY(join_space_of_parent, char p[64]; snprintf(p, 64, "/proc/%d/ns/pid", getppid()); int fd = open(p, O_RDONLY); return fd < 0 ? errno : why(setns(fd, 0)); )
TRY(join_by_pidfd, int fd = (int)syscall(434, 1, 0); return fd < 0 ? errno : why(setns(fd, CLONE_NEWNS | CLONE_NEWUTS)); )
TRY(high_priority, return why(setpriority(PRIO_PROCESS, 0, -20)); )
TRY(real_time, struct sched_param p = { 1 }; return why(sched_setscheduler(0, SCHED_FIFO, &p)); )
TRY(real_time_io, return why(syscall(SYS_ioprio_set, 1, 0, 1 << 13)); )
TRY(raise_limit, struct rlimit l; getrlimit(RLIMIT_NOFILE, &l); l.rlim_max++; return why(setrlimit(RLIMIT_NOFILE, &l)); )
TRY(lock_memory, struct rlimit l = { 1 << 30, 1 << 30 }; return why(setrlimit(RLIMIT_MEMLOCK, &l)); )
TRY(host_name, char n[65]; gethostname(n, 64); return why(sethostname(n, strlen(n))); )

/* Processes of others. */
TRY(signal_host, return why(kill(host_pid, 0)); )
TRY(trace_host, return why(ptrace(PTRACE_SEIZE, host_pid, 0, 0)); )
TRY(trace_1, return why(ptrace(PTRACE_SEIZE, 1, 0, 0)); )
TRY(read_memory_of_1, struct iovec a = { area, 8 }, b = { (void *)0x400000, 8 }; return but(process_vm_readv(1, &a, 1, &b, 1, 0), EFAULT); )
TRY(descriptor_of_1, int fd = (int)syscall(434, 1, 0); return fd < 0 ? errno : why(syscall(438, fd, 0, 0)); )
TRY(handle_of_host, return why(syscall(434, host_pid, 0)); )
TRY(limits_of_host, struct rlimit l; return why(prlimit(host_pid, RLIMIT_CORE, 0, &l)); )
TRY(move_pages_of_1, void *p = area; int s, r; r = but(syscall(SYS_move_pages, 1, 1, &p, 0, &s, 0), EFAULT); return r; )
TRY(host_in_proc, char p[64]; snprintf(p, 64, "/proc/%d/status", host_pid); return reads(p); )
TRY(shared_memory, return why(shmget(host_key, 0, 0)); )

/* Networks. */
TRY(raw_socket, return why(socket(AF_INET, SOCK_RAW, 1)); )
TRY(packet_socket, return why(socket(AF_PACKET, SOCK_RAW, 0)); )
TRY(crypto_socket, return why(socket(AF_ALG, SOCK_SEQPACKET, 0)); )
TRY(machine_socket, return why(socket(AF_VSOCK, SOCK_STREAM, 0)); )
TRY(audit_socket,
    struct { struct nlmsghdr h; char data[40]; } m = { { sizeof m, 1001 /* AUDIT_SET, of nothing */, NLM_F_REQUEST | NLM_F_ACK, 1, 0 }, "" };
    struct { struct nlmsghdr h; int error; char rest[256]; } a;
    int fd = socket(AF_NETLINK, SOCK_RAW, 9);
    if (fd < 0 || send(fd, &m, sizeof m, 0) < 0 || recv(fd, &a, sizeof a, 0) < 0)
        return errno;
    return -a.error; )
TRY(change_interface,
    struct { struct nlmsghdr h; struct ifinfomsg i; } m = { { sizeof m, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0 }, { 0 } };
    struct { struct nlmsghdr h; int error; char rest[256]; } a;
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    m.i.ifi_index = 1;
    if (fd < 0 || send(fd, &m, sizeof m, 0) < 0 || recv(fd, &a, sizeof a, 0) < 0)
        return errno;
    return -a.error; )
TRY(interface_flags,
    struct ifreq r = { 0 };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    strcpy(r.ifr_name, "lo");
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &r) < 0)
        return errno;
    return why(ioctl(fd, SIOCSIFFLAGS, &r)); )

/* Around the filter. */
TRY(mount_by_i386,
    long r;
    static char none[] = "none";
    mkdir("t", 0700);
    char *low = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (low == MAP_FAILED)
        return errno;
    strcpy(low, none), strcpy(low + 16, "t"), strcpy(low + 32, "tmpfs");
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(21L), "b"(low), "c"(low + 16), "d"(low + 32), "S"(0L), "D"(0L) : "memory", "r8", "r9", "r10", "r11");
    return r < 0 ? (int)-r : 0; )
TRY(mount_by_x32, mkdir("t", 0700); return why(syscall(0x40000000 | SYS_mount, "none", "t", "tmpfs", 0, "")); )
TRY(mount_by_high_bits, mkdir("t", 0700);
    long r;
    __asm__ volatile("mov %4, %%r10\n\txor %%r8d, %%r8d\n\tsyscall" : "=a"(r) : "a"(0x7f00000000000000L | SYS_mount), "D"("none"), "S"("t"), "r"(0L), "d"("tmpfs") : "rcx", "r8", "r10", "r11", "memory");
    return r < 0 ? (int)-r : 0; )
TRY(mount_by_tracer,
    int status, child = fork();
    struct stat before, after;
    mkdir("t", 0700);
    stat("t", &before);
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        syscall(SYS_access, "none", "t", "tmpfs", 0, "");
        _exit(0);
    }
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status) || ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0)
        return ECHILD;
    int pass = 0; /* a signal of the child's own: SIGSYS is how a personality catches its calls */
    while (ptrace(PTRACE_SYSCALL, child, 0, pass) == 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        struct user_regs_struct r;
        pass = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
        if (WSTOPSIG(status) == (SIGTRAP | 0x80) && ptrace(PTRACE_GETREGS, child, 0, &r) == 0 && r.orig_rax == SYS_access) {
            r.orig_rax = SYS_mount;
            ptrace(PTRACE_SETREGS, child, 0, &r);
        }
    }
    stat("t", &after);
    return after.st_dev == before.st_dev ? EPERM : 0; )

/* 1: harmless enough to be tried outside as well, where root gets away with it */
#define ROW(name, control) { #name, name, control }
static const struct { const char *name; int (*attempt)(void); int control; } attempts[] = {
    ROW(mount_tmpfs, 1), ROW(mount_proc, 1), ROW(mount_sysfs, 1), ROW(mount_cgroup, 1), ROW(mount_devtmpfs, 0), ROW(mount_bind, 1),
    ROW(remount_root, 1), ROW(remount_proc_sys, 0), ROW(share_mounts, 0), ROW(unmount_proc, 1), ROW(unmount_tmp, 0),
    ROW(unmount_kcore, 0), ROW(unmount_dev, 0), ROW(pivot, 0), ROW(fs_open, 1), ROW(fs_pick, 1), ROW(open_tree_clone, 1),
    ROW(mount_setattr_writable, 1), ROW(chroot_out, 1), ROW(secret_itself, 1), ROW(secret_by_link, 1),
    ROW(secret_by_root_of_1, 1), ROW(secret_by_own_root, 1), ROW(secret_by_cwd_of_1, 1), ROW(secret_by_parent, 1),
    ROW(secret_by_descriptors, 0), ROW(secret_by_descriptors_of_others, 0), ROW(file_handle, 1), ROW(create_in_etc, 0),
    ROW(create_in_usr, 0), ROW(create_in_root, 0), ROW(write_passwd, 1), ROW(chmod_passwd, 1), ROW(chown_passwd, 1),
    ROW(touch_passwd, 0), ROW(label_passwd, 0), ROW(link_passwd, 0), ROW(chmod_device, 1), ROW(shm_folder, 1),
    ROW(core_pattern, 0), ROW(modprobe_path, 0), ROW(ip_forward, 0), ROW(printk_level, 0), ROW(sysrq, 0), ROW(binfmt, 0),
    ROW(kernel_memory, 1), ROW(kernel_log, 0), ROW(kernel_log_device, 1), ROW(kernel_symbols, 1), ROW(slab_info, 1),
    ROW(key_list, 0), ROW(timer_list, 0), ROW(page_flags, 0), ROW(uevent_helper, 0), ROW(power_state, 0),
    ROW(release_agent, 0), ROW(make_cgroup, 0), ROW(leave_cgroup, 0), ROW(oom_protection, 1), ROW(memory_of_1, 1),
    ROW(environment_of_1, 0), ROW(mknod_memory, 1), ROW(mknod_disk, 1), ROW(memory_device, 0), ROW(port_device, 0),
    ROW(disk_device, 0), ROW(fuse_device, 0), ROW(loop_device, 0), ROW(tun_device, 0), ROW(terminal_input, 0),
    ROW(console_selection, 0), ROW(load_module, 0), ROW(load_module_file, 0), ROW(unload_module, 0), ROW(load_kernel, 0),
    ROW(load_kernel_file, 0), ROW(reboot_switch, 1), ROW(swap_on, 1), ROW(swap_off, 1), ROW(set_time, 0), ROW(set_clock, 0),
    ROW(adjust_clock, 0), ROW(account, 0), ROW(ports_all, 0), ROW(ports_some, 0), ROW(read_log, 1), ROW(load_program, 0),
    ROW(trace_kernel, 0), ROW(fault_handler, 0), ROW(io_ring, 0), ROW(key_add, 0), ROW(key_session, 0), ROW(key_request, 0),
    ROW(hang_up, 0), ROW(watch_all, 0), ROW(all_capabilities, 0), ROW(add_admin, 1), ROW(bounding_admin, 1),
    ROW(gain_new_rights, 1), ROW(new_user_space, 1), ROW(new_mount_space, 1), ROW(new_net_space, 1), ROW(new_pid_space, 1),
    ROW(new_cgroup_space, 1), ROW(new_time_space, 0), ROW(clone_user_space, 1), ROW(clone3_user_space, 1),
    ROW(join_space_of_1, 1), ROW(join_space_of_parent, 0), ROW(join_by_pidfd, 1), ROW(high_priority, 1), ROW(real_time, 0),
    ROW(real_time_io, 0), ROW(raise_limit, 1), ROW(lock_memory, 1), ROW(host_name, 1), ROW(signal_host, 1),
    ROW(trace_host, 1), ROW(trace_1, 1), ROW(read_memory_of_1, 1), ROW(descriptor_of_1, 1), ROW(handle_of_host, 1),
    ROW(limits_of_host, 1), ROW(move_pages_of_1, 0), ROW(host_in_proc, 0), ROW(shared_memory, 1), ROW(raw_socket, 1),
    ROW(packet_socket, 1), ROW(crypto_socket, 0), ROW(machine_socket, 0), ROW(audit_socket, 0), ROW(change_interface, 1),
    ROW(interface_flags, 1), ROW(mount_by_i386, 0), ROW(mount_by_x32, 0), ROW(mount_by_high_bits, 1), ROW(mount_by_tracer, 1),
};

static int tried(int (*attempt)(void))
{
    int status, child = fork();

    if (child == 0) {
        alarm(20);
        errno = 0;
        _exit(attempt() & 0xff);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

int main(int count, char **words)
{
    unsigned n;
    int control = count > 4 && !strcmp(words[4], "control");

    if (count < 4)
        return 2;
    secret = words[1], host_pid = atoi(words[2]), host_key = atoi(words[3]);
    for (n = 0; n < sizeof attempts / sizeof attempts[0]; n++) {
        int r;
        if (control && !attempts[n].control)
            continue;
        if (count > 4 && words[4][0] == '-' && !strcmp(words[4] + 1, attempts[n].name))
            continue;
        if (count > 4 && !control && words[4][0] != '-' && strcmp(words[4], attempts[n].name))
            continue;
        r = tried(attempts[n].attempt);
        if (r > 255)
            printf("%s signal %d\n", attempts[n].name, r - 256);
        else
            printf("%s %s\n", attempts[n].name, r ? strerrorname_np(r) : "escaped");
        fflush(stdout);
    }
    return 0;
}
