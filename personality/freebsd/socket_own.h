/* What the files of FreeBSD's own socket options share. */
#ifndef GUISE_FREEBSD_SOCKET_OWN_H
#define GUISE_FREEBSD_SOCKET_OWN_H

#include "socket.h"

bool socket_own_option(struct option_call *c, bool set, long *result);
bool tcp_own_option(struct option_call *c, bool set, long *result);
/* MCAST_* and the options with sources. */
long source_membership_set(struct option_call *c, int host_level);

#endif
