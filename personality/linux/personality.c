/* Linux's calling convention, and the row that registers the personality. */
#include "linux.h"

#define FIELD 65 /* struct new_utsname: six fields of this size, the release is the third */

static int decode(struct thread *t UNUSED, struct frame *f, u64 *number, u64 a[MAX_ARGUMENTS])
{
    *number = (u32)*number;
    a[0] = f->rdi; a[1] = f->rsi; a[2] = f->rdx; a[3] = f->r10; a[4] = f->r8; a[5] = f->r9;
    a[6] = a[7] = 0;
    return 0;
}

/* An errno of another kernel's cannot come from these handlers; %rcx and %r11 are the entry code's. */
static void finish(struct thread *t UNUSED, struct frame *f, long result)
{
    f->rax = (u64)result;
}

static int same_signal(int signal)
{
    return signal >= 1 && signal <= HOST_SIGNALS ? signal : 0;
}

static bool default_ignored(int signal)
{
    return signal == LINUX_SIGCHLD || signal == LINUX_SIGURG || signal == LINUX_SIGWINCH;
}

static int fault_signal(const struct siginfo_host *info, u64 trap UNUSED)
{
    return info->signo;
}

static int init_thread(struct thread *t UNUSED, const struct thread *creator UNUSED)
{
    return 0;
}

static void end_thread(struct thread *t UNUSED) {}

const struct personality linux_personality = {
    .name = "linux",
    .call_limit = LINUX_CALL_LIMIT,
    .calls = linux_calls,
    .handlers = linux_handlers,
    .names = linux_names,
    .name_text = linux_name_text,
    .unserved = linux_unserved,
    .fast_calls = linux_fast_calls,
    .child_stays_ignored = true,
    .keeps_program = true,
    .named_as_given = true,
    .decode = decode,
    .finish = finish,
    .signal_from_host = same_signal,
    .signal_to_host = same_signal,
    .default_ignored = default_ignored,
    .fault_signal = fault_signal,
    .deliver = linux_deliver,
    .start = linux_start,
    .init_thread = init_thread,
    .end_thread = end_thread,
};

/* The release that was asked for, as personality/linux/__init__.py packs it. */
long linux_sys_uname(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char release[FIELD] = "";
    u32 asked = t->process->asked_release;

    long r = host(__NR_uname, a[0]);
    if (r != 0 || asked == 0)
        return r;
    format(release, sizeof(release), "%u.%u.%u", asked >> 24, asked >> 16 & 0xff, asked & 0xffff);
    return copy_out(a[0] + 2 * FIELD, release, sizeof(release));
}
