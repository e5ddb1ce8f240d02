# SPDX-License-Identifier: MIT
"""Analysis of how long operations took, and the plain waits of earlier suites.

These are the names of `lib.timing_utils` that are neither the monitor nor the smart waits. All of
them stand on a monitor: nothing here reads a log or a clock of its own for what a trace knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from .operation import Operation, OperationStatus

if TYPE_CHECKING:
    import os
    import subprocess

    from .matcher import Matcher
    from .trace_monitor import FuseTraceMonitor

__all__ = [
    "FuseLogCapture", "FuseOperation", "OperationStatistics", "OperationTiming", "TimingAnalysis",
    "TimingAnalyzer", "measure_mount_time", "wait_for_file_creation", "wait_for_path_operation",
    "wait_for_sync_operations",
]

FuseOperation = Operation
"""The name that earlier suites have for an operation."""

_CREATING = "create,link,mknod,rename,symlink"


@dataclass
class OperationTiming:
    """When one operation began and ended; a plain value that tests may make themselves.

    Times are seconds of `time.monotonic()`, of a log its own clock; None is what is not known.
    """

    operation: str
    start_time: float | None
    end_time: float | None
    duration_ms: float | None
    path: str | None
    thread_id: str | None
    details: dict[str, Any] = field(default_factory=dict)
    status: OperationStatus = OperationStatus.STARTED
    error: str | None = None
    """Name of the errno, such as "ENOENT"."""
    span_id: str | None = None
    """What tells this request from others that run: the kernel's number of it."""

    @classmethod
    def from_operation(cls, operation: Operation) -> OperationTiming:
        """The timing of an operation of a monitor."""
        unique = operation.unique
        return cls(
            operation=operation.operation,
            start_time=operation.start_time,
            end_time=operation.end_time,
            duration_ms=operation.duration_ms,
            path=operation.path,
            thread_id=operation.thread_id,
            details=operation.details,
            status=operation.status,
            error=operation.error,
            span_id=None if unique is None else str(unique),
        )


class FuseLogCapture:
    """What a filesystem's process prints, and the operations that it tells of.

    The process's pipes are read from construction on, for ever, so that it never blocks on a full
    one. Where the kernel can be traced, `FuseTraceMonitor` sees more.

    Args:
        process: a subprocess.Popen with pipes as its stdout, stderr or both. Of one without, whose
            output others read (`FuseManager.get_output()`), the operations are the kernel's.

    Example:
        >>> with FuseLogCapture(process) as capture:                     # doctest: +SKIP
        ...     Path("/mnt/a.txt").write_text("hello")
        >>> print(TimingAnalyzer().report(capture.analyze_operations())) # doctest: +SKIP
    """

    def __init__(self, process: subprocess.Popen[Any]) -> None:
        from .trace_monitor import FuseTraceMonitor

        self.process = process
        has_pipes = process.stdout is not None or process.stderr is not None
        self._monitor = FuseTraceMonitor(process, source="log" if has_pipes else "kernel")

    @property
    def monitor(self) -> FuseTraceMonitor:
        """The monitor that reads the output: for waits."""
        return self._monitor

    def start_capture(self) -> None:
        """Begins to capture. What was printed before is lost only to `analyze_operations()`."""
        self._monitor.start_capture()

    def stop_capture(self) -> None:
        """Ends the capture; again is fine. What was captured stays."""
        self._monitor.stop_capture()

    def __enter__(self) -> FuseLogCapture:
        self.start_capture()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop_capture()

    def get_logs(self) -> list[str]:
        """The last lines that the process printed, 64 KiB of them."""
        return self._monitor.get_logs()

    @property
    def log_lines(self) -> list[str]:
        """The same as get_logs()."""
        return self.get_logs()

    def analyze_operations(self) -> list[OperationTiming]:
        """The operations that have been answered since the capture began, in order."""
        return [OperationTiming.from_operation(one) for one in self._monitor.completed_operations]


# ---- analysis ----


class Timed(Protocol):
    """What can be analysed: an OperationTiming, an Operation, or what looks like one."""

    @property
    def operation(self) -> str: ...
    @property
    def duration_ms(self) -> float | None: ...
    @property
    def path(self) -> str | None: ...


class OperationStatistics(TypedDict):
    """Durations of one operation name, in milliseconds; percentiles by nearest rank."""

    count: int
    min_ms: float
    max_ms: float
    avg_ms: float
    total_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class TimingAnalysis(TypedDict):
    """What `TimingAnalyzer.analyze_timings()` finds."""

    total_operations: int
    """Also those without a duration."""
    total_time_ms: float
    slow_operations: list[Any]
    """Those given that took longer than the threshold, the slowest first."""
    operation_stats: dict[str, OperationStatistics]


class TimingAnalyzer:
    """Statistics of a list of operations, which ones were slow, and both as text.

    Args:
        slow_threshold_ms: what took longer is slow, in milliseconds.

    Example:
        >>> analyzer = TimingAnalyzer(slow_threshold_ms=10)
        >>> analysis = analyzer.analyze_timings(monitor.completed_operations) # doctest: +SKIP
        >>> analysis["operation_stats"]["write"]["p95_ms"]                    # doctest: +SKIP
        0.042
    """

    SHOWN_SLOW = 10
    """How many slow operations the report names."""

    def __init__(self, slow_threshold_ms: float = 100.0) -> None:
        self.slow_threshold_ms = slow_threshold_ms

    @staticmethod
    def group_by_operation(timings: Iterable[Timed]) -> dict[str, list[Any]]:
        """The timings of each operation name, in the order given."""
        groups: dict[str, list[Any]] = {}
        for timing in timings:
            groups.setdefault(timing.operation, []).append(timing)
        return groups

    @staticmethod
    def statistics(timings: Iterable[Timed]) -> dict[str, OperationStatistics]:
        """Counts and durations by operation name, without what has no duration."""
        durations: dict[str, list[float]] = {}
        for timing in timings:
            if timing.duration_ms is not None:
                durations.setdefault(timing.operation, []).append(timing.duration_ms)
        return {name: _statistics_of(found) for name, found in durations.items()}

    def slow_operations(
        self, timings: Iterable[Timed], threshold_ms: float | None = None
    ) -> list[Any]:
        """What took longer than the threshold (ms, by default the analyzer's), slowest first."""
        limit = self.slow_threshold_ms if threshold_ms is None else threshold_ms
        found = [(one.duration_ms, one) for one in timings if (one.duration_ms or 0) > limit]
        return [one for _, one in sorted(found, key=lambda pair: -(pair[0] or 0))]

    def analyze_timings(self, timings: Iterable[Timed]) -> TimingAnalysis:
        """All of it at once, as a dict for `generate_report()` and for assertions."""
        found = list(timings)
        return {
            "total_operations": len(found),
            "total_time_ms": sum(one.duration_ms or 0.0 for one in found),
            "slow_operations": self.slow_operations(found),
            "operation_stats": self.statistics(found),
        }

    def generate_report(self, analysis: TimingAnalysis) -> str:
        """An analysis as text: a table of the names, the most time first, and what was slow."""
        lines = [
            f"{analysis['total_operations']} operations took "
            f"{_duration(analysis['total_time_ms'])} in all",
        ]
        if analysis["operation_stats"]:
            lines += ["", *_table(analysis["operation_stats"])]
        slow = analysis["slow_operations"]
        if slow:
            lines += ["", f"{len(slow)} took longer than {_duration(self.slow_threshold_ms)}:"]
            lines += [_slow_line(one) for one in slow[: self.SHOWN_SLOW]]
        if len(slow) > self.SHOWN_SLOW:
            lines.append(f"  ... and {len(slow) - self.SHOWN_SLOW} more")
        return "\n".join(lines)

    def report(self, timings: Iterable[Timed]) -> str:
        """`analyze_timings()` and `generate_report()` in one."""
        return self.generate_report(self.analyze_timings(timings))


def _statistics_of(durations: list[float]) -> OperationStatistics:
    ordered = sorted(durations)
    total = sum(ordered)
    return {
        "count": len(ordered),
        "min_ms": ordered[0],
        "max_ms": ordered[-1],
        "avg_ms": total / len(ordered),
        "total_ms": total,
        "p50_ms": _percentile(ordered, 50),
        "p95_ms": _percentile(ordered, 95),
        "p99_ms": _percentile(ordered, 99),
    }


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """Nearest rank: no more than so many per cent are smaller, and it is one of the values."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


def _duration(duration_ms: float) -> str:
    from .text import format_duration

    return format_duration(round(duration_ms * 1e6))


def _table(statistics: dict[str, OperationStatistics]) -> list[str]:
    from .text import escape

    def line(*cells: str) -> str:
        return f"{cells[0]:<15} {cells[1]:>8}" + "".join(f" {cell:>8}" for cell in cells[2:])

    rows = sorted(statistics.items(), key=lambda item: (-item[1]["total_ms"], item[0]))
    lines = [line("OP", "COUNT", "TOTAL", "MEAN", "MIN", "P50", "P95", "MAX")]
    for name, one in rows:
        times = (one["total_ms"], one["avg_ms"], one["min_ms"], one["p50_ms"], one["p95_ms"],
                 one["max_ms"])
        lines.append(line(escape(name), str(one["count"]), *map(_duration, times)))
    return lines


def _slow_line(timing: Timed) -> str:
    from .text import escape

    path = "" if timing.path is None else f"  {escape(timing.path)}"
    return f"  {escape(timing.operation):<15} {_duration(timing.duration_ms or 0):>8}{path}"


# ---- waits ----


def wait_for_path_operation(
    trace_monitor: FuseTraceMonitor,
    operation: str | Matcher,
    path: str | os.PathLike[str],
    timeout: float | None = 5.0,
) -> bool:
    """Waits until an operation on a path has completed.

    Failures that the kernel expects (probes) are passed over. Looks back as
    `FuseTraceMonitor.wait_for_operation()` does; its report goes where that one's goes.

    Args:
        trace_monitor: a monitor that captures.
        operation: its name, "write", or `op(...)`.
        path: in the mount ("/a.txt") or under the mountpoint.
        timeout: seconds.

    Returns:
        True when it completed; False when it failed and no other one completed, or on timeout.
    """
    return _has_completed(trace_monitor, operation, path, timeout, lambda _: True)


def wait_for_file_creation(
    trace_monitor: FuseTraceMonitor, filepath: str | os.PathLike[str], timeout: float | None = 5.0
) -> bool:
    """Waits until a file was made under this very name: by creating, linking or renaming.

    Args:
        trace_monitor: a monitor that captures.
        filepath: in the mount ("/a.txt") or under the mountpoint.
        timeout: seconds.

    Returns:
        True when it was made; False when that failed, or on timeout.
    """
    inside = trace_monitor._ready()._paths.inside(filepath)

    def is_made_there(operation: Operation) -> bool:
        is_second = operation.operation in ("link", "rename")
        return (operation.path2 if is_second else operation.path) == inside

    return _has_completed(trace_monitor, _CREATING, filepath, timeout, is_made_there)


def _has_completed(
    monitor: FuseTraceMonitor,
    operation: str | Matcher,
    path: str | os.PathLike[str],
    timeout: float | None,
    check: Callable[[Operation], bool],
) -> bool:
    first = monitor.wait_for_operation(
        operation, path, timeout, lambda one: not one.is_probe and check(one))
    if first is None or first.status is OperationStatus.COMPLETED:
        return first is not None
    # One that failed ends the wait; but it may have been tried again since, with success.
    again = monitor.wait_for_operation(
        operation, path, 0, lambda one: one.status is OperationStatus.COMPLETED and check(one))
    return again is not None


def wait_for_sync_operations(
    trace_monitor: FuseTraceMonitor,
    operations: Sequence[str | Matcher],
    timeout: float | None = 5.0,
) -> bool:
    """Waits until all of several operations were answered, each an own one: two writes need two.

    Args:
        trace_monitor: a monitor that captures.
        operations: names or `op(...)`.
        timeout: seconds for all of them.

    Returns:
        True when there were all of them; False on timeout.
    """
    found = trace_monitor.wait_for_operations(list(operations), timeout)
    return len(found) == len(operations)


def measure_mount_time(mount_fn: Callable[[], object]) -> float:
    """Calls mount_fn and returns how long it took, in seconds of CLOCK_MONOTONIC.

    What it raises goes through. `FuseManager.mount()` returns when the filesystem is mounted, so
    that this is the time until it can be used.

    Example:
        >>> measure_mount_time(lambda: manager.mount(config))            # doctest: +SKIP
        0.021
    """
    import time

    start = time.monotonic()
    mount_fn()
    return time.monotonic() - start
