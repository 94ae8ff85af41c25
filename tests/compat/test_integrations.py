"""The recipes of docs/integrations.md, with the tools that are here."""

from __future__ import annotations

import os
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
