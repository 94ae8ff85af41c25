"""`guise machine`: monitors that execute guest kernels, machines on KVM, and simulators of monitors."""

from __future__ import annotations

import importlib

from guise.cli import NOT_STARTED, UsageError, complain

ACTIONS = {
    "guests": "guise.machine.execute",
    "run": "guise.machine.execute",
    "cost": "guise.machine.execute",
    "virtualizable": "guise.machine.experiment",
    "simulate": "guise.machine.simulate",
    "kvm": "guise.machine.real",
    "migrate": "guise.machine.real",
    "checkpoint": "guise.machine.real",
    "resume": "guise.machine.real",
}


def main(words: list[str]) -> int:
    """Dispatch to an action; a missing package or a missing /dev/kvm is one sentence and status 125."""
    from sandbox.machine.extras import NotInstalled
    from sandbox.machine.kvm.machine import NoKvm

    if not words or words[0] not in ACTIONS:
        what = f"{words[0]} is no action" if words else "an action is missing"
        raise UsageError(f"{what}: choose one of {', '.join(ACTIONS)}; `guise machine --help` explains them")
    action = importlib.import_module(ACTIONS[words[0]])
    try:
        status: int = action.main(words[0], words[1:])
        return status
    except (NotInstalled, NoKvm) as error:
        return complain(str(error), NOT_STARTED)
