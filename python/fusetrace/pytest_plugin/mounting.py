# SPDX-License-Identifier: MIT
"""Mounts of the fixtures: made, watched by the record of the test, taken away in every case."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Union

import pytest

from fusetrace import (
    FuseConfig,
    FuseManager,
    FuseTraceMonitor,
    MountedFilesystem,
    SmartWaitHelper,
)
from fusetrace.daemon import Daemon
from fusetrace.manager import _Mounted

from . import summaries
from .deadline import watch
from .record import TestRecord, begin_record, session_of

Command = Union[Sequence[str], str, Path, None]

# ---- the manager ----


class WatchingManager(FuseManager):
    """A FuseManager whose mounts are noted in the record of a test.

    Args:
        command: of configurations without one; None: FUSE_BINARY, else branchfs.
    """

    def __init__(self, record: TestRecord, command: Command, root: Path) -> None:
        super().__init__(source=record.settings.source, temp_root=root)
        # Not what the environment says alone: the command line and the test's mark come first.
        self.enable_trace = record.settings.mode == "on"
        self._record = record
        self._command = os.fspath(command) if isinstance(command, Path) else command
        self._session = session_of(record.item.config)

    def _mount(self, config: FuseConfig, args: Sequence[str] = ()) -> _Mounted:
        if config.command is None and self._command is not None:
            config = replace(config, command=self._command)
        mounted = super()._mount(config, args)
        daemon = mounted.daemon
        self._keep_source(daemon)
        return mounted

    def _keep_source(self, daemon: Daemon) -> None:
        """The kernel source ends with the last monitor. So there is one more, of the first mount,
        also after that is gone; a pending one would collect what all other mounts do."""
        if self._session.keeper is not None or daemon.monitor is None or \
                daemon.monitor.source != "kernel":
            return
        with contextlib.suppress(Exception):
            keeper = FuseTraceMonitor(daemon.mountpoint, source="kernel", max_operations=1)
            keeper.start_capture()
            self._session.keeper = keeper

    def _print_summary(self, mounted: _Mounted) -> None:
        """Of a traced mount that is gone: counted for all tests, and shown if that is asked for."""
        monitor, settings = mounted.daemon.monitor, self._session.settings
        if monitor is None:
            return
        self._record.lost_events += monitor._core.lost(None)
        if settings.summary is None and settings.json_path is None:
            return
        found = summaries.of_monitor(monitor, settings.ignored)
        self._record.summaries.append(found.to_dict())
        if settings.summary is not None:
            print(f"{mounted.given}:\n{summaries.text_of(found, settings.summary)}", flush=True)


# ---- fixtures ----


@contextlib.contextmanager
def managing(request: pytest.FixtureRequest, command: Command, root: Path) -> Iterator[FuseManager]:
    """A manager for the test of a request."""
    record = begin_record(request.node)
    watch(request.node)
    manager = WatchingManager(record, command, root)
    try:
        yield manager
    finally:
        _finish(record, manager)


def _finish(record: TestRecord, manager: FuseManager) -> None:
    """Unmounts what is left. A problem is an error of a test that has passed, else a note."""
    try:
        manager.cleanup()
    except Exception as error:
        if not record.has_failed:
            raise
        record.notes.append(f"unmounting: {error}")


MountOptions = Union[Mapping[str, Any], Sequence[str]]


def make_config(request: pytest.FixtureRequest, options: MountOptions,
                given: Mapping[str, Any]) -> FuseConfig:
    """A FuseConfig for the fixtures: what is given, else the project's options (see
    fusetrace_mount_options), else what the session says."""
    fixed = dict(options) if isinstance(options, Mapping) else {"options": options}
    given = {**fixed, **given}
    known = {one.name for one in fields(FuseConfig)}
    if unknown := set(given) - known:
        raise pytest.UsageError(f"FuseConfig has no {', '.join(map(repr, sorted(unknown)))}; it "
                                f"has {', '.join(sorted(known))}")
    settings = session_of(request.config).settings
    values = dict(given)
    if settings.mount_timeout is not None:
        values.setdefault("timeout", settings.mount_timeout)
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
            mount.trace_monitor.clear_completed()  # the test's own mark
        yield shaped(mount, with_trace=False)


def shaped(mount: MountedFilesystem, *, with_trace: bool) -> MountedFilesystem:
    """The same mount, unpacking to three, or to four with the monitor."""
    return MountedFilesystem(mount.process, mount.mountpoint, mount.branches, mount.trace_monitor,
                             with_trace=with_trace)


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
                 options: MountOptions) -> None:
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
            config = make_config(self._request, self._options, given)
        elif given:
            config = replace(config, **given)
        if not config.branches:
            config = replace(config, branches=self._manager.create_temp_dirs(1))
        if config.mountpoint is None:
            config = replace(config, mountpoint=self._manager.create_temp_mountpoint())
        mount = self._mounts.enter_context(
            mounting(self._request, self._manager, config, must_trace=config.enable_trace))
        return shaped(mount, with_trace=config.enable_trace)

    def __enter__(self) -> MountFactory:
        return self

    def __exit__(self, *exception: object) -> None:
        self._mounts.close()
