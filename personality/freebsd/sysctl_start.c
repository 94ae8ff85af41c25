/* What a guest was started with, as debuggers ask: where its ps_strings are, and its auxiliary vector. */
#include "debugger.h"
#include "freebsd.h"
#include "sysctl.h"

#define MOST_ENTRIES 64

struct entry {
    u64 type, value;
};

static bool read_vector(s32 pid, u64 strings_at, struct entry entries[MOST_ENTRIES], u32 *count)
{
    struct freebsd_ps_strings strings;
    if (!peek(pid, strings_at, &strings, sizeof(strings)))
        return false;
    u64 at = strings.envstr + 8 * ((u64)strings.nenvstr + 1); /* behind the environment's NULL */
    for (u32 i = 0; i < MOST_ENTRIES; i++) {
        if (!peek(pid, at + i * sizeof(struct entry), &entries[i], sizeof(struct entry)))
            return false;
        *count = i + 1;
        if (entries[i].type == FREEBSD_AT_NULL)
            return true;
    }
    return true;
}

/* False: it is no guest, or may not be looked into. */
bool freebsd_start_of(const u32 name[4], const u64 a[MAX_ARGUMENTS], long *result)
{
    struct entry entries[MOST_ENTRIES];
    u32 count = 0;
    s32 pid = (s32)name[3] == -1 ? current_thread()->process->pid : (s32)name[3];
    u64 at = pid > 0 ? ps_strings_of(pid) : 0;
    if (at == 0)
        return false;
    if (name[2] == BSD_KERN_PROC_PS_STRINGS)
        return sysctl_put(a, &at, sizeof(at), result);
    return read_vector(pid, at, entries, &count) && sysctl_put(a, entries, count * sizeof(struct entry), result);
}
