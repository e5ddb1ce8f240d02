# SPDX-License-Identifier: MIT
"""Monitor: sees the operations of one FUSE mount, and waits for them.

The calls of this class raise, and explain what happened instead. `FuseTraceMonitor` adds those of
the specification, which return None or False. When it begins and ends is in capture.py.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from . import targets, timeouts
from .capture import MAX_OPERATIONS, Capture
from .errors import DaemonDied, FuseTraceError
from .expectation import Expectation, Forbidden
from .matcher import Check, Matcher, PathLike, as_matcher, several
from .operation import Mark, Operation, OperationStatus
from .view import View
from .waits import timed

if TYPE_CHECKING:
    from .summary import Summary


def _search_of(pattern: re.Pattern[str]) -> Callable[[bytes], object]:
    return lambda line: pattern.search(os.fsdecode(line))


class Monitor(Capture):
    """A monitor of one mount. Any number of threads may use it; after fork() the child may not.

    Args:
        target: a subprocess.Popen (the filesystem's process; what it prints into pipes is read
            from now on, for as long as it runs), the id of such a process, or a mountpoint.
        source: where operations come from: "kernel" (BPF, needs root), "log" (what the daemon
            prints), "auto" (the kernel where it can be used, else the log).
        max_operations: how many are kept; the oldest go first. Counts outlive them.

    Raises:
        MountError: the path is not on a FUSE mount.
        ProcessLookupError: there is no such process.

    Example:
        >>> with Monitor("/mnt") as monitor:                             # doctest: +SKIP
        ...     with monitor.expect("release", path="/a.txt"):
        ...         Path("/mnt/a.txt").write_text("hello")
    """

    def __init__(self, target: targets.Target | None, *, source: str = "auto",
                 max_operations: int = MAX_OPERATIONS) -> None:
        super().__init__(target, source=source, max_operations=max_operations)
        self._expectations: list[Expectation] = []

    # ---- marks and history ----

    def mark(self) -> Mark:
        """A moment: what has happened before it is in the history, what begins later is not."""
        return Mark(*self._ready()._core.mark())

    def sync(self) -> int:
        """When it returns, all that had happened before is in the history; returns the number of
        the last operation."""
        return self.mark().seq

    @property
    def completed_operations(self) -> list[Operation]:
        """What has been answered since the capture began, the test began, or clear_completed(), in
        order; a new list each time."""
        return self._ready()._core.operations(self._since, ())

    @property
    def in_flight(self) -> list[Operation]:
        """What has no reply yet, oldest first."""
        return self._ready()._core.in_flight()

    @property
    def lost_events(self) -> int:
        """Events lost since the capture began, the test began, or clear_completed()."""
        return self._ready()._core.lost(self._since)

    def since(self, mark: Mark) -> View:
        """What has happened since a mark."""
        return View(self._ready(), mark)

    def summary(self) -> Summary:
        """Counts, failures and times of each operation since the capture began; also of those
        that the history has dropped."""
        from .summary import Summary

        core = self._ready()._core
        # The history is what merged tables take their percentiles from.
        return Summary.from_core(core.summary(), core.operations(None, ()), lost=core.lost(None))

    # ---- waits ----

    def expect(self, what: str | Matcher, path: PathLike | None = None, *,
               status: str | OperationStatus = "ok", errno: int | None = None,
               check_fn: Check | None = None, timeout: float | None = None,
               since: Mark | None = None, label: str | None = None,
               include_in_flight: bool = False, allow_failure: bool = False,
               start_timeout: float | None = None) -> Expectation:
        """Expects an operation that begins from now on; armed at once, waited for at the end of the
        with block, by `.wait()`, or by `await`.

        Args:
            what: name of the operation, or `op(...)`.
            path: see Matcher.
            status: "ok" (one that fails ends the wait with OperationFailed), "error" or "any".
            errno: the errno that it shall fail with; implies status "error".
            check_fn: last word, called with the operation in the waiting thread.
            timeout: seconds from the end of the with block on; 5 by default.
            since: count from this mark on instead of from now.
            label: said first when it fails.
            include_in_flight: an operation that had begun before counts, too.
            allow_failure: go on waiting when a matching operation fails.
            start_timeout: seconds, likewise, in which it must have begun; timeout by default. So
                what is never asked for is told soon, and what takes long has its time.

        Raises (when it is waited for):
            OperationTimeout, OperationFailed, DaemonDied, MountLost, EventsLost, MonitorStopped

        Example:
            >>> with monitor.expect("release", path=file) as release:    # doctest: +SKIP
            ...     file.write_text("hello")
            >>> release.operation.duration_ms                            # doctest: +SKIP
        """
        matcher = as_matcher(what).with_defaults(
            path=path, errno=errno, check_fn=check_fn, label=label,
            status=status, include_in_flight=include_in_flight,
            allow_failure=allow_failure, start_timeout=start_timeout)
        return Expectation(self._ready(), [matcher], "any", timeout=timeout, since=since,
                           is_single=True)

    def expect_all(self, what: Sequence[str | Matcher], *, order: str = "any",
                   status: str | OperationStatus = "ok", timeout: float | None = None,
                   since: Mark | None = None, label: str | None = None,
                   include_in_flight: bool = False, allow_failure: bool = False,
                   start_timeout: float | None = None) -> Expectation:
        """Expects several operations, each an own one (five creates need five).

        Args:
            what: names or `op(...)`.
            order: "any", "in_order" (others may come between), "strict" (none of these may; what
                comes by itself, such as a statfs, is passed over unless it is named).

        The result is a list in the order asked. Else as expect(), and OrderViolation.
        """
        matchers = [as_matcher(one).with_defaults(
            status=status, label=label, include_in_flight=include_in_flight,
            allow_failure=allow_failure, start_timeout=start_timeout) for one in several(what)]
        return Expectation(self._ready(), matchers, order, timeout=timeout, since=since,
                           is_single=False)

    def forbid(self, what: str | Matcher = "*", path: PathLike | None = None, *,
               label: str | None = None, check_fn: Check | None = None) -> Forbidden:
        """A with block in which no such operation may be asked for; takes no time.

        Raises (at the end of the block):
            UnexpectedOperation: there was one. EventsLost: it cannot be told.
        """
        matcher = as_matcher(what).with_defaults(path=path, label=label, check_fn=check_fn)
        return Forbidden(self._ready(), matcher)

    @timed
    def expect_none(self, what: str | Matcher = "*", path: PathLike | None = None, *,
                    within: float = 0.0, since: Mark | None = None, label: str | None = None,
                    check_fn: Check | None = None) -> None:
        """No such operation since the mark (default: now), nor in the next `within` seconds.

        Raises:
            UnexpectedOperation: there was one. EventsLost: it cannot be told.
        """
        window = timeouts.window_ns(within, "within")
        matcher = as_matcher(what).with_defaults(path=path, label=label, check_fn=check_fn)
        mark = self.mark() if since is None else since
        self._core.wait_none(mark, (matcher.tuple_for(self._paths),), window)

    @timed
    def wait_for_idle(self, *, quiet: float = 0.05, timeout: float | None = None) -> None:
        """Waits until nothing is in flight and nothing new has come for `quiet` seconds. Waiting
        for what you mean is better: a filesystem may be quiet before it has begun.

        Raises:
            OperationTimeout: names what kept it busy.
        """
        quiet_ns = timeouts.window_ns(quiet, "quiet")
        end = timeouts.deadline(timeout)
        core = self._ready()._core
        try:
            self._await_mount(end)
            core.wait_idle(quiet_ns, 0 if timeout == 0 else timeouts.left_ns(end))
        except DaemonDied as error:
            raise self._with_end(error) from None

    @timed
    def wait_for_log(self, pattern: str | re.Pattern[str], *, timeout: float | None = None,
                     since: Mark | None = None, label: str | None = None) -> str:
        """Waits for a line that the daemon prints, and returns it: one that has ended since the mark,
        by default since the capture began, the test began, or clear_completed().

        Args:
            pattern: text that the line contains, or a compiled pattern that is searched in it.
            timeout: seconds; 5 by default.
            since: what was printed before this mark does not count.
            label: said first when it fails.

        Raises:
            OperationTimeout, DaemonDied, EventsLost, MonitorStopped
            FuseTraceError: the monitor reads no output: make it of the process, or add a log.

        Example:
            >>> mark = monitor.mark()                                    # doctest: +SKIP
            >>> file.read_text()                                         # doctest: +SKIP
            >>> monitor.wait_for_log("setup shared backing file", since=mark)  # doctest: +SKIP
        """
        text = os.fsencode(pattern) if isinstance(pattern, str) else None
        search = None if isinstance(pattern, str) else _search_of(pattern)
        name = None if isinstance(pattern, str) else os.fsencode(f"/{pattern.pattern}/")
        core = self._ready()._core
        line = core.wait_line(self._since if since is None else since, text, search, name,
                              None if label is None else os.fsencode(label),
                              timeouts.timeout_ns(timeout))
        return os.fsdecode(line)

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """One deadline for all waits of this thread in the with block."""
        with timeouts.within(seconds):
            yield

    def explain(self, what: str | Matcher = "*", path: PathLike | None = None, *,
                since: Mark | None = None) -> str:
        """The report that a wait for this would fail with now; says so when it would not fail."""
        matcher = as_matcher(what).with_defaults(path=path, include_in_flight=True)
        core = self._ready()._core
        try:
            found = core.wait(self._since if since is None else since,
                              (matcher.tuple_for(self._paths),), 0, 0)
        except FuseTraceError as error:
            return str(error)
        return f"satisfied by {found[0]!r}"

    def interrupt(self) -> None:
        """Ends all waits of the monitor with WaitInterrupted; any thread, also a signal handler."""
        self._interrupts += 1
        self._core.interrupt()

    @contextlib.contextmanager
    def ignoring_thread(self) -> Iterator[None]:
        """What the calling thread asks of the mount in the with block is left out of history,
        counts and idle: for probes that must not count themselves."""
        thread = threading.get_native_id()
        self._core.ignore(thread, True)
        try:
            yield
        finally:
            self._core.ignore(thread, False)

    def unawaited_expectations(self) -> list[Expectation]:
        """Expectations that nobody has waited for yet; see Expectation.where."""
        with self._lock:
            self._expectations = [one for one in self._expectations if one.is_open]
            return list(self._expectations)

    def _register(self, expectation: Expectation) -> None:
        with self._lock:
            self._expectations = [one for one in self._expectations if one.is_open]
            self._expectations.append(expectation)
