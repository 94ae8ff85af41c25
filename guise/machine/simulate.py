"""`guise machine simulate`: what monitors do about memory, time and devices, one table each."""

from __future__ import annotations

from inspect import cleandoc

from guise.cli import UsageError
from guise.options import Parser
from guise.output import print_json, print_table
from sandbox.machine.simulations import SIMULATIONS, BadSetting


def main(_action: str, words: list[str]) -> int:
    parser = Parser("machine")
    parser.add_argument("name", nargs="?")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--parameters", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    if options.name is None:
        return _list(as_json=options.json)
    if options.name not in SIMULATIONS:
        raise UsageError(f"there is no simulation {options.name}: there are {', '.join(SIMULATIONS)}")
    simulation = SIMULATIONS[options.name]
    if options.parameters:
        if options.json:
            print_json(simulation.parameters())
        else:
            print_table(
                ("parameter", "value"),
                [(name, str(value)) for name, value in simulation.parameters().items()],
            )
            print(cleandoc(simulation.config.__doc__ or ""))
        return 0
    try:
        table = simulation.run(_settings(options.set))
    except BadSetting as error:
        raise UsageError(str(error)) from None
    if options.json:
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        print_json({"simulation": simulation.name, "rows": rows, "says": table.says})
    else:
        print_table(table.columns, table.rows, simulation.what)
        print(table.says)
    return 0


def _list(*, as_json: bool) -> int:
    if as_json:
        print_json(
            [
                {"name": one.name, "what": one.what, "parameters": one.parameters()}
                for one in SIMULATIONS.values()
            ]
        )
    else:
        print_table(("simulation", "of"), [(one.name, one.what) for one in SIMULATIONS.values()])
    return 0


def _settings(words: list[str]) -> dict[str, str]:
    settings = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not name:
            raise UsageError(f"{word} sets nothing: write --set NAME=VALUE")
        settings[name] = value
    return settings
