"""A zone's configuration: every property once, in a table, with how its text is read and checked.

Values are text, lists of text and truth values, so that JSON holds them as they are.
"""

from __future__ import annotations

import re

from sandbox.zone import ZoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Value = str | bool | list[str]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
"""As zonecfg(1M) has it: letters, digits, and then also - _ and . ; `global` and SUNW... are taken there."""

NETWORKS = ("host", "none", "private", "bridge")
BRANDS = ("linux", "freebsd", "netbsd")


def check_name(name: str) -> str:
    """The name itself.  Raises ZoneError."""
    if not NAME.fullmatch(name) or name == "global":
        why = "that is the host itself" if name == "global" else "63 letters, digits, - _ and . at most"
        raise ZoneError(f"{name!r} cannot be a zone's name: {why}")
    return name


def _brand(value: str) -> str:
    if value.partition("-")[0] not in BRANDS:
        raise ValueError(f"choose {', '.join(BRANDS)}, or one with a release as in freebsd-14.1")
    return value


def _network(value: str) -> str:
    if value not in NETWORKS:
        raise ValueError(f"choose {', '.join(NETWORKS)}")
    return value


def _absolute(value: str) -> str:
    if value and not value.startswith("/"):
        raise ValueError("a path that begins with / is needed")
    return value.rstrip("/") or value


def _host_name(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?", value):
        raise ValueError("64 letters, digits, - and . at most")
    return value


def _positive(value: str) -> str:
    if value and (not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) or float(value) <= 0):
        raise ValueError("a number above 0 is needed")
    return value


def _count(value: str) -> str:
    if value and (not value.isdigit() or int(value) == 0):
        raise ValueError("a whole number above 0 is needed")
    return value


def _size(value: str) -> str:
    if value and size_of(value) == 0:
        raise ValueError("a size above 0 is needed, as in 512M or 2G")
    return value


def _swap(value: str) -> str:
    if value:
        size_of(value)  # 0 as well: none
    return value


def size_of(value: str) -> int:
    """Bytes of `512M` and the like.  Raises ValueError."""
    match = re.fullmatch(r"([0-9]+)([KMGT]?)", value)
    if not match:
        raise ValueError("a size is needed, as in 512M or 2G")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[match[2]]


def _processors(value: str) -> str:
    if value and not re.fullmatch(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*", value):
        raise ValueError("processors are needed, as in 0 or 0-3,6")
    return value


IO_WORDS: dict[str, Callable[[str], int]] = {"read": size_of, "write": size_of, "reads": int, "writes": int}
"""What a limit of a disk is about, and how its value is read: bytes, and operations, a second."""


def io_limit(value: str) -> tuple[str, dict[str, int]]:
    """The disk of `/dev/sda:read=10M,writes=500`, and what it says.  Raises ValueError."""
    disk, _, words = value.rpartition(":")
    found: dict[str, int] = {}
    for word in words.split(","):
        name, _, text = word.partition("=")
        if name not in IO_WORDS or name in found or (IO_WORDS[name] is int and not text.isdigit()):
            found.clear()
            break
        found[name] = IO_WORDS[name](text)
    if not disk.startswith("/") or not found or not all(found.values()):
        raise ValueError(
            "DISK:WORD=NUMBER,... is needed, as in /dev/sda:read=10M,write=5M,reads=100,writes=100"
        )
    return disk, found


def _io_limit(value: str) -> str:
    io_limit(value)
    return value


def zone_address(value: str) -> str:
    """Itself, or "".  Whether it is free on its bridge is for that to say.  Raises ValueError."""
    number = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    if value and not re.fullmatch(rf"{number}(\.{number}){{3}}/([12]?[0-9]|30)", value):
        raise ValueError("an address with its network is needed, as in 10.89.0.7/16, and /30 at most")
    return value


def zone_address6(value: str) -> str:
    """Itself, or "".  Raises ValueError."""
    if not value:
        return value
    import ipaddress

    needed = "an address of IPv6 with its network is needed, as in fd00:89::7/64, and /126 at most"
    try:
        one = ipaddress.IPv6Interface(value)
    except ValueError:
        raise ValueError(needed) from None
    if one.network.prefixlen > 126 or "/" not in value or one.scope_id:
        raise ValueError(needed)
    if one.is_multicast or one.is_link_local or one.is_loopback or one.ip.ipv4_mapped:
        raise ValueError("that is no address for one interface: choose one as fd00:89::7/64")
    if int(one.ip) - int(one.network.network_address) < 2:
        raise ValueError("the network itself and its bridge have that address: choose a higher one")
    return value


def interface_name(value: str) -> str:
    """Itself, or "".  Raises ValueError."""
    long = len(value.encode("utf-8", "surrogateescape")) > 15
    if long or value in (".", "..") or re.search(r"[\s/:]", value):
        raise ValueError("15 characters at most are needed, without blanks, / and :")
    return value


def _any(value: str) -> str:
    return value


def _inherited(value: str) -> str:
    source, _, target = value.partition(":")
    if not source.startswith("/") or (target and not target.startswith("/")):
        raise ValueError("FOLDER or FOLDER:TARGET is needed, both beginning with /")
    return value


def _mounted(value: str) -> str:
    parts = value.split(":")
    if len(parts) not in (2, 3) or not all(part.startswith("/") for part in parts[:2]):
        raise ValueError("SOURCE:TARGET or SOURCE:TARGET:ro is needed, both beginning with /")
    if parts[2:] not in ([], ["ro"], ["rw"]) or parts[1].rstrip("/") == "":
        raise ValueError("SOURCE:TARGET or SOURCE:TARGET:ro is needed, and TARGET is not /")
    return value


def _device(value: str) -> str:
    if not value.startswith("/dev/") or ".." in value:
        raise ValueError("a path below /dev is needed")
    return value


def _variable(value: str) -> str:
    name, equals, _ = value.partition("=")
    if not name or not equals:
        raise ValueError("NAME=VALUE is needed")
    return value


def _port(value: str) -> str:
    published_port(value)
    return value


def published_port(value: str) -> tuple[str, int, int, str]:
    """The host's address or "", its port, the zone's, tcp or udp.  Raises ValueError."""
    match = re.fullmatch(r"(?:([0-9.]+|\[[0-9a-f:.]+\]):)?([0-9]{1,5}):([0-9]{1,5})(?:/(tcp|udp))?", value)
    if not match or not all(0 < int(number) < 1 << 16 for number in match.group(2, 3)):
        raise ValueError(
            "HOST-PORT:ZONE-PORT is needed, as in 8080:80, 127.0.0.1:8080:80/tcp or [::1]:5353:53/udp"
        )
    host = (match[1] or "").strip("[]")
    if host:
        import ipaddress

        ipaddress.ip_address(host)
    return host, int(match[2]), int(match[3]), match[4] or "tcp"


class Property:
    """One property: `kind` is "text", "flag", "words" (a command) or "list"; `check` raises ValueError."""

    __slots__ = ("check", "help", "kind", "name")

    def __init__(self, name: str, kind: str, check: Callable[[str], str], help: str) -> None:
        self.name = name
        self.kind = kind
        self.check = check
        self.help = help

    @property
    def default(self) -> Value:
        return "" if self.kind == "text" else False if self.kind == "flag" else []

    def parse(self, text: str) -> Value:
        """Raises ValueError with what is needed."""
        if self.kind == "flag":
            if text not in ("yes", "no", "true", "false"):
                raise ValueError("yes or no is needed")
            return text in ("yes", "true")
        if self.kind == "words":
            import shlex

            return shlex.split(text)
        if self.kind == "list":
            return [self.check(item) for item in text.split() if item]
        return self.check(text)

    def accept(self, value: object) -> Value:
        """A value out of a file, checked as text would be.  Raises ValueError."""
        if self.kind == "flag" and isinstance(value, bool):
            return value
        if self.kind == "text" and isinstance(value, str):
            return self.check(value)
        if self.kind in ("words", "list") and isinstance(value, list):
            words = [item for item in value if isinstance(item, str)]
            if len(words) == len(value):
                return [self.check(item) for item in words]
        kinds = {"flag": "true or false", "text": "a string"}
        raise ValueError(f"{kinds.get(self.kind, 'a list of strings')} is needed")


PROPERTIES: dict[str, Property] = {
    one.name: one
    for one in (
        Property("brand", "text", _brand, "whose kernel its programs get: linux, freebsd[-14.1], netbsd"),
        Property("root", "text", _absolute, "where its files are; in the folder of zones otherwise"),
        Property("lower", "text", _absolute, "a folder under its root: what is not changed is seen there"),
        Property("disk", "text", _size, "the size of a disk that holds its files, as in 2G"),
        Property("inherit", "list", _inherited, "FOLDER[:TARGET] of the host, read-only in the zone"),
        Property("fs", "list", _mounted, "SOURCE:TARGET[:ro] of the host, in the zone"),
        Property("device", "list", _device, "devices of the host that it may use"),
        Property("readonly", "flag", _any, "its root cannot be changed from inside"),
        Property("hostname", "text", _host_name, "its host name; the zone's name otherwise"),
        Property("boot", "words", _any, "what is run at boot; /etc/rc or /sbin/init otherwise"),
        Property("ends", "flag", _any, "it goes down when that has ended"),
        Property("env", "list", _variable, "NAME=VALUE for its programs"),
        Property("autoboot", "flag", _any, "`guise zone boot --auto` boots it"),
        Property("net", "text", _network, "host, none, private (a loopback of its own) or bridge"),
        Property("bridge", "text", interface_name, "the bridge; guise0 otherwise"),
        Property(
            "address", "text", zone_address, "its address and network, as in 10.89.0.7/16, or a free one"
        ),
        Property("address6", "text", zone_address6, "its address of IPv6, as in fd00:89::7/64, if any"),
        Property("port", "list", _port, "HOST-PORT:ZONE-PORT[/udp] that the host publishes"),
        Property("cpu-shares", "text", _count, "its weight when processors are short"),
        Property("cpu-cap", "text", _positive, "processors at most, as in 1.5"),
        Property("dedicated-cpus", "text", _processors, "the processors that it runs on"),
        Property("memory", "text", _size, "memory at most, as in 512M"),
        Property("swap", "text", _swap, "swap at most, 0 for none"),
        Property("max-lwps", "text", _count, "threads and processes at most"),
        Property("io-weight", "text", _count, "its weight when a disk is short"),
        Property("io-limits", "list", _io_limit, "DISK:read=10M,write=5M,reads=100,writes=100, a second"),
    )
}  # fmt: skip

DEFAULTS: dict[str, Value] = {"brand": "linux", "net": "private"}


class Configuration:
    """A zone's name, and the values of its properties."""

    __slots__ = ("name", "values")

    def __init__(self, name: str, values: Mapping[str, Value] | None = None) -> None:
        self.name = check_name(name)
        self.values: dict[str, Value] = {name: one.default for name, one in PROPERTIES.items()}
        self.values.update(DEFAULTS)
        self.values.update(values or {})

    def text(self, name: str) -> str:
        value = self.values[name]
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        return self.values[name] is True

    def items(self, name: str) -> list[str]:
        value = self.values[name]
        return value if isinstance(value, list) else []

    def change(self, orders: Iterable[str]) -> None:
        """NAME=VALUE, and for lists NAME+=VALUE and NAME-=VALUE.  Raises ZoneError, with nothing changed."""
        changed = dict(self.values)
        for order in orders:
            name, equals, text = order.partition("=")
            sign = name[-1:] if name[-1:] in ("+", "-") else ""
            name = name.removesuffix(sign) if sign else name
            one = PROPERTIES.get(name)
            if not equals or one is None:
                raise ZoneError(_unknown(order, name, bool(equals)))
            if sign and one.kind != "list":
                raise ZoneError(f"{name} has one value: {name}=VALUE sets it")
            try:
                value = one.parse(text)
            except ValueError as error:
                raise ZoneError(f"{name}={text}: {error}") from None
            if sign and isinstance(value, list):
                value = _list_changed(changed[name], name, sign, value)
            changed[name] = value
        self.values = changed

    def as_data(self) -> dict[str, Value | str]:
        """What differs from the defaults, with the name."""
        said = {
            name: value
            for name, value in self.values.items()
            if value != DEFAULTS.get(name, PROPERTIES[name].default)
        }
        return {"name": self.name, **said}


def _list_changed(now: Value, name: str, sign: str, value: list[str]) -> list[str]:
    kept = list(now) if isinstance(now, list) else []
    if sign == "+":
        return kept + [item for item in value if item not in kept]
    missing = [item for item in value if item not in kept]
    if missing:
        raise ZoneError(f"{name} has no {missing[0]}: `guise zone info` shows what it has")
    return [item for item in kept if item not in value]


def _unknown(order: str, name: str, has_value: bool) -> str:
    if not has_value:
        return f"{order!r} says no value: write NAME=VALUE, as in net=private"
    from difflib import get_close_matches

    near = get_close_matches(name, PROPERTIES, 1)
    hint = f"did you mean {near[0]}?" if near else "`guise zone --help` lists them"
    return f"zones have no property {name!r}: {hint}"


def from_data(data: object, where: str, name: str = "") -> Configuration:
    """What `as_data` gave, checked; with `name`, for another zone.  Raises ZoneError."""
    if not isinstance(data, dict):
        raise ZoneError(f"{where} holds no configuration: a JSON object is needed")
    values: dict[str, Value] = {}
    for key, value in data.items():
        one = PROPERTIES.get(key)
        if one is None:
            if key == "name":
                continue
            raise ZoneError(f"{where}: {_unknown(key, key, True)}")
        try:
            values[key] = one.accept(value)
        except ValueError as error:
            raise ZoneError(f"{where}: {key}: {error}") from None
    return Configuration(name or str(data.get("name", "")), values)
