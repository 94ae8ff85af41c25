"""`guise completion`: scripts for the shells, made from the commands and options that there are."""

from __future__ import annotations

from guise import sandbox_options
from guise.cli import COMMANDS, UsageError
from guise.run_command import ENGINES, HOST_PROGRAMS, WITH_VALUE
from guise.zone.command import VERBS

FLAGS = ("--clear-env", "--no-patch", "--no-sandbox", "--verbose", "--help")
OPTIONS: dict[str, tuple[str, ...]] = {
    "run": (*WITH_VALUE, *FLAGS),
    "trace": (
        "--output",
        "--format",
        "--json",
        "--chrome",
        "--stacks",
        "--speedscope",
        "--summary",
        "--profile",
        "--per-process",
        "--live",
        "--filter",
        "--inject",
        "--failed",
        "--successful",
        "--string-limit",
        "--relative",
        "--clock",
        "--durations",
        "--callers",
        "--stack-limit",
        "--host-calls",
        "--no-names",
        "--environment",
        "--redact",
        "--flight",
        "--lossy",
        "--engine",
        "--host-programs",
        "--as",
        "--argv0",
        "--no-patch",
        *sandbox_options.WITH_VALUE,
        "--no-sandbox",
        "--verbose",
        "--help",
    ),
    "zone": ("--json", "--repair", "--auto", "--all", "--user", "--cwd", "--help"),
    "inspect": ("--json", "--help"),
    "calls": ("--unsupported", "--json", "--markdown", "--help"),
    "doctor": ("--json", "--help"),
    "binfmt": ("--help",),
    "compat": (
        "--engine",
        "--as",
        "--jobs",
        "--shard",
        "--only",
        "--retries",
        "--fresh",
        "--differential",
        "--trace",
        "--cluster",
        "--root",
        "--store",
        "--baseline",
        "--html",
        "--json",
        "--junit",
        "--help",
    ),
    "machine": (
        "--monitor",
        "--profile",
        "--events",
        "--isa",
        "--set",
        "--parameters",
        "--memory",
        "--pages",
        "--wait",
        "--seconds",
        "--least",
        "--most",
        "--step",
        "--rounds",
        "--json",
        "--help",
    ),
    "compare": (
        "--system",
        "--events",
        "--systems",
        "--json",
        "--html",
        "--seconds",
        "--run",
        "--no-run",
        "--plan",
        "--room",
        "--target",
        "--percentile",
        "--buffer",
        "--help",
    ),
    "partition": ("--json", "--help"),
    "completion": ("--help",),
}
WORDS: dict[str, tuple[str, ...]] = {
    "binfmt": ("install", "remove", "status"),
    "compat": ("run", "report", "diff", "list", "runs", "show"),
    "completion": ("bash", "zsh", "fish"),
    "machine": (
        "guests",
        "run",
        "cost",
        "virtualizable",
        "simulate",
        "kvm",
        "migrate",
        "checkpoint",
        "resume",
    ),
    "trace": ("show",),
    "zone": VERBS,
}


def main(words: list[str]) -> int:
    scripts = {"bash": bash, "zsh": zsh, "fish": fish}
    if len(words) != 1 or words[0] not in scripts:
        raise UsageError("say for which shell: `guise completion bash`, zsh or fish")
    print(scripts[words[0]](), end="")
    return 0


def _kernels() -> list[str]:
    from personality.supervisor.images import personalities

    return sorted(personalities())


def bash() -> str:
    kernels = " ".join(_kernels())
    cases = "\n".join(_bash_case(command) for command in COMMANDS)
    return f"""\
# Completion of guise for bash.
_guise() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}}
    local previous=${{COMP_WORDS[COMP_CWORD-1]}}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "{" ".join(COMMANDS)} --help --version" -- "$current"))
        return
    fi
    case $previous in
    --engine) COMPREPLY=($(compgen -W "{" ".join(ENGINES)}" -- "$current")); return ;;
    --host-programs) COMPREPLY=($(compgen -W "{" ".join(HOST_PROGRAMS)}" -- "$current")); return ;;
    --as) COMPREPLY=($(compgen -W "{kernels}" -- "$current")); return ;;
    --net) COMPREPLY=($(compgen -W "{" ".join(sandbox_options.NETWORKS)}" -- "$current")); return ;;
    --cwd|--root) COMPREPLY=($(compgen -d -- "$current")); return ;;
    --bind|--ro|--rw) COMPREPLY=($(compgen -f -- "$current")); return ;;
    esac
    case $command in
{cases}
    esac
}}
complete -o filenames -F _guise guise
"""


def _bash_case(command: str) -> str:
    options = " ".join(OPTIONS[command])
    words = " ".join(WORDS.get(command, ()))
    if command == "calls":
        words = " ".join(_kernels())
    source = f'-W "{words}"' if words else "-f"
    other = f'COMPREPLY=($(compgen {source} -- "$current"))'
    return f"""\
    {command})
        if [[ $current == -* ]]; then
            COMPREPLY=($(compgen -W "{options}" -- "$current"))
        else
            {other}
        fi ;;"""


def zsh() -> str:
    cases = []
    for command in COMMANDS:
        options = " ".join(OPTIONS[command])
        words = " ".join(WORDS.get(command, ()))
        if command == "calls":
            words = " ".join(_kernels())
        other = f"compadd -- {words}" if words else "_files"
        cases.append(f"    {command}) if [[ $PREFIX == -* ]]; then compadd -- {options}; else {other}; fi ;;")
    return f"""\
#compdef guise
# Completion of guise for zsh.
_guise() {{
    if ((CURRENT == 2)); then
        compadd -- {" ".join(COMMANDS)} --help --version
        return
    fi
    case $words[CURRENT-1] in
    --engine) compadd -- {" ".join(ENGINES)}; return ;;
    --host-programs) compadd -- {" ".join(HOST_PROGRAMS)}; return ;;
    --as) compadd -- {" ".join(_kernels())}; return ;;
    --net) compadd -- {" ".join(sandbox_options.NETWORKS)}; return ;;
    --cwd|--root) _files -/; return ;;
    --bind|--ro|--rw) _files; return ;;
    esac
    case $words[2] in
{chr(10).join(cases)}
    esac
}}
_guise "$@"
"""


def fish() -> str:
    lines = ["# Completion of guise for fish.", "complete -c guise -f"]
    for command in COMMANDS:
        lines.append(f"complete -c guise -n __fish_use_subcommand -a {command}")
        seen = f"'__fish_seen_subcommand_from {command}'"
        for option in OPTIONS[command]:
            value = " -x" if option in WITH_VALUE else ""
            choices = {
                "--engine": " ".join(ENGINES),
                "--host-programs": " ".join(HOST_PROGRAMS),
                "--as": " ".join(_kernels()),
                "--net": " ".join(sandbox_options.NETWORKS),
            }.get(option)
            chosen = f" -a '{choices}'" if choices else ""
            lines.append(f"complete -c guise -n {seen} -l {option.removeprefix('--')}{value}{chosen}")
        words = WORDS.get(command) or (tuple(_kernels()) if command == "calls" else ())
        if words:
            lines.append(f"complete -c guise -n {seen} -a '{' '.join(words)}'")
        elif command in ("run", "inspect"):
            lines.append(f"complete -c guise -n {seen} -F")
    return "\n".join(lines) + "\n"
