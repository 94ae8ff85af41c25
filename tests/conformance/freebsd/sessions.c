/* Groups, sessions, scheduling and memory of processes: the calls of which a kernel keeps one value each. */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/cpuset.h>
#include <sys/domainset.h>
#include <sys/membarrier.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "scratch.h"
#include "privilege.h"

static int status;

static void groups(void)
{
    long self = call(SYS_getpid);
    CHECK_IS(call(SYS_getpgid, 0), call(SYS_getpgrp));
    CHECK_IS(call(SYS_getpgid, JUNK(self)), call(SYS_getpgrp));
    CHECK_IS(call(SYS_getpgid, 0x3ffffff), -ESRCH);
    CHECK(call(SYS_getsid, 0) >= 0); /* 0: its leader is in none of the namespaces that this process sees */
    CHECK_IS(call(SYS_getsid, self), call(SYS_getsid, 0));
    CHECK_IS(call(SYS_getsid, 0x3ffffff), -ESRCH);
    CHECK_IS(call(SYS_getsid, -5), -ESRCH);
    CHECK_IS(call(SYS_setpgid, 0, -1), -EINVAL);
    CHECK_IS(call(SYS_setpgid, 0x3ffffff, 0), -ESRCH);
    long child = call(SYS_fork);
    if (child == 0) {
        struct timespec moment = {0, 1000000};
        while (call(SYS_getpgrp) != call(SYS_getpid)) /* the parent makes it a leader */
            call(SYS_nanosleep, &moment, 0);
        long r = call(SYS_setsid); /* which may not begin a session */
        call(SYS_exit, r == -EPERM && call(SYS_getsid, 0) != call(SYS_getpid) ? 0 : 1);
    }
    CHECK_IS(call(SYS_setpgid, child, 0), 0);
    CHECK_IS(call(SYS_getpgid, child), child);
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(status, 0);
    child = call(SYS_fork);
    if (child == 0) {
        long me = call(SYS_getpid);
        call(SYS_exit, call(SYS_setsid) == me && call(SYS_getsid, 0) == me && call(SYS_setpgid, 0, 0) < 0);
    }
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(status, 1 << 8);
}

static void usage(void)
{
    struct rusage used;
    struct itimerval timer = {{0, 0}, {100, 0}}, left;
    memset(&used, 0xff, sizeof(used));
    CHECK_IS(call(SYS_getrusage, RUSAGE_SELF, &used), 0);
    CHECK(used.ru_maxrss > 0 && used.ru_utime.tv_sec >= 0 && used.ru_utime.tv_usec < 1000000);
    CHECK_IS(call(SYS_getrusage, RUSAGE_THREAD, &used), 0);
    CHECK_IS(call(SYS_getrusage, JUNK(RUSAGE_CHILDREN), &used), 0);
    CHECK_IS(call(SYS_getrusage, 5, &used), -EINVAL);
    CHECK_IS(call(SYS_getrusage, RUSAGE_SELF, 8), -EFAULT);
    CHECK_IS(call(SYS_getitimer, ITIMER_REAL, &left), 0);
    CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_usec == 0);
    CHECK_IS(call(SYS_setitimer, ITIMER_REAL, &timer, 0), 0);
    CHECK_IS(call(SYS_getitimer, JUNK(ITIMER_REAL), &left), 0);
    CHECK(left.it_value.tv_sec >= 90 && left.it_value.tv_sec <= 100);
    timer.it_value.tv_sec = 0;
    CHECK_IS(call(SYS_setitimer, ITIMER_REAL, &timer, &left), 0);
    CHECK(left.it_value.tv_sec >= 90);
    CHECK_IS(call(SYS_getitimer, 3, &left), -EINVAL);
}

static void scheduling(void)
{
    int param = 0;
    struct timespec slice = {-1, -1};
    CHECK_IS(call(SYS_sched_setparam, 0, &param), 0);
    CHECK_IS(call(SYS_sched_setparam, 0, 8), -EFAULT);
    CHECK_IS(call(SYS_sched_setparam, 0x3ffffff, &param), -ESRCH);
    CHECK_IS(call(SYS_sched_rr_get_interval, 0, &slice), 0);
    CHECK(slice.tv_sec == 0 && slice.tv_nsec >= 0 && slice.tv_nsec < 1000000000);
    CHECK_IS(call(SYS_sched_rr_get_interval, 0x3ffffff, &slice), -ESRCH);
    CHECK_IS(call(SYS_yield), 0);
    CHECK_IS(call(SYS_sched_yield), 0);
    domainset_t domains, all;
    int policy = 0;
    CHECK_IS(call(SYS_cpuset_getdomain, CPU_LEVEL_WHICH, CPU_WHICH_PID, -1L, sizeof(all), &all, &policy), 0);
    domains = all;
    CHECK_IS(call(SYS_cpuset_setdomain, CPU_LEVEL_WHICH, CPU_WHICH_PID, -1L, sizeof(domains), &domains, policy), 0);
    memset(&domains, 0, sizeof(domains));
    CHECK(call(SYS_cpuset_setdomain, CPU_LEVEL_WHICH, CPU_WHICH_PID, -1L, sizeof(domains), &domains, policy) < 0);
    CHECK_IS(call(SYS_cpuset_setdomain, CPU_LEVEL_WHICH, CPU_WHICH_PID, -1L, 1L, &all, policy), -ERANGE);
}

static void locked_memory(void)
{
    char *memory = (char *)call(SYS_mmap, 0, 8192L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0L);
    CHECK((long)memory > 0);
    CHECK_IS(call(SYS_mlock, memory, 4096L), 0);
    CHECK_IS(call(SYS_munlock, memory, 4096L), 0);
    CHECK_IS(call(SYS_munmap, memory, 8192L), 0);
    CHECK_IS(call(SYS_mlock, memory, 4096L), -ENOMEM);
    CHECK_IS(call(SYS_mlockall, 0), -EINVAL);
    CHECK_IS(call(SYS_mlockall, 0x80), -EINVAL);
    long child = call(SYS_fork); /* a limit may forbid it, and this process should not stay locked */
    if (child == 0) {
        long r = call(SYS_mlockall, MCL_CURRENT);
        call(SYS_exit, r == 0 ? call(SYS_munlockall) != 0 : r != -ENOMEM && r != -EPERM && r != -EAGAIN);
    }
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(status, 0);
    CHECK_IS(call(SYS_munlockall), 0);
}

static void barriers(void)
{
    long known = call(584, MEMBARRIER_CMD_QUERY, 0, 0);
    CHECK(known & MEMBARRIER_CMD_GLOBAL);
    CHECK_IS(call(584, 0x1000, 0, 0), -EINVAL);
    CHECK_IS(call(584, MEMBARRIER_CMD_QUERY, 8, 0), -EINVAL);
    if (known & MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
        CHECK_IS(call(584, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), -EPERM);
        CHECK_IS(call(584, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0), 0);
        CHECK_IS(call(584, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), 0);
    }
}

static void comparing(void)
{
    long self = call(SYS_getpid);
    s32 ends[2];
    call(SYS_pipe2, ends, 0);
    long same = call(SYS_dup, ends[0]);
    CHECK_IS(call(588, self, self, 100, (long)ends[0], same), 0); /* KCMP_FILE */
    long order = call(588, self, self, 100, (long)ends[0], (long)ends[1]);
    CHECK(order == 1 || order == 2);
    CHECK_IS(call(588, self, self, 100, 999L, same), -EBADF);
    CHECK_IS(call(588, self, self, 104, 0L, 0L), 0); /* KCMP_VM */
    CHECK_IS(call(588, self, 0x3ffffff, 104, 0L, 0L), -ESRCH);
    CHECK_IS(call(588, self, self, 99, 0L, 0L), -EINVAL);
    call(SYS_close, ends[0]);
    call(SYS_close, ends[1]);
    call(SYS_close, same);
}

/* A signal for one thread of a process that is named as well. */
static void to_thread(void)
{
    sigset_t one = {{1 << (SIGUSR1 - 1), 0, 0, 0}}, before;
    siginfo_t info;
    long tid = 0, self = call(SYS_getpid);
    call(SYS_thr_self, &tid);
    call(SYS_sigprocmask, SIG_BLOCK, &one, &before);
    CHECK_IS(call(SYS_thr_kill2, JUNK(self), tid, JUNK(SIGUSR1)), 0);
    CHECK_IS(call(SYS_sigwaitinfo, &one, &info), SIGUSR1);
    CHECK(info.si_code == SI_LWP && info.si_pid == self);
    CHECK_IS(call(SYS_thr_kill2, self, tid, 0), 0);
    CHECK_IS(call(SYS_thr_kill2, self, tid, 129), -EINVAL);
    CHECK_IS(call(SYS_thr_kill2, self, 0x3ffffffL, SIGUSR1), -ESRCH);
    call(SYS_sigprocmask, SIG_SETMASK, &before, 0);
}

static void clocks(void)
{
    struct timeval time = {0, 1000000};
    int may = call(SYS_geteuid) == 0 && host_allows(HOST_SYS_TIME);
    CHECK_IS(call(SYS_settimeofday, &time, 0), may ? -EINVAL : -EPERM);
    CHECK_IS(call(SYS_settimeofday, 8, 0), may ? -EFAULT : -EPERM);
}

static void test(void)
{
    groups();
    usage();
    scheduling();
    locked_memory();
    barriers();
    comparing();
    to_thread();
    clocks();
}
