/* Words that only some kernels of the family have.
 *
 * A flag that the guest has no word for is 0 here: no program of that kernel can set it, and what the code does for
 * it falls away when it is compiled.  Structures and numbers have no such stand-in: what needs one is in the
 * folder of the kernel that has it. */
#ifndef GUISE_BSD_ABSENT_H
#define GUISE_BSD_ABSENT_H

#ifndef BSD_O_PATH
#define BSD_O_PATH 0
#endif
#ifndef BSD_O_EMPTY_PATH
#define BSD_O_EMPTY_PATH 0
#endif
#ifndef BSD_O_RESOLVE_BENEATH
#define BSD_O_RESOLVE_BENEATH 0
#endif
#ifndef BSD_O_REGULAR
#define BSD_O_REGULAR 0
#endif
#ifndef BSD_AT_RESOLVE_BENEATH
#define BSD_AT_RESOLVE_BENEATH 0
#define BSD_ENOTCAPABLE BSD_EPERM /* that a path leaves its directory is not forbidden, so nobody is told */
#endif
#ifndef BSD_AT_EMPTY_PATH
#define BSD_AT_EMPTY_PATH 0
#endif
#ifndef BSD_MNT_NOSYMFOLLOW
#define BSD_MNT_NOSYMFOLLOW 0
#endif
#ifndef BSD_MNT_NODEV
#define BSD_MNT_NODEV 0
#endif
#ifndef BSD_POLLINIGNEOF
#define BSD_POLLINIGNEOF 0
#endif
#ifndef BSD_MSG_EOF
#define BSD_MSG_EOF 0
#endif
#ifndef BSD_RB_POWEROFF
#define BSD_RB_POWEROFF 0
#endif
#ifndef BSD_RB_REROOT
#define BSD_RB_REROOT 0
#endif
#ifndef BSD_SHM_REMAP
#define BSD_SHM_REMAP 0
#endif
#ifndef BSD_CIGNORE
#define BSD_CIGNORE 0
#endif

#endif
