"""A zone's own users: looked up in its /etc/passwd and /etc/group, never in the host's."""

from __future__ import annotations

from sandbox.zone import ZoneError


class Account:
    """Who a program is: numbers of user, group and further groups; and what it starts with."""

    __slots__ = ("environment", "home", "numbers", "shell")

    def __init__(self, name: str, user: int, group: int, groups: list[int], home: str, shell: str) -> None:
        self.numbers = (user, group, groups)
        self.home = home or "/"
        self.shell = shell or "/bin/sh"
        self.environment = {"HOME": self.home, "USER": name, "LOGNAME": name, "SHELL": self.shell}


def find(name: str) -> Account:
    """Call it where the zone's files are seen.  Raises ZoneError."""
    for fields in _lines("/etc/passwd"):
        if len(fields) < 7 or not (fields[2].isdigit() and fields[3].isdigit()):
            continue  # the zone's root may write there what it likes
        if name in (fields[0], fields[2]):
            user, group = int(fields[2]), int(fields[3])
            groups = [
                int(entry[2])
                for entry in _lines("/etc/group")
                if len(entry) >= 4 and entry[2].isdigit() and fields[0] in entry[3].split(",")
            ]
            return Account(fields[0], user, group, sorted({group, *groups}), fields[5], fields[6])
    if name in ("root", "0"):
        return Account("root", 0, 0, [0], "/", "/bin/sh")
    raise ZoneError(f"the zone has no user {name}: its /etc/passwd lists those it has")


def _lines(path: str) -> list[list[str]]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return [line.rstrip("\n").split(":") for line in file if not line.startswith("#")]
    except OSError:
        return []  # a zone need not have it
