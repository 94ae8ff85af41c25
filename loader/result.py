"""What the loader answers: one of three things, each plain enough to build on the warm path.

They are not dataclasses because importing those costs more than a whole warm start may.
"""

from __future__ import annotations

import os

HOST_KERNEL = "linux"  # the kernel whose programs need no personality


class GuestImage:
    """A program of a guest kernel, ready to be carried out by the runtime.

    plan_fd: an open, close-on-exec descriptor at offset 0, which the caller owns.
    interpreter: path that PT_INTERP names, "" for a static program.
    personality: the kernel, as syscalls/ spells it; release: in its own notation, 0 if not said.
    """

    __slots__ = ("interpreter", "personality", "plan_fd", "release")

    def __init__(self, plan_fd: int, interpreter: str, personality: str, release: int) -> None:
        self.plan_fd = plan_fd
        self.interpreter = interpreter
        self.personality = personality
        self.release = release

    def close(self) -> None:
        """Give the plan's descriptor back; a second time does nothing."""
        if self.plan_fd >= 0:
            os.close(self.plan_fd)
            self.plan_fd = -1

    def __repr__(self) -> str:
        return f"GuestImage({self.plan_fd}, {self.interpreter!r}, {self.personality!r}, {self.release})"


class HostProgram:
    """A program of the host's own kernel, which executes it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "HostProgram()"


class Script:
    """A `#!` file. argument: the single optional one, None if there is none."""

    __slots__ = ("argument", "interpreter")

    def __init__(self, interpreter: str, argument: str | None) -> None:
        self.interpreter = interpreter
        self.argument = argument

    def __repr__(self) -> str:
        return f"Script({self.interpreter!r}, {self.argument!r})"


PlanResult = GuestImage | HostProgram | Script
