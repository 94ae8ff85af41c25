"""What pyproject.toml cannot say: the runtime is an ELF of its own, built before the package is made."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


class BuildRuntime(build_ext):
    """Builds the cffi core as any extension, and the runtime beside it."""

    def run(self) -> None:
        from personality import build

        super().run()
        output = build.RUNTIME
        if not self.inplace:
            output = Path(self.build_lib) / "personality" / build.RUNTIME.name
            output.parent.mkdir(parents=True, exist_ok=True)
        try:
            build.build(Path(self.build_temp) / "runtime", output)
        except build.BuildError as error:
            raise SystemExit(f"the runtime cannot be built: {error}") from None


# The core uses Python's limited API and the runtime none at all: one wheel serves every Python from 3.11 on.
setup(
    cffi_modules=["personality/core_build.py:ffi"],
    cmdclass={"build_ext": BuildRuntime},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
