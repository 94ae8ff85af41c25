"""Plans that are kept: whole or not at all, however many come at once."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from loader import GuestImage, LoadError, PlanCache, open_program, plan_for
from loader import cache as cache_module
from loader.cache import changed_this_tick, key_of, wait_for_next_tick
from loader.layout import seal
from loader.plan import LoadPlan

from .builder import Elf
from .conftest import Files


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.write_bytes(Elf().build())
    path.chmod(0o755)
    return path


def plan_bytes(program: Path, cache: PlanCache) -> bytes:
    fd = open_program(str(program))
    try:
        image = plan_for(fd, str(program), cache=cache)
        assert isinstance(image, GuestImage)
        raw = os.pread(image.plan_fd, 1 << 20, 0)
        image.close()
        image.close()
    finally:
        os.close(fd)
    return raw[: int.from_bytes(raw[12:16], "little")]


def kept(cache: PlanCache) -> list[Path]:
    return sorted(Path(cache.directory).glob("*.plan"))


def refuse_to_parse(*_: object) -> None:
    raise AssertionError("the warm path must not parse")


def test_the_second_time_nothing_is_parsed(
    program: Path, cache: PlanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = plan_bytes(program, cache)
    monkeypatch.setattr("loader.identify.identify", refuse_to_parse)
    assert plan_bytes(program, cache) == first
    assert len(kept(cache)) == 1
    assert os.listdir(cache.directory) == [kept(cache)[0].name]


def test_a_changed_program_is_planned_again(program: Path, cache: PlanCache) -> None:
    first = plan_bytes(program, cache)
    elf = Elf()
    elf.entry += 4
    program.write_bytes(elf.build())
    second = plan_bytes(program, cache)
    assert LoadPlan.from_bytes(second).entry == LoadPlan.from_bytes(first).entry + 4


def test_changes_within_one_tick_of_the_clock_are_seen(program: Path, cache: PlanCache) -> None:
    for step in range(20):
        elf = Elf()
        elf.entry += step
        with program.open("r+b") as file:
            file.write(elf.build())
        assert LoadPlan.from_bytes(plan_bytes(program, cache)).entry == elf.entry


def test_a_time_in_the_future_is_not_trusted(program: Path) -> None:
    status = os.stat(program)
    values = list(status)
    later = os.stat_result(values, {"st_ctime_ns": time.time_ns() + 10**12})
    started = time.monotonic()
    wait_for_next_tick(later)
    assert time.monotonic() - started < 5
    assert changed_this_tick(later)
    wait_for_next_tick(status)
    assert not changed_this_tick(status)


@pytest.mark.parametrize("damage", ["cut", "empty", "flip", "other", "long", "folder", "link", "fifo"])
def test_a_damaged_file_is_made_again(program: Path, cache: PlanCache, damage: str) -> None:
    good = plan_bytes(program, cache)
    (path,) = kept(cache)
    raw = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(raw[:-3])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "flip":
        path.write_bytes(raw[:24] + bytes([raw[24] ^ 1]) + raw[25:])
    elif damage == "other":
        # A good plan under the name of another file's.
        path.write_bytes(seal(good, "another key"))
    elif damage == "long":
        path.write_bytes(raw + bytes(2 << 20))
    elif damage == "link":
        path.symlink_to("/dev/zero")
    elif damage == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert plan_bytes(program, cache) == good
    if damage != "folder":
        assert path.read_bytes() == raw


def test_every_single_bit_counts(program: Path, cache: PlanCache) -> None:
    plan_bytes(program, cache)
    (path,) = kept(cache)
    raw = path.read_bytes()
    for bit in range(len(raw) * 8):
        damaged = bytearray(raw)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert cache.get(path.stem) is None


def test_where_nothing_can_be_kept_the_plan_lives_in_memory(program: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cache = PlanCache(str(blocked / "plans"))
    assert LoadPlan.from_bytes(plan_bytes(program, cache)).personality == "freebsd"
    assert blocked.read_text() == "not a folder"


def test_a_full_disk_leaves_nothing_behind(
    program: Path, cache: PlanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.rename", fail)
    before = len(os.listdir("/proc/self/fd"))
    assert plan_bytes(program, cache)
    assert os.listdir(cache.directory) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_another_users_plan_is_not_taken(
    program: Path, cache: PlanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_bytes(program, cache)
    (path,) = kept(cache)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
    else:
        monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert cache.get(path.stem) is None


def test_old_plans_and_unfinished_files_go(
    program: Path, cache: PlanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "MAX_PLANS", 10)
    folder = Path(cache.directory)
    folder.mkdir()
    for index in range(12):
        old = folder / f"{index}.plan"
        old.touch()
        os.utime(old, (1000 + index, 1000 + index))
    left, fresh = folder / ".left.1.a", folder / ".fresh.1.a"
    left.touch()
    os.utime(left, (1000, 1000))
    fresh.touch()
    plan_bytes(program, cache)
    assert not left.exists()
    assert fresh.exists()
    assert not (folder / "0.plan").exists()
    assert (folder / "11.plan").exists()


def test_descriptors_are_not_inherited(program: Path, cache: PlanCache, files: Files) -> None:
    fd = open_program(str(program))
    files.open.append(fd)
    assert not os.get_inheritable(fd)
    for _ in range(2):
        image = plan_for(fd, "program", cache=cache)
        assert isinstance(image, GuestImage)
        files.open.append(image.plan_fd)
        assert not os.get_inheritable(image.plan_fd)
        assert os.lseek(image.plan_fd, 0, os.SEEK_CUR) == 0
        assert fcntl.fcntl(image.plan_fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY


def test_a_program_that_changes_meanwhile_is_refused(
    program: Path, cache: PlanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loader import launch

    make = launch._make_plan

    def change_and_make(*arguments: object) -> bytes:
        with program.open("ab") as file:
            file.write(b"x")
        return make(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(launch, "_make_plan", change_and_make)
    with pytest.raises(LoadError, match="changed while") as caught:
        plan_bytes(program, cache)
    assert caught.value.errno_name == "ETXTBSY"
    assert kept(cache) == []


def test_two_hundred_at_once(program: Path, cache: PlanCache) -> None:
    expected = plan_bytes(program, cache)  # and the parser is imported, once for all
    kept(cache)[0].unlink()
    gate, opener = os.pipe()
    children = []
    for _ in range(200):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(opener)
                os.read(gate, 1)  # end of file: all start
                status = 0 if all(plan_bytes(program, cache) == expected for _ in range(3)) else 2
            finally:
                os._exit(status)
        children.append(child)
    os.close(gate)
    os.close(opener)
    for _ in range(50):  # cold again and again while they run
        for path in kept(cache):
            path.unlink(missing_ok=True)
        time.sleep(0.002)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 200
    assert [name for name in os.listdir(cache.directory) if name.startswith(".")] == []


def test_the_key_names_the_variant(program: Path) -> None:
    status = os.stat(program)
    assert key_of(status) != key_of(status, "-as-netbsd")


def test_the_folder_follows_the_xdg_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert PlanCache().directory == "/somewhere/guise/plans"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", "/home/me")
    assert PlanCache().directory == "/home/me/.cache/guise/plans"
