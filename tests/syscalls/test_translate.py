"""The generated C does what the tables say: compiled, run, and its answers compared.

The host kernel is a function of the test, so that both what reaches it and what comes back is seen.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from .conftest import C_FLAGS, Runner

PROLOGUE = r"""
#include "abi_toy.h"
int printf(const char *, ...);
extern long (*host_answer)(long n, const u64 *arguments);
extern const u64 *last_arguments;
extern long last_number;
extern int allocated;
static struct process process = {.reserved_base = 1000, .reserved_count = 8};
static struct thread thread UNUSED = {.process = &process};
static struct frame frame UNUSED;
#define CALL(name, ...) \
    HANDLER(TOY_SYS_##name)(&thread, &frame, (const u64[MAX_ARGUMENTS]){__VA_ARGS__})
#define HANDLER(number) toy_handlers[toy_calls[number].handler]
#define SHOW(name, value) printf("%s\"%s\": %ld", count++ ? ", " : "{", name, (long)(value))
static int count;
"""


def results(run_c: Runner, body: str, before: str = "") -> dict[str, Any]:
    source = PROLOGUE + before + "int main(void)\n{\n" + body + '\n    printf("}\\n");\n    return 0;\n}\n'
    answer: dict[str, Any] = json.loads(run_c(source))
    return answer


def test_compiles_as_the_runtime_does(compiler: str, generated: Path, tmp_path: Path) -> None:
    flags = ["-ffreestanding", "-mgeneral-regs-only", "-fpie", "-O2", f"-I{generated}"]
    for name in ("calls_toy.c", "personalities.c"):
        subprocess.run(
            [compiler, *C_FLAGS, *flags, "-c", generated / name, "-o", tmp_path / "out.o"], check=True
        )


def test_flags(run_c: Runner) -> None:
    got = results(
        run_c,
        """
        u64 h = 0;
        SHOW("created", toy_open_flags_to_host(0x201, &h)); SHOW("created_host", h);
        SHOW("sync", toy_open_flags_to_host(0x80, &h)); SHOW("sync_host", h);
        SHOW("dsync", toy_open_flags_to_host(0x01000000, &h)); SHOW("dsync_host", h);
        SHOW("lock", toy_open_flags_to_host(0x20, &h));
        SHOW("field", toy_open_flags_to_host(3, &h));
        SHOW("unknown", toy_open_flags_to_host(0x100000, &h));
        SHOW("hint", toy_open_flags_to_host(0x1000, &h)); SHOW("hint_host", h);
        SHOW("upper", toy_open_flags_to_host(0xdeadbeef00000002, &h)); SHOW("upper_host", h);
        SHOW("from_sync", toy_open_flags_from_host(0x101000));
        SHOW("from_dsync", toy_open_flags_from_host(0x1000));
        SHOW("from_only_host", toy_open_flags_from_host(0x8442));
        SHOW("plain", toy_plain_flags_to_host(0x85, &h)); SHOW("plain_host", h);
        SHOW("poll", toy_poll_flags_to_host(4, &h)); SHOW("poll_host", h);
        SHOW("poll_back", toy_poll_flags_from_host(5));
        """,
    )
    assert got == {
        "created": 1, "created_host": 0x41, "sync": 1, "sync_host": 0x101000, "dsync": 1,
        "dsync_host": 0x1000,
        "lock": 0, "field": 0, "unknown": 0, "hint": 1, "hint_host": 0, "upper": 1, "upper_host": 2,
        "from_sync": 0x80, "from_dsync": 0x01000000, "from_only_host": 0x20A, "plain": 1, "plain_host": 3,
        "poll": 1, "poll_host": 4, "poll_back": 3,
    }  # fmt: skip


def test_enums_errors_signals(run_c: Runner) -> None:
    got = results(
        run_c,
        """
        SHOW("mono", toy_clock_id_to_host(4)); SHOW("up", toy_clock_id_to_host(5));
        SHOW("odd", toy_clock_id_to_host(6)); SHOW("rubbish", toy_clock_id_to_host(99));
        SHOW("back", toy_clock_id_from_host(1)); SHOW("boot", toy_clock_id_from_host(7));
        SHOW("upper", toy_clock_id_to_host(0x7000000000004));
        SHOW("again", toy_errno_from_host(11)); SHOW("nodata", toy_errno_from_host(61));
        SHOW("oddity", toy_errno_from_host(99)); SHOW("none", toy_errno_from_host(3));
        SHOW("beyond", toy_errno_from_host(4000)); SHOW("negative", toy_errno_from_host(-1));
        SHOW("usr1", toy_signal_to_host(30)); SHOW("info", toy_signal_to_host(29));
        SHOW("rt", toy_signal_to_host(65)); SHOW("thr", toy_signal_to_host(100));
        SHOW("usr1_back", toy_signal_from_host(10)); SHOW("thr_back", toy_signal_from_host(40));
        SHOW("no_back", toy_signal_from_host(2)); SHOW("zero", toy_signal_to_host(0));
        struct toy_sigset set = {{1u | 1u << 29, 0, 1, 1u << 3}};
        u64 bits = toy_sigset_to_host(&set);
        SHOW("set", bits == (1UL | 1UL << 9 | 1UL << 39));
        toy_sigset_from_host(1UL | 1UL << 1 | 1UL << 9 | 1UL << 39, &set);
        SHOW("w0", set.bits[0]); SHOW("w1", set.bits[1]); SHOW("w2", set.bits[2]); SHOW("w3", set.bits[3]);
        """,
    )
    assert got == {
        "mono": 1, "up": 1, "odd": -1, "rubbish": -1, "back": 4, "boot": -1, "upper": 1, "again": 35,
        "nodata": 87, "oddity": 1, "none": -1, "beyond": -1, "negative": -1, "usr1": 10, "info": 16, "rt": 0,
        "thr": 40, "usr1_back": 30, "thr_back": 100, "no_back": 0, "zero": 0, "set": 1,
        "w0": 1 | 1 << 29, "w1": 0, "w2": 0, "w3": 8,
    }  # fmt: skip


STAT_ANSWER = """
static long answer(long n UNUSED, const u64 *a)
{
    struct linux_stat *s = (void *)a[1];
    if (!s)
        return -EFAULT;
    memset(s, 0xff, sizeof(*s));
    s->dev = 7; s->ino = 0x123456789a; s->mode = 0x81a4; s->flags = 2 | 0x80;
    s->atim.sec = 5; s->atim.nsec = 6; s->sig = 10; s->clock = 1;
    memcpy(s->name, "abcdefghijkl", 12);
    return 0;
}
"""


def test_structs_out(run_c: Runner) -> None:
    got = results(
        run_c,
        """
        host_answer = answer;
        struct toy_stat s;
        memset(&s, 0xee, sizeof(s));
        SHOW("result", CALL(stat, U("/x"), U(&s)));
        SHOW("number", last_number);
        SHOW("dev", s.dev); SHOW("mode", s.mode); SHOW("ino", s.ino); SHOW("sec", s.atim.sec);
        SHOW("nsec", s.atim.nsec); SHOW("flags", s.flags); SHOW("sig", s.sig); SHOW("clock", s.clock);
        SHOW("only", s.only); SHOW("spare", s.spare[1]); SHOW("name", memcmp(s.name, "abcdefgh", 8));
        struct toy_old_stat old;
        SHOW("old_result", CALL(old_stat, U("/x"), U(&old)));
        SHOW("old_ino", old.ino); SHOW("old_mode", old.mode);
        SHOW("null", CALL(stat, U("/x"), 0));
        SHOW("bad", CALL(stat, U("/x"), 8));
        """,
        STAT_ANSWER,
    )
    assert got == {
        "result": 0, "number": 3, "dev": 7, "mode": 0x81A4, "ino": 0x123456789A, "sec": 5, "nsec": 6,
        "flags": 4,
        "sig": 30, "clock": 4, "only": 0, "spare": 0, "name": 0, "old_result": 0, "old_ino": 0x3456789A,
        "old_mode": 0x81A4, "null": -14, "bad": -14,
    }  # fmt: skip


def test_structs_in_and_both_ways(run_c: Runner) -> None:
    before = """
    static struct linux_limit seen;
    static long answer(long n UNUSED, const u64 *a)
    {
        struct linux_limit *l = (void *)a[0];
        seen = *l;
        l->value = 77;
        return 5;
    }
    """
    got = results(
        run_c,
        """
        host_answer = answer;
        struct toy_limit l = {.kind = 3, .value = 9};
        SHOW("result", CALL(limits, U(&l)));
        SHOW("seen_kind", seen.kind); SHOW("seen_value", seen.value);
        SHOW("kind", l.kind); SHOW("value", l.value);
        l.value = 1UL << 32;
        SHOW("too_large", CALL(limits, U(&l)));
        SHOW("bad", CALL(limits, 8));
        struct toy_stat s = {.ino = 1, .flags = 5, .sig = 30, .clock = 5};
        struct linux_stat h;
        SHOW("ok", toy_stat_to_host(&s, &h)); SHOW("flags", h.flags); SHOW("sig", h.sig);
        SHOW("clock", h.clock);
        s.sig = 65;
        SHOW("no_signal", toy_stat_to_host(&s, &h));
        s.sig = 0; s.clock = 6;
        SHOW("no_clock", toy_stat_to_host(&s, &h));
        """,
        before,
    )
    assert got == {
        "result": 0, "seen_kind": 3, "seen_value": 9, "kind": 3, "value": 77, "too_large": -22, "bad": -14,
        "ok": 1,
        "flags": 3, "sig": 10, "clock": 1, "no_signal": 0, "no_clock": 0,
    }  # fmt: skip


def test_arrays(run_c: Runner) -> None:
    before = """
    static long seen_events, seen_count;
    static long answer(long n, const u64 *a)
    {
        if (n == LINUX_SYS_poll) {
            struct linux_pollfd *p = (void *)a[0];
            seen_count = (long)a[1];
            if (!p)
                return 0;
            seen_events = p[0].events * 10 + p[1].events;
            p[1].revents = 5;
            return 1;
        }
        struct linux_entry *e = (void *)a[0];
        for (int i = 0; i < 2; i++)
            e[i] = (struct linux_entry){.a = (u32)i + 1, .b = (u32)i + 11};
        return 2;
    }
    """
    got = results(
        run_c,
        """
        host_answer = answer;
        struct toy_pollfd p[2] = {{.fd = 3, .events = 1}, {.fd = 4, .events = 2}};
        SHOW("poll", CALL(poll, U(p), 0xff00000002, 100));
        SHOW("events", seen_events); SHOW("count", seen_count);
        SHOW("r0", p[0].revents); SHOW("r1", p[1].revents);
        SHOW("none", CALL(poll, 0, 0, 0));
        SHOW("fault", CALL(poll, 16, 2, 0));
        SHOW("many", CALL(poll, U(p), 0x7fffffff, 0));
        struct toy_entry e[3];
        memset(e, 0xee, sizeof(e));
        SHOW("list", CALL(list, U(e), 3));
        SHOW("a1", e[1].a); SHOW("b1", e[1].b); SHOW("untouched", e[2].a == 0xeeeeeeee);
        SHOW("list_fault", CALL(list, 16, 3));
        SHOW("leaked", allocated);
        """,
        before,
    )
    assert got == {
        "poll": 1, "events": 14, "count": 2, "r0": 0, "r1": 3, "none": 0, "fault": -14, "many": -22,
        "list": 2,
        "a1": 2, "b1": 12, "untouched": 1, "list_fault": -14, "leaked": 0,
    }  # fmt: skip


def test_plain_arguments_and_results(run_c: Runner) -> None:
    before = "static long answer(long n UNUSED, const u64 *a UNUSED) { return 0x8441; }\n"
    got = results(
        run_c,
        """
        SHOW("read", CALL(read, 5, 8, 9)); SHOW("a0", last_arguments[0]); SHOW("a2", last_arguments[2]);
        SHOW("reserved", CALL(read, 1003, 8, 9)); SHOW("junk", CALL(read, 0xff000003ebUL, 8, 9));
        SHOW("kill", CALL(kill, 3, 30)); SHOW("host_signal", last_arguments[1]);
        SHOW("kill0", CALL(kill, 3, 0)); SHOW("kill_rt", CALL(kill, 3, 65));
        SHOW("kill_bad", CALL(kill, 3, 9999));
        CALL(seek, 5, 99, 1234567890123, 2);
        SHOW("seek", last_arguments[1]); SHOW("whence", last_arguments[2]);
        SHOW("clock", CALL(clock, 6, 0));
        SHOW("open", CALL(open, 0, 0x209, 0)); SHOW("open_host", last_arguments[1]);
        SHOW("open_bad", CALL(open, 0, 0x20, 0));
        CALL(narrow, 0xffffffff, 3);
        SHOW("extended", last_arguments[2]);
        host_answer = answer;
        SHOW("getfl", CALL(getfl, 3)); SHOW("command", last_arguments[1]); SHOW("host", last_number);
        """,
        before,
    )
    assert got == {
        "read": 0, "a0": 5, "a2": 9, "reserved": -9, "junk": -9, "kill": 0, "host_signal": 10, "kill0": 0,
        "kill_rt": -22, "kill_bad": -22, "seek": 1234567890123, "whence": 2, "clock": -22, "open": 0,
        "open_host": 0x441, "open_bad": -22, "extended": -1, "getfl": 0x209, "command": 3, "host": 10,
    }  # fmt: skip


def test_signal_sets_and_requests(run_c: Runner) -> None:
    before = """
    static u64 seen;
    static long answer(long n, const u64 *a)
    {
        if (n == LINUX_SYS_set_mask) {
            memcpy(&seen, (void *)a[0], 8);
            *(u64 *)a[1] = 1UL << 15;
        }
        return 0;
    }
    """
    got = results(
        run_c,
        """
        host_answer = answer;
        struct toy_sigset set = {{1u << 29}}, old;
        SHOW("mask", CALL(set_mask, U(&set), U(&old)));
        SHOW("seen", seen); SHOW("old", old.bits[0]);
        bool served = false;
        SHOW("window", toy_ioctl_same(&thread, &frame, 3, 0xff40087468, 0x5000, &served)); SHOW("s1", served);
        SHOW("request", last_arguments[1]); SHOW("argument", last_arguments[2]);
        SHOW("other", toy_ioctl_same(&thread, &frame, 3, TOY_OTHER, 0, &served)); SHOW("s2", served);
        SHOW("reserved", toy_ioctl_same(&thread, &frame, 1001, TOY_GETWINDOW, 0x5000, &served));
        """,
        before,
    )
    assert got == {
        "mask": 0, "seen": 1 << 9, "old": 1 << 28, "window": 0, "s1": 1, "request": 0x5413,
        "argument": 0x5000,
        "other": -25, "s2": 0, "reserved": -9,
    }  # fmt: skip


def test_dispatch_table(run_c: Runner) -> None:
    got = results(
        run_c,
        """
        SHOW("limit", TOY_CALL_LIMIT);
        SHOW("shared", HANDLER(3) == HANDLER(15));
        SHOW("unwritten", HANDLER(18) == NULL); SHOW("open_ended", toy_calls[18].arguments);
        SHOW("cold", CALL(cold, 0)); SHOW("cold_flags", toy_calls[19].flags);
        SHOW("gone", HANDLER(20) == NULL); SHOW("never", HANDLER(21) == NULL);
        SHOW("hole", HANDLER(0) == NULL); SHOW("nameless", toy_names[0]);
        SHOW("registers", toy_calls[22].flags);
        SHOW("name", strcmp(toy_name_text + toy_names[5], "open")); SHOW("arguments", toy_calls[5].arguments);
        """,
    )
    assert got == {
        "limit": 24, "shared": 1, "unwritten": 1, "open_ended": 6, "cold": 4711, "cold_flags": 2, "gone": 1,
        "never": 1, "hole": 1, "nameless": 0, "registers": 1, "name": 0, "arguments": 3,
    }  # fmt: skip
