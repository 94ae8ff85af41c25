"""Events as JSON, one object a line; docs/trace.schema.json describes them, and `SCHEMA` counts versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from guise.tracing.events import CallEvent, EndEvent, Event, LostEvent, SignalEvent
from syscalls.values import (
    Change,
    Data,
    DecodedCall,
    Descriptor,
    Flags,
    Integer,
    Items,
    Members,
    Pointer,
    Symbol,
    Text,
    Value,
)

SCHEMA = 2

Json = dict[str, Any]


def _text(data: bytes) -> Json:
    """UTF-8 as it is; anything else byte by byte, as Latin-1 with a mark."""
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"latin1": data.decode("latin-1")}


def value(tree: Value) -> Json:
    """One value: an object whose `kind` says what else is in it."""
    return _VALUES[type(tree)](tree)


def _flags(tree: Flags) -> Json:
    return {"kind": "flags", "value": tree.value, "names": list(tree.names), "rest": tree.rest}


def _pointer(tree: Pointer) -> Json:
    shown: Json = {"kind": "pointer", "address": tree.address}
    if tree.fault:
        shown["fault"] = True
    if tree.target is not None:
        shown["target"] = value(tree.target)
    return shown


def _members(tree: Members) -> Json:
    members = {name: value(member) for name, member in tree.members}
    return {"kind": "struct", "type": tree.type, "members": members}


_VALUES: dict[type, Callable[..., Json]] = {
    Integer: lambda v: {"kind": "integer", "value": v.value},
    Symbol: lambda v: {"kind": "symbol", "value": v.value, "name": v.name},
    Flags: _flags,
    Descriptor: lambda v: {
        "kind": "descriptor",
        "value": v.value,
        **({"name": v.name.decode("utf-8", "replace")} if v.name else {}),
    },
    Text: lambda v: {"kind": "string", **_text(v.data), "truncated": v.truncated},
    Data: lambda v: {"kind": "data", **_text(v.data), "length": v.length},
    Pointer: _pointer,
    Items: lambda v: {"kind": "list", "values": [value(x) for x in v.values], "truncated": v.truncated},
    Members: _members,
    Change: lambda v: {"kind": "change", "before": value(v.before), "after": value(v.after)},
}


def event(item: Event) -> Json:
    """One event as a JSON object."""
    thread = item.thread
    common: Json = {"schema": SCHEMA, "process": thread.process, "thread": thread.thread, "time": item.start}
    if isinstance(item, CallEvent):
        return {"event": "call", **common, **_call(item)}
    if isinstance(item, SignalEvent):
        return {
            "event": "signal", **common, "signal": item.name, "number": item.number,
            "code": item.code, "sender": item.sender,
        }  # fmt: skip
    if isinstance(item, EndEvent):
        ended: Json = {"event": "end", **common, "status": item.status, "signal": item.signal}
        return {**ended, "usage": item.usage} if item.usage else ended
    if isinstance(item, LostEvent):
        return {"event": "lost", **common, "count": item.count}
    return {
        "event": "start", **common, "parent": thread.parent, "kernel": thread.kernel,
        "program": thread.program.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        "real_time": item.start + thread.real_time,
    }  # fmt: skip


def _call(item: CallEvent) -> Json:
    shown: Json = {"duration": item.duration, "classes": sorted(item.call.tags), **_decoded(item.call)}
    if item.tampered:
        shown["tampered"] = list(item.tampered)
    if item.host_calls:
        shown["host_calls"] = [_decoded(call) for call in item.host_calls]
    if item.stack:
        shown["callers"] = list(item.stack)
    return shown


def _decoded(call: DecodedCall) -> Json:
    outcome = call.outcome
    shown: Json = {
        "call": call.name,
        "number": call.number,
        "state": outcome.state,
        "arguments": {name: value(argument) for name, argument in call.arguments},
    }
    if outcome.error:
        shown["error"] = {"name": outcome.error, "number": outcome.errno, "text": outcome.error_text}
    elif outcome.value is not None:
        shown["result"] = value(outcome.value)
    return shown


class Lines:
    """One object a line."""

    def begin(self) -> str:
        return ""

    def add(self, item: Event) -> str:
        return json.dumps(event(item), separators=(",", ":")) + "\n"

    def end(self) -> str:
        return ""
