# SPDX-License-Identifier: MIT
"""What the plugin can be told, and who wins: ini < environment < command line < marker < argument.

| what            | ini                     | environment             | command line              |
|-----------------|-------------------------|-------------------------|---------------------------|
| which mounts    | fusetrace               | FUSE_TRACE              | --fusetrace               |
| source          | fusetrace_source        | FUSETRACE_SOURCE        | --fusetrace-source        |
| files of traces | fusetrace_trace         |                         | --fusetrace-trace         |
| where to        | fusetrace_output        |                         | --fusetrace-output        |
| tables          | fusetrace_summary       | FUSE_TRACE_SUMMARY      | --fusetrace-summary       |
| timeouts        | fusetrace_timeout_scale | FUSETRACE_TIMEOUT_SCALE | --fusetrace-timeout-scale |
| the filesystem  | fusetrace_command       | FUSE_BINARY             |                           |

The mark `fusetrace(trace=, source=, timeout_scale=)` speaks for one test, an argument in the test
(`enable_trace=True`, `timeout=3`) for itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

MODES = ("auto", "on", "off")
SOURCES = ("auto", "kernel", "log")
SAVES = ("off", "on", "retain-on-failure")
ON_HANG = ("report", "abort")
ALL_ROWS = 0

MARK_TEXT = ("fusetrace(trace=None, source=None, timeout_scale=None): of this test, whether its "
             "mount is traced, from where ('auto', 'kernel', 'log'), and a factor for its timeouts")
NEEDS_TEXT = "needs_fuse: skip, and say what is missing, where no FUSE filesystem can be mounted"


@dataclass(frozen=True)
class Settings:
    """Of the session; see the table above."""

    mode: str
    source: str
    save: str
    output: Path
    summary: int | None
    """None: no tables; ALL_ROWS; else so many rows."""
    timeout_scale: float | None
    timeout: float | None
    """Of operations, in seconds; None: the library's default."""
    mount_timeout: float | None
    command: str | None
    """None: FUSE_BINARY, which FuseManager reads, or branchfs."""
    ignored: frozenset[str]
    is_raising: bool
    on_hang: str
    is_live: bool
    json_path: Path | None
    is_asked_for: bool
    """Whether the command line or the environment said anything."""


@dataclass(frozen=True)
class TestSettings:
    """Of one test: the session's, and its marks over them."""

    __test__ = False  # for pytest, which would take it for a class of tests

    mode: str
    source: str
    timeout_scale: float | None
    """Only when a mark has one."""


# ---- command line and ini file ----


def add_options(parser: pytest.Parser) -> None:
    """What pytest_addoption() does."""
    group = parser.getgroup("fusetrace", "operations of FUSE filesystems")

    def add(name: str, **more: Any) -> None:
        group.addoption(name, default=None, **more)

    add("--fusetrace", dest="fusetrace_mode", nargs="?", const="on", type=_one_of(MODES),
        metavar="auto|on|off", help="trace all mounts of the fixtures (on), those that ask for it "
        "(auto, the default), or none, and skip the tests that need it (off)")
    add("--fusetrace-source", type=_one_of(SOURCES), metavar="auto|kernel|log",
        help="where operations come from")
    add("--fusetrace-trace", type=_one_of(SAVES), metavar="off|on|retain-on-failure",
        help="keep the trace of each test, or of those that failed, in a file")
    add("--fusetrace-output", metavar="DIR",
        help="where these files go: DIR/TEST/trace.jsonl; default: test-results")
    add("--fusetrace-summary", nargs="?", const=ALL_ROWS, type=_rows, metavar="N",
        help="a table of operations for each traced mount and for all; of N rows at most")
    add("--fusetrace-timeout-scale", type=_factor("--fusetrace-timeout-scale"), metavar="F",
        help="multiply all timeouts, say on a slow machine; 0: no limits")
    add("--fusetrace-json", metavar="FILE", help="write waits in vain and counts, test by test")
    group.addoption("--fusetrace-live", action="store_true", default=False,
                    help="on SIGUSR1, print what is in flight and what each thread does")
    _add_ini(parser)


def _add_ini(parser: pytest.Parser) -> None:
    number: Any = "float" if pytest.version_tuple >= (8, 4) else "string"
    parser.addini("fusetrace", "as --fusetrace", type="string", default=None)
    parser.addini("fusetrace_source", "as --fusetrace-source", type="string", default=None)
    parser.addini("fusetrace_trace", "as --fusetrace-trace", type="string", default=None)
    parser.addini("fusetrace_output", "as --fusetrace-output", type="string", default=None)
    parser.addini("fusetrace_summary", "as --fusetrace-summary", type="bool", default=False)
    parser.addini("fusetrace_timeout", "seconds that waits for operations may take by default",
                  type=number, default=None)
    parser.addini("fusetrace_mount_timeout", "seconds that a filesystem has to mount",
                  type=number, default=None)
    parser.addini("fusetrace_timeout_scale", "as --fusetrace-timeout-scale",
                  type=number, default=None)
    parser.addini("fusetrace_ignore", "names of operations that reports and tables leave out",
                  type="linelist", default=[])
    parser.addini("fusetrace_default_raising",
                  "waits that are in vain raise instead of returning None or False",
                  type="bool", default=False)
    parser.addini("fusetrace_on_hang", "when a test is stuck in a mount and pytest-timeout is "
                  "about to end it: report, or also abort the connection", type="string",
                  default="report")
    parser.addini("fusetrace_command", "the filesystem: its binary, a profile's name, or a command "
                  "with {mountpoint}, {branches}, {branch}, {policy}, {args}", type="string",
                  default=None)
    parser.addini("fusetrace_lib_compat", "make lib.timing_utils, lib.fuse_manager and "
                  "lib.simple_trace importable", type="bool", default=False)
    # What Config.get_verbosity("fusetrace") reads.
    parser.addini("verbosity_fusetrace", "verbosity of the plugin: from 1 on, the header line, and "
                  "the texts of waits that were in vain", type="string", default="auto")


def _one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise _argument_error(f"{text!r}: give one of {', '.join(words)} (with = before it)")
        return text

    return parse


def _rows(text: str) -> int:
    if not text.isdecimal():
        raise _argument_error(f"{text!r}: give a number of rows as --fusetrace-summary=N, or "
                              f"another option before the path")
    return int(text)


def _factor(name: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        from fusetrace.timeouts import parse_scale

        try:
            return parse_scale(text, name)
        except ValueError as error:
            raise _argument_error(str(error)) from None

    return parse


def _argument_error(text: str) -> Exception:
    import argparse

    return argparse.ArgumentTypeError(text)


# ---- all of them together ----


def resolve(config: pytest.Config) -> Settings:
    """The session's settings; UsageError for what makes no sense, with what is allowed."""
    option = config.getoption
    mode = option("fusetrace_mode")
    summary = option("fusetrace_summary")
    scale = option("fusetrace_timeout_scale")
    in_environment = [name for name in ("FUSE_TRACE", "FUSE_TRACE_SUMMARY", "FUSETRACE_SOURCE",
                                        "FUSETRACE_TIMEOUT_SCALE") if os.environ.get(name)]
    flags = {name: _flag(name) for name in ("FUSE_TRACE", "FUSE_TRACE_SUMMARY")}
    from_flag = {None: None, True: "on", False: "auto"}[flags["FUSE_TRACE"]]
    json_path = option("fusetrace_json")
    here = config.invocation_params.dir
    asked = [mode, summary, scale, json_path, *in_environment, option("fusetrace_source"),
             option("fusetrace_trace"), option("fusetrace_live") or None]
    return Settings(
        mode=mode or from_flag or _ini_word(config, "fusetrace", MODES) or "auto",
        source=(option("fusetrace_source") or _environment_word("FUSETRACE_SOURCE", SOURCES)
                or _ini_word(config, "fusetrace_source", SOURCES) or "auto"),
        save=(option("fusetrace_trace") or _ini_word(config, "fusetrace_trace", SAVES) or "off"),
        output=here / (option("fusetrace_output") or config.getini("fusetrace_output")
                       or "test-results"),
        summary=summary if summary is not None else _summary_of(flags, config),
        timeout_scale=_first(scale, _environment_scale(), _ini_scale(config)),
        timeout=_ini_seconds(config, "fusetrace_timeout"),
        mount_timeout=_ini_seconds(config, "fusetrace_mount_timeout"),
        command=None if os.environ.get("FUSE_BINARY") else _ini(config, "fusetrace_command"),
        ignored=frozenset(config.getini("fusetrace_ignore")),
        is_raising=_ini(config, "fusetrace_default_raising"),
        on_hang=_ini_word(config, "fusetrace_on_hang", ON_HANG) or "report",
        is_live=bool(option("fusetrace_live")),
        json_path=None if json_path is None else here / json_path,
        is_asked_for=any(one is not None for one in asked),
    )


def apply_timeouts(settings: Settings) -> None:
    """Tells the library, for this process."""
    if (settings.timeout_scale, settings.timeout, settings.mount_timeout) == (None, None, None):
        return
    from fusetrace.timeouts import settings as library

    library.scale = settings.timeout_scale
    if settings.timeout is not None:
        library.default = settings.timeout
    if settings.mount_timeout is not None:
        library.mount = settings.mount_timeout


def _first(*values: T | None) -> T | None:
    return next((value for value in values if value is not None), None)


def _flag(name: str) -> bool | None:
    from fusetrace.environment import flag

    try:
        return flag(name)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def _summary_of(flags: Mapping[str, bool | None], config: pytest.Config) -> int | None:
    is_wanted = _first(flags["FUSE_TRACE_SUMMARY"], _ini(config, "fusetrace_summary"))
    return ALL_ROWS if is_wanted else None


def _environment_word(name: str, words: tuple[str, ...]) -> str | None:
    text = os.environ.get(name, "").strip().lower()
    if text and text not in words:
        raise pytest.UsageError(f"{name}={text!r}: give one of {', '.join(words)}")
    return text or None


def _environment_scale() -> float | None:
    text = os.environ.get("FUSETRACE_TIMEOUT_SCALE", "")
    return _scale(text, "FUSETRACE_TIMEOUT_SCALE") if text.strip() else None


def _scale(text: str, name: str) -> float:
    from fusetrace.timeouts import parse_scale

    try:
        return parse_scale(text, name)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def _ini(config: pytest.Config, name: str) -> Any:
    try:
        return config.getini(name)
    except (TypeError, ValueError) as error:  # which pytest < 9.2 tells as an internal error
        raise pytest.UsageError(f"ini key {name}: {error}") from None


def _ini_word(config: pytest.Config, name: str, words: tuple[str, ...]) -> str | None:
    text = _ini(config, name)
    if text and text not in words:
        raise pytest.UsageError(f"ini key {name} = {text}: give one of {', '.join(words)}")
    return text or None


def _ini_seconds(config: pytest.Config, name: str) -> float | None:
    from fusetrace.timeouts import seconds

    value = _ini(config, name)
    if value is None or value == "":
        return None
    try:
        return seconds(float(value), name)
    except ValueError as error:
        raise pytest.UsageError(f"ini key {name}: {error}") from None


def _ini_scale(config: pytest.Config) -> float | None:
    value = _ini(config, "fusetrace_timeout_scale")
    if value is None or value == "":
        return None
    return _scale(str(value), "ini key fusetrace_timeout_scale")


# ---- of one test ----


def of_test(settings: Settings, item: pytest.Item) -> TestSettings:
    """The settings of a test; UsageError names the test whose mark makes no sense."""
    told = _told_by_marks(item)
    trace, source, scale = (told.get(name) for name in ("trace", "source", "timeout_scale"))
    if trace is not None and not isinstance(trace, bool):
        raise pytest.UsageError(f"{item.nodeid}: mark fusetrace(trace={trace!r}): give True or "
                                f"False")
    if source is not None and source not in SOURCES:
        raise pytest.UsageError(f"{item.nodeid}: mark fusetrace(source={source!r}): give one of "
                                f"{', '.join(SOURCES)}")
    mode = settings.mode
    if trace is not None and (trace or mode == "on"):
        mode = "on" if trace else "auto"
    return TestSettings(
        mode=mode,
        source=source or settings.source,
        timeout_scale=None if scale is None else _scale(
            str(scale), f"{item.nodeid}: mark fusetrace(timeout_scale=)"))


def _told_by_marks(item: pytest.Item) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for mark in item.iter_markers("fusetrace"):  # the closest comes first
        unknown = set(mark.kwargs) - {"trace", "source", "timeout_scale"}
        if mark.args or unknown:
            what = ", ".join(map(repr, [*mark.args, *sorted(unknown)]))
            raise pytest.UsageError(f"{item.nodeid}: mark fusetrace takes trace=, source= and "
                                    f"timeout_scale=, not {what}")
        for name, value in mark.kwargs.items():
            told.setdefault(name, value)
    return told
