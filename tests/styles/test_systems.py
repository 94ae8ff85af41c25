"""The named systems: that each is there with sources, and that their rules bind."""

from __future__ import annotations

import pytest

from sandbox import systems
from sandbox.style import Label, RuleError
from sandbox.systems.rules import Configuration, Guest, check, quantities

NAMED = (
    "vm370", "vm370-assist", "zvm", "vmware-workstation", "vmware-esx", "virtual-pc", "virtual-server-2005r2",
    "xen", "uml", "hp-integrity-vm", "mdf", "lpar", "pseries", "iseries", "sun-domains", "npar", "vpar",
    "zone", "lae",
)  # fmt: skip


def test_every_system_of_the_slides_is_there() -> None:
    assert set(NAMED) <= set(systems.names())


@pytest.mark.parametrize("name", systems.names())
def test_a_profile_can_be_read_and_its_rules_name_their_sources(name: str) -> None:
    system = systems.load(name)
    assert system.parts
    for rule in system.rules:
        assert rule.quantity in quantities()
        assert rule.source
        assert rule.text[0].islower() or rule.text[0].isupper()
        assert (rule.only is None) != (rule.least is rule.most is rule.step is None)


def _guests(count: int, **values: object) -> tuple[Guest, ...]:
    return tuple(Guest(f"g{number}", **values) for number in range(count))  # type: ignore[arg-type]


BROKEN = [
    ("hp-integrity-vm", Configuration(_guests(9), 2), "at most 4 guests"),
    ("hp-integrity-vm", Configuration(_guests(1, processors=2), 2), "one virtual processor"),
    ("hp-integrity-vm", Configuration(_guests(1), 2, service_partition=False), "service partition"),
    ("virtual-pc", Configuration(_guests(1, processors=2), 4), "one virtual processor"),
    ("virtual-pc", Configuration(_guests(1, bits=64), 4), "guests are 32-bit"),
    ("vmware-esx", Configuration(_guests(1, processors=3), 4), "one or two"),
    ("vmware-workstation", Configuration(_guests(1, processors=2), 4), "one virtual processor"),
    ("xen", Configuration(_guests(1, kernel="windows"), 4), "ported to Xen"),
    ("uml", Configuration(_guests(1, kernel="freebsd"), 4), "kernel is Linux"),
    ("pseries", Configuration(_guests(1, entitlement=0.05), 4), "at least 0.10"),
    ("pseries", Configuration(_guests(1, entitlement=0.105), 4), "steps of 0.01"),
    ("pseries", Configuration(_guests(1, weight=256), 4), "0 to 255"),
    ("pseries", Configuration(_guests(1), 4, window=0.02), "10 ms"),
    ("pseries", Configuration(_guests(5, entitlement=1.0), 4), "add up to no more"),
    ("pseries", Configuration(_guests(1, entitlement=0.2, processors=3), 4), "each virtual processor"),
    ("iseries", Configuration(_guests(1, weight=-1), 4), "0 to 255"),
    ("lpar", Configuration(_guests(1, weight=0), 4), "1 to 999"),
    ("lpar", Configuration(_guests(1, processors=5), 4), "no more logical processors"),
    ("lpar", Configuration(_guests(16), 4), "15 partitions"),
    ("mdf", Configuration(_guests(5), 4), "4 domains"),
    ("sun-domains", Configuration(_guests(1, boards=0.5), 4), "whole boards"),
    ("npar", Configuration(_guests(1, boards=0), 4), "whole cells"),
    ("vpar", Configuration(_guests(1, entitlement=0.5), 4), "whole engines"),
    ("vpar", Configuration(_guests(3, entitlement=2), 4), "no more engines"),
    ("lae", Configuration(_guests(1, bits=64), 4), "32-bit"),
]


@pytest.mark.parametrize(("name", "configuration", "says"), BROKEN)
def test_a_broken_rule_gets_one_sentence(name: str, configuration: Configuration, says: str) -> None:
    system = systems.load(name)
    with pytest.raises(RuleError) as error:
        check(system, configuration)
    sentence = str(error.value)
    assert sentence.startswith(system.title)
    assert says in sentence
    assert any(f"; {label})" in sentence for label in Label)
    assert "\n" not in sentence


KEPT = [
    ("hp-integrity-vm", Configuration(_guests(8), 2, service_partition=True)),
    ("virtual-pc", Configuration(_guests(3, bits=32), 1)),
    ("virtual-server-2005r2", Configuration(_guests(1, bits=64), 1)),
    ("vmware-esx", Configuration(_guests(2, processors=2), 2)),
    ("xen", Configuration(_guests(2, kernel="ported", bits=32), 2)),
    ("pseries", Configuration(_guests(10, entitlement=0.1, weight=255), 1, window=0.010)),
    ("pseries", Configuration(_guests(1, entitlement=0.29, weight=0), 1)),
    ("lpar", Configuration(_guests(15, weight=999), 2)),
    ("vpar", Configuration(_guests(4, entitlement=1), 4)),
    ("npar", Configuration(_guests(2, boards=2), 16)),
]


@pytest.mark.parametrize(("name", "configuration"), KEPT)
def test_what_the_rules_allow_passes(name: str, configuration: Configuration) -> None:
    check(systems.load(name), configuration)


def test_a_system_that_is_not_there_is_answered_with_a_near_one() -> None:
    with pytest.raises(systems.UnknownSystem, match="did you mean xen"):
        systems.load("xem")
    with pytest.raises(systems.UnknownSystem, match="guise compare --systems"):
        systems.load("/etc/passwd")
