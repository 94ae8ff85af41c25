"""security.*: jails (a guest can make none; a zone is one to it) and the policies that programs ask about."""

from __future__ import annotations

from personality.freebsd.sysctl.node import Node, branch, integer
from personality.supervisor.numbers import proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest


def _is_jailed(_guest: Guest) -> int:
    """Whether guests are in a zone of Guise's: its /etc/rc leaves out then what is the host's to do."""
    with open(proc("1/cmdline"), "rb") as file:
        return int(file.read(16).startswith(b"guise-init\0zone"))


_JAIL = [
    integer("jailed", _is_jailed, "Process in jail?"),
    integer("vnet", 0, "Jail owns vnet?"),
    integer("jail_max_af_ips", 255, "Number of IP addresses a jail may have at most per address family"),
    integer("set_hostname_allowed", 1, "Processes in jail can set their hostnames"),
    integer("socket_unixiproute_only", 1, "Processes in jail are limited to UNIX/IP/route sockets only"),
    integer("sysvipc_allowed", 0, "Processes in jail can use System V IPC primitives"),
    integer("enforce_statfs", 2, "Processes in jail cannot see all mounted file systems"),
    integer("allow_raw_sockets", 0, "Prison root can create raw sockets"),
    integer("chflags_allowed", 0, "Processes in jail can alter system file flags"),
    integer("mount_allowed", 0, "Processes in jail can mount/unmount jail-friendly file systems"),
    integer("devfs_ruleset", 0, "Ruleset for the devfs filesystem in jail"),
]

_BSD = [
    integer("see_other_uids", 1, "Unprivileged processes may see subjects/objects with different real uid"),
    integer("see_other_gids", 1, "Unprivileged processes may see subjects/objects with different real gid"),
    integer("see_jail_proc", 1, "Unprivileged processes may see subjects/objects with different jail ids"),
    integer(
        "conservative_signals", 1, "Unprivileged processes prevented from sending certain signals to setuid"
    ),
    integer("unprivileged_proc_debug", 1, "Unprivileged processes may use process debugging facilities"),
    integer("unprivileged_read_msgbuf", 1, "Unprivileged processes may read the kernel message buffer"),
    integer("unprivileged_mlock", 1, "Allow non-root users to call mlock(2)"),
    integer(
        "unprivileged_get_quota", 0, "Unprivileged processes may retrieve quotas for other uids and gids"
    ),
    integer("unprivileged_idprio", 0, "Allow non-root users to set an idle priority"),
    integer("unprivileged_chroot", 0, "Unprivileged processes can use chroot(2)"),
    integer(
        "hardlink_check_uid", 0, "Unprivileged processes cannot create hard links to files of other users"
    ),
    integer(
        "hardlink_check_gid", 0, "Unprivileged processes cannot create hard links to files of other groups"
    ),
    integer("stack_guard_page", 1, "Specifies the number of guard pages for a stack that grows"),
    integer("map_at_zero", 0, "Permit processes to map an object at virtual address 0"),
    integer("suser_enabled", 1, "Processes with uid 0 have privilege"),
]

NODES: dict[str, Node] = {
    "security": branch(
        "security",
        [branch("jail", _JAIL, "Jails"), branch("bsd", _BSD, "BSD security policy")],
        "Security",
        256,
    )
}
