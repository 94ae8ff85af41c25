/* Paths of the host that guests must not see. */
#include "bsd.h"

/* No guest's kernel has the host's /proc/self: a program that finds the host's takes itself for one of the host's, and reads the
 * runtime's mappings there.  What cannot be read is no such name. */
bool bsd_hides(u64 path)
{
    static const char own[] = "/proc/self/", thread[] = "/proc/thread-self/";
    char start[sizeof(own) - 1], longer[sizeof(thread) - 1];
    if (copy_in(start, path, sizeof(start)) != 0 || memcmp(start, "/proc/", 6) != 0)
        return false;
    return memcmp(start, own, sizeof(start)) == 0 ||
           (copy_in(longer, path, sizeof(longer)) == 0 && memcmp(longer, thread, sizeof(longer)) == 0);
}
