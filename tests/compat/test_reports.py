"""Reports: what they hold, that the page stands alone, and that 100,000 tests are no burden."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from guise.compat import formats, history, page
from guise.compat.baseline import Known
from guise.compat.model import Result, Status, Test
from guise.compat.store import Key, Store

STATUSES = list(Status)


def _filled(path: Path, cases: int, tests: int) -> list[history.Column]:
    store = Store(path)
    for engine in ("native", "ptrace"):
        key = Key("many", "freebsd", engine, "digest")
        run, _ = store.begin(key, "Many <tests>", Path("none"), cases)
        for case in range(cases):
            listed = tuple(
                Test(
                    f"Test{at}/with a longer name",
                    STATUSES[at % 97 % len(STATUSES)] if at % 9 == 0 else Status.PASSED,
                    0.001 * at,
                    "</script><b>&\x00" if at % 9 == 0 else "",
                )
                for at in range(tests)
            )
            output = b"</script><script>alert(1)</script>\xff" * 300
            store.save(run, Result(f"package/{case}", listed, output=output, note="noted"))
        store.finish(run)
    return history.newest([store])


def _embedded(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data: dict[str, object] = json.loads(found.group(1))
    return data


def test_a_page_of_100_000_tests(tmp_path: Path) -> None:
    columns = _filled(tmp_path / "store", 250, 200)
    output = tmp_path / "page.html"
    page.write(output, columns, [[Known("package/1::*", "", "known <why>", 1)], []])
    text = output.read_text()
    data = _embedded(text)
    listed = data["columns"]
    assert isinstance(listed, list)
    assert sum(len(column["names"]) for column in listed) == 100_000
    assert output.stat().st_size < 40e6


def test_the_page_stands_alone_and_escapes(tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    page.write(output, _filled(tmp_path / "store", 2, 20), [[], []])
    text = output.read_text()
    code = text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    assert not re.search(r"https?://|src=|<link|@import|url\(|fetch\(|XMLHttp", code)
    assert text.count("</script>") == 2
    assert "innerHTML" not in text
    assert "</script><b>&\u0000" in _embedded(text)["strings"]  # type: ignore[operator]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node to check the page's program")
def test_the_pages_program_is_well_formed(tmp_path: Path) -> None:
    program = page.TEMPLATE.read_text().rpartition("<script>")[2].partition("</script>")[0]
    (tmp_path / "page.js").write_text(program)
    subprocess.run(["node", "--check", str(tmp_path / "page.js")], check=True, timeout=60)


def test_json_and_junit(tmp_path: Path) -> None:
    columns = _filled(tmp_path / "store", 2, 20)
    known = [[Known("package/0::*", "", 'because <of> "it"', 1)], [Known("package/1::*", "", "it is new", 1)]]
    formats.json(tmp_path / "out.json", columns, known)
    data = json.loads((tmp_path / "out.json").read_text())
    assert [column["engine"] for column in data] == ["native", "ptrace"]
    assert [set(column["known"].values()) for column in data] == [{'because <of> "it"'}, {"it is new"}]
    for column, case in zip(data, ("package/1", "package/0"), strict=True):  # each by its own lines
        assert {name.partition("::")[0] for name in column["worse"]} == {case}
    formats.junit(tmp_path / "out.xml", columns, known)
    root = ElementTree.parse(tmp_path / "out.xml").getroot()
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite) == 40
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure")) > 0
        assert int(suite.get("skipped", "")) == len(suite.findall("testcase/skipped")) > 0
    reasons = {element.get("message") for element in root.iter("skipped")}
    assert 'known: because <of> "it"' in reasons
