"""esbuild's FreeBSD and NetBSD builds: what they make is what the Linux build makes, byte for byte."""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.esbuild import VERSION
from tests.real.conftest import Guise, Pair
from tests.real.packets import Service, Value

SOURCE = "import { name } from './other';\nconsole.log(`hello ${name}` satisfies string);\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small project: TypeScript, CSS, and a module in a file of its own."""
    (tmp_path / "app.ts").write_text(SOURCE + "import './style.css';\n")
    (tmp_path / "other.ts").write_text("export const name: string = 'first';\n")
    (tmp_path / "style.css").write_text("body { color: rebeccapurple; .inner { margin: 0px } }\n")
    (tmp_path / "index.html").write_text("<script src=app.js></script>\n")
    return tmp_path


def eventually(what: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether something becomes true within a time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.05)
    return False


def get(address: str, path: str) -> tuple[int, bytes]:
    """Status and body of an HTTP request."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_version(guise: Guise, esbuild: Pair, tmp_path: Path) -> None:
    done = guise.run(esbuild.guest, "--version", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == (f"{VERSION}\n", "", 0)


def test_bundle_is_identical(guise: Guise, esbuild: Pair, project: Path, tmp_path: Path) -> None:
    words = ["app.js", "--bundle", "--minify", "--sourcemap"]
    made = {}
    for kind in ("host", "guest"):
        output = tmp_path / kind
        output.mkdir()
        arguments = [*words, f"--metafile={output}/meta.json", f"--outfile={output}/app.js"]
        if kind == "host":
            command = [str(esbuild.host), *arguments]
            done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)
        else:
            done = guise.run(esbuild.guest, *arguments, cwd=project, writable=tmp_path)
        assert done.returncode == 0, done.stderr
        made[kind] = [(output / name).read_bytes() for name in ("app.js", "app.js.map", "meta.json")]
    assert len(made["host"][0]) > 100_000
    # Source maps and the metafile name files relative to the output, so they differ by its name alone.
    assert made["guest"][0] == made["host"][0]
    assert made["guest"][1] == made["host"][1]
    assert made["guest"][2].replace(b"/guest/", b"/host/") == made["host"][2]


def test_errors_are_the_same(guise: Guise, esbuild: Pair, folder: Path) -> None:
    (folder / "broken.ts").write_text("import 'nowhere'; const x = ;\n")
    words = ["broken.ts", "--bundle", "--outdir=out", "--color=false"]
    native = subprocess.run([esbuild.host, *words], cwd=folder, capture_output=True, text=True, timeout=60)
    done = guise.run(esbuild.guest, *words, cwd=folder)
    assert native.returncode == 1
    assert (done.returncode, done.stdout, done.stderr) == (1, native.stdout, native.stderr)


def test_standard_input(guise: Guise, esbuild: Pair, tmp_path: Path) -> None:
    done = guise.run(esbuild.guest, "--loader=ts", "--minify", cwd=tmp_path, text="let long: number = 1 + 1;")
    assert (done.stdout, done.returncode) == ("let long=2;\n", 0)


def test_serve_answers_requests(guise: Guise, esbuild: Pair, folder: Path) -> None:
    words = ["app.ts", "--bundle", "--outdir=out", "--servedir=.", "--serve=127.0.0.1:0", "--color=false"]
    server = guise.start(esbuild.guest, *words, cwd=folder)
    assert server.stderr is not None
    try:
        line = b""
        while b"http://" not in line:
            line = server.stderr.readline()
            assert line, "esbuild ended before it served"
        found = re.search(rb"http://([0-9.]+:\d+)", line)
        assert found
        address = found[1].decode()
        wanted = {"/": b"<script", "/out/app.js": b"first", "/out/app.css": b"rebeccapurple"}
        for path, part in wanted.items():
            status, text = get(address, path)
            assert (status, part in text) == (200, True)
        (folder / "other.ts").write_text("export const name: string = 'second';\n")
        assert eventually(lambda: b"second" in get(address, "/out/app.js")[1])
        assert get(address, "/nothing")[0] == 404
    finally:
        server.terminate()
        server.communicate(timeout=60)
    assert server.returncode in (0, 1, -15)


def test_watch_builds_again(guise: Guise, esbuild: Pair, folder: Path) -> None:
    output = folder / "out" / "app.js"
    server = guise.start(esbuild.guest, "app.ts", "--bundle", "--outdir=out", "--watch", cwd=folder)
    assert server.stdin is not None
    try:
        assert eventually(lambda: output.exists() and "first" in output.read_text())
        (folder / "other.ts").write_text("export const name: string = 'changed';\n")
        assert eventually(lambda: "changed" in output.read_text())
    finally:
        server.stdin.close()  # that ends a watching esbuild
        try:
            status = server.wait(timeout=60)
        finally:
            server.kill()
            for stream in (server.stdout, server.stderr):
                assert stream is not None
                stream.close()
    assert status == 0


def test_protocol_of_its_library(guise: Guise, esbuild: Pair, folder: Path) -> None:
    server = guise.start(esbuild.guest, f"--service={VERSION}", "--ping", cwd=folder)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        service = Service(server.stdin, server.stdout)
        assert service.version == VERSION
        quiet: list[Value] = ["--log-level=silent", "--log-limit=0", "--color=false"]
        transform: dict[str, Value] = {
            "command": "transform", "flags": ["--loader=ts", "--minify", *quiet], "inputFS": False,
        }  # fmt: skip
        for number in range(20):
            response, _ = service.request({**transform, "input": b"let a: any = %d + 1" % number})
            assert response["code"] == f"let a={number + 1};\n"
        long = b"x('" + b"y" * 1_500_000 + b"');"
        response, _ = service.request({**transform, "input": long})
        assert response["code"] == long.decode().replace("'", '"') + "\n"
        response, asked = service.request(
            {
                "command": "build", "key": 0, "entries": [["", "app.ts"]],
                "flags": ["--bundle", "--outdir=out", *quiet],
                "write": False, "stdinContents": None, "stdinResolveDir": None, "absWorkingDir": str(folder),
                "nodePaths": [], "context": False,
            }
        )  # fmt: skip
        assert [packet for packet in asked if packet.get("command") not in ("ping",)] == []
        files = response["outputFiles"]
        assert isinstance(files, list)
        texts = {Path(str(f["path"])).name: f["contents"] for f in files if isinstance(f, dict)}
        assert b"first" in bytes(texts["app.js"])  # type: ignore[arg-type]
        assert b"rebeccapurple" in bytes(texts["app.css"])  # type: ignore[arg-type]
    finally:
        _, errors = server.communicate(timeout=60)
    assert (server.returncode, errors) == (0, b"")


SCRIPT = """
const esbuild = require('esbuild');
(async () => {
  const plugin = { name: 'p', setup(build) {
    build.onResolve({ filter: /^made:/ }, args => ({ path: args.path, namespace: 'made' }));
    build.onLoad({ filter: /.*/, namespace: 'made' },
      args => ({ contents: 'export default ' + JSON.stringify(args.path) }));
  } };
  const result = await esbuild.build({
    stdin: { contents: "import a from 'made:one'; import b from 'made:two'; console.log(a, b)" },
    bundle: true, write: false, plugins: [plugin] });
  console.log(result.outputFiles[0].text);
  console.log((await esbuild.transform('let x: number = 1', { loader: 'ts' })).code);
  console.log(esbuild.transformSync('a  =  1', { minify: true }).code);
  await esbuild.stop();
})();
"""


def test_javascript_library(guise: Guise, esbuild: Pair, tmp_path: Path) -> None:
    """The library itself, its plug-ins called back through the pipes, with the guest as its program."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("needs node and npm; test_protocol_of_its_library speaks the same protocol")
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"esbuild@{VERSION}"]
    got = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    if got.returncode != 0:
        pytest.skip(f"npm could not install esbuild's library: {got.stderr.strip()[-200:]}")
    launcher = tmp_path / "launcher"
    command = " ".join(guise.command(esbuild.guest))
    launcher.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    launcher.chmod(0o755)
    outputs = []
    for binary in (esbuild.host, launcher):
        environment = {**guise.environment, "ESBUILD_BINARY_PATH": str(binary)}
        done = subprocess.run(
            ["node", "-e", SCRIPT], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert (done.returncode, done.stderr) == (0, "")
        outputs.append(done.stdout)
    assert "made:two" in outputs[0]
    assert outputs[0] == outputs[1]
