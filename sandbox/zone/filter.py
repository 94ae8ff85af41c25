"""The seccomp filter of a sandbox: which host calls are refused, by number, whoever makes them.

A guest's calls are made by Guise's runtime as host calls, so the host's numbers are the ones that count.
Capabilities keep a program from most of this already; the filter is the second wall, and the only one
before what an ordinary user may do on some hosts.  Calls that no row names cost next to nothing: the
kernel remembers for each number that the filter always allows it.
"""

from __future__ import annotations

import errno
import struct

_E, _S = errno.EPERM, errno.ENOSYS

REFUSED: tuple[tuple[str, int | None, int | None, int], ...] = (
    # name, number on x86-64, number on i386, what it fails with
    ("mount", 165, 21, _E),
    ("umount2", 166, 52, _E),
    ("umount", None, 22, _E),
    ("pivot_root", 155, 217, _E),
    ("open_tree", 428, 428, _E),
    ("open_tree_attr", 467, 467, _E),
    ("move_mount", 429, 429, _E),
    ("fsopen", 430, 430, _E),
    ("fsconfig", 431, 431, _E),
    ("fsmount", 432, 432, _E),
    ("fspick", 433, 433, _E),
    ("mount_setattr", 442, 442, _E),
    ("setns", 308, 346, _E),
    ("swapon", 167, 87, _E),
    ("swapoff", 168, 115, _E),
    ("reboot", 169, 88, _E),
    ("kexec_load", 246, 283, _E),
    ("kexec_file_load", 320, None, _E),
    ("init_module", 175, 128, _E),
    ("finit_module", 313, 350, _E),
    ("delete_module", 176, 129, _E),
    ("iopl", 172, 110, _E),
    ("ioperm", 173, 101, _E),
    ("quotactl", 179, 131, _E),
    ("quotactl_fd", 443, 443, _E),
    ("acct", 163, 51, _E),
    ("settimeofday", 164, 79, _E),
    ("clock_settime", 227, 264, _E),
    ("clock_settime64", None, 404, _E),
    ("stime", None, 25, _E),
    ("open_by_handle_at", 304, 342, _E),
    ("vhangup", 153, 111, _E),
    ("syslog", 103, 103, _E),
    ("lookup_dcookie", 212, 253, _E),
    ("listns", 470, 470, _S),
    ("bpf", 321, 357, _S),
    ("perf_event_open", 298, 336, _S),
    ("userfaultfd", 323, 374, _S),
    ("io_uring_setup", 425, 425, _S),
    ("io_uring_enter", 426, 426, _S),
    ("io_uring_register", 427, 427, _S),
    ("add_key", 248, 286, _S),
    ("request_key", 249, 287, _S),
    ("keyctl", 250, 288, _S),
    # Its flags are in memory, where a filter cannot see them; libraries use clone then.
    ("clone3", 435, 435, _S),
)

CLONE, UNSHARE, IOCTL, SOCKET = (56, 120), (272, 310), (16, 54), (41, 359)
"""Numbers on x86-64 and i386 of calls that are refused for some arguments."""

HIGHEST = 471
"""The last number that was looked at (Linux 7.0): what is above is refused as unknown, x32's with it."""

NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
TIME_NAMESPACE = 0x80
TIOCSTI, TIOCLINUX = 0x5412, 0x541C  # put words into a terminal's input
AF_ALG, AF_VSOCK = 38, 40

_X86_64, _I386 = 0xC000003E, 0x40000003  # AUDIT_ARCH_*
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _RETURN, _JUMP = 0x20, 0x06, 0x05  # BPF_LD|W|ABS, BPF_RET|K, BPF_JMP|JA
_EQUAL, _ABOVE, _ANY = 0x15, 0x25, 0x45  # BPF_JMP|K with JEQ, JGT, JSET
_NUMBER, _ARCH, _FIRST, _SECOND = 0, 4, 16, 24  # offsets in struct seccomp_data; low words of arguments
INSTRUCTION = struct.Struct("<HBBI")


def program() -> bytes:
    """The filter as struct sock_filter, 8 bytes an instruction."""
    native, compatible = _calls(0), _calls(1)
    start = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, _X86_64),
        (_JUMP, 0, 0, len(native)),  # to the i386 part
        *native,
        (_EQUAL, 1, 0, _I386),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        *compatible,
    ]
    return b"".join(INSTRUCTION.pack(*one) for one in start)


def _calls(abi: int) -> list[tuple[int, int, int, int]]:
    """The part for one ABI: 0 is x86-64, 1 is i386.  Every path through it returns."""
    ways = [(_LOAD, 0, 0, _NUMBER)]
    ways += _refuse_if(_ABOVE, HIGHEST, errno.ENOSYS)
    ways += _unless(IOCTL[abi], _SECOND, [(_EQUAL, TIOCSTI), (_EQUAL, TIOCLINUX)], errno.EPERM)
    ways += _unless(SOCKET[abi], _FIRST, [(_EQUAL, AF_ALG), (_EQUAL, AF_VSOCK)], errno.EAFNOSUPPORT)
    ways += _unless(CLONE[abi], _FIRST, [(_ANY, NAMESPACES)], errno.EPERM)
    ways += _unless(UNSHARE[abi], _FIRST, [(_ANY, NAMESPACES | TIME_NAMESPACE)], errno.EPERM)
    for _name, native, compatible, error in REFUSED:
        number = compatible if abi else native
        if number is not None:
            ways += _refuse_if(_EQUAL, number, error)
    return [*ways, (_RETURN, 0, 0, _ALLOW)]


def _refuse_if(test: int, value: int, error: int) -> list[tuple[int, int, int, int]]:
    return [(test, 0, 1, value), (_RETURN, 0, 0, _ERRNO | error)]


def _unless(
    number: int, argument: int, tests: list[tuple[int, int]], error: int
) -> list[tuple[int, int, int, int]]:
    """The whole answer for one call: refused where a test on an argument's low word holds."""
    body = [(_LOAD, 0, 0, argument)]
    for test, value in tests:
        body += _refuse_if(test, value, error)
    body.append((_RETURN, 0, 0, _ALLOW))
    return [(_EQUAL, 0, len(body), number), *body]
