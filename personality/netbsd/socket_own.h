/* State of NetBSD's sockets that the host has no word for: flags of its own that have no effect on such sockets. */
#ifndef GUISE_NETBSD_SOCKET_OWN_H
#define GUISE_NETBSD_SOCKET_OWN_H

/* IP_RECVIF and IP_RECVPKTINFO: of radio links and of raw frames, which Internet sockets do not have. */
#define HOST_HOLDS_RECVIF LINUX_SO_WIFI_STATUS
#define HOST_HOLDS_RECVPKTINFO LINUX_SO_NOFCS

#endif
