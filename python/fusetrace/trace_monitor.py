# SPDX-License-Identifier: MIT
"""FuseTraceMonitor: the calls of the specification, over Monitor.

They return what they found, or None: a wait that was in vain is logged as a warning with its full
report and kept in `last_reports`, from where the pytest plugin puts it into the test's report, so
it never passes unseen. They look back to the capture's start, the test's start, or
clear_completed(), whichever was last, and do not consume: an operation may answer several waits.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import _core, timeouts
from .assignment import assign
from .errors import DaemonDied, EventsLost, FuseTraceError, OperationTimeout
from .matcher import Check, Matcher, PathLike, as_matcher, several
from .monitor import Monitor
from .operation import Mark, Operation
from .waits import timed

logger = logging.getLogger("fusetrace")

_REPORTS_MAX = 100
# A mistake in the test, not a wait in vain: these are raised.
MISTAKES = (errno.EDEADLK, errno.ECHILD)


@dataclass(frozen=True)
class WaitReport:
    """A wait that was in vain."""

    text: str
    verdict: str | None
    report: dict[str, Any]
    time: float
    """When it ended, seconds of `time.monotonic()`."""
    error: FuseTraceError | None = None
    """What a call that raises would have raised."""


observers: list[Callable[[WaitReport], None]] = []
"""Told of each wait in vain, on whichever monitor or on none, in the thread that waited. What one
raises, the wait raises: so a test runner makes waits strict."""


def tell(report: WaitReport) -> None:
    """Logs a wait in vain, and tells the observers."""
    __tracebackhide__ = True
    logger.warning("%s", report.text)
    for observer in tuple(observers):
        observer(report)


class FuseTraceMonitor(Monitor):
    """Sees the operations of a FUSE filesystem; see Monitor for its arguments and its other calls.

    Example:
        >>> trace_monitor = FuseTraceMonitor(fuse_process)           # doctest: +SKIP
        >>> trace_monitor.start_capture()                            # doctest: +SKIP
        >>> op = trace_monitor.wait_for_operation("create", path="/test.txt", timeout=2.0)
    """

    _reports: list[WaitReport] | None = None
    _consumed: set[int] | None = None

    # ---- waits ----

    @timed
    def wait_for_operation(self, operation: str | Matcher, path: PathLike | None = None,
                           timeout: float | None = 5.0, check_fn: Check | None = None, *,
                           consume: bool = False, since: Mark | None = None,
                           label: str | None = None) -> Operation | None:
        """Waits until an operation has been answered, with whatever result (see its status).

        Args:
            operation: its name, or `op(...)`.
            path: in the mount ("/a.txt"), or under the mountpoint; globs.
            timeout: seconds; 0: it must be there already.
            check_fn: called with each operation that matches so far, in this thread; an exception
                ends the wait.
            consume: each operation answers one such wait only.
            since: look back to this mark instead.
            label: said first in the report.

        Returns:
            The first such operation, or None (and a report, see last_reports).

        Raises:
            ValueError: no operation has that name, or the path is not in the mount.
            MonitorStopped: the capture was never started.
        """
        __tracebackhide__ = True
        matcher = as_matcher(operation).with_defaults(
            path=path, check_fn=check_fn, label=label, include_in_flight=True)
        end = timeouts.deadline(timeout)
        consumed = self._get_consumed() if consume else None
        while True:
            check = None if consumed is None else (lambda op: op.seq not in consumed)
            found = self._try_wait([matcher], since, end, timeout, check)
            if not found or consumed is None:
                return found[0] if found else None
            with self._lock:
                if found[0].seq not in consumed:
                    consumed.add(found[0].seq)
                    return found[0]

    @timed
    def wait_for_operations(self, operations: Sequence[str | Matcher],
                            timeout: float | None = 5.0, all_required: bool = True, *,
                            since: Mark | None = None) -> list[Operation]:
        """Waits until each of them has been answered, by an operation of its own: five creates
        need five operations.

        Args:
            operations: names or `op(...)`.
            timeout: seconds for all of them together.
            all_required: False: the first one that comes is enough.
            since: look back to this mark instead.

        Returns:
            The operations in the order asked; after a timeout those that came.
        """
        __tracebackhide__ = True
        matchers = [as_matcher(one).with_defaults(include_in_flight=True)
                    for one in several(operations)]
        end = timeouts.deadline(timeout)
        for one in matchers:
            one.tuple_for(self._ready()._paths)  # what is wrong with it is told at once
        if not matchers:
            return []
        if not all_required:
            return self._wait_for_any(matchers, since, end)
        found = self._try_wait(matchers, since, end, timeout)
        return found if found else self._assign(matchers, since)

    def _try_wait(self, matchers: list[Matcher], since: Mark | None, end: float,
                  timeout: float | None, check: Check | None = None) -> list[Operation]:
        """The operations, or an empty list and a report."""
        __tracebackhide__ = True
        core = self._ready()._core
        mark = self._since if since is None else since
        try:
            self._await_mount(end)
            tuples = [one.tuple_for(self._ready()._paths, check) for one in matchers]
            return core.wait(mark, tuples, 0, 0 if timeout == 0 else timeouts.left_ns(end))
        except FuseTraceError as error:
            self._report(error)
            return []

    def _wait_for_any(self, matchers: list[Matcher], since: Mark | None,
                      end: float) -> list[Operation]:
        """One match cannot say "this path or that name", so each gets an expectation of its own."""
        __tracebackhide__ = True
        mark = self._since if since is None else since
        core = self._ready()._core
        expects: list[_core.Expect[Operation]] = []
        try:
            self._await_mount(end)
            for one in matchers:
                expects.append(_core.Expect(core, mark, (one.tuple_for(self._ready()._paths),), 0))
            return self._first_of(expects, end)
        except FuseTraceError as error:
            self._report(error)
            return []
        finally:
            for expect in expects:
                expect.close()

    @staticmethod
    def _first_of(expects: list[_core.Expect[Operation]], end: float) -> list[Operation]:
        descriptors = [expect.fileno() for expect in expects]
        while True:
            has_passed = timeouts.left_ns(end) == 0
            for expect in expects:
                try:
                    return expect.wait(0, False)
                except (OperationTimeout, EventsLost):
                    pass  # what was not lost may still come
                except FuseTraceError:
                    return expect.wait(0)  # with its report
            if has_passed:
                return expects[-1].wait(0)
            _core.poll(descriptors, timeouts.left_ns(end))

    def _assign(self, matchers: list[Matcher], since: Mark | None) -> list[Operation]:
        """As many of them as what is there can answer, each by an operation of its own."""
        view = self.since(self._since if since is None else since)
        looked_up: dict[object, list[Operation]] = {}
        choices = []
        for one in matchers:
            key = (replace(one, check_fn=None), id(one.check_fn))
            if key not in looked_up:
                looked_up[key] = view.matching(one)
            choices.append(looked_up[key])
        taken = assign([[one.seq for one in found] for found in choices])
        return [next(one for one in found if one.seq == seq)
                for found, seq in zip(choices, taken) if seq is not None]

    def _get_consumed(self) -> set[int]:
        with self._lock:
            if self._consumed is None:
                self._consumed = set()
            return self._consumed

    # ---- counts ----

    def get_operation_count(self, operation: str | Matcher | None = None) -> int:
        """How many have been answered since the capture's start or clear_completed().

        Args:
            operation: its name, or `op(...)`; None: any.
        """
        if operation is None:
            operation = "*"
        if isinstance(operation, str):
            return self._ready()._core.count(self._since,
                                             (Matcher(operation).tuple_for(self._paths),))
        return len(self.since(self._since).matching(operation))

    def get_failed_operations(self, probes: bool = False) -> list[Operation]:
        """Those that failed since the capture's start or clear_completed().

        Args:
            probes: also failures that the kernel expects: the lookup of a name that is not there
                yet, an extended attribute that does not exist, the first ENOSYS of an optional
                operation, and the ioctl by which open() asks whether a file is a terminal. Every
                new file begins with one.
        """
        failed = self._ready()._core.operations(
            self._since, (Matcher(status="error").tuple_for(self._paths),))
        return failed if probes else [one for one in failed if not one.is_probe]

    def clear_completed(self) -> None:
        """Forgets what has been answered so far: counts, lists and waits begin anew here."""
        self._since = self.mark()

    # ---- reports ----

    @property
    def last_reports(self) -> list[WaitReport]:
        """The reports of waits that were in vain, oldest first, the last hundred."""
        with self._lock:
            return list(self._reports or ())

    def clear_reports(self) -> None:
        """Forgets them."""
        with self._lock:
            self._reports = None

    def _report(self, error: FuseTraceError) -> None:
        __tracebackhide__ = True
        if error.code in MISTAKES:
            raise error
        if isinstance(error, DaemonDied):
            error = self._with_end(error)
        self._add_report(str(error), error)

    def _add_report(self, text: str, error: FuseTraceError | None = None) -> None:
        __tracebackhide__ = True
        entry = WaitReport(text, None if error is None else error.verdict,
                           {} if error is None else error.report, time.monotonic(), error)
        with self._lock:
            self._reports = [*(self._reports or ()), entry][-_REPORTS_MAX:]
        tell(entry)

    # ---- beyond the specification ----

    def save(self, path: str | os.PathLike[str]) -> int:
        """Writes what the history holds as JSON lines (docs/json.md), which `fusetrace read` and
        Monitor.replay() take back, and among them the last waits, each behind what had ended before
        it; returns how many operations it wrote."""
        operations = self._ready()._core.operations(None, ()) + self.in_flight
        waits = self._ready()._core.waits()
        with open(path, "wb") as file:
            for operation in operations:
                while waits and operation.end_time is not None and \
                        waits[0][0] < operation.end_time * 1e9:
                    file.write(waits.pop(0)[1] + b"\n")
                file.write(operation._json() + b"\n")
            for _, line in waits:
                file.write(line + b"\n")
        return len(operations)

    def to_pandas(self) -> Any:
        """completed_operations as a pandas.DataFrame, a row each: seq, operation, path, path2,
        status, errno, error, start_time and end_time (s), duration_ms, pid, and the details.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise ImportError("to_pandas() needs pandas: pip install fusetrace[pandas]") from None
        columns = ("seq", "operation", "path", "path2", "status", "errno", "error", "start_time",
                   "end_time", "duration_ms", "pid")
        rows = []
        for one in self.completed_operations:
            row = {name: getattr(one, name) for name in columns}
            row["status"] = one.status.value
            rows.append({**one.details, **row})
        frame = pandas.DataFrame(rows)
        rest = [name for name in frame.columns if name not in columns]
        return frame.reindex(columns=[*columns, *rest])

    def plot_timeline(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Any:
        """A time line of completed_operations and what is in flight; see plots.plot_timeline."""
        from .plots import plot_timeline

        return plot_timeline(self.completed_operations + self.in_flight, path,
                             **{"mount": self.mountpoint, **options})

    def plot_latency(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Any:
        """How long each operation took; see plots.plot_latency."""
        from .plots import plot_latency

        return plot_latency(self.completed_operations, path,
                            **{"mount": self.mountpoint, **options})
