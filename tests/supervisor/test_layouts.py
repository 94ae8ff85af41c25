"""The structures that cold calls fill in, against FreeBSD's own headers (those that ziglang carries)."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SIZES = """
    kinfo_proc=1088 kinfo_file=1392 kinfo_vmentry=1160 clockinfo=20 loadavg=24 vmtotal=88
    if_msghdr=168 if_msghdrl=176 ifa_msghdr=20 ifa_msghdrl=176 ifma_msghdr=16 if_data=152
    rt_msghdr=152 kld_file_stat=2080 xvfsconf=48
"""
OFFSETS = {
    "kinfo_proc": """
        ki_pid=72 ki_tsid=92 ki_siglist=104 ki_sigcatch=152 ki_uid=168 ki_svgid=184 ki_ngroups=188
        ki_groups=192 ki_size=256 ki_tsize=280 ki_pctcpu=308 ki_runtime=328 ki_start=336
        ki_childtime=352 ki_flag=368 ki_kiflag=376 ki_stat=388 ki_nice=389 ki_tdname=394 ki_login=420
        ki_comm=447 ki_emul=467 ki_loginclass=484 ki_tdev=560 ki_oncpu=568 ki_numthreads=596 ki_tid=600
        ki_pri=604 ki_rusage=608 ki_rusage_ch=752 ki_tdflags=1080
    """,
    "kinfo_file": "kf_type=4 kf_fd=8 kf_flags=16 kf_offset=24 kf_status=336 kf_path=368",
    "kinfo_vmentry": """
        kve_type=4 kve_start=8 kve_vn_fileid=32 kve_flags=44 kve_protection=56 kve_vn_type=68
        kve_path=136
    """,
    "vmtotal": "t_vm=0 t_free=64 t_rq=72",
    "loadavg": "fscale=16",
    "if_msghdr": "ifm_data=16",
    "if_msghdrl": "ifm_len=16 ifm_data_off=18 ifm_data=24",
    "ifa_msghdrl": "ifam_len=16 ifam_metric=20 ifam_data=24",
    "if_data": "ifi_datalen=6 ifi_mtu=8 ifi_baudrate=16 ifi_ipackets=24 ifi_noproto=112",
    "rt_msghdr": "rtm_flags=8 rtm_addrs=12 rtm_rmx=40",
    "kld_file_stat": "refs=1028 id=1032 address=1040 pathname=1056",
    "xvfsconf": "vfc_name=8 vfc_typenum=24 vfc_flags=32",
}
CONSTANTS = """
    CTL_SYSCTL_NEXTNOSKIP=7 CTLFLAG_RD=0x80000000 CTLFLAG_WR=0x40000000 CTLFLAG_ANYBODY=0x10000000
    CTLFLAG_SKIP=0x1000000 NET_RT_IFLISTL=5 RTM_NEWMADDR=15 KERN_PROC_NFDS=43 KERN_PROC_CWD=42
    KINFO_PROC_SIZE=1088
"""
HEADERS = (
    "sys/param.h", "sys/socket.h", "sys/time.h", "sys/sysctl.h", "sys/user.h", "sys/mount.h", "sys/vmmeter.h",
    "sys/resource.h", "sys/linker.h", "net/if.h", "net/route.h", "vm/vm_param.h", "stddef.h",
)  # fmt: skip


def numbers(text: str) -> dict[str, int]:
    return {name: int(value, 0) for name, value in (word.split("=") for word in text.split())}


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="needs ziglang: pip install ziglang")
def test_layouts_are_those_of_the_headers(tmp_path: Path) -> None:
    lines = [f"#include <{header}>" for header in HEADERS]
    for name, size in numbers(SIZES).items():
        lines.append(f'_Static_assert(sizeof(struct {name}) == {size}, "{name}");')
    for name, fields in OFFSETS.items():
        for field, offset in numbers(fields).items():
            lines.append(f'_Static_assert(offsetof(struct {name}, {field}) == {offset}, "{name}.{field}");')
    for name, value in numbers(CONSTANTS).items():
        lines.append(f'_Static_assert((unsigned long)({name}) % 0x100000000 == {value}, "{name}");')
    source = tmp_path / "layouts.c"
    source.write_text("\n".join(lines))
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-freebsd.14.0-none"]
    done = subprocess.run(
        [*zig, "-c", str(source), "-o", str(tmp_path / "layouts.o")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
