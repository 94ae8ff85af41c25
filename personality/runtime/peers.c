/* The runtimes of other guests, in their memory: a forked child has it where we have ours, a program that was executed
 * somewhere else, as its maps tell.  All of one run execute the same file. */
#include "debug.h"
#include "debugger.h"
#include <linux/uio.h>

#define MOMENT_NS 200000L
#define MOST_LOOKS 1000

extern const char __ehdr_start[] __attribute__((visibility("hidden")));

long move_memory(long call, s32 pid, u64 theirs, void *ours, size_t n)
{
    struct iovec here = {ours, n}, there = {(void *)theirs, n};
    return host_call6_plain(call, (u64)pid, (u64)&here, 1, (u64)&there, 1, 0);
}

bool peek(s32 pid, u64 theirs, void *ours, size_t n)
{
    return move_memory(__NR_process_vm_readv, pid, theirs, ours, n) == (long)n;
}

bool poke(s32 pid, u64 theirs, const void *ours, size_t n)
{
    return move_memory(__NR_process_vm_writev, pid, theirs, (void *)ours, n) == (long)n;
}

struct runtime_file {
    u64 major, minor, inode, at;
    bool known;
};

static bool is_ours(const struct host_mapping *m, void *context)
{
    struct runtime_file *file = context;
    if (m->low != (u64)__ehdr_start)
        return true;
    *file = (struct runtime_file){m->major, m->minor, m->inode, m->low, true};
    return false;
}

static bool is_theirs(const struct host_mapping *m, void *context)
{
    struct runtime_file *file = context;
    if (m->offset != 0 || m->inode != file->inode || m->major != file->major || m->minor != file->minor)
        return true;
    file->at = m->low;
    file->known = true;
    return false;
}

bool debuggee_at(s32 pid, s64 shift, struct debuggee *d)
{
    return peek(pid, (u64)&main_process.debug + (u64)shift, d, sizeof(*d)) && d->magic == DEBUGGEE_MAGIC &&
           d->pid == pid;
}

bool find_runtime(s32 pid, s64 *shift, struct debuggee *d)
{
    struct runtime_file file = {.known = false};
    d->magic = 0;
    if (debuggee_at(pid, *shift, d))
        return true;
    if (*shift != 0 && debuggee_at(pid, 0, d)) {
        *shift = 0;
        return true;
    }
    if (each_host_mapping(is_ours, &file) != 0 || !file.known)
        return false;
    file.known = false;
    if (each_mapping_of(pid, is_theirs, &file) != 0 || !file.known)
        return false;
    *shift = (s64)(file.at - (u64)__ehdr_start);
    return debuggee_at(pid, *shift, d);
}

void wait_a_moment(void)
{
    const struct timespec_host moment = {0, MOMENT_NS};
    host(__NR_nanosleep, &moment, 0);
}

/* A process that has just begun has not said who it is yet. */
bool await_runtime(s32 pid, s64 *shift, struct debuggee *d)
{
    for (u32 i = 0; i < MOST_LOOKS; i++) {
        if (find_runtime(pid, shift, d))
            return true;
        if (d->magic != DEBUGGEE_MAGIC || host(__NR_kill, pid, 0) != 0)
            return false;
        wait_a_moment();
    }
    return false;
}

u64 ps_strings_of(s32 pid)
{
    struct debuggee d;
    s64 shift = 0;
    u64 at = 0;
    if (await_runtime(pid, &shift, &d) &&
        !peek(pid, (u64)&main_process.ps_strings + (u64)shift, &at, sizeof(at)))
        return 0;
    return at;
}
