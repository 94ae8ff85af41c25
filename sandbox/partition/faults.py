"""Who fails with what: a domain depends on its own parts and on the shared ones, and on nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.style import RuleError
from sandbox.systems.model import Scope, System


def victims(
    system: System, part: str, instance: str, owners: Mapping[str, str], domains: list[str]
) -> list[str]:
    """The domains that stop when a part fails.

    `instance` names which one: a board or engine, whose owner is in `owners`, or a domain for parts that each
    domain has for itself.  A spared part takes nobody with it.  Raises RuleError for a part that the system
    does not have, or for an instance that nobody owns.
    """
    scope = system.parts.get(part, Scope.NONE)
    if scope is Scope.NONE:
        known = ", ".join(name for name, each in system.parts.items() if each is not Scope.NONE)
        raise RuleError(f"{system.title} has no part {part} that could fail: there are {known}")
    if scope is Scope.SHARED:
        return list(domains)
    if scope is Scope.SPARED:
        return []
    owner = owners.get(f"{part} {instance}", instance)
    if owner not in domains:
        raise RuleError(
            f"{system.title}: nobody owns {part} {instance or '(none named)'}: each domain has its own, "
            f"so say whose, for instance {part} {domains[0]}"
        )
    return [owner]
