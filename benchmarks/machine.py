"""What the numbers were taken on: they mean little without it."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def _first(path: str, key: str) -> str:
    try:
        for line in Path(path).read_text().splitlines():
            name, _, value = line.partition(":" if ":" in line else "=")
            if name.strip() == key:
                return value.strip().strip('"')
    except OSError:
        return "unknown"
    return "unknown"


def describe() -> dict[str, str]:
    """Processor, kernel, system and load, each as one short text."""
    kilobytes = _first("/proc/meminfo", "MemTotal").split()[0]
    memory = f"{int(kilobytes) / 1024**2:.0f} GiB" if kilobytes.isdigit() else "unknown"
    hypervisor = "hypervisor" in _first("/proc/cpuinfo", "flags").split()
    return {
        "processor": _first("/proc/cpuinfo", "model name") + (", virtual" if hypervisor else ""),
        "processors": str(os.cpu_count()),
        "memory": memory,
        "kernel": f"{platform.system()} {platform.release()}",
        "system": _first("/etc/os-release", "PRETTY_NAME"),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }
