"""`guise zone`: zones with a life of their own, in the words of zonecfg, zoneadm, zlogin and zonestat."""
