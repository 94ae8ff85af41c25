"""Write something to build into a folder: C files with a Makefile, and TypeScript modules."""

from __future__ import annotations

import sys
from pathlib import Path

HEADERS = ("stdio", "stdlib", "string", "unistd", "pthread", "sys/socket", "netinet/in")
MAKEFILE = """\
library.a: $(patsubst %.c,%.o,$(wildcard *.c))
\tar rc $@ $^
%.o: %.c
\tgcc -O2 -c $< -o $@
"""


def main(folder: Path) -> None:
    (folder / "Makefile").write_text(MAKEFILE)
    include = "".join(f"#include <{header}.h>\n" for header in HEADERS)
    for unit in range(8):
        functions = (
            f"int work{unit}_{each}(const char *text, int times) {{\n"
            "  int sum = 0;\n"
            "  for (int at = 0; at < times; at++) {\n"
            f"    sum += text[at % (strlen(text) + 1)] * {each};\n"
            f"    if (sum % 7 == {each % 7}) sum ^= at;\n"
            "  }\n  return sum;\n}\n"
            for each in range(12)
        )
        (folder / f"unit{unit}.c").write_text(include + "".join(functions))
    for module in range(200):
        functions = (
            f"export function work{module}_{each}(text: string, times: number): string {{\n"
            "  let result = '';\n"
            f"  for (let at = 0; at < times; at++) result += `${{text}}:${{at * {each}}}`;\n"
            "  return result;\n}\n"
            for each in range(60)
        )
        (folder / f"module{module}.ts").write_text("".join(functions))
    lines = (
        f"import * as m{module} from './module{module}';\nconsole.log(m{module}.work{module}_1('x', 3));\n"
        for module in range(200)
    )
    (folder / "index.ts").write_text("".join(lines))


main(Path(sys.argv[1]))
