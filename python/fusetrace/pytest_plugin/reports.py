# SPDX-License-Identifier: MIT
"""Sections of a test's report: waits in vain, the last operations, what is in flight, what the
daemon printed. Names come from the filesystem, so everything is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from fusetrace.text import escape, format_duration

from .record import TestRecord, WatchedMount, session_of

if TYPE_CHECKING:
    from fusetrace import Operation
    from fusetrace.trace_monitor import WaitReport

_OPERATIONS_MAX = 20
_IN_FLIGHT_MAX = 20
_LINES_MAX = 20
_LINE_LENGTH_MAX = 400
_RESULTS = {"completed": "ok", "started": "in flight"}


def plain(text: str) -> str:
    """Text of several lines, in which names are escaped already, without control characters."""
    return "\n".join(
        line if line.isprintable()
        else "".join(one if one.isprintable() else escape(one) for one in line)
        for line in text.splitlines())


def section_of(record: TestRecord, report: pytest.TestReport, error: BaseException | None) -> str:
    """The section of a phase that failed: all there is to say."""
    lines = [*waits_of(record, report)]
    if error is not None and (raised := _as_report(error)) is not None:
        lines += _diagnoses(record, raised)
    for mount in record.mounts:
        lines += _mount_lines(record, mount)
    return "\n".join(lines)


def waits_of(record: TestRecord, report: pytest.TestReport) -> list[str]:
    """Lines for the waits in vain that no section has yet."""
    with record.lock:
        waits = record.waits[record.told_waits:]
        first = record.told_waits + 1
        record.told_waits += len(waits)
    lines: list[str] = []
    for number, wait in enumerate(waits, first):
        head, *rest = plain(wait.text).splitlines() or [""]
        lines.append(f"wait in vain {number}: {head}")
        if rest and _is_captured(record.item.config, report, rest):
            lines.append("  (its report is above, in what was captured)")
        else:
            lines += rest
        lines += _diagnoses(record, wait)
    return lines


def _is_captured(config: pytest.Config, report: pytest.TestReport, text: list[str]) -> bool:
    """The library logs the same report, and pytest shows what was logged, or without its plugin for
    that what Python prints then: once is enough."""
    if config.getoption("showcapture", "all") != "all" or not report.failed:
        return False
    needle = "\n".join(text)
    return any(needle in content for _, content in report.sections)


def _as_report(error: BaseException) -> WaitReport | None:
    from fusetrace import FuseTraceError
    from fusetrace.trace_monitor import WaitReport

    if not isinstance(error, FuseTraceError):
        return None
    return WaitReport(str(error), error.verdict, error.report, 0.0)


def _diagnoses(record: TestRecord, wait: WaitReport) -> list[str]:
    """What hooks of others say of a wait. A hook that fails must not take the report with it."""
    try:
        answers = record.item.config.hook.pytest_fusetrace_diagnose(report=wait)
    except Exception as error:
        return [f"  pytest_fusetrace_diagnose failed: {escape(repr(error))}"]
    lines: list[str] = []
    for answer in answers:
        for line in [answer] if isinstance(answer, str) else answer or []:
            lines += [f"  {one}" for one in plain(str(line)).splitlines()]
    return lines


# ---- mounts ----


def _mount_lines(record: TestRecord, mount: WatchedMount) -> list[str]:
    ignored = session_of(record.item.config).settings.ignored
    lines = [_head(mount)]
    lines += _block("last operations", lambda: [
        operation_line(one, record.began) for one in mount.last_operations(_OPERATIONS_MAX)
        if one.operation not in ignored])
    lines += _block("in flight", lambda: _in_flight(record, mount))
    lines += _block("the daemon's last lines", lambda: [
        _short(escape(line)) for line in mount.daemon.last_lines()[-_LINES_MAX:]])
    return lines


def _head(mount: WatchedMount) -> str:
    where = f"{escape(str(mount.mountpoint))} (daemon {mount.pid}"
    monitor = mount.monitor
    if monitor is None:
        return f"{where}, not traced)"
    try:
        lost = monitor.lost_events
        return f"{where}, source {monitor.source}, {monitor.state}" + (
            f", {lost} events lost)" if lost else ")")
    except Exception as error:
        return f"{where}): {escape(str(error))}"


def _block(title: str, make: Any) -> list[str]:
    """A block with its title; nothing when there is nothing, one line when it cannot be had."""
    try:
        lines = list(make())
    except Exception as error:
        return [f"  {title}: cannot be read: {escape(str(error))}"]
    return [f"  {title}:", *(f"    {line}" for line in lines)] if lines else []


def _in_flight(record: TestRecord, mount: WatchedMount) -> Iterable[str]:
    if mount.monitor is None:
        return []
    return [operation_line(one, record.began)
            for one in mount.monitor.in_flight[:_IN_FLIGHT_MAX]]


def operation_line(one: Operation, began: float) -> str:
    """One operation in a line, its time counted from `began`."""
    start = one.start_time
    when = "" if start is None else f"{start - began:+.4f}s"
    where = escape(one.path or one.name or "-")
    if one.path2:
        where += f" -> {escape(one.path2)}"
    result = one.error or _RESULTS.get(one.status.value, "unknown")
    words = [f"{when:>10}", f"{one.operation:<12}", where, result]
    if one.duration_ms is not None:
        words.append(format_duration(round(one.duration_ms * 1e6)))
    details = one.details
    words += [f"{name}={details[name]}" for name in ("offset", "size") if name in details]
    return _short("  ".join(words))


def _short(line: str) -> str:
    return line if len(line) <= _LINE_LENGTH_MAX else line[:_LINE_LENGTH_MAX - 3] + "..."


# ---- assertions ----


def compare(op: str, left: object, right: object) -> list[str] | None:
    """Why two operations are not equal, for `assert a == b`."""
    from fusetrace.operation import Operation

    if op != "==" or not isinstance(left, Operation) or not isinstance(right, Operation):
        return None
    lines = [f"{left!r} == {right!r}"]
    for name in ("operation", "path", "path2", "status", "errno", "pid", "seq", "unique",
                 "start_time", "duration_ms", "details"):
        mine, other = getattr(left, name), getattr(right, name)
        if mine != other:
            lines.append(f"  {name}: {mine!r} != {other!r}")
    return lines
