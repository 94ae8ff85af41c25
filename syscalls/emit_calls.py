"""A guest's translators for `same` rows and its dispatch table, as C.

A row whose arguments agree on both sides becomes one line, and rows with one such line share one
function.  Whatever cannot be translated has no handler, so that the guest gets its own ENOSYS and the
call is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from .convert import Pair
from .emit_host import fast_calls
from .emit_types import call_table, constants, handlers, prefix, table_prototypes
from .lexer import is_number
from .model import Abi, Call
from .translate import NoTranslation, Plan, Step, ioctl_plan, plan

_PARAMETERS = "(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED)"
_MOST_ELEMENTS = "1UL << 20"
_REGISTER_ARGUMENTS = 6


def prototypes(pair: Pair) -> Iterator[str]:
    """What calls_<kernel>.c offers to the personality."""
    kernel = pair.guest.kernel
    yield from table_prototypes(pair.guest)
    yield "/* Serves an ioctl that the tables call `same`; any other is left alone, and *served false. */"
    yield (
        f"long {kernel}_ioctl_same(struct thread *t, struct frame *f, u64 fd, u64 request, u64 argument,\n"
        "    bool *served);"
    )


@dataclass(slots=True)
class _Functions:
    """Translators written so far, so that equal ones are written once."""

    kernel: str
    lines: list[str] = field(default_factory=list)
    by_body: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, body: list[str]) -> str:
        text = "\n".join(body)
        if text not in self.by_body:
            self.by_body[text] = name
            self.lines += [f"static long {name}{_PARAMETERS}", "{", *body, "}", ""]
        return self.by_body[text]


def calls(pair: Pair) -> Iterator[str]:
    """The text of calls_<kernel>.c."""
    kernel = pair.guest.kernel
    functions = _Functions(kernel)
    rows = [_entry(pair, functions, call) for _, call in sorted(pair.guest.by_number.items())]
    requests = list(_ioctls(pair, functions))
    yield f"/* Generated from the tables in syscalls/{kernel}/; not to be edited. */"
    yield f'#include "abi_{kernel}.h"'
    yield ""
    yield "/* A handler that nobody has written is NULL, unless a row says what it gets. */"
    wanted = {c.handler for c in pair.guest.calls.values() if c.handler_arguments is not None}
    for name in handlers(pair.guest):
        if name not in wanted:
            yield f"#pragma weak {kernel}_sys_{name}"
    yield ""
    yield from functions.lines
    yield from requests
    yield ""
    yield from call_table(pair.guest, rows)
    yield from fast_calls(pair.guest, _fast(pair))


def _fast(pair: Pair) -> Iterator[tuple[int, int]]:
    """Rows that ask the host for just what the guest asked, argument for argument."""
    for number, call in sorted(pair.guest.by_number.items()):
        if call.service != "same":
            continue
        try:
            found = plan(pair, call)
        except NoTranslation:
            continue
        in_place = all(s.action == "raw" and s.index == position for position, s in enumerate(found.steps))
        if in_place and found.result == "raw" and set(found.descriptors) <= {0}:
            yield number, pair.host.calls[call.host_call or call.name].number


def _entry(pair: Pair, functions: _Functions, call: Call) -> tuple[Call, str, int, str]:
    handler = "NULL"
    if call.service == "runtime":
        handler = f"{pair.guest.kernel}_sys_{call.handler}"
        if call.handler_arguments is not None:
            handler = functions.add(f"pass_{call.name}", _passed(pair.guest, call))
    elif call.service == "supervisor":
        handler = "serve_by_upcall"
    elif call.service == "same":
        with suppress(NoTranslation):
            handler = functions.add(f"same_{call.name}", list(_body(pair, plan(pair, call), call)))
    flags = {"supervisor": "CALL_UPCALL"}.get(call.service, "0")
    if call.result.kind == "registers":
        flags = "CALL_NO_RESULT"
    count = max(len(call.arguments), _REGISTER_ARGUMENTS) if call.open_ended else len(call.arguments)
    if call.service == "obsolete" and not call.arguments:
        count = 0
    return call, handler, count, flags


def _passed(abi: Abi, call: Call) -> list[str]:
    """The body of a function that hands a call to another one's handler, arguments rearranged."""
    names = [argument.name for argument in call.arguments]
    given = []
    for text in call.handler_arguments or ():
        if text in names:
            given.append(f"a[{names.index(text)}]")
        elif is_number(text):
            given.append(text)
        else:
            given.append(f"U({prefix(abi)}{text})")
    return [
        f"    const u64 b[MAX_ARGUMENTS] = {{{', '.join(given) or '0'}}};",
        f"    return {abi.kernel}_sys_{call.handler}(t, f, b);",
    ]


def problems(pair: Pair) -> Iterator[tuple[str, str]]:
    """`same` rows and requests without translation, `runtime` rows of unknown arguments: (place, reason)."""
    known = {name for name, _, _ in constants(pair.guest)}
    for call in pair.guest.calls.values():
        for text in call.handler_arguments or ():
            if not is_number(text) and text not in known and all(text != a.name for a in call.arguments):
                yield call.where, f"{call.name}: {text} is no argument, number or constant"
        if call.service == "same":
            try:
                plan(pair, call)
            except NoTranslation as problem:
                yield call.where, f"{call.name}: {problem}"
    for item in pair.guest.ioctls.values():
        if item.service == "same":
            try:
                ioctl_plan(pair, item)
            except NoTranslation as problem:
                yield item.where, f"{item.name}: {problem}"


def _ioctls(pair: Pair, functions: _Functions) -> Iterator[str]:
    kernel = pair.guest.kernel
    yield (
        f"long {kernel}_ioctl_same(struct thread *t UNUSED, struct frame *f UNUSED, u64 fd, u64 request,\n"
        "    u64 argument, bool *served)"
    )
    yield "{"
    yield "    const u64 a[MAX_ARGUMENTS] UNUSED = {fd, request, argument};"
    yield "    *served = true;"
    yield "    switch ((u32)request) {"
    for item in pair.guest.ioctls.values():
        if item.service != "same":
            continue
        try:
            found = ioctl_plan(pair, item)
        except NoTranslation as problem:
            yield f"    /* {item.name}: {problem} */"
            continue
        call = Call(0, item.name, (), item.type, "same", item.where)
        name = functions.add(f"same_ioctl_{item.name}", list(_body(pair, found, call)))
        yield f"    case {item.number & 0xFFFFFFFF:#x}: /* {item.name} */"
        yield f"        return {name}(t, f, a);"
    yield "    default:"
    yield "        *served = false;"
    yield "        return -ENOTTY;"
    yield "    }"
    yield "}"


# One translator ----------------------------------------------------------------------------------


def _body(pair: Pair, found: Plan, call: Call) -> Iterator[str]:
    kernel = pair.guest.kernel
    for index in found.descriptors:
        yield f"    if (fd_is_reserved(t, (long)a[{index}]))"
        yield "        return -EBADF;"
    arrays = [s for s in found.steps if s.action == "struct" and s.type.count is not None]
    values: list[str] = []
    for position, step in enumerate(found.steps):
        if step.action in ("struct", "sigset"):
            values.append(f"h{position}p")
            yield f"    struct {pair.host.kernel}_{step.host} *h{position}p = NULL;"
            if step not in arrays:
                yield f"    struct {pair.host.kernel}_{step.host} h{position};"
                yield f"    struct {kernel}_{step.text} g{position};"
        else:
            values.append(_value(kernel, position, step))
    for position, step in enumerate(found.steps):
        if step.action in ("flags", "enum", "signal"):
            yield from _convert_value(kernel, position, step)
    if arrays:
        yield "    long r;"
    for position, step in enumerate(found.steps):
        if step in arrays:
            yield from _array_in(pair, position, step, call)
        elif step.action in ("struct", "sigset"):
            yield from _object_in(kernel, position, step, "r" if arrays else "")
    invocation = f"host_intr({', '.join([found.host_number, *values])})"
    outs = [
        (p, s)
        for p, s in enumerate(found.steps)
        if s.action in ("struct", "sigset") and s.type.direction != "in"
    ]
    if not arrays and not outs and found.result == "raw":
        yield f"    return {invocation};"
        return
    yield f"    r = {invocation};" if arrays else f"    long r = {invocation};"
    if arrays:
        yield "    if (is_error(r))"
        yield "        goto done;"
    elif outs or found.result != "none":
        yield "    if (is_error(r))"
        yield "        return r;"
    for position, step in outs:
        if step in arrays:
            yield from _array_out(kernel, position, step, call)
        else:
            yield from _object_out(kernel, position, step, "r" if arrays else "")
    result = _result(kernel, found)
    if not arrays:
        if found.result == "none" and not outs:
            result = "is_error(r) ? r : 0"
        yield f"    return {result};"
        return
    if result != "r":
        yield f"    r = {result};"
    yield "done:"
    for position, step in enumerate(found.steps):
        if step in arrays:
            yield f"    if (h{position}p)"
            yield f"        runtime_free(h{position}p);"
    yield "    return r;"


def _value(kernel: str, position: int, step: Step) -> str:
    if step.action == "literal":
        return step.text
    if step.action == "extend":
        return f"(s64)({step.text})a[{step.index}]"
    return f"a[{step.index}]" if step.action == "raw" else f"v{position}"


def _convert_value(kernel: str, position: int, step: Step) -> Iterator[str]:
    source = f"a[{step.index}]"
    if step.action == "flags":
        yield f"    u64 v{position};"
        yield f"    if (!{kernel}_{step.text}_to_host({source}, &v{position}))"
    elif step.action == "enum":
        yield f"    long v{position} = {kernel}_{step.text}_to_host((long){source});"
        yield f"    if (v{position} == -1)"
    else:
        yield f"    int v{position} = {kernel}_signal_to_host((int){source});"
        yield f"    if (!v{position} && (int){source})"
    yield "        return -EINVAL;"


def _fail(error: str, jump: str, indent: str) -> Iterator[str]:
    """Leave with an error: at once, or through the end that frees what was allocated."""
    if jump:
        yield f"{indent}{{"
        yield f"{indent}    r = {error};"
        yield f"{indent}    goto done;"
        yield f"{indent}}}"
    else:
        yield f"{indent}    return {error};"


def _object_in(kernel: str, position: int, step: Step, jump: str) -> Iterator[str]:
    p = position
    yield f"    if (a[{step.index}]) {{"
    yield f"        h{p}p = &h{p};"
    if step.type.direction != "out":
        yield f"        if (copy_in(&g{p}, a[{step.index}], sizeof(g{p})))"
        yield from _fail("-EFAULT", jump, "        ")
        if step.action == "sigset":
            yield f"        u64 bits = {kernel}_sigset_to_host(&g{p});"
            yield f"        memcpy(&h{p}, &bits, sizeof(bits));"
        else:
            yield f"        if (!{kernel}_{step.text}_to_host(&g{p}, &h{p}))"
            yield from _fail("-EINVAL", jump, "        ")
    yield "    }"


def _object_out(kernel: str, position: int, step: Step, jump: str) -> Iterator[str]:
    p = position
    yield f"    if (h{p}p) {{"
    if step.action == "sigset":
        yield "        u64 bits;"
        yield f"        memcpy(&bits, &h{p}, sizeof(bits));"
        yield f"        {kernel}_sigset_from_host(bits, &g{p});"
    else:
        yield f"        {kernel}_{step.text}_from_host(&h{p}, &g{p});"
    yield f"        if (copy_out(a[{step.index}], &g{p}, sizeof(g{p})))"
    yield from _fail("-EFAULT", jump, "        ")
    yield "    }"


def _count(pair: Pair, step: Step, call: Call) -> str:
    """The number of elements as a C expression; a negative one counts as none."""
    if isinstance(step.type.count, int):
        return str(step.type.count)
    index, argument = next((i, a) for i, a in enumerate(call.arguments) if a.name == step.type.count)
    scalar = pair.guest.scalars[argument.type.name]
    value = f"({scalar.c_type})a[{index}]"
    return f"({value} < 0 ? 0 : (u64){value})" if scalar.signed else value


def _array_in(pair: Pair, position: int, step: Step, call: Call) -> Iterator[str]:
    kernel, p = pair.guest.kernel, position
    yield f"    u64 n{p} = {_count(pair, step, call)};"
    yield f"    if (a[{step.index}] && n{p}) {{"
    yield f"        r = n{p} > {_MOST_ELEMENTS} ? -EINVAL : -ENOMEM;"
    yield f"        if (n{p} <= {_MOST_ELEMENTS})"
    yield f"            h{p}p = runtime_alloc(n{p} * sizeof(*h{p}p));"
    yield f"        if (!h{p}p)"
    yield "            goto done;"
    if step.type.direction != "out":
        yield f"        for (u64 i = 0; i < n{p}; i++) {{"
        yield f"            struct {kernel}_{step.text} one;"
        yield f"            r = copy_in(&one, a[{step.index}] + i * sizeof(one), sizeof(one));"
        yield f"            if (!r && !{kernel}_{step.text}_to_host(&one, &h{p}p[i]))"
        yield "                r = -EINVAL;"
        yield "            if (r)"
        yield "                goto done;"
        yield "        }"
    yield "    }"


def _array_out(kernel: str, position: int, step: Step, call: Call) -> Iterator[str]:
    p = position
    # What the host filled: as many as it says, where it says.
    limit = f"n{p}"
    if step.type.direction == "out" and call.result.kind == "value":
        limit = f"n{p} && i < (u64)r"
    yield f"    for (u64 i = 0; h{p}p && i < {limit}; i++) {{"
    yield f"        struct {kernel}_{step.text} one;"
    yield f"        {kernel}_{step.text}_from_host(&h{p}p[i], &one);"
    yield f"        if (copy_out(a[{step.index}] + i * sizeof(one), &one, sizeof(one))) {{"
    yield "            r = -EFAULT;"
    yield "            goto done;"
    yield "        }"
    yield "    }"


def _result(kernel: str, found: Plan) -> str:
    if found.result == "none":
        return "0"
    if found.result == "flags":
        return f"(long){kernel}_{found.result_name}_from_host((u64)r)"
    if found.result == "enum":
        return f"{kernel}_{found.result_name}_from_host(r)"
    return f"{kernel}_signal_from_host((int)r)" if found.result == "signal" else "r"
