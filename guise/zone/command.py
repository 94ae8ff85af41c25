"""`guise zone VERB ...`: every verb, what it takes, and zoneadm's exit codes: 0 done, 1 failed, 2 misused."""

from __future__ import annotations

import json
import os
import sys

from guise.cli import UsageError, complain
from sandbox.zone import ZoneError, reason
from sandbox.zone.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.zone.install import Report
    from sandbox.zone.store import Zone

VERBS = (
    "create", "set", "info", "export", "verify", "install", "clone", "ready", "boot", "login", "exec", "list",
    "ps", "stat", "shutdown", "reboot", "halt", "move", "uninstall", "delete",
)  # fmt: skip

_PASSED_ON = ("login", "exec")  # what stands behind the zone's name is the program's


def main(words: list[str]) -> int:
    """Raises UsageError."""
    if not words:
        raise UsageError(
            f"say what to do: {', '.join(VERBS[:-1])} or {VERBS[-1]}; `guise zone --help` explains"
        )
    verb, rest = words[0], words[1:]
    if verb not in VERBS:
        raise UsageError(_unknown(verb))
    try:
        if verb in _PASSED_ON:
            return _into(verb, rest)
        options, names = _split(verb, rest)
        return _ACTIONS[verb](options, names)
    except ZoneError as error:
        return complain(str(error), 1)


def _unknown(verb: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(verb, VERBS, 1)
    hint = f"did you mean `guise zone {near[0]}`?" if near else "`guise zone --help` lists them"
    return f"guise zone cannot {verb}: {hint}"


_FLAGS: dict[str, tuple[str, ...]] = {
    "create": ("-f=",),
    "info": ("--json",),
    "export": ("-f=",),
    "verify": ("--repair",),
    "install": ("--kind=",),
    "boot": ("--auto", "--again"),
    "list": ("-c", "-i", "-v", "-p", "--json"),
    "ps": ("--json",),
    "stat": ("--json",),
    "halt": ("--all",),
    "uninstall": ("-F",),
    "delete": ("-F",),
}


def _split(verb: str, words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Options and the rest.  Raises UsageError."""
    known = _FLAGS.get(verb, ())
    options: dict[str, str] = {}
    names: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if f"{word}=" in known:
            if not rest:
                raise UsageError(f"{word} needs a value: `guise zone --help` shows one")
            options[word] = rest.pop(0)
        elif word in known or (word[1:].isalpha() and all(f"-{letter}" in known for letter in word[1:])):
            options |= {word: "yes"} if word in known else {f"-{letter}": "yes" for letter in word[1:]}
        elif word.startswith("-") and len(word) > 1:
            raise UsageError(f"{word} is no option of `guise zone {verb}`: `guise zone --help` lists them")
        else:
            names.append(word)
    return options, names


def _one(verb: str, names: list[str], more: str = "") -> Zone:
    """The zone named first.  Raises UsageError and ZoneError."""
    if not names:
        raise UsageError(f"say which zone: `guise zone {verb} NAME{more}`")
    return Store().zone(names[0])


def _only(verb: str, names: list[str]) -> Zone:
    if len(names) > 1:
        raise UsageError(f"guise zone {verb} takes one zone, and {names[1]} is too much")
    return _one(verb, names)


def _each(verb: str, names: list[str], action: Callable[[Zone], list[str] | None]) -> int:
    """For several zones: all are tried, and each failure is said."""
    if not names:
        raise UsageError(f"say which zone: `guise zone {verb} NAME`")
    status = 0
    for name in names:
        try:
            for missing in action(Store().zone(name)) or ():
                complain(f"zone {name} goes on without {missing}", 0)
        except ZoneError as error:
            status = complain(str(error), 1)
    return status


def _create(options: dict[str, str], names: list[str]) -> int:
    from sandbox.zone import lifecycle

    if not names:
        raise UsageError("say how the zone is called: `guise zone create NAME [PROPERTY=VALUE...]`")
    data, where = None, options.get("-f", "")
    if where:
        try:
            with open(where, encoding="utf-8") if where != "-" else sys.stdin as file:
                data = json.load(file)
        except OSError as error:
            raise ZoneError(f"{where} cannot be read: {reason(error)}") from None
        except ValueError as error:
            raise ZoneError(f"{where} holds no configuration: {error}") from None
    _check_brands(names[1:])
    lifecycle.create(Store(), names[0], names[1:], data, where)
    return 0


def _check_brands(orders: list[str]) -> None:
    """The releases of kernels are not the sandbox's to know.  Raises ZoneError."""
    for order in orders:
        name, _, brand = order.partition("=")
        if name == "brand" and "-" in brand:
            from guise.run_command import parse_guest

            try:
                parse_guest(brand)
            except UsageError as error:
                raise ZoneError(f"{order}: {error}") from None


def _set(options: dict[str, str], names: list[str]) -> int:
    from sandbox.zone import lifecycle

    zone = _one("set", names, " PROPERTY=VALUE")
    if not names[1:]:
        raise UsageError("say what to set: `guise zone set NAME PROPERTY=VALUE...`")
    _check_brands(names[1:])
    for missing in lifecycle.change(zone, names[1:]):
        complain(f"zone {zone.name} goes on without {missing}", 0)
    return 0


def _export(options: dict[str, str], names: list[str]) -> int:
    text = json.dumps(_only("export", names).configuration().as_data(), indent=1) + "\n"
    target = options.get("-f", "-")
    if target == "-":
        print(text, end="")
        return 0
    try:
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ZoneError(f"{target} cannot be written: {reason(error)}") from None
    return 0


def _verify(options: dict[str, str], names: list[str]) -> int:
    from sandbox.zone import lifecycle

    zones = Store()
    if "--repair" in options:
        zones.sweep()
    status = 0
    for zone in [zones.zone(name) for name in names] or zones.all():
        try:
            if "--repair" in options and zone.exists():
                try:
                    with zone.locked():
                        done = lifecycle.settle(zone)
                except lifecycle.Deleted as error:
                    print(error)
                    continue
                if done:
                    print(f"zone {zone.name}: {done}")
            for sentence in lifecycle.verify(zone):
                status = complain(f"zone {zone.name}: {sentence}", 1)
        except ZoneError as error:
            status = complain(str(error), 1)
    return status


def _install(options: dict[str, str], names: list[str]) -> int:
    from sandbox.zone import lifecycle

    zone = _one("install", names, " [SOURCE...]")
    done = lifecycle.install(zone, names[1:], options.get("--kind", ""), _progress if os.isatty(2) else None)
    _say_left_out(zone, done)
    return 0


def _say_left_out(zone: Zone, done: Report | None) -> None:
    if done is not None and (left := done.left_out()):
        complain(f"zone {zone.name} was installed without {left}: they have no place in a zone", 0)


def _progress(sentence: str) -> None:
    os.write(2, f"guise: {sentence}\n".encode("utf-8", "surrogateescape"))


def _clone(options: dict[str, str], names: list[str]) -> int:
    from sandbox.zone import lifecycle

    zone = _one("clone", names, " FROM")
    if len(names) != 2:
        raise UsageError("say which zone to copy: `guise zone clone NAME FROM`")
    _say_left_out(zone, lifecycle.clone(zone, Store().zone(names[1])))
    return 0


def _ready(options: dict[str, str], names: list[str]) -> int:
    from sandbox.zone import boot

    return _each("ready", names, boot.ready)


def _boot(options: dict[str, str], names: list[str]) -> int:
    from guise.zone import entering
    from sandbox.zone import boot

    if "--auto" in options:
        names = [
            zone.name
            for zone in Store().all()
            if zone.configuration().flag("autoboot") and zone.state() == "installed"
        ]
        if not names:
            return 0
    anew = "--again" in options
    return _each(
        "boot", names, lambda zone: boot.boot(zone, entering.at_boot, entering.again(zone), anew=anew)
    )


def _shutdown(options: dict[str, str], names: list[str]) -> int:
    from guise.zone import entering
    from sandbox.zone import boot

    return _each("shutdown", names, lambda zone: boot.shut_down(zone, entering.at_boot))


def _reboot(options: dict[str, str], names: list[str]) -> int:
    from guise.zone import entering
    from sandbox.zone import boot

    return _each("reboot", names, lambda zone: boot.reboot(zone, entering.at_boot, entering.again(zone)))


def _halt(options: dict[str, str], names: list[str]) -> int:
    from sandbox.zone import lifecycle

    if "--all" in options:
        names = [zone.name for zone in Store().all() if zone.running() is not None]
        if not names:
            return 0
    return _each("halt", names, lifecycle.halt)


def _move(options: dict[str, str], names: list[str]) -> int:
    from sandbox.zone import lifecycle

    zone = _one("move", names, " FOLDER")
    if len(names) != 2:
        raise UsageError("say where its root goes: `guise zone move NAME FOLDER`")
    lifecycle.move(zone, names[1])
    return 0


def _sure(verb: str, options: dict[str, str], zone: Zone) -> bool:
    """As zoneadm does: a question, when there is somebody to ask."""
    if "-F" in options or not os.isatty(0) or not zone.exists():
        return True
    return input(f"Are you sure you want to {verb} zone {zone.name} (y/[n])? ").strip().lower() in (
        "y",
        "yes",
    )


def _uninstall(options: dict[str, str], names: list[str]) -> int:
    from sandbox.zone import lifecycle

    zone = _only("uninstall", names)
    if _sure("uninstall", options, zone):
        lifecycle.uninstall(zone)
    return 0


def _delete(options: dict[str, str], names: list[str]) -> int:
    from sandbox.zone import lifecycle

    zone = _only("delete", names)
    if _sure("delete", options, zone):
        lifecycle.delete(zone)
    return 0


def _into(verb: str, words: list[str]) -> int:
    """login and exec.  Raises UsageError."""
    values = {"-l": "", "--user": "", "--cwd": ""}
    rest = list(words)
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        name, equals, value = rest.pop(0).partition("=")
        if name not in values:
            raise UsageError(
                f"{name} is no option of `guise zone {verb}`: options stand before the zone's name"
            )
        if not equals:
            if not rest:
                raise UsageError(f"{name} needs a value: `guise zone --help` shows one")
            value = rest.pop(0)
        values[name] = value
    if not rest:
        raise UsageError(f"say which zone: `guise zone {verb} NAME`")
    name, command = rest[0], rest[1:]
    user = values["-l"] or values["--user"]
    if verb == "exec":
        if not command:
            raise UsageError("say which program: `guise zone exec NAME PROGRAM [ARGUMENTS]`")
        from guise.zone import entering

        return entering.execute(name, command, user, values["--cwd"])
    from guise.zone import login

    return login.login(name, command, user or "root")


def _info(options: dict[str, str], names: list[str]) -> int:
    from guise.zone import shown

    return shown.info(_only("info", names), as_json="--json" in options)


def _list(options: dict[str, str], names: list[str]) -> int:
    from guise.zone import shown

    return shown.zones(options, names)


def _ps(options: dict[str, str], names: list[str]) -> int:
    from guise.zone import shown

    return shown.processes(names, as_json="--json" in options)


def _stat(options: dict[str, str], names: list[str]) -> int:
    from guise.zone import shown

    return shown.statistics(names, as_json="--json" in options)


_ACTIONS: dict[str, Callable[[dict[str, str], list[str]], int]] = {
    "create": _create,
    "set": _set,
    "info": _info,
    "export": _export,
    "verify": _verify,
    "install": _install,
    "clone": _clone,
    "ready": _ready,
    "boot": _boot,
    "list": _list,
    "ps": _ps,
    "stat": _stat,
    "shutdown": _shutdown,
    "reboot": _reboot,
    "halt": _halt,
    "move": _move,
    "uninstall": _uninstall,
    "delete": _delete,
}
