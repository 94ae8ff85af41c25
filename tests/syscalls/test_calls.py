"""The call tables are complete: every number that a binary can issue has a row that says something."""

from __future__ import annotations

import pytest

from syscalls import load

LAST = {"freebsd": 598, "linux": 547}
"""jail_remove_jd of FreeBSD 15.0; the last of the x32 numbers."""


@pytest.mark.parametrize("kernel", LAST)
def test_no_number_is_left_out(kernel: str) -> None:
    assert sorted(load(kernel).by_number) == list(range(LAST[kernel] + 1))


@pytest.mark.parametrize("kernel", LAST)
def test_rows_stand_in_order(kernel: str) -> None:
    numbers = [call.number for call in load(kernel).calls.values()]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("kernel", LAST)
def test_a_served_call_lists_its_arguments_and_has_a_class(kernel: str) -> None:
    for call in load(kernel).calls.values():
        if call.service in ("same", "runtime", "supervisor"):
            assert call.tags, call.where
            assert not call.open_ended or call.name in ("syscall", "__syscall"), call.where


def test_what_a_stock_freebsd_kernel_does_not_have_is_obsolete_not_missing() -> None:
    """COMPAT_43 is not in amd64's GENERIC, so its calls fail at home as well."""
    calls = load("freebsd").calls
    olds = [c for c in calls.values() if "4.3BSD" in c.reason]
    assert len(olds) > 30
    assert {c.service for c in olds} == {"obsolete"}
