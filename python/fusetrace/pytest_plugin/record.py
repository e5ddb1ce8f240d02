# SPDX-License-Identifier: MIT
"""What the plugin remembers of one test: its mounts, its waits in vain, what they came to.

A record is made when the test uses the first fixture of the plugin, or begins in a process that has
imported the package. It lives until the test's teardown has been reported, so that a report can
still be made of a mount that is gone.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .settings import Settings, TestSettings, apply_timeouts, of_test, resolve

if TYPE_CHECKING:
    from fusetrace import FuseTraceMonitor, Operation
    from fusetrace.daemon import Daemon
    from fusetrace.trace_monitor import WaitReport


_RECORD = pytest.StashKey["TestRecord"]()
_SESSION = pytest.StashKey["SessionState"]()

_WAITS_MAX = 100
_MOUNTS_MAX = 16


# ---- of the session ----


@dataclass(eq=False)
class SessionState:
    """What the plugin keeps in a pytest process."""

    settings: Settings
    stderr: int
    """As it was before anything was captured."""
    live_records: list[TestRecord] = field(default_factory=list)
    """Records of tests that run now (one, or none)."""
    keeper: FuseTraceMonitor | None = None
    """Holds the kernel source, which takes 0.1 s to load, from one traced mount to the next."""

    @cached_property
    def missing_for_package(self) -> str | None:
        from .requirements import missing_for_package

        return missing_for_package()

    @cached_property
    def missing_for_mounts(self) -> str | None:
        """Why nothing can be mounted here, or None; asked once."""
        from .requirements import missing_for_mounts

        return self.missing_for_package or missing_for_mounts()


def session_of(config: pytest.Config) -> SessionState:
    """The state of this process; made by pytest_configure()."""
    state = config.stash.get(_SESSION, None)
    if state is None:
        state = config.stash[_SESSION] = SessionState(resolve(config), os.dup(2))
        apply_timeouts(state.settings)
    return state


def close_session(config: pytest.Config) -> None:
    """Undoes what session_of() did to the process."""
    state = config.stash.get(_SESSION, None)
    if state is None:
        return
    del config.stash[_SESSION]
    if state.keeper is not None:
        state.keeper.stop_capture()
    os.close(state.stderr)
    if "fusetrace.timeouts" in sys.modules:
        from fusetrace.timeouts import settings

        for name in ("default", "mount", "scale", "limit"):
            settings.__dict__.pop(name, None)  # back to the defaults of the class


# ---- of a test ----


@dataclass(eq=False)
class WatchedMount:
    """A mount of a test, also after it is gone."""

    mountpoint: Path
    daemon: Daemon

    @property
    def monitor(self) -> FuseTraceMonitor | None:
        """None when it is not traced."""
        return self.daemon.monitor

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self.daemon.process.pid

    def last_operations(self, count: int) -> list[Operation]:
        """The last ones since the test began; without reading a whole long history."""
        from fusetrace import Mark

        monitor = self.monitor
        if monitor is None:
            return []
        try:
            begin, end = monitor._since, monitor.mark().seq
        except Exception:  # stopped: what was seen stays
            return monitor.completed_operations[-count:]
        mark = begin if end - begin.seq <= count else Mark(end - count, 0, 0)
        return monitor._core.operations(mark, ())


@dataclass(eq=False)
class TestRecord:
    """Of one attempt at a test."""

    __test__ = False

    item: pytest.Item
    settings: TestSettings
    began: float = field(default_factory=time.monotonic)
    mounts: list[WatchedMount] = field(default_factory=list)
    """Those that are there, and the last ones that were: each keeps its history."""
    mount_count: int = 0
    waits: list[WaitReport] = field(default_factory=list)
    """Waits that were in vain, in any thread, on any monitor."""
    told_waits: int = 0
    """How many of them are in a section already."""
    notes: list[str] = field(default_factory=list)
    """What the plugin itself has to say, and has not said yet."""
    summaries: list[dict[str, Any]] = field(default_factory=list)
    """Of traced mounts that have been unmounted; see Summary.to_dict()."""
    lost_events: int = 0
    """Of the same."""
    phases: dict[str, pytest.TestReport] = field(default_factory=dict)
    has_saved: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add_wait(self, report: WaitReport) -> None:
        """A wait was in vain; called in its thread."""
        __tracebackhide__ = True
        if session_of(self.item.config).settings.is_raising:
            from fusetrace import OperationTimeout

            raise report.error or OperationTimeout(report.text, verdict=report.verdict)
        with self.lock:
            if len(self.waits) < _WAITS_MAX:
                self.waits.append(report)

    def add_mount(self, mountpoint: Path, daemon: Daemon) -> None:
        """A manager, of the plugin or not, has mounted something."""
        with self.lock:
            self.mount_count += 1
            gone = [one for one in self.mounts if one.daemon.process.poll() is not None]
            for one in gone[:len(self.mounts) + 1 - _MOUNTS_MAX]:
                self.mounts.remove(one)
            self.mounts.append(WatchedMount(mountpoint, daemon))
            number = sum(1 for _ in self.monitors())
        if daemon.monitor is not None and session_of(self.item.config).settings.save != "off":
            from .artifacts import path_of  # which uses this module

            daemon.monitor.trace_path = path_of(self, number)

    @property
    def has_failed(self) -> bool:
        """Whether a phase so far has failed."""
        return any(report.failed for report in self.phases.values())

    def unawaited(self) -> list[str]:
        """Where expectations were made that nobody waited for."""
        return [one.where for monitor in self.monitors() for one in _unawaited(monitor)]

    def monitors(self) -> Iterator[FuseTraceMonitor]:
        """Of its traced mounts."""
        return (one.monitor for one in self.mounts if one.monitor is not None)


def _unawaited(monitor: FuseTraceMonitor) -> list[Any]:
    with suppress(Exception):
        return list(monitor.unawaited_expectations())
    return []


def record_of(item: pytest.Item) -> TestRecord | None:
    """The record of a test, if it has used a fixture of the plugin."""
    return item.stash.get(_RECORD, None)


def begin_record(item: pytest.Item) -> TestRecord:
    """The record of a test; from now on its mounts and its waits in vain are noted."""
    record = item.stash.get(_RECORD, None)
    if record is None:
        from fusetrace import manager, trace_monitor, waits

        state = session_of(item.config)
        record = item.stash[_RECORD] = TestRecord(item, of_test(state.settings, item))
        waits.take()  # of whoever waited outside of a test
        trace_monitor.observers.append(record.add_wait)
        manager.observers.append(record.add_mount)
        state.live_records.append(record)
    return record


def begin_record_if_used(item: pytest.Item) -> None:
    """Also for suites with fixtures of their own; not where nobody has imported the package."""
    if "fusetrace.trace_monitor" in sys.modules or "fusetrace.manager" in sys.modules:
        with suppress(pytest.UsageError, ImportError):  # told by pytest_runtest_setup()
            begin_record(item)


def end_record(item: pytest.Item) -> None:
    """Forgets a test; the next attempt begins a record of its own."""
    record = item.stash.get(_RECORD, None)
    if record is None:
        return
    from fusetrace import manager, trace_monitor

    del item.stash[_RECORD]
    with suppress(ValueError):
        trace_monitor.observers.remove(record.add_wait)
    with suppress(ValueError):
        manager.observers.remove(record.add_mount)
    with suppress(ValueError):
        session_of(item.config).live_records.remove(record)
