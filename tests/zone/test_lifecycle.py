"""`guise zone`: the verbs, the states they need, and what they leave."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from sandbox.zone.configuration import PROPERTIES, Configuration, from_data

from .bench import Zones, python_folders
from .conftest import USER, as_user, lend
from .test_processes import eventually


@pytest.fixture(params=["root", "user"])
def anyones(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Zones]:
    """Zones of root's, and of an ordinary user's."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    wrap = None
    if request.param == "user":
        reason = request.getfixturevalue("_no_user")
        if reason:
            pytest.skip(reason)
        lend(tmp_path)
        wrap = as_user
    made = Zones(tmp_path, wrap)
    if wrap is not None:
        made.owner = USER, USER
    yield made
    made.close()


def system(folder: Path) -> Path:
    """A small system's files: what a whole root is installed from."""
    for name in ("etc", "var/empty", "dev"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\njoe:x:1001:1002::/home/joe:/bin/sh\n")
    (folder / "etc/group").write_text("joe:x:1002:\nwheel:x:5:joe\n")
    (folder / "link").symlink_to("etc/passwd")
    (folder / "private").mkdir(mode=0o700, exist_ok=True)
    return folder


def test_a_whole_life(anyones: Zones, tmp_path: Path) -> None:
    zones = anyones
    zones("create", "a", "net=private")
    assert zones.state("a") == "configured"
    files = system(tmp_path / "system")
    for path in (files, *files.rglob("*")):
        os.chown(path, *zones.owner, follow_symlinks=False)
    zones("install", "a", files)
    root = zones.folder / "a" / "root"
    assert (root / "link").read_text() == (tmp_path / "system/etc/passwd").read_text()
    assert stat.S_IMODE((root / "private").stat().st_mode) == 0o700
    assert zones.state("a") == "installed"
    zones("ready", "a")
    assert zones.state("a") == "ready"
    zones("boot", "a")
    assert zones.state("a") == "running"
    zones("reboot", "a")
    zones("shutdown", "a")
    assert zones.state("a") == "installed"
    zones("uninstall", "a")
    assert (zones.state("a"), root.exists()) == ("configured", False)
    zones("delete", "a")
    assert os.listdir(zones.folder) == []


def test_verbs_need_their_states(zones: Zones, tmp_path: Path) -> None:
    zones("create", "a", f"root={tmp_path}/root")
    for verb in ("boot", "ready", "reboot", "halt", "shutdown", "uninstall", "login"):
        assert "zone a is configured" in zones.refuses(verb, "a"), verb
    assert "would be empty" in zones.refuses("install", "a")
    zones("install", "a", system(tmp_path / "system"))
    for verb in ("install", "halt", "shutdown", "reboot", "delete", "login"):
        assert "zone a is installed" in zones.refuses(verb, "a"), verb
    assert "a copy of itself" in zones.refuses("clone", "a", "a")  # it would wait for its own lock
    zones("boot", "a")
    for verb in ("install", "boot", "uninstall", "delete", "ready"):
        assert "zone a is running" in zones.refuses(verb, "a"), verb
    assert "zone a is running" in zones.refuses("move", "a", tmp_path / "elsewhere")
    assert "there is a zone a already" in zones.refuses("create", "a")
    for verb in ("boot", "halt", "info", "install", "uninstall", "delete", "verify", "login", "stat"):
        assert "there is no zone b" in zones.refuses(verb, "b"), verb
    assert "cannot be a zone's name" in zones.refuses("create", "../x")
    assert "that is the host itself" in zones.refuses("create", "global")
    zones("halt", "a")
    zones("uninstall", "a")
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((), "say what to do"),
        (("bot",), "did you mean `guise zone boot`?"),
        (("boot",), "say which zone"),
        (("list", "--jsn"), "no option"),
        (("create",), "how the zone is called"),
        (("exec", "a"), "say which program"),
        (("move", "a"), "where its root goes"),
        (("uninstall", "a", "b"), "too much"),
        (("set", "a"), "say what to set"),
    ],
)
def test_misuse_is_status_two(zones: Zones, words: tuple[str, ...], part: str) -> None:
    done = zones.run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert part in done.stderr
    assert done.stderr.count("\n") == 1


def test_properties(zones: Zones, tmp_path: Path) -> None:
    zones("create", "a", "net=none", "fs=/usr:/mnt:ro", "boot=/bin/sh -c 'a b'", "autoboot=yes")
    zones("set", "a", "fs+=/etc:/conf", "env=A=1", "memory=512M", "swap=0")
    zones("set", "a", "fs-=/usr:/mnt:ro")
    data = json.loads(zones("export", "a"))
    assert data == {
        "name": "a", "net": "none", "fs": ["/etc:/conf"], "boot": ["/bin/sh", "-c", "a b"],
        "autoboot": True, "env": ["A=1"], "memory": "512M", "swap": "0",
    }  # fmt: skip
    zones("export", "a", "-f", tmp_path / "a.json")
    zones("create", "b", "-f", tmp_path / "a.json")
    assert json.loads(zones("export", "b")) == {**data, "name": "b"}
    assert "memory: 512M" in zones("info", "b")
    for order, part in (
        ("memory=lots", "a size is needed"),
        ("memory=0", "above 0"),
        ("port=99999:1", "HOST-PORT:ZONE-PORT"),
        ("address=10.1.2.3", "an address with its network"),
        ("address=300.1.2.3/24", "an address with its network"),
        ("address6=fd00::1/64", "choose a higher one"),
        ("port=80:80/sctp", "HOST-PORT:ZONE-PORT"),
        ("bridge=a-name-that-is-too-long", "15 characters at most"),
        ("io-limits=/dev/vda", "DISK:WORD=NUMBER"),
        ("io-limits=/dev/vda:read=0", "DISK:WORD=NUMBER"),
        ("io-limits=/dev/vda:read=1M,read=2M", "DISK:WORD=NUMBER"),
        ("io-limits=/dev/vda:reads=1M", "DISK:WORD=NUMBER"),
        ("io-limits=vda:read=1M", "DISK:WORD=NUMBER"),
        ("io-limits=/dev/vda:read=lots", "a size is needed"),
        ("net=fast", "choose host, none, private, bridge"),
        ("fs-=/nowhere:/x", "has no /nowhere:/x"),
        ("memry=1G", "did you mean memory?"),
        ("hostname+=x", "has one value"),
        ("root=relative", "begins with /"),
        ("brand=freebsd-99.9", "99.9"),
        ("dedicated-cpus=60000", "this host has the processors"),
        ("dedicated-cpus=1-0", "no list of CPUs"),
        ("nonsense", "says no value"),
    ):
        assert part in zones.refuses("set", "a", order)
    assert json.loads(zones("export", "a")) == data


def test_every_property_survives_its_file() -> None:
    texts = {
        "brand": "freebsd-14.1", "net": "bridge", "inherit": "/usr /opt:/o", "fs": "/a:/b:ro",
        "port": "8080:80/tcp", "address": "10.89.0.7/16", "address6": "fd00::7/64",
        "device": "/dev/kvm", "cpu-cap": "1.5", "dedicated-cpus": "0-1,3", "memory": "1G", "swap": "1M",
        "io-limits": "/dev/a:b:read=1M,writes=5", "env": "A=b=c", "boot": "a 'b c'", "hostname": "host.name",
    }  # fmt: skip
    settings = Configuration("z")
    for name, one in PROPERTIES.items():
        usual = {"flag": "yes", "text": "/folder" if name in ("root", "lower") else "5"}
        text = texts.get(name) or usual[one.kind]
        settings.change([f"{name}={text}"])
        assert settings.values[name] != one.default
    again = from_data(json.loads(json.dumps(settings.as_data())), "there")
    assert (again.name, again.values) == ("z", settings.values)


def test_programs_in_a_zone(anyones: Zones) -> None:
    zones = anyones
    zones.sparse("a", "hostname=inside", "env=WHO=zone")
    zones("boot", "a")
    script = (
        "hostname; id -u; echo $WHO; touch /mine; touch /usr/theirs 2>/dev/null || echo refused; echo $0 $1"
    )
    done = zones.run("exec", "a", "sh", "-c", script, "zero", "--one")
    assert (done.stdout.split(), done.stderr) == (["inside", "0", "zone", "refused", "zero", "--one"], "")
    assert (zones.folder / "a/root/mine").exists()
    assert zones.run("exec", "a", "sh", "-c", "exit 9").returncode == 9
    assert zones.run("exec", "a", "sh", "-c", "kill -TERM $$").returncode == -signal.SIGTERM
    assert zones.run("exec", "a", "/nowhere").returncode == 127
    done = zones.run("exec", "--cwd", "/usr", "a", "pwd")
    assert done.stdout == "/usr\n"
    assert zones.run("exec", "a", "cat", input="through").stdout == "through"


def test_users_are_the_zones_own(zones: Zones, tmp_path: Path) -> None:
    zones.sparse("a")
    (zones.folder / "a/root/etc").mkdir()
    system(zones.folder / "a/root")
    zones("boot", "a")
    done = zones.run("exec", "--user", "joe", "a", "sh", "-c", "id -u; id -g; id -G; echo $HOME $USER")
    assert done.stdout.splitlines() == ["1001", "1002", "1002 5", "/home/joe joe"], done.stderr
    assert "has no user eve" in zones.run("exec", "--user", "eve", "a", "id").stderr
    done = zones.run(
        "login", "-l", "joe", "a", input="echo $0; id -u; exit 3"
    )  # no terminal: his shell reads it
    assert (done.stdout, done.returncode) == ("-sh\n1001\n", 3), done.stderr
    done = zones.run("login", "-l", "eve", "a", input="id")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "has no user eve" in done.stderr
    with open(zones.folder / "a/root/etc/passwd", "a") as file:
        file.write("mallory:x:not:a number::/:/bin/sh\n")
    assert "has no user mallory" in zones.run("exec", "--user", "mallory", "a", "id").stderr


def test_zones_do_not_see_each_other(zones: Zones) -> None:
    zones.sparse("a", "boot=/bin/sleep 1000")
    zones.sparse("b")
    zones("boot", "a", "b")
    seen = json.loads(zones("ps", "--json"))
    (sleep,) = [process for process in seen if process["command"] == "/bin/sleep 1000"]
    assert (sleep["zone"], os.path.exists(f"/proc/{sleep['pid']}")) == ("a", True)
    script = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; kill -0 $0 || echo none; kill -9 1; kill -TERM 1"
    done = zones.run("exec", "b", "sh", "-c", script, str(sleep["pid"]))
    assert "sleep" not in done.stdout
    assert "none" in done.stdout
    assert zones.state("b") == "running"
    (row,) = json.loads(zones("stat", "--json", "a"))
    # Its init and sleep; what serves sleep as a guest is none of its processes.
    assert (row["state"], row["processes"], row["lwps"]) == ("running", 2, 2)


def test_what_ends_a_zone(zones: Zones) -> None:
    zones.sparse("a", "boot=/bin/sh -c 'sleep 0.2'", "ends=yes")
    zones("boot", "a")
    _wait_for(zones, "a", "installed")
    zones("set", "a", "ends=no")
    zones("boot", "a")
    zones.run("exec", "a", "/bin/sh", "-c", "kill -USR1 1; kill -PWR 1")
    _wait_for(zones, "a", "installed")
    zones("boot", "a")
    os.kill(json.loads(zones("list", "--json"))[0]["id"], signal.SIGKILL)
    _wait_for(zones, "a", "installed")
    assert "it ended by itself" in zones.refuses("verify", "a")
    assert "zone a: it had ended" in zones("verify", "--repair", "a")
    assert zones("verify", "a") == ""


def test_its_root_reboots_a_zone(zones: Zones) -> None:
    zones.sparse("a", "boot=/bin/sh -c 'echo booted; sleep 1000'")
    zones("boot", "a")
    console = zones.folder / "a/console"
    for times in (1, 2):
        eventually(partial(_says, console, "booted\n" * times), "it boots")
        zones.run("exec", "a", "/bin/sh", "-c", "kill -INT 1")
    eventually(lambda: console.read_text().count("booted") == 3, "it is booted again")
    _wait_for(zones, "a", "running")
    zones("halt", "a")
    eventually(lambda: not _waiting_for(zones), "nobody waits to boot it again")
    zones("set", "a", "brand=freebsd")
    zones("boot", "a")
    zones.run("exec", "a", "/bin/sh", "-c", "kill -USR2 1")
    _wait_for(zones, "a", "installed")


def _says(file: Path, text: str) -> bool:
    return file.read_text() == text


def _waiting_for(zones: Zones) -> list[str]:
    """Processes that wait for a zone's root to ask for a reboot."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            variables = Path(f"/proc/{name}/environ").read_bytes()
            words = Path(f"/proc/{name}/cmdline").read_bytes()
        except OSError:
            continue
        if b"\0await\0" in words and str(zones.folder).encode() in variables:
            found.append(name)
    return found


def test_a_zones_dev_takes_sockets_and_keeps_its_devices(zones: Zones) -> None:
    zones.sparse("a", *python_folders())
    zones("boot", "a")
    script = (
        "import os, socket; socket.socket(socket.AF_UNIX).bind('/dev/log'); os.mkfifo('/dev/initctl')\n"
        "for change in (os.unlink, os.rmdir, lambda path: os.rename(path, '/dev/other')):\n"
        "    try:\n        change('/dev/null'); print('changed')\n"
        "    except OSError as error: print(error.errno)\n"
        "open('/dev/null', 'w').write('x'); print(sorted(os.listdir('/dev'))[:4])"
    )
    done = zones.run("exec", "a", sys.executable, "-c", script)
    assert done.stdout == "16\n20\n16\n['fd', 'full', 'initctl', 'log']\n", done


def test_root_of_a_zone_is_not_held_to_its_callers_limits(zones: Zones) -> None:
    zones.sparse("a")
    zones("boot", "a")
    words = zones.line(
        "exec", "a", "/bin/sh", "-c", "ulimit -H -l; ulimit -S -l; ulimit -l 70000 && ulimit -l"
    )
    limited = ["/bin/sh", "-c", 'ulimit -l 64 && exec "$@"', "sh", *words]
    done = subprocess.run(limited, env=zones.environment, capture_output=True, text=True, timeout=100)
    may = int(re.findall("CapPrm:\t(.*)", Path("/proc/self/status").read_text())[0], 16) >> 24 & 1
    assert done.stdout == ("unlimited\n64\n70000\n" if may else "64\n64\n"), done  # CAP_SYS_RESOURCE


def _wait_for(zones: Zones, name: str, state: str) -> None:
    deadline = time.monotonic() + 30
    while zones.state(name) != state:
        assert time.monotonic() < deadline, f"{name} does not become {state}"
        time.sleep(0.02)


def test_boot_runs_the_zones_own_scripts(zones: Zones) -> None:
    zones.sparse("a")
    scripts = zones.folder / "a/root/etc"
    scripts.mkdir()
    (scripts / "rc").write_text("echo booted $1 > /log; sleep 1000 &\n")
    (scripts / "rc.shutdown").write_text("echo down >> /log; echo said\n")
    zones("boot", "a")
    log = zones.folder / "a/root/log"
    deadline = time.monotonic() + 30
    while not log.exists() or not log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    zones("shutdown", "a")
    assert log.read_text() == "booted autoboot\ndown\n"
    assert (zones.folder / "a/console").read_text() == "said\n"


def test_a_boot_command_that_is_not_there(zones: Zones) -> None:
    zones.sparse("a", "boot=/nowhere/server")
    assert "/nowhere/server does not exist" in zones.refuses("boot", "a")
    assert (zones.state("a"), zones("ps")) == ("installed", zones("ps"))
    assert "a" not in zones("list").split()


@pytest.fixture
def zones_of_no_overlay(tmp_path: Path) -> Iterator[Zones]:
    """On a file system that an overlay can keep its changes on; a container's own cannot."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    kind = subprocess.run(["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=True)
    place = "/dev/shm" if kind.stdout == "overlayfs\n" else tmp_path
    with tempfile.TemporaryDirectory(dir=place) as folder:
        made = Zones(Path(folder))
        yield made
        made.close()


def test_a_root_over_another(zones_of_no_overlay: Zones) -> None:
    zones = zones_of_no_overlay
    lower = system(zones.directory / "lower")
    inherited = "inherit=/usr /bin /lib /lib64"
    for name in ("a", "b"):
        zones("create", name, f"lower={lower}", inherited)
        zones("install", name)
        zones("boot", name)
    zones("exec", "a", "sh", "-c", "echo changed > /etc/passwd; rm /link")
    assert zones("exec", "a", "cat", "/etc/passwd") == "changed\n"
    assert zones("exec", "b", "cat", "/link").startswith("root:")
    assert (lower / "etc/passwd").read_text().startswith("root:")
    zones("halt", "--all")
    assert zones("list") == ""


def test_programs_of_a_zone_that_is_halted_meanwhile(zones: Zones) -> None:
    """Whatever they were about to do, they end, with a sentence or by the zone's end."""
    zones.sparse("a", "boot=/bin/sleep 1000")
    for pause in (0.0, 0.05, 0.1, 0.15, 0.2, 0.25):
        zones("boot", "a")
        line = zones.line("exec", "a", "/bin/sleep", "1000")
        started = subprocess.Popen(line, env=zones.environment, stderr=subprocess.PIPE, text=True)
        time.sleep(pause)
        zones("halt", "a")
        _, said = started.communicate(timeout=60)
        assert "something inside" not in said
        assert started.returncode in (-signal.SIGKILL, 1), said


def test_a_disk_without_space(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    small = tmp_path / "small"
    zones = Zones(tmp_path)
    zones.environment["GUISE_ZONES"] = f"{small}/zones"

    def line(*words: str) -> str:
        return " ".join(map(shlex.quote, zones.line(*words)))

    script = f"""
    mkdir {small}; mount -t tmpfs -o size=300k none {small}
    {line("create", "a", "inherit=/usr /bin /lib /lib64", "boot=/bin/sleep 1000")}
    {line("install", "a")}; {line("boot", "a")}
    dd if=/dev/zero of={small}/rest bs=4k 2>/dev/null || true
    {line("create", "b")} || echo $?
    {line("set", "a", "env=A=1")} || echo $?
    {line("halt", "a")}
    {line("boot", "a")} || echo $?
    cd {small}/zones; find . -type f | sort
    {line("uninstall", "a")}; {line("delete", "a")}; find . -type f | sort
    """
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", script], env=zones.environment, capture_output=True, text=True,
        check=False, timeout=100,
    )  # fmt: skip
    files = ["./a/configuration", "./a/console", "./a/lock", "./a/state"]
    assert done.stdout.splitlines() == ["1", "1", "1", *files], done
    said = done.stderr.splitlines()
    assert len(said) == 3
    assert all(line.startswith("guise: zone ") and "no space left" in line for line in said), said


@pytest.mark.parametrize("damage", ["{", "[]", '{"memory": "lots"}', '{"nonsense": ""}', ""])
def test_a_damaged_configuration_can_be_deleted(damage: str, zones: Zones) -> None:
    zones.sparse("a", "boot=/bin/sleep 1000")
    zones("boot", "a")
    (zones.folder / "a/configuration").write_text(damage)
    for verb in ("info", "boot", "verify"):
        assert str(zones.folder / "a/configuration") in zones.refuses(verb, "a"), verb
    assert "is running" in zones.refuses("delete", "a")
    for verb in ("halt", "uninstall", "delete"):
        zones(verb, "a")
    assert os.listdir(zones.folder) == []


def test_other_damaged_files_say_what_to_do(zones: Zones) -> None:
    zones.sparse("a", "boot=/bin/sleep 1000")
    for name, text, verb in (
        ("running", "{}", "boot"),
        ("running", '{"pid": "1"}', "list"),
        ("journal", '{"verb": "move"}', "boot"),
        ("journal", "nonsense", "uninstall"),
    ):
        (zones.folder / "a" / name).write_text(text)
        assert f"a/{name} is damaged" in zones.refuses(verb, "a")
        (zones.folder / "a" / name).unlink()
    (zones.folder / "a/state").write_text("{")
    assert "a/state is damaged" in zones.refuses("boot", "a")


def test_repair_leaves_folders_that_are_no_zones(zones: Zones) -> None:
    """GUISE_ZONES may name any folder."""
    (zones.folder / "mine/root").mkdir(parents=True)
    (zones.folder / "mine/root/file").write_text("mine")
    (zones.folder / "begun").mkdir()
    (zones.folder / "begun/.configuration.123").write_text("{")
    (zones.folder / "begun/lock").touch()
    zones("verify", "--repair")
    assert [str(path.relative_to(zones.folder)) for path in sorted(zones.folder.rglob("*"))] == [
        "mine", "mine/root", "mine/root/file",
    ]  # fmt: skip


def test_contents_that_cannot_be_defaced(zones: Zones, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("ours")
    zones.sparse("web", f"fs={site}:/www:ro")
    zones("boot", "web")
    script = (
        "echo theirs > /www/index.html; rm /www/index.html; mount -o remount,rw /www; cat /www/index.html"
    )
    assert zones.run("exec", "web", "sh", "-c", script).stdout == "ours"
    assert (site / "index.html").read_text() == "ours"


def test_clone_and_move(zones: Zones, tmp_path: Path) -> None:
    zones("create", "a")
    zones("install", "a", system(tmp_path / "system"))
    zones("create", "b")
    zones("clone", "b", "a")
    assert (zones.folder / "b/root/link").is_symlink()
    zones("move", "b", tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere/link").is_symlink()
    assert not (zones.folder / "b/root").exists()
    zones("boot", "b")
    assert "is running" in zones.refuses("clone", "a", "b")
    zones("halt", "b")
    for folder in ("/", "/usr", str(zones.folder)):
        assert "cannot be a zone's root" in zones.refuses("move", "b", folder)


def test_what_was_there_before_stays(zones: Zones, tmp_path: Path) -> None:
    mine = system(tmp_path / "mine")
    zones("create", "a", f"root={mine}")
    assert "is not empty" in zones.refuses("install", "a", tmp_path)
    zones("install", "a")
    zones("uninstall", "a")
    assert (mine / "etc/passwd").exists()


def test_lists(zones: Zones) -> None:
    zones("create", "c")
    zones.sparse("i")
    zones.sparse("r", "autoboot=yes")
    zones("boot", "--auto")
    assert zones("list") == "r\n"
    assert zones("list", "-i") == "i\nr\n"
    assert zones("list", "-ci") == "c\ni\nr\n"
    number, name, state, path, _, brand, network = zones("list", "-p").strip().split(":")
    assert (name, state, brand, network) == ("r", "running", "linux", "private")
    assert (int(number) > 1, path) == (True, f"{zones.folder}/r/root")


def test_run_and_trace_in_a_zone(zones: Zones) -> None:
    zones.sparse("a", "env=WHERE=zone")
    zones("boot", "a")
    done = _guise(zones, "run", "--zone", "a", "sh", "-c", "echo $WHERE; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "zone\n", "")
    traced = _guise(zones, "trace", "--zone", "a", "-e", "write", "echo", "hello")
    assert (traced.returncode, traced.stdout) == (0, "hello\n")
    assert '"hello\\n", 6) = 6' in traced.stderr
    refused = _guise(zones, "run", "--zone", "a", "--rw", "/tmp", "true")
    assert (refused.returncode, "exclude each other" in refused.stderr) == (2, True)


def _guise(zones: Zones, *words: str) -> subprocess.CompletedProcess[str]:
    from .conftest import command

    return subprocess.run(
        command(*words), env=zones.environment, cwd=zones.directory, capture_output=True, text=True,
        check=False, timeout=100,
    )  # fmt: skip


def test_install_says_what_has_no_place_in_a_zone(zones: Zones, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    os.mknod(source / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    for name in ("first", "second"):
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(source / name))
    zones("create", "z", "boot=/bin/true")
    done = zones.run("install", "z", source)
    assert done.returncode == 0
    assert done.stderr == (
        "guise: zone z was installed without 1 device node and 2 sockets: they have no place in a zone\n"
    )
    zones("create", "y")
    assert zones("clone", "y", "z") == ""
