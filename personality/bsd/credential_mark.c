/* The mark of credentials that their sender attached.
 *
 * The host also attaches a sender's credentials by itself: to what is sent before the connection was accepted, and
 * while the receiver asks for them.  A receiver cannot tell those from others, and a BSD program that sent none
 * would be seen to have sent some.  So a descriptor goes with those that were meant, a sealed file of eight bytes,
 * and is taken out again where it arrives.  Anybody may make such a file: the credentials are the host's word all
 * the same. */
#include <linux/fcntl.h>
#include <linux/memfd.h>

#include "socket.h"

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const char contents[8] = "sentcred";

long credential_mark_make(void)
{
    long fd = host(__NR_memfd_create, "credentials", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return fd;
    if (host(__NR_write, fd, contents, sizeof(contents)) == sizeof(contents) &&
        host(__NR_fcntl, fd, F_ADD_SEALS, ALL_SEALS) == 0)
        return fd;
    host(__NR_close, fd);
    return -ENOBUFS;
}

bool credential_mark_is(int fd)
{
    char found[sizeof(contents) + 1];

    return host(__NR_fcntl, fd, F_GET_SEALS) == ALL_SEALS &&
           host(__NR_pread64, fd, found, sizeof(found), 0) == sizeof(contents) &&
           !memcmp(found, contents, sizeof(contents));
}
