"""security.*: none of the models that keep a process from something is in force."""

from __future__ import annotations

from personality.netbsd.sysctl.node import AUTO, branch, integer

NODE = branch(
    "security",
    13,
    [
        integer("curtain", AUTO, 0, "Whether users see the objects of others"),
        branch(
            "pax",
            AUTO,
            [
                branch("mprotect", AUTO, [integer("enabled", AUTO, 0), integer("global", AUTO, 0)]),
                branch("segvguard", AUTO, [integer("enabled", AUTO, 0), integer("global", AUTO, 0)]),
                branch("aslr", AUTO, [integer("enabled", AUTO, 1), integer("global", AUTO, 1)]),
            ],
            "PaX settings",
        ),
    ],
    "Security",
)
