"""vfs.*: the file system types a program can meet."""

from __future__ import annotations

from personality.netbsd.sysctl.node import AUTO, branch, integer, string

_TYPES = "ffs tmpfs procfs ptyfs nfs union msdos cd9660 udf puffs"  # the names that statvfs gives a guest

NODE = branch(
    "vfs",
    3,
    [
        branch(
            "generic",
            0,
            [
                integer("usermount", 2, 0, "Whether unprivileged users may mount"),
                string("fstypes", 3, _TYPES, "List of file systems present"),
                integer("magiclinks", 4, 0, 'Whether "magic" symlinks are expanded'),
                integer("timestamp_precision", AUTO, 2, "File timestamp precision"),
            ],
            "Non-specific vfs related information",
        )
    ],
    "Virtual filesystem",
)
