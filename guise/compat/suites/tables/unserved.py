"""Writes a guest in C that makes every call its kernel's table says is not served: `unserved.py KERNEL FILE`.

Each has to answer ENOSYS, as that kernel does for what it does not have, and to leave the program alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from syscalls import load

PROGRAM = """\
/* Calls that are not served answer ENOSYS. */
{start}
static long call(long number)
{{
    long result, arguments[6] = {{0}};
    char failed;
    register long r10 __asm__("r10") = arguments[3];
    register long r8 __asm__("r8") = arguments[4];
    register long r9 __asm__("r9") = arguments[5];
    __asm__ volatile("syscall; setc %1"
                     : "=a"(result), "=q"(failed), "+r"(r10), "+r"(r8), "+r"(r9)
                     : "0"(number), "D"(arguments[0]), "S"(arguments[1]), "d"(arguments[2])
                     : "rcx", "r11", "memory");
    return {bsd} && failed ? -result : result;
}}

static long call3(long number, long a, long b, long c)
{{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a), "+S"(b), "+d"(c)
                     : "0"(number)
                     : "rcx", "r8", "r9", "r10", "r11", "memory");
    return result;
}}

static void print(const char *text)
{{
    long size = 0;
    while (text[size])
        size++;
    call3({write}, 1, (long)text, size);
}}

static const struct {{ long number; const char *name; }} calls[] = {{
{rows}
}};

void _start(void)
{{
    long bad = 0;
    print("1..{count}\\n");
    for (long i = 0; i < {count}; i++) {{
        int good = call(calls[i].number) == -{enosys};
        bad += !good;
        print(good ? "ok - " : "not ok - ");
        print(calls[i].name);
        print("\\n");
    }}
    call3({exit}, bad != 0, 0, 0);
    __builtin_trap();
}}
"""
# NetBSD's kernel takes a program by this note, and by nothing else.
NETBSD_NOTE = """\
__attribute__((section(".note.netbsd.ident"), used, aligned(4)))
static const struct { int name_size, size, type; char name[8]; int release; } ident = {
    7, 4, 1, "NetBSD", 1000000000
};
"""


def main(kernel: str, output: Path) -> int:
    abi = load(kernel)
    unserved = sorted(
        (call for call in abi.calls.values() if call.service == "missing"), key=lambda c: c.number
    )
    rows = [f'    {{{call.number}, "{call.number} {call.name}"}},' for call in unserved]
    output.write_text(
        PROGRAM.format(
            start=NETBSD_NOTE if kernel == "netbsd" else "",
            bsd=int(kernel != "linux"),
            rows="\n".join(rows),
            count=len(rows),
            write=abi.calls["write"].number,
            exit=abi.calls["exit"].number,
            enosys=abi.errno["ENOSYS"].number,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
