"""What `zone_work` does: real programs of a Linux system, over inputs that are made here.

A script runs with sh -eu in the folder that `prepare` filled, and leaves what is to be compared in `out`.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import NotMeasured
from benchmarks.variants import ROOT

SOURCE_PACKAGE = "Brotli==1.1.0"  # its archive of sources holds the C library


@dataclass(frozen=True)
class Task:
    """`rate` reads ms per 1,000 requests from what the script prints, where its own time says less."""

    name: str
    title: str
    tools: tuple[str, ...]
    prepare: Callable[[Path], None]
    script: str
    rate: Callable[[str], float] | None = None


def _nothing(work: Path) -> None:
    """For a task that brings all that it needs."""


def _c_project(work: Path) -> None:
    downloads = ROOT / "build" / "benchmarks" / "sources"
    downloads.mkdir(parents=True, exist_ok=True)
    if not list(downloads.glob("*.tar.gz")):
        words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary=:all:", "-d"]
        done = subprocess.run([*words, str(downloads), SOURCE_PACKAGE], capture_output=True, text=True)
        if done.returncode != 0:
            raise NotMeasured(f"pip cannot download the sources of {SOURCE_PACKAGE}")
    with tarfile.open(next(downloads.glob("*.tar.gz"))) as archive:
        archive.extractall(work, filter="data")
    next(work.glob("*/c")).rename(work / "c")
    (work / "Makefile").write_text(
        "OBJECTS = $(patsubst %.c,%.o,$(wildcard c/common/*.c c/dec/*.c c/enc/*.c))\n"
        "out/libbrotli.a: $(OBJECTS)\n\tar rcD $@ $^\n"
        "%.o: %.c\n\t$(CC) -O2 -Ic/include -c $< -o $@\n"
    )


PYTHON = """
import hashlib, json, random, re, zlib
random.seed(7)
words = ["".join(random.choices("abcdefgh", k=6)) for _ in range(60000)]
rows = [{"id": i, "name": w, "parts": [w[:2], w[2:]]} for i, w in enumerate(words)]
text = json.dumps(rows)
again = json.loads(text)
counts = {}
for match in re.finditer(r"\\b[a-d]\\w+", text):
    counts[match[0]] = counts.get(match[0], 0) + 1
total = sum(x * x % 97 for x in range(3_000_000))
best = sorted(again, key=lambda row: (row["name"], row["id"]))[:100]
print(len(counts), total, best[0], hashlib.sha256(zlib.compress(text.encode(), 6)).hexdigest())
"""


def _python(work: Path) -> None:
    (work / "work.py").write_text(PYTHON)


def _repository(work: Path) -> None:
    tree = work / "tree"
    tree.mkdir()
    picked = random.Random(7)
    for folder in range(200):
        (tree / f"part{folder}").mkdir()
        for number in range(50):
            lines = [f"line {n} {picked.random()}" for n in range(40)]
            (tree / f"part{folder}" / f"file{number}.txt").write_text("\n".join(lines) + "\n")
    git = ["git", "-C", str(tree), "-c", "user.name=a", "-c", "user.email=a@b"]
    dated = {"GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z"}
    environment = {**os.environ, **dated}
    subprocess.run([*git, "init", "-q"], check=True)
    for number in range(5):
        for path in sorted(tree.glob("part*/file7.txt")):
            path.write_text(path.read_text() + f"change {number}\n")
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", f"change {number}"], check=True, env=environment)


def _small_files(work: Path) -> None:
    picked = random.Random(7)
    for folder in range(500):
        (work / "files" / str(folder)).mkdir(parents=True)
        for number in range(100):
            content = picked.randbytes(picked.randrange(10, 400)).hex()
            (work / "files" / str(folder) / str(number)).write_text(content)


def _nginx(work: Path) -> None:
    (work / "page.html").write_text("x" * 1000)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")  # else in /var, which the zone does not have
    places = " ".join(f"{kind}_temp_path {work}/{kind};" for kind in kinds)
    (work / "nginx.conf").write_text(
        f"daemon on; master_process on; worker_processes 1; user root; pid {work}/nginx.pid;"
        f"error_log {work}/error.log; events {{}} http {{ access_log off; {places} server {{"
        f" listen 127.0.0.1:18080; root {work}; }} }}\n"
    )


def _wrk(said: str) -> float:
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if found is None:
        raise NotMeasured(f"wrk printed no rate: {said[-200:]!r}")
    return 1e6 / float(found[1])


def _redis(said: str) -> float:
    found = re.findall(r'"[SG]ET","([\d.]+)"', said)
    if len(found) < 2:
        raise NotMeasured(f"redis-benchmark printed no rates: {said[-200:]!r}")
    return sum(1e6 / float(rate) for rate in found)


GIT = """
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
cd tree; for i in 1 2 3 4 5; do git status --short; done
git log --stat >../out/log; git grep -c 'line 7 0.1' >../out/grep
git clone -q . ../copy; cd ../copy; git checkout -qb other HEAD~2; git gc -q
git log -p --format=%s >../out/patches; cd ..; rm -rf copy
"""
TAR = """
tar cf - --sort=name files | gzip -1 >out/a.tgz; mkdir back
tar xzf out/a.tgz -C back; rm -rf back
"""
SQLITE = """
{ echo 'create table t(a integer primary key, b text, c real); begin;'
  echo 'with recursive n(i) as (select 1 union all select i+1 from n where i<300000)'
  echo 'insert into t select i, hex(i*7919), i*0.5 from n; commit; create index k on t(b);'
  i=0; while [ $i -lt 300 ]; do echo "update t set c=$i where a%3001=$i;"; i=$((i+1)); done
  echo 'select count(*), sum(c), max(b) from t; select b, c from t order by b limit 50;'
} | sqlite3 out/base >out/said; rm out/base
"""
REDIS = """
redis-server --port 16379 --save '' --daemonize yes >/dev/null
until redis-cli -p 16379 ping >/dev/null 2>&1; do sleep 0.02; done
redis-benchmark -p 16379 -t set,get -n 100000 --csv
redis-cli -p 16379 shutdown nosave
"""
NGINX = """
nginx -c "$PWD/nginx.conf"; wrk -t1 -c20 -d3s http://127.0.0.1:18080/page.html
kill -QUIT "$(cat nginx.pid)"; while [ -e nginx.pid ]; do sleep 0.02; done
"""
FIND = """
for i in 1 2 3; do find /usr -xdev -newermt 2001-01-01 -size +1k -printf '%p %s %y\\n' >out/found; done
"""
LOOP = "i=0; while [ $i -lt 2000 ]; do /bin/true; i=$((i+1)); done"

TASKS = (
    Task("work-gcc", "make -j2 builds brotli's library with gcc", ("gcc", "make"), _c_project,
         "make -sj2; rm c/*/*.o"),
    Task("work-python", "python3: JSON, expressions, sorting, compression", ("python3",), _python,
         "python3 work.py; python3 work.py >out/said"),
    Task("work-git", "git: status, log, grep, clone, branch, gc of 10,000 files", ("git",), _repository, GIT),
    Task("work-tar", "tar and gzip of 50,000 small files, and back", ("tar", "gzip"), _small_files, TAR),
    Task("work-sqlite", "sqlite3: 300,000 rows, an index, 300 transactions", ("sqlite3",), _nothing, SQLITE),
    Task("work-redis", "redis-benchmark: set and get, 50 clients, per 1,000 requests",
         ("redis-server", "redis-benchmark"), _nothing, REDIS, _redis),
    Task("work-nginx", "nginx under wrk: 1,000 bytes, 20 connections, per 1,000 requests",
         ("nginx", "wrk"), _nginx, NGINX, _wrk),
    Task("work-find", "find over /usr: names, types, sizes, times", ("find",), _nothing, FIND),
    Task("work-loop", "a shell loop of 2,000 forks and executions", ("true",), _nothing, LOOP),
)  # fmt: skip
