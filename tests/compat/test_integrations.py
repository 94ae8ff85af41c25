"""The recipes of docs/integrations.md, with the tools that are here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, Bench

OWN_SUITE = ROOT / "examples" / "own-suite"


def _pytest(bench: Bench, *words: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "guise.compat.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-rs",
    ]
    return subprocess.run(
        [*command, "-c", os.devnull, *words], capture_output=True, text=True, timeout=200,
        env=bench.environment, cwd=bench.folder,
    )  # fmt: skip


def test_pytest_plugin(bench: Bench) -> None:
    suite = bench.suite(
        "".join(
            f'[[case]]\nname = "{name}"\nargv = ["sh", "-c", "echo said by {name}; exit {status}"]\n'
            for name, status in (("good", 0), ("bad", 3), ("known", 4), ("skips", 77))
        )
    )
    (bench.folder / "suite.known-failures").write_text("known: it exits so\n")
    done = _pytest(bench, "--guise", suite)
    assert done.returncode == 1
    assert "1 failed, 2 passed, 1 skipped" in done.stdout
    assert "failed: bad: exit status 3: said by bad" in done.stdout
    assert "no tests ran" in _pytest(bench, suite).stdout
    broken = _pytest(bench, "--guise", bench.suite("[run", "broken"))
    assert "is no TOML" in broken.stdout


def test_pytest_plugin_runs_guests(bench: Bench) -> None:
    pytest.importorskip("ziglang")
    done = _pytest(bench, "--guise", str(OWN_SUITE / "suite.toml"))
    assert "3 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.skipif(not (shutil.which("cmake") and shutil.which("ctest")), reason="needs CMake")
def test_ctest_runs_guests(bench: Bench, tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    compiler = tmp_path / "cc"
    compiler.write_text(f'#!/bin/sh\nexec {sys.executable} -m ziglang cc -target x86_64-freebsd "$@"\n')
    compiler.chmod(0o755)
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(recipe C)\nenable_testing()\n"
        f"add_executable(errors {OWN_SUITE}/errors.c)\n"
        "target_compile_options(errors PRIVATE -ffreestanding -fno-stack-protector -fno-sanitize=all)\n"
        "add_test(NAME errors COMMAND errors)\n"
    )
    (tmp_path / "freebsd.cmake").write_text(
        "set(CMAKE_SYSTEM_NAME FreeBSD)\nset(CMAKE_SYSTEM_PROCESSOR x86_64)\n"
        f"set(CMAKE_C_COMPILER {compiler})\nset(CMAKE_C_COMPILER_WORKS TRUE)\n"
        f'set(CMAKE_C_LINK_EXECUTABLE "{sys.executable} -m ziglang ld.lld -m elf_x86_64_fbsd -static '
        '<OBJECTS> -o <TARGET>")\n'
        f'set(CMAKE_CROSSCOMPILING_EMULATOR "{sys.executable};-m;guise;run;--")\n'
    )
    build = str(tmp_path / "build")
    for command in (
        ["cmake", "-S", str(tmp_path), "-B", build, "-DCMAKE_TOOLCHAIN_FILE=freebsd.cmake"],
        ["cmake", "--build", build],
        ["ctest", "--test-dir", build, "--output-on-failure", "-V"],
    ):
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=200, env=bench.environment, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "ok - writing from nowhere is EFAULT" in done.stdout
    assert "100% tests passed" in done.stdout


def _tool(name: str) -> str | None:
    """A command beside this Python, or the one in the PATH."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


# Start-up code for a program that has none: meson tries one with `main` alone.
START = """
int main(void);
void _start(void) {
    long status = main();
    __asm__ volatile("syscall" : : "a"(1L), "D"(status));
}
"""
COMPILER = """#!/bin/sh
zig="{python} -m ziglang"
case "$*" in
*-Wl,--version*) exec $zig ld.lld --version;;
*" -c "*|-c*|*--version*|*-E*) exec $zig cc -target x86_64-freebsd {flags} "$@";;
esac
objects= output=
while [ $# -gt 0 ]; do
    case "$1" in
    -o) output=$2; shift;;
    *.o) objects="$objects $1";;
    *.c) $zig cc -target x86_64-freebsd {flags} -c "$1" -o "$1.o"; objects="$objects $1.o";;
    esac
    shift
done
exec $zig ld.lld -m elf_x86_64_fbsd -static $objects {folder}/start.a -o "$output"
"""
FLAGS = "-ffreestanding -fno-stack-protector -fno-sanitize=all"


def _cross_compiler(folder: Path) -> Path:
    """A C compiler for FreeBSD that needs no files of FreeBSD's."""
    zig = [sys.executable, "-m", "ziglang"]
    (folder / "start.c").write_text(START)
    target = ["-target", "x86_64-freebsd", *FLAGS.split()]
    subprocess.run([*zig, "cc", *target, "-c", "start.c", "-o", "start.o"], check=True, cwd=folder)
    subprocess.run([*zig, "ar", "rc", "start.a", "start.o"], check=True, cwd=folder)
    compiler = folder / "cc"
    compiler.write_text(COMPILER.format(python=sys.executable, flags=FLAGS, folder=folder))
    compiler.chmod(0o755)
    return compiler


@pytest.mark.skipif(not (_tool("meson") and _tool("ninja")), reason="needs meson and ninja")
def test_meson_runs_guests(bench: Bench, tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    compiler = _cross_compiler(tmp_path)
    shutil.copy(OWN_SUITE / "errors.c", tmp_path)
    shutil.copy(OWN_SUITE / "say.h", tmp_path)
    (tmp_path / "meson.build").write_text(
        "project('recipe', 'c')\ntest('errors', executable('errors', 'errors.c'), protocol: 'tap')\n"
    )
    (tmp_path / "freebsd.ini").write_text(
        f"[binaries]\nc = ['{compiler}']\nexe_wrapper = ['{sys.executable}', '-m', 'guise', 'run', '--']\n"
        "[host_machine]\nsystem = 'freebsd'\ncpu_family = 'x86_64'\ncpu = 'x86_64'\nendian = 'little'\n"
    )
    meson, ninja = _tool("meson"), _tool("ninja")
    assert meson is not None
    assert ninja is not None
    environment = {**bench.environment, "NINJA": ninja}
    for command in (
        [meson, "setup", "build", "--cross-file", "freebsd.ini"],
        [meson, "test", "-C", "build", "-v"],
    ):
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=200, env=environment, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "writing from nowhere is EFAULT" in done.stdout
    assert re.search(r"Fail: +0", done.stdout)


def test_the_steps_for_github_actions(bench: Bench, tmp_path: Path) -> None:
    """Each step of the snippet as the service would run it, but for the installation of Guise itself."""
    pages = (ROOT / "docs" / "integrations.md").read_text()
    snippet = pages.partition("```yaml\n")[2].partition("```")[0]
    steps = re.findall(r"^ +- run: (.+)$", snippet, re.MULTILINE)
    assert steps[0] == "pip install guise"
    assert [step.split()[:2] for step in steps[1:]] == [["guise", "doctor"], ["guise", "compat"]]
    (tmp_path / "suite.toml").write_text(
        "".join(f'[[case]]\nname = "case-{at}"\nargv = ["true"]\n' for at in range(8))
    )
    (tmp_path / "guise").write_text(f'#!/bin/sh\nexec {sys.executable} -m guise "$@"\n')
    (tmp_path / "guise").chmod(0o755)
    environment = {**bench.environment, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    uploaded = re.findall(r"[\w.]+\.\w+", snippet.partition("path: ")[2])
    for step in steps[1:]:
        done = subprocess.run(
            step.replace("${{ matrix.shard }}", "1"), shell=True, capture_output=True, text=True, timeout=200,
            env=environment, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing got worse" in done.stdout
    for name in ("results.sqlite", "results.xml", "report.html"):
        assert (tmp_path / name).stat().st_size > 0
        assert name in uploaded or "results.*" in snippet


@pytest.mark.skipif(shutil.which("cargo") is None, reason="needs cargo")
def test_cargo_takes_it_as_a_runner(bench: Bench, tmp_path: Path) -> None:
    """With the host's own target: what is tested is that cargo starts its tests through `guise run`."""
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "recipe"\nversion = "0.1.0"\nedition = "2021"\n')
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "lib.rs").write_text("#[test]\nfn adds() { assert_eq!(1 + 1, 2); }\n")
    runner = tmp_path / "runner"
    runner.write_text(f'#!/bin/sh\necho "$1" >{tmp_path}/ran\nexec {sys.executable} -m guise run -- "$@"\n')
    runner.chmod(0o755)
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo" / "config.toml").write_text(f"[target.'cfg(unix)']\nrunner = '{runner}'\n")
    done = subprocess.run(
        ["cargo", "test", "--offline", "--lib"], capture_output=True, text=True, timeout=200,
        env=bench.environment, cwd=tmp_path,
    )  # fmt: skip
    if "no default toolchain" in done.stderr or "not installed" in done.stderr:
        pytest.skip("cargo has no toolchain")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "recipe-" in (tmp_path / "ran").read_text()
    assert "1 passed" in done.stdout
