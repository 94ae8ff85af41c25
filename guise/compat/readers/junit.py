"""JUnit XML on standard output, as pytest writes it with --junit-xml=/dev/stdout, and most runners can."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from guise.compat.model import Ended, Status, Test


def read(runs: Sequence[Ended]) -> tuple[list[Test], str]:
    """What stands before and behind the document is passed over: programs print there too."""
    text = runs[0].stdout
    starts = [at for at in (text.find(b"<testsuites"), text.find(b"<testsuite")) if at >= 0]
    end = max(text.rfind(mark) + len(mark) for mark in (b"</testsuites>", b"</testsuite>", b"/>"))
    if not starts:
        return [], "printed no JUnit XML"
    if b"<!ENTITY" in text:
        return [], "its JUnit XML defines entities, which are not read"
    try:
        root = ElementTree.fromstring(text[min(starts) : end])
    except ElementTree.ParseError as error:
        return [], f"its JUnit XML is damaged: {error}"
    return [_test(element) for element in root.iter("testcase")], ""


def _test(element: ElementTree.Element) -> Test:
    group, name = element.get("classname", ""), element.get("name", "")
    title = f"{group}.{name}" if group else name
    try:
        seconds = float(element.get("time", "0").replace(",", ""))
    except ValueError:
        seconds = 0.0
    for tag, status in (
        ("failure", Status.FAILED), ("error", Status.FAILED), ("skipped", Status.SKIPPED),
    ):  # fmt: skip
        found = element.find(tag)
        if found is not None:
            parts = (found.get("message", ""), (found.text or "").strip())
            return Test(title, status, seconds, "\n".join(part for part in parts if part))
    return Test(title, Status.PASSED, seconds)
