/* What a program can ask of the kernel as a whole: sysctl, its environment, modules, jails, random bytes. */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/capsicum.h>
#include <sys/jail.h>
#include <sys/kenv.h>
#include <sys/linker.h>
#include <sys/module.h>
#include <sys/random.h>
#include <sys/sysctl.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <errno.h>

#include "guest.h"

#include <sys/syscall.h>

static void variables(void)
{
    int name[4] = {CTL_KERN, KERN_OSTYPE}, number = -1, found[24];
    char text[64];
    size_t size = sizeof(text);
    CHECK_IS(call(SYS___sysctl, name, JUNK(2), text, &size, 0, 0), 0);
    CHECK(size == 8 && equal(text, "FreeBSD"));
    size = 4;
    CHECK_IS(call(SYS___sysctl, name, 2, text, &size, 0, 0), -ENOMEM);
    CHECK_IS(size, 4);
    CHECK_IS(call(SYS___sysctl, name, 2, 0, &size, 0, 0), 0);
    CHECK_IS(size, 8);
    CHECK_IS(call(SYS___sysctl, name, 2, 0, 0, "x", 1), -EPERM);
    name[1] = 9999;
    CHECK_IS(call(SYS___sysctl, name, 2, text, &size, 0, 0), -ENOENT);
    CHECK_IS(call(SYS___sysctl, name, 1, text, &size, 0, 0), -EINVAL);
    name[0] = 0; /* sysctl.name2oid */
    name[1] = 3;
    size = sizeof(found);
    CHECK_IS(call(SYS___sysctl, name, 2, found, &size, "hw.ncpu", 7), 0);
    CHECK(size == 8 && found[0] == CTL_HW && found[1] == HW_NCPU);
    size = sizeof(number);
    CHECK_IS(call(SYS___sysctlbyname, "hw.ncpu", 7, &number, &size, 0, 0), 0);
    CHECK(number >= 1 && number <= 1024);
    CHECK_IS(call(SYS___sysctlbyname, "no.such.name", 12, &number, &size, 0, 0), -ENOENT);
    CHECK_IS(call(SYS___sysctlbyname, "hw.ncpu", 7, 8, &size, 0, 0), -EFAULT);
    CHECK_IS(call(SYS___sysctlbyname, "kern", 4, &number, &size, 0, 0), -EISDIR);
}

static bool ends(const char *text, const char *end)
{
    return length(text) >= length(end) && equal(text + length(text) - length(end), end);
}

/* libprocstat lists the descriptors of processes that have some by the address of the list. */
static void processes(void)
{
    static struct kinfo_proc self, child;
    static char files[16384];
    int name[4] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, (int)call(SYS_getpid)}, pipes[2], version = 0;
    size_t size = sizeof(self), seen = 0, all = sizeof(files);
    CHECK_IS(call(SYS___sysctl, name, 4, &self, &size, 0, 0), 0);
    CHECK(size == sizeof(self) && self.ki_structsize == (int)sizeof(self) && self.ki_pid == name[3]);
    CHECK(self.ki_paddr != 0 && self.ki_fd != 0 && self.ki_vmspace != 0);
    CHECK((void *)self.ki_fd != (void *)self.ki_vmspace && (void *)self.ki_fd != (void *)self.ki_paddr);
    CHECK_IS(call(SYS_pipe2, pipes, 0), 0);
    name[2] = KERN_PROC_FILEDESC;
    CHECK_IS(call(SYS___sysctl, name, 4, files, &all, 0, 0), 0);
    for (size_t at = 0; at < all; at += (size_t)((struct kinfo_file *)(files + at))->kf_structsize) {
        struct kinfo_file *file = (struct kinfo_file *)(files + at);
        if (file->kf_structsize <= 0)
            break;
        CHECK(file->kf_cap_rights.cr_rights[0] == CAPRIGHT(0, 0x7FFFFFFFFFFULL));
        CHECK(file->kf_cap_rights.cr_rights[1] == CAPRIGHT(1, 0x1FFFFFULL)); /* all that 12 to 14 know */
        if (file->kf_fd == KF_FD_TYPE_TEXT)
            CHECK(ends(file->kf_path, "/kernel_data"));
        seen += (file->kf_fd == pipes[0] || file->kf_fd == pipes[1]) && file->kf_type == KF_TYPE_PIPE;
    }
    CHECK_IS(seen, 2);
    long pid = call(SYS_fork);
    if (pid == 0)
        call(SYS_exit, 0);
    call(SYS_wait6, P_PID, pid, 0, WEXITED | WNOWAIT, 0, 0);
    name[2] = KERN_PROC_PID;
    name[3] = (int)pid;
    size = sizeof(child);
    CHECK_IS(call(SYS___sysctl, name, 4, &child, &size, 0, 0), 0);
    CHECK(child.ki_stat == 5 && child.ki_fd == 0 && child.ki_vmspace == 0); /* SZOMB */
    CHECK(child.ki_paddr != 0 && child.ki_paddr != self.ki_paddr);
    CHECK_IS(call(SYS_wait4, pid, 0, 0, 0), pid);
    size = sizeof(version);
    CHECK_IS(call(SYS___sysctlbyname, "kern.devstat.version", 20, &version, &size, 0, 0), 0);
    CHECK_IS(version, 6);
}

/* As debuggers ask about what they debug. */
static void beginnings(void)
{
    int name[4] = {CTL_KERN, KERN_PROC, KERN_PROC_PS_STRINGS, (int)call(SYS_getpid)};
    static unsigned long own[2 * 64], theirs[2 * 64];
    unsigned long strings = 0, childs = 1;
    size_t size = sizeof(strings), own_size = sizeof(own), their_size = sizeof(theirs);
    CHECK_IS(call(SYS___sysctl, name, 4, &strings, &size, 0, 0), 0);
    CHECK_IS(size, sizeof(strings));
    CHECK_IS(((char ***)strings)[0][0] != 0, 1); /* ps_argvstr */
    name[2] = KERN_PROC_AUXV;
    CHECK_IS(call(SYS___sysctl, name, 4, own, &own_size, 0, 0), 0);
    CHECK(own_size > 16 * 16 && own_size % 16 == 0);
    CHECK_IS(own[own_size / 8 - 2], 0); /* AT_NULL */
    long pid = call(SYS_fork);
    if (pid == 0)
        for (;;)
            call(SYS_sigsuspend, (unsigned[4]){0});
    name[3] = (int)pid;
    CHECK_IS(call(SYS___sysctl, name, 4, theirs, &their_size, 0, 0), 0);
    CHECK(their_size == own_size && memcmp(own, theirs, own_size) == 0);
    CHECK_IS(call(SYS___sysctl, name, 4, 0, &their_size, 0, 0), 0);
    name[2] = KERN_PROC_PS_STRINGS;
    size = sizeof(childs);
    CHECK_IS(call(SYS___sysctl, name, 4, &childs, &size, 0, 0), 0);
    CHECK_IS(childs, strings);
    name[3] = 99999;
    CHECK_IS(call(SYS___sysctl, name, 4, &childs, &size, 0, 0), -ESRCH);
    CHECK_IS(call(SYS_kill, pid, 9), 0);
    CHECK_IS(call(SYS_wait4, pid, 0, 0, 0), pid);
}

static void environment(void)
{
    char value[KENV_MVALLEN + 1] = {0};
    CHECK_IS(call(SYS_kenv, KENV_GET, "kernelname", value, sizeof(value)), 20);
    CHECK(equal(value, "/boot/kernel/kernel"));
    CHECK_IS(call(SYS_kenv, KENV_GET, "guise.test", value, sizeof(value)), -ENOENT);
    long needed = call(SYS_kenv, KENV_DUMP, 0, 0, 0);
    CHECK(needed > 20 && needed < 4000);
    static char all[4096];
    CHECK_IS(call(SYS_kenv, KENV_DUMP, 0, all, 10), needed);
    CHECK_IS(all[10], 0);
    CHECK_IS(call(SYS_kenv, KENV_DUMP, 0, all, sizeof(all)), 0); /* all of it was written */
    CHECK_IS(call(SYS_kenv, 99, "kernelname", value, 10), -EINVAL);
    if (call(SYS_geteuid) != 0) {
        CHECK_IS(call(SYS_kenv, KENV_SET, "guise.test", "x", 2), -EPERM);
        return;
    }
    CHECK_IS(call(SYS_kenv, KENV_SET, "guise.test", "some value", 11), 0);
    CHECK_IS(call(SYS_kenv, KENV_GET, "guise.test", value, sizeof(value)), 11);
    CHECK(equal(value, "some value"));
    CHECK_IS(call(SYS_kenv, KENV_SET, "guise.test", "some value", 3), -ENAMETOOLONG);
    CHECK_IS(call(SYS_kenv, KENV_SET, "guise.test", "", 0), -EINVAL);
    CHECK_IS(call(SYS_kenv, KENV_UNSET, "guise.test", 0, 0), 0);
    CHECK_IS(call(SYS_kenv, KENV_UNSET, "guise.test", 0, 0), -ENOENT);
}

static void modules(void)
{
    struct kld_file_stat file = {.version = sizeof(file)};
    struct kld_sym_lookup symbol = {.version = sizeof(symbol), .symname = "no_such_symbol"};
    struct module_stat module = {.version = sizeof(module)};
    long kernel = call(SYS_kldnext, 0);
    CHECK(kernel > 0);
    CHECK_IS(call(SYS_kldstat, kernel, &file), 0);
    CHECK(equal(file.name, "kernel") && file.id == kernel && file.size > 0);
    CHECK(equal(file.pathname, "/boot/kernel/kernel"));
    CHECK_IS(call(SYS_kldfind, "kernel"), kernel);
    CHECK_IS(call(SYS_kldfind, "no_such_file"), -ENOENT);
    CHECK_IS(call(SYS_kldnext, kernel), 0);
    CHECK_IS(call(SYS_kldnext, 9999), -ENOENT);
    file.version = 7;
    CHECK_IS(call(SYS_kldstat, kernel, &file), -EINVAL);
    CHECK_IS(call(SYS_kldfirstmod, kernel), 0);
    CHECK_IS(call(SYS_kldfirstmod, 9999), -ENOENT);
    CHECK_IS(call(SYS_kldsym, 0, KLDSYM_LOOKUP, &symbol), -ENOENT);
    CHECK_IS(call(SYS_kldsym, 0, 99, &symbol), -EINVAL);
    CHECK_IS(call(SYS_modfind, "no_such_module"), -ENOENT);
    CHECK_IS(call(SYS_modstat, 9999, &module), -ENOENT);
    CHECK_IS(call(SYS_modnext, 9999), -ENOENT);
    CHECK_IS(call(SYS_modfnext, 9999), -ENOENT);
}

static void jails(void)
{
    int id = 9999;
    struct iovec name[2] = {{"jid", 4}, {&id, sizeof(id)}};
    CHECK_IS(call(SYS_jail_get, name, 2, 0), -ENOENT);
    CHECK_IS(call(SYS_jail_get, name, 1, 0), -EINVAL);
    CHECK_IS(call(SYS_jail_get, name, 2, 0x10000), -EINVAL);
    CHECK_IS(call(SYS_jail_get, 8, 2, 0), -EFAULT);
}

static void random_bytes(void)
{
    u64 some[4] = {0}, others[4] = {0};
    CHECK_IS(call(SYS_getrandom, some, sizeof(some), 0), sizeof(some));
    CHECK_IS(call(SYS_getrandom, others, sizeof(others), GRND_NONBLOCK), sizeof(others));
    CHECK(memcmp(some, others, sizeof(some)) != 0);
    CHECK_IS(call(SYS_getrandom, some, 8, 0x80), -EINVAL);
    CHECK_IS(call(SYS_getrandom, 8, 8, 0), -EFAULT);

    static char many[300];
    int name[2] = {CTL_KERN, KERN_ARND};
    size_t size = sizeof(some);
    CHECK_IS(call(SYS___sysctl, name, JUNK(2), some, &size, 0, 0), 0);
    CHECK_IS(size, sizeof(some));
    CHECK_IS(call(SYS___sysctl, name, 2, others, &size, 0, 0), 0);
    CHECK(memcmp(some, others, sizeof(some)) != 0);
    size = sizeof(many);
    CHECK_IS(call(SYS___sysctl, name, 2, many, &size, 0, 0), 0);
    CHECK(size == 256 && many[256] == 0 && many[299] == 0); /* no more at a time */
    size = 8;
    CHECK_IS(call(SYS___sysctl, name, 2, 8, &size, 0, 0), -EFAULT);
    CHECK_IS(call(SYS___sysctl, name, 2, some, 8, 0, 0), -EFAULT);
}

static void test(void)
{
    variables();
    processes();
    beginnings();
    environment();
    modules();
    jails();
    random_bytes();
}
