"""What pyproject.toml cannot say: two programs, the runtime and guise-init, are built before the package."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


class BuildPrograms(build_ext):
    """Builds the cffi cores as any extension, and the two programs beside them."""

    def run(self) -> None:
        from personality import build
        from sandbox import build as sandbox_build

        super().run()
        try:
            build.build(Path(self.build_temp) / "runtime", self._place(build.RUNTIME))
            sandbox_build.build(self._place(sandbox_build.INIT))
        except build.BuildError as error:
            raise SystemExit(f"a program of the package cannot be built: {error}") from None

    def _place(self, path: Path) -> Path:
        """Where a built file goes: into the tree, or into the folder that becomes the wheel."""
        if self.inplace:
            return path
        output = Path(self.build_lib) / path.relative_to(HERE)
        output.parent.mkdir(parents=True, exist_ok=True)
        return output


# The cores use Python's limited API and the programs none at all: one wheel serves every Python from 3.11 on.
setup(
    cffi_modules=["personality/core_build.py:ffi", "sandbox/core_build.py:ffi"],
    cmdclass={"build_ext": BuildPrograms},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
