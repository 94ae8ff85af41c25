/* What the host lets this process do: a sandbox's root has powers over its own files and processes only. */
#pragma once


#include <sys/types.h>

#define HOST_SYS_ADMIN 21
#define HOST_SYS_TIME 25

/* Whether the host's effective capabilities hold one of them, by its number. */
static inline int host_allows(int capability)
{
    char path[32] = "/proc/", text[4096] = "";
    append_number(path, call(SYS_getpid));
    append(path, "/status");
    long file = call(SYS_open, path, 0, 0), size = call(SYS_read, file, text, sizeof(text) - 1);
    call(SYS_close, file);
    for (long at = 0; at + 24 < size; at++) {
        if (memcmp(text + at, "\nCapEff:\t", 9) != 0)
            continue;
        u64 mask = 0;
        for (const char *digit = text + at + 9; *digit != '\n' && *digit != 0; digit++)
            mask = mask << 4 | (u64)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
        return mask >> capability & 1;
    }
    return 0;
}
