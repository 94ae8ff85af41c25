/* What fcntl says of a descriptor with F_KINFO. */
#ifndef GUISE_FREEBSD_FCNTL_OWN_H
#define GUISE_FREEBSD_FCNTL_OWN_H

#include "files.h"

long describe_descriptor(int fd, u64 address);

#endif
