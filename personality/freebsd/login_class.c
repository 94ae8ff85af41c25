/* The login class, kept in the process and its children until they execute another program. */
#include "freebsd.h"

static char given_class[FREEBSD_MAXLOGNAME];

long freebsd_sys_getloginclass(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    const char *class = given_class[0] != 0 ? given_class : "default";
    size_t length = strlen(class) + 1;

    return length > a[1] ? -ERANGE : copy_out(a[0], class, length);
}

long freebsd_sys_setloginclass(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char class[FREEBSD_MAXLOGNAME] = "";

    if (host(__NR_geteuid) != 0)
        return -EPERM;
    long r = copy_in_string(class, a[0], sizeof(class));
    if (r < 0)
        return r;
    if (r == 0)
        return -EINVAL;
    memcpy(given_class, class, sizeof(class));
    return 0;
}
