# SPDX-License-Identifier: MIT
"""Monitor: sees the operations of one FUSE mount, and waits for them.

The calls of this class raise, and explain what happened instead. `FuseTraceMonitor` adds those of
the specification, which return None or False.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _core, targets, timeouts
from .errors import DaemonDied, FuseTraceError, MonitorStopped, OperationTimeout
from .expectation import Expectation, Forbidden
from .matcher import Check, Matcher, PathLike, as_matcher
from .operation import Mark, Operation, OperationStatus
from .paths import MountPaths

if TYPE_CHECKING:
    from .summary import Summary

_SOURCES = {"auto": 0, "kernel": 1, "log": 2, "replay": 3}
_SOURCE_NAMES = {number: name for name, number in _SOURCES.items()}
_STATES = ("new", "pending", "mounted", "unmounted", "gone", "stopped")
_MOUNTED = 2
_PENDING_FLAG = 2
_BEGINNING = Mark(0, 0, 0)
_MAX_OPERATIONS = 1 << 20


class Monitor:
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
                 max_operations: int = _MAX_OPERATIONS) -> None:
        if source not in _SOURCES:
            raise ValueError(f"source {source!r}: give 'auto', 'kernel' or 'log'")
        found = targets.Resolved() if target is None else targets.resolve(target)
        self._source = source
        self._process = found.process
        self._pid = found.pid
        self._max_operations = max_operations
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._has_started = False
        self._since = _BEGINNING
        self._paths = MountPaths()
        self._pipes: list[int] = []
        self._expectations: list[Expectation] = []
        self._core = self._make_core(found.mountpoint)
        for descriptor in found.pipes:
            self.add_log_fd(descriptor)

    @classmethod
    def pending(cls, *, source: str = "auto", max_operations: int = _MAX_OPERATIONS) -> Any:
        """A monitor of a mount to come: start it, start the daemon, then `follow()` the daemon. The
        trace then begins with INIT."""
        return cls(None, source=source, max_operations=max_operations)

    @classmethod
    def replay(cls, path: str | os.PathLike[str]) -> Any:
        """A monitor whose history is a recording (`save()`, `fusetrace ... -o FILE`)."""
        monitor = cls(None, source="replay")
        monitor.start_capture()
        with open(path, "rb") as file:
            while piece := file.read(1 << 18):
                monitor._core.feed(piece)
        monitor._core.feed_end()
        return monitor

    def _make_core(self, mountpoint: str | None) -> _core.Monitor[Operation]:
        is_replay = self._source == "replay"
        return _core.Monitor(
            None if mountpoint is None else os.fsencode(mountpoint),
            _SOURCES[self._source], 0 if mountpoint or is_replay else _PENDING_FLAG,
            self._max_operations, Operation)

    # ---- life ----

    def start_capture(self) -> None:
        """Begins to trace; when it returns, every later request is seen.

        Raises:
            TraceUnavailable: neither kernel nor log can be the source; says why.
            DaemonDied: the process had ended before.
        """
        self._check_owner()
        with self._lock:
            if self._has_started:
                raise FuseTraceError("the capture was started before; make a new monitor")
            self._check_process()
            self._core.start()
            self._has_started = True
            if self._pid is not None:
                self._follow(self._pid)
            self._since = Mark(*self._core.mark()) if self._core.mountpoint else _BEGINNING

    def _check_process(self) -> None:
        code = self._process.poll() if self._process is not None else None
        if self._process is not None and code is not None:
            lines = "".join(f"\n  {line}" for line in self.get_logs()[-10:])
            raise DaemonDied(f"the filesystem's process {self._process.pid} "
                             f"{targets.describe_end(code)}{lines}")

    def _follow(self, pid: int) -> None:
        try:
            self._core.follow(pid)
        except ProcessLookupError:
            pass  # its end is told by the state

    def follow(self, process: targets.ProcessLike | int) -> None:
        """Names the daemon of a pending monitor: the next FUSE mount that it or a descendant makes
        is the monitor's."""
        self._check_owner()
        if isinstance(process, int):
            self._pid = process
        else:
            self._process, self._pid = process, process.pid
        if self._has_started:
            self._core.follow(self._pid)

    def stop_capture(self) -> None:
        """Ends the trace; waits of other threads end with MonitorStopped. Again is fine. What was
        seen stays; what the daemon prints is still read, so that it never blocks."""
        if os.getpid() != self._owner:
            return
        self._core.stop()
        with self._lock:
            pipes, self._pipes = self._pipes, []
        if pipes:
            from .pipes import drain

            for descriptor in pipes:
                drain(descriptor)

    def __enter__(self) -> Any:
        if not self._has_started:
            self.start_capture()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop_capture()

    def __del__(self) -> None:
        # Whoever forgets the monitor must not stop a daemon that goes on printing.
        if getattr(self, "_pipes", None) and os.getpid() == self._owner:
            with contextlib.suppress(Exception):
                self.stop_capture()

    def add_log_fd(self, descriptor: int) -> None:
        """Reads what the daemon prints from this descriptor, and owns it from now on."""
        import fcntl

        self._check_owner()
        self._pipes.append(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3))
        self._core.add_log_fd(descriptor)

    def add_log_file(self, path: str | os.PathLike[str], *, from_beginning: bool = False) -> None:
        """Follows a log file as it grows, also through rotation."""
        self._check_owner()
        self._core.add_log_file(os.fsencode(path), from_beginning)

    @property
    def is_capturing(self) -> bool:
        """Whether it was started and not stopped."""
        return self._has_started and self.state != "stopped"

    @property
    def source(self) -> str:
        """Where operations come from, once it was started: "kernel", "log", "replay"."""
        return _SOURCE_NAMES[self._core.source]

    @property
    def state(self) -> str:
        """"new", "pending", "mounted", "unmounted", "gone" (the daemon ended) or "stopped"."""
        self._check_owner()
        return _STATES[self._core.state]

    @property
    def mountpoint(self) -> Path | None:
        """Where the filesystem is mounted; None while nothing is."""
        found = self._core.mountpoint
        return None if found is None else Path(os.fsdecode(found))

    @property
    def daemon_pids(self) -> list[int]:
        """The daemon's process ids, as far as the kernel tells."""
        return self._core.daemons()

    def wait_for_mount(self, timeout: float | None = None) -> None:
        """Waits until the filesystem is mounted.

        Args:
            timeout: seconds; 30 by default.

        Raises:
            DaemonDied, MonitorStopped, OperationTimeout
        """
        limit = timeouts.settings.mount if timeout is None else timeout
        try:
            self._ready()._core.wait_state(_MOUNTED, timeouts.timeout_ns(limit))
        except OperationTimeout:
            raise OperationTimeout(f"nothing was mounted within {limit:g} s"
                                   f"{self._last_lines()}") from None
        except DaemonDied:
            raise DaemonDied(f"the daemon ended before it had mounted anything"
                             f"{self._last_lines()}") from None

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

    def get_logs(self) -> list[str]:
        """The last lines that the daemon printed, 64 KiB of them."""
        return [os.fsdecode(line) for line in self._core.log_lines()]

    def summary(self) -> Summary:
        """Counts, failures and times of each operation since the capture began; also of those
        that the history has dropped."""
        from .summary import Summary

        return Summary.from_core(self._ready()._core.summary(), lost=self._core.lost(None))

    # ---- waits ----

    def expect(self, what: str | Matcher, path: PathLike | None = None, *,
               status: str | OperationStatus = "ok", errno: int | None = None,
               check_fn: Check | None = None, timeout: float | None = None,
               since: Mark | None = None, label: str | None = None,
               include_in_flight: bool = False, allow_failure: bool = False) -> Expectation:
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

        Raises (when it is waited for):
            OperationTimeout, OperationFailed, DaemonDied, MountLost, EventsLost, MonitorStopped

        Example:
            >>> with monitor.expect("release", path=file) as release:    # doctest: +SKIP
            ...     file.write_text("hello")
            >>> release.operation.duration_ms                            # doctest: +SKIP
        """
        matcher = as_matcher(what).with_defaults(
            path=path, errno=errno, check_fn=check_fn, label=label,
            status="error" if errno else status, include_in_flight=include_in_flight,
            allow_failure=allow_failure)
        return Expectation(self._ready(), [matcher], "any", timeout=timeout, since=since,
                           is_single=True)

    def expect_all(self, what: Sequence[str | Matcher], *, order: str = "any",
                   status: str | OperationStatus = "ok", timeout: float | None = None,
                   since: Mark | None = None, label: str | None = None,
                   include_in_flight: bool = False, allow_failure: bool = False) -> Expectation:
        """Expects several operations, each an own one (five creates need five).

        Args:
            what: names or `op(...)`.
            order: "any", "in_order" (others may come between), "strict" (none of these may).

        The result is a list in the order asked. Else as expect(), and OrderViolation.
        """
        matchers = [as_matcher(one).with_defaults(
            status=status, label=label, include_in_flight=include_in_flight,
            allow_failure=allow_failure) for one in what]
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

    def wait_for_idle(self, quiet: float = 0.05, timeout: float | None = None) -> None:
        """Waits until nothing is in flight and nothing new has come for `quiet` seconds. Waiting
        for what you mean is better: a filesystem may be quiet before it has begun.

        Raises:
            OperationTimeout: names what kept it busy.
        """
        quiet_ns = timeouts.window_ns(quiet, "quiet")
        self._ready()._core.wait_idle(quiet_ns, timeouts.timeout_ns(timeout))

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """One deadline for all waits of this thread in the with block."""
        with timeouts.within(seconds):
            yield

    def explain(self, what: str | Matcher = "*", path: PathLike | None = None, *,
                since: Mark | None = None) -> str:
        """The report that a wait for this would fail with now; says so when it would not fail."""
        matcher = as_matcher(what).with_defaults(path=path, include_in_flight=True)
        try:
            found = self._ready()._core.wait(self._since if since is None else since,
                                             (matcher.tuple_for(self._paths),), 0, 0)
        except FuseTraceError as error:
            return str(error)
        return f"satisfied by {found[0]!r}"

    def interrupt(self) -> None:
        """Ends all waits of the monitor with WaitInterrupted; any thread."""
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

    # ---- for the modules of this package ----

    def _ready(self) -> Monitor:
        self._check_owner()
        if not self._has_started:
            raise MonitorStopped("the capture was not started: call start_capture() first")
        if self._paths.mountpoint is None and self._core.mountpoint is not None:
            self._paths.add_root(os.fsdecode(self._core.mountpoint))
        return self

    def _check_owner(self) -> None:
        if os.getpid() != self._owner:
            raise FuseTraceError(f"this monitor belongs to process {self._owner}: after fork() the "
                                 f"child must make its own")

    def _register(self, expectation: Expectation) -> None:
        with self._lock:
            self._expectations = [one for one in self._expectations if one.is_open]
            self._expectations.append(expectation)

    def _last_lines(self) -> str:
        return "".join(f"\n  {line}" for line in self.get_logs()[-10:])


class View:
    """What has happened in a monitor since a mark; looked up anew at each call."""

    def __init__(self, monitor: Monitor, mark: Mark) -> None:
        self._monitor = monitor
        self.mark = mark

    def _find(self, what: str | Matcher, path: PathLike | None = None,
              status: str = "any") -> list[Operation]:
        matcher = as_matcher(what).with_defaults(path=path, status=status)
        found = self._monitor._core.operations(
            self.mark, (Matcher(**{**vars(matcher), "check_fn": None})
                        .tuple_for(self._monitor._paths),))
        check = matcher.check_fn
        return found if check is None else [one for one in found if check(one)]

    @property
    def operations(self) -> list[Operation]:
        """All of them, in order."""
        return self._find("*")

    @property
    def failed(self) -> list[Operation]:
        """Those that failed, without the failures that the kernel expects (probes)."""
        return [one for one in self._find("*", status="error") if not one.is_probe]

    @property
    def lost(self) -> int:
        """Events lost since the mark."""
        return self._monitor._core.lost(self.mark)

    def matching(self, what: str | Matcher, path: PathLike | None = None) -> list[Operation]:
        """Those that match."""
        return self._find(what, path)

    def count(self, what: str | Matcher = "*", path: PathLike | None = None) -> int:
        """How many match; EventsLost when events were lost, as the number may be larger."""
        from .errors import EventsLost

        number = len(self._find(what, path))
        if self.lost:
            raise EventsLost(f"{self.lost} events were lost since the mark: at least {number}")
        return number
