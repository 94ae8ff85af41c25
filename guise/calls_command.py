"""`guise calls`: the table of a kernel's system calls, and how each is served."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from guise.cli import UsageError
from guise.options import Parser
from guise.output import print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syscalls.model import Abi, Call
    from syscalls.proofs import Proof

SERVICES = {
    "same": "translated to the host's call",
    "runtime": "served inside the guest's process",
    "supervisor": "served by the supervisor",
    "missing": "not supported",
    "obsolete": "gone from the kernel itself",
}


def main(words: list[str]) -> int:
    parser = Parser("calls")
    parser.add_argument("kernel", metavar="KERNEL", nargs="?")
    parser.add_argument("--unsupported", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args(words)
    if options.json and options.markdown:
        raise UsageError("choose one of --json and --markdown")
    if options.kernel is None:
        return _kernels(as_json=options.json)
    abi = _load(options.kernel)
    proofs = load_proofs(options.kernel)
    calls = sorted(abi.calls.values(), key=lambda call: call.number)
    if options.unsupported:
        calls = [call for call in calls if call.service == "missing"]
    if options.json:
        print_json([as_data(call, proofs.get(call.name)) for call in calls])
    elif options.markdown:
        print("\n".join(as_markdown(options.kernel, calls, proofs)))
    else:
        print_table(("number", "call", "how", "shown by", "why not"), [_row(call, proofs) for call in calls])
        print(summary(calls))
    return 0


def kernels() -> list[str]:
    """The kernels that there are tables for."""
    import syscalls

    root = Path(syscalls.__file__).parent
    return sorted({path.parent.name for path in root.glob("*/*.tbl")})


def _kernels(*, as_json: bool) -> int:
    known = kernels()
    if as_json:
        print_json(known)
    else:
        print("\n".join(known))
    return 0


def _load(kernel: str) -> Abi:
    import syscalls

    if kernel not in kernels():
        raise UsageError(f"there is no table for {kernel}: there are {', '.join(kernels())}")
    return syscalls.load(kernel)


def load_proofs(kernel: str) -> dict[str, Proof]:
    from syscalls import proofs

    return proofs.load(kernel)


def signature(call: Call) -> str:
    arguments = ", ".join(argument.name for argument in call.arguments)
    return f"{call.name}({arguments})"


def _how(call: Call) -> str:
    host = call.host_call
    return (
        f"{call.service} ({host})" if call.service == "same" and host and host != call.name else call.service
    )


def _row(call: Call, proofs: Mapping[str, Proof]) -> tuple[str, str, str, str, str]:
    proof = proofs.get(call.name)
    return str(call.number), signature(call), _how(call), _shown(proof, "{}"), call.reason


def _shown(proof: Proof | None, form: str) -> str:
    """The programs that prove a call, each in `form`."""
    if proof is None:
        return ""
    names = ", ".join(form.format(name) for name in proof.programs)
    return names if proof.succeeds else f"{names} (its errors)"


def as_data(call: Call, proof: Proof | None = None) -> dict[str, object]:
    return {
        "number": call.number,
        "name": call.name,
        "arguments": [argument.name for argument in call.arguments],
        "service": call.service,
        "supported": call.service not in ("missing", "obsolete"),
        "reason": call.reason,
        "host_call": call.host_call,
        "tags": sorted(call.tags),
        "since": call.since,
        "until": call.until,
        "shown_by": list(proof.programs) if proof is not None else [],
        "shown_to_succeed": proof is not None and proof.succeeds,
    }


def as_markdown(kernel: str, calls: list[Call], proofs: Mapping[str, Proof]) -> list[str]:
    lines = [f"# System calls of {kernel}", "", summary(calls), ""]
    if not proofs:
        lines += ["| number | call | how it is served | why not |", "|---:|---|---|---|"]
        lines += [f"| {call.number} | `{signature(call)}` | {_how(call)} | {call.reason} |" for call in calls]
        return lines
    lines += [
        "*Shown by*: the test programs whose checks are about the call, found by recording them",
        "(`python -m tests.conformance.proofs`). *Its errors*: they see it fail only, because it never does",
        "anything else (sigsuspend), would change the machine (settimeofday), has nothing to find here",
        "(jail_get), or is refused as by a kernel without some optional part (access control lists).",
        "",
        "| number | call | how it is served | shown by | why not |",
        "|---:|---|---|---|---|",
    ]
    link = f"[{{0}}](../tests/conformance/{kernel}/{{0}}.c)"
    for call in calls:
        shown = _shown(proofs.get(call.name), link)
        lines.append(f"| {call.number} | `{signature(call)}` | {_how(call)} | {shown} | {call.reason} |")
    return lines


def summary(calls: list[Call]) -> str:
    counts = Counter(str(call.service) for call in calls)
    parts = [f"{counts[service]} {meaning}" for service, meaning in SERVICES.items() if counts[service]]
    return f"{len(calls)} calls: {', '.join(parts)}."
