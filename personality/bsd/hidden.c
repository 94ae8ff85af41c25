/* Paths of the host that guests must not see. */
#include "bsd.h"

/* No guest's kernel has the host's /proc/self: a program that finds the host's takes itself for one of the host's, and reads the
 * runtime's mappings there.  What cannot be read is no such name.  A kernel that shows a process something of itself under such
 * a name, or as curproc, does so by own_process_open and its kin (ways.h). */
bool bsd_hides(u64 path)
{
    static const char names[][20] = {"/proc/self/", "/proc/thread-self/", "/proc/curproc/"};
    char start[6], longer[sizeof(names[0])];

    if (copy_in(start, path, sizeof(start)) != 0 || memcmp(start, "/proc/", sizeof(start)) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        size_t length = strlen(names[i]);
        if (copy_in(longer, path, length) == 0 && memcmp(longer, names[i], length) == 0)
            return true;
    }
    return false;
}
