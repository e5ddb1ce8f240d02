# SPDX-License-Identifier: MIT
"""Mounts of the fixtures: made, watched by the record of the test, taken away in every case."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from fusetrace import (
    FuseConfig,
    FuseManager,
    FuseTraceError,
    FuseTraceMonitor,
    Matcher,
    MountedFilesystem,
    SmartWaitHelper,
)

from .deadline import watch
from .record import TestRecord, WatchedMount, begin_record, session_of
from .watching import Watchdog

_INIT_NS = 1_000_000_000

# ---- the manager ----


class WatchingManager(FuseManager):
    """A FuseManager whose mounts are noted in the record of a test, and by the watchdog."""

    def __init__(self, record: TestRecord, binary: str | None, root: Path) -> None:
        super().__init__(binary, record.settings.mode == "on", source=record.settings.source,
                         temp_root=root)
        self._record = record

    def mount(self, config: FuseConfig) -> Any:
        process = super().mount(config)
        mountpoint = Path(config.mountpoint or ".")
        self._record.mounts.append(WatchedMount(
            mountpoint, self.get_trace_monitor(mountpoint), process.pid, self,
            _connection_of(mountpoint)))
        _watchdog_of(self._record).add(mountpoint, process.pid)
        _keep_source(self._record, mountpoint)
        return process

    def unmount(self, mountpoint: str | os.PathLike[str]) -> bool:
        watched = [one for one in self._record.mounts
                   if one.mountpoint == Path(mountpoint) and one.output is None]
        for one in watched:
            self._note_end(one)
        is_done = super().unmount(mountpoint)
        if is_done:
            for one in watched:
                _watchdog_of(self._record).remove(one.mountpoint, one.pid)
        return is_done

    def _note_end(self, watched: WatchedMount) -> None:
        """What cannot be asked any more afterwards."""
        with contextlib.suppress(Exception):
            watched.output = self.get_output(watched.mountpoint)
        if watched.monitor is None:
            return
        with contextlib.suppress(Exception):
            summary = watched.monitor.summary()
            for name in session_of(self._record.item.config).settings.ignored:
                summary.remove(name)
            self._record.summaries.append(summary.to_dict())


def _watchdog_of(record: TestRecord) -> Watchdog:
    session = session_of(record.item.config)
    if session.watchdog is None:
        session.watchdog = Watchdog()
    return session.watchdog


def _keep_source(record: TestRecord, mountpoint: Path) -> None:
    """The kernel source ends with the last monitor. So there is one more, of the first mount, also
    after that is gone; a pending one would collect what all other mounts do."""
    session = session_of(record.item.config)
    monitor = record.mounts[-1].monitor
    if session.keeper is not None or monitor is None or monitor.source != "kernel":
        return
    with contextlib.suppress(Exception):
        keeper = FuseTraceMonitor(mountpoint, source="kernel", max_operations=1)
        keeper.start_capture()
        session.keeper = keeper


def _connection_of(mountpoint: Path) -> int | None:
    """The kernel's number of a mount's connection, by its device; asks the mount nothing."""
    path = os.fsencode(mountpoint)
    found = None
    with open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            words = line.split()
            if words[4] == path:
                major, _, minor = words[2].partition(b":")
                found = (int(major) << 20) | int(minor)
    return found


# ---- fixtures ----


@contextlib.contextmanager
def managing(request: pytest.FixtureRequest, command: str | Sequence[str] | None,
             root: Path) -> Iterator[FuseManager]:
    """A manager for the test of a request."""
    record = begin_record(request.node)
    watch(request.node)
    is_binary = isinstance(command, (str, os.PathLike)) and not is_template(command)
    manager = WatchingManager(record, os.fspath(command) if is_binary else None, root)
    try:
        yield manager
    finally:
        _finish(record, manager)


def is_template(command: str | os.PathLike[str]) -> bool:
    """Whether a command has places to fill in, or names a profile."""
    return "{" in os.fspath(command)


def _finish(record: TestRecord, manager: FuseManager) -> None:
    """Unmounts what is left. A problem is an error of a test that has passed, else a note."""
    problems = []
    try:
        manager.cleanup()
    except Exception as error:
        problems.append(f"unmounting: {error}")
    for where in record.unawaited():
        problems.append(f"the expectation made at {where} was never waited for: use it in a with "
                        f"block, call its wait(), or cancel() it")
    if not problems:
        return
    if record.has_failed:
        record.notes += problems
    else:
        pytest.fail("\n".join(problems), pytrace=False)


def make_config(request: pytest.FixtureRequest, given: Mapping[str, Any]) -> FuseConfig:
    """A FuseConfig for the fixtures: what is given, and what the session says."""
    known = {one.name for one in fields(FuseConfig)}
    if unknown := set(given) - known:
        raise pytest.UsageError(f"FuseConfig has no {', '.join(map(repr, sorted(unknown)))}; it "
                                f"has {', '.join(sorted(known))}")
    settings = session_of(request.config).settings
    values = dict(given)
    if settings.mount_timeout is not None:
        values.setdefault("timeout", settings.mount_timeout)
    command = request.getfixturevalue("fusetrace_command")
    if command is not None and (not isinstance(command, (str, os.PathLike))
                                or is_template(command)):
        values.setdefault("command", command)
    return FuseConfig(**values)


@contextlib.contextmanager
def mounting(request: pytest.FixtureRequest, manager: FuseManager, config: FuseConfig, *,
             must_trace: bool) -> Iterator[MountedFilesystem]:
    """The mount of a fixture, in the shape of three."""
    record = begin_record(request.node)
    must_trace = must_trace or config.enable_trace
    if must_trace and record.settings.mode == "off":
        pytest.skip("needs a trace, and tracing is off (--fusetrace=off)")
    if record.settings.source != "auto" and config.source == "auto":
        config = replace(config, source=record.settings.source)
    is_traced = must_trace or record.settings.mode == "on"
    with manager.mounted_fs(replace(config, enable_trace=is_traced)) as mount:
        request.config.hook.pytest_fusetrace_mount(config=request.config, mount=mount)
        if mount.trace_monitor is not None:
            _begin_trace(mount.trace_monitor)
        yield shaped(mount, 3)


def _begin_trace(monitor: FuseTraceMonitor) -> None:
    """The test's own mark, behind INIT: the daemon may answer that after the mount is there."""
    if monitor.source == "kernel":
        with contextlib.suppress(FuseTraceError):
            monitor._core.wait(None, (Matcher("init").tuple_for(monitor._paths),), 0, _INIT_NS)
    monitor.clear_completed()


def shaped(mount: MountedFilesystem, length: int) -> MountedFilesystem:
    """The same mount, unpacking to three, or to four with the monitor."""
    return MountedFilesystem(mount.process, mount.mountpoint, mount.branches, mount.trace_monitor,
                             length == 4)


def with_trace(mount: MountedFilesystem) -> MountedFilesystem:
    """The shape of four."""
    return shaped(mount, 4)


def helper_for(mount: Any) -> SmartWaitHelper:
    """Smart waits for what a fixture gave: also for a tuple of a project's own."""
    mountpoint = getattr(mount, "mountpoint", None) or mount[1]
    monitor = getattr(mount, "trace_monitor", None)
    if monitor is None and not hasattr(mount, "trace_monitor") and len(mount) > 3:
        monitor = mount[3]
    return SmartWaitHelper(monitor, mountpoint=mountpoint)


class MountFactory:
    """Mounts filesystems for one test; see fusetrace_mount_factory."""

    def __init__(self, request: pytest.FixtureRequest, manager: FuseManager,
                 options: Mapping[str, Any]) -> None:
        self._request = request
        self._manager = manager
        self._options = options
        self._mounts = contextlib.ExitStack()

    def __call__(self, config: FuseConfig | None = None, **given: Any) -> MountedFilesystem:
        """Mounts a FuseConfig, or one of these fields; missing branches (one) and a missing
        mountpoint are made. With enable_trace=True it unpacks to four, else to three.

        Raises:
            MountError: it cannot be mounted; says what the daemon printed.
        """
        if config is None:
            config = make_config(self._request, {**self._options, **given})
        elif given:
            config = replace(config, **given)
        if not config.branches:
            config = replace(config, branches=self._manager.create_temp_dirs(1))
        if config.mountpoint is None:
            config = replace(config, mountpoint=self._manager.create_temp_mountpoint())
        mount = self._mounts.enter_context(
            mounting(self._request, self._manager, config, must_trace=config.enable_trace))
        return with_trace(mount) if config.enable_trace else mount

    def __enter__(self) -> MountFactory:
        return self

    def __exit__(self, *exception: object) -> None:
        self._mounts.close()
