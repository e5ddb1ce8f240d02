# SPDX-License-Identifier: MIT
"""Capture: the life of a monitor. What it is pointed at, from when to when it traces, who reads what
the daemon prints, and how the daemon ended."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import TypeVar

from . import _core, targets, timeouts
from .daemon_output import DaemonOutput
from .errors import (
    DaemonDied,
    FuseTraceError,
    MonitorStopped,
    OperationTimeout,
    WaitInterrupted,
)
from .operation import Mark, Operation
from .paths import MountPaths

_SOURCES = {"auto": 0, "kernel": 1, "log": 2, "replay": 3}
_SOURCE_NAMES = {number: name for name, number in _SOURCES.items()}
_STATES = ("new", "pending", "mounted", "unmounted", "gone", "stopped")
_PENDING, _MOUNTED, _STOPPED = 1, 2, 5
_PENDING_FLAG = 2
_BEGINNING = Mark(0, 0, 0)
MAX_OPERATIONS = 1 << 20
# How soon it is noticed that a process ended before it had a mount, which no event tells.
_LOOK_NS = 20_000_000
_LINES_SHOWN = 10
_LINE_LENGTH = 200

C = TypeVar("C", bound="Capture")


class Capture:
    """What Monitor is made on; see there."""

    def __init__(self, target: targets.Target | None, *, source: str = "auto",
                 max_operations: int = MAX_OPERATIONS) -> None:
        if source not in _SOURCES:
            raise ValueError(f"source {source!r}: give 'auto', 'kernel' or 'log'")
        if max_operations < 1:
            raise ValueError(f"max_operations must be at least 1, not {max_operations!r}")
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
        self._output = DaemonOutput()
        self._daemon_pids: list[int] = []
        self._interrupts = 0
        self._trace_path: bytes | None = None
        self._core = self._make_core(found.mountpoint)
        if self._process is not None:
            self._add_pipes(self._process)

    @classmethod
    def pending(cls: type[C], *, source: str = "auto",
                max_operations: int = MAX_OPERATIONS) -> C:
        """A monitor of a mount to come: start it, start the daemon, then `follow()` the daemon. The
        trace then begins with INIT."""
        return cls(None, source=source, max_operations=max_operations)

    @classmethod
    def replay(cls: type[C], path: str | os.PathLike[str], *,
               max_operations: int = MAX_OPERATIONS) -> C:
        """A monitor whose history is a recording (`save()`, `fusetrace ... -o FILE`).

        Raises:
            ValueError: a line is no record; says which.
        """
        monitor = cls(None, source="replay", max_operations=max_operations)
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

    def _add_pipes(self, process: targets.ProcessLike) -> None:
        for descriptor in targets.pipes_of(process):
            self.add_log_fd(descriptor)

    # ---- life ----

    def start_capture(self) -> None:
        """Begins to trace; when it returns, every later request is seen. Again is fine, but not
        after stop_capture().

        Raises:
            TraceUnavailable: neither kernel nor log can be the source; says why.
            DaemonDied: the process had ended before.
            MonitorStopped: it was stopped; make a new monitor.
        """
        self._check_owner()
        with self._lock:
            if self._core.state == _STOPPED:
                raise MonitorStopped("the capture was stopped: make a new monitor to trace again")
            if self._has_started:
                return
            self._check_process()
            self._begin()
            self._core.set_timeout_scale(timeouts.scale())
            self._core.set_trace_path(self._trace_path)
            self._has_started = True
            is_mounted = self._core.state >= _MOUNTED and self._source != "replay"
            self._since = Mark(*self._core.mark()) if is_mounted else _BEGINNING

    def _begin(self) -> None:
        """Starts the library's monitor: of the mount that is there, or of the one to come."""
        while True:
            mountpoint = self._find_mountpoint()
            if mountpoint is not None:
                self._core = self._make_core(mountpoint)
            self._output.hand_to(self._core, is_parsed=self._source == "log")
            try:
                self._core.start()
            except BaseException:
                self._output.take_back()
                raise
            if self._pid is not None:
                with contextlib.suppress(ProcessLookupError):  # its end is told by the state
                    self._core.follow(self._pid)
            # What was mounted a moment before the start is taken for someone else's mount.
            if self._find_mountpoint() is None or self._comes_by_itself():
                return
            self._core.stop()

    def _find_mountpoint(self) -> str | None:
        """Of the process, when the library does not know of it yet."""
        if self._pid is None or self._core.mountpoint is not None:
            return None
        return targets.mountpoint_of(self._pid)

    def _comes_by_itself(self) -> bool:
        try:
            self._core.wait_state(_MOUNTED, _LOOK_NS)
        except OperationTimeout:
            return False
        except FuseTraceError:
            pass  # it has gone again
        return True

    def _check_process(self) -> None:
        pid = self._pid
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            pid, end = self._process.pid, targets.describe_end(code)
            if code == 0:
                end += " (a daemon that goes into the background is monitored by its mountpoint)"
        elif pid is None or targets.is_alive(pid):
            return
        else:
            end = "has ended"
        raise DaemonDied(f"the filesystem's process {pid} {end}{self._last_lines()}")

    def follow(self, process: targets.ProcessLike | int) -> None:
        """Names the daemon of a pending monitor: the next FUSE mount that it or a descendant makes
        is the monitor's. The pipes of a process object are read from now on."""
        self._check_owner()
        if isinstance(process, int):
            self._pid = process
        else:
            self._process, self._pid = process, process.pid
            self._add_pipes(process)
        if self._has_started:
            self._core.follow(self._pid)

    def stop_capture(self) -> None:
        """Ends the trace; waits of other threads end with MonitorStopped. Again is fine. What was
        seen stays; what the daemon prints is still read, so that it never blocks."""
        if os.getpid() != self._owner:
            return
        self._core.stop()
        with self._lock:
            self._output.let_go()

    def __enter__(self: C) -> C:
        self.start_capture()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop_capture()

    def add_log_fd(self, descriptor: int) -> None:
        """Reads what the daemon prints from this descriptor, and owns it from now on.

        Raises:
            ValueError: it is neither a pipe nor a socket nor a terminal.
        """
        self._check_owner()
        self._output.add_fd(descriptor, self._core)

    def add_log_file(self, path: str | os.PathLike[str], *, from_beginning: bool = False) -> None:
        """Follows a log file as it grows, also through rotation."""
        self._check_owner()
        self._output.add_file(os.fsencode(path), from_beginning, self._core)

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
        end = timeouts.deadline(limit)
        core = self._ready()._core
        try:
            self._await_mount(end)
            core.wait_state(_MOUNTED, timeouts.left_ns(end))
        except OperationTimeout:
            raise OperationTimeout(f"nothing was mounted within {limit:g} s"
                                   f"{self._last_lines()}") from None
        except DaemonDied as error:
            raise self._with_end(error) from None

    def _await_mount(self, end: float) -> None:
        """Returns when there is a mount or the time is over; DaemonDied when there cannot be one,
        which the library does not tell before it has seen the mount."""
        if self._core.mountpoint is not None or self._core.state != _PENDING:
            return
        interrupts = self._interrupts
        gone_since: float | None = None
        while True:
            left_ns = timeouts.left_ns(end)
            try:
                self._core.wait_state(_MOUNTED, min(left_ns, _LOOK_NS))
                return
            except OperationTimeout:
                pass
            code = self._process.poll() if self._process is not None else None
            if code:
                raise DaemonDied("the daemon ended before it had mounted anything")
            if self._process is None and self._pid is not None and not targets.is_alive(self._pid):
                # One that goes into the background leaves a child behind, which mounts soon.
                gone_since = gone_since or time.monotonic()
                if time.monotonic() - gone_since > 1.0:
                    raise DaemonDied("the daemon ended before it had mounted anything")
            if self._interrupts != interrupts:
                raise WaitInterrupted("interrupted while nothing was mounted yet")
            if left_ns == 0:
                return

    def get_logs(self) -> list[str]:
        """The last lines that the daemon printed, 64 KiB of them."""
        return [os.fsdecode(line) for line in self._output.lines(self._core)]

    @property
    def trace_path(self) -> str | None:
        """Where the trace will be saved, for reports to tell; None: nowhere."""
        return None if self._trace_path is None else os.fsdecode(self._trace_path)

    @trace_path.setter
    def trace_path(self, path: str | os.PathLike[str] | None) -> None:
        self._trace_path = None if path is None else os.fsencode(path)
        self._core.set_trace_path(self._trace_path)

    # ---- for the modules of this package ----

    def _ready(self: C) -> C:
        self._check_owner()
        if not self._has_started:
            raise MonitorStopped("the capture was not started: call start_capture() first")
        if self._paths.mountpoint is None and self._core.mountpoint is not None:
            self._paths.add_root(os.fsdecode(self._core.mountpoint))
        if not self._daemon_pids:
            self._daemon_pids = self._core.daemons()
        return self

    def _check_owner(self) -> None:
        if os.getpid() != self._owner:
            raise FuseTraceError(f"this monitor belongs to process {self._owner}: after fork() the "
                                 f"child must make its own")

    def _last_lines(self) -> str:
        return "".join(f"\n  printed : {line[:_LINE_LENGTH]}"
                       for line in self.get_logs()[-_LINES_SHOWN:])

    def _with_end(self, error: DaemonDied) -> DaemonDied:
        """The same with how the daemon ended and its last lines, as far as the library does not know
        them: of a process that never served a mount, or of a wrapper's child."""
        if "signal" in error.report or "exit_code" in error.report:
            return self._with_known_end(error)
        pid, code = self._end_of_daemon()
        text = str(error)
        report = {**error.report, "printed": self.get_logs()[-_LINES_SHOWN:]}
        if code is not None:
            text += f"\n  daemon  : process {pid} {targets.describe_end(code)}"
            report.update(daemon_pid=pid, exit_code=code)
        return DaemonDied(text + self._last_lines(), report=report, verdict=error.verdict,
                          code=error.code)

    def _with_known_end(self, error: DaemonDied) -> DaemonDied:
        report = dict(error.report)
        if "signal" in report:
            report["exit_code"] = -report["signal"]  # as subprocess has it
        lines = "" if "printed" in report else self._last_lines()
        report.setdefault("printed", self.get_logs()[-_LINES_SHOWN:])
        return DaemonDied(str(error) + lines, report=report, verdict=error.verdict,
                          code=error.code)

    def _end_of_daemon(self) -> tuple[int | None, int | None]:
        process = self._process
        ours = None if process is None else process.pid
        for pid in self._daemon_pids or ([] if ours is None else [ours]):
            if process is not None and pid == ours:
                code = targets.end_of(process)
            else:
                code = targets.end_of_child(pid)
            if code is not None:
                return pid, code
        # A wrapper tells of the daemon that it ran; one that left it in the background does not.
        code = None if process is None else process.poll()
        return (ours, code) if code else (None, None)
