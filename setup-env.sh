# Sourced by ./demo and ./check: makes .venv with Guise and everything it needs, saying what it does.
# Needs a Debian or Ubuntu with python3 (3.11 or newer) and apt; installs the rest.

say() { printf '== %s\n' "$*" >&2; }
fail() { printf 'guise: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        fail "cannot install packages: run as root, or install them yourself: $*"
    fi
}

apt_install() {
    command -v apt-get >/dev/null || fail "no apt-get here; install these by hand: $*"
    say "installing with apt: $*"
    as_root apt-get update -q >&2 || fail "apt-get update failed; see above"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2 ||
        fail "apt-get could not install: $*"
}

prepare() {
    extra=$1
    command -v python3 >/dev/null || apt_install python3
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "python3 is $(python3 -V 2>&1); 3.11 or newer is needed"
    missing=
    command -v cc >/dev/null || missing="$missing gcc"
    printf '#include <linux/prctl.h>\n#include <stdlib.h>\n' | cc -E - >/dev/null 2>&1 || missing="$missing libc6-dev linux-libc-dev"
    header=$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
    [ -e "$header" ] || missing="$missing python3-dev"
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
    # What the tests run besides.
    if [ "$extra" = dev ]; then
        command -v make >/dev/null || missing="$missing make"
        command -v xz >/dev/null || missing="$missing xz-utils"
        command -v bzip2 >/dev/null || missing="$missing bzip2"
    fi
    # shellcheck disable=SC2086
    [ -z "$missing" ] || apt_install $missing
    if [ ! -x .venv/bin/python ]; then
        say "making a Python environment in .venv"
        python3 -m venv .venv || fail "python3 -m venv failed; see above"
    fi
    say "installing Guise and its Python packages into .venv"
    .venv/bin/python -m pip install -q --disable-pip-version-check -e ".[$extra]" >&2 ||
        fail "pip could not install Guise; see above"
}
