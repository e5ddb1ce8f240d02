# SPDX-License-Identifier: MIT
"""FuseManager: mounts filesystems for tests, traced or not, and takes all of them away again."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import environment, guardian, mounts, profiles, programs, timeouts
from .config import (
    FuseConfig, Made, WorkDirectories, prepare_branches, prepare_mountpoint)
from .daemon import UNMOUNT_SECONDS, Daemon
from .errors import MountError
from .pipes import Output

if TYPE_CHECKING:
    from .smart_wait import SmartWaitHelper
    from .trace_monitor import FuseTraceMonitor

logger = logging.getLogger("fusetrace")

_ENDED_MAX = 16

observers: list[Callable[[Path, Daemon], None]] = []
"""Told of each mount of any manager, once it is there: its mountpoint as it was given."""


class MountedFilesystem(Sequence[Any]):
    """A filesystem that is mounted.

    It unpacks to `(process, mountpoint, branches)`, and to `(process, mountpoint, branches,
    trace_monitor)` when it was asked for with `enable_trace=True` in its configuration; which of
    them does not depend on the environment.

    Attributes:
        process: the daemon's subprocess.Popen.
        mountpoint: where it is.
        branches: what it shows.
        trace_monitor: its FuseTraceMonitor, None when it is not traced.
    """

    def __init__(self, process: subprocess.Popen[bytes], mountpoint: Path, branches: list[Path],
                 trace_monitor: FuseTraceMonitor | None = None, *,
                 with_trace: bool = False) -> None:
        self.process = process
        self.mountpoint = mountpoint
        self.branches = branches
        self.trace_monitor = trace_monitor
        self._with_trace = with_trace

    def _parts(self) -> tuple[Any, ...]:
        three = (self.process, self.mountpoint, self.branches)
        return (*three, self.trace_monitor) if self._with_trace else three

    def __getitem__(self, index: Any) -> Any:
        return self._parts()[index]

    def __len__(self) -> int:
        return len(self._parts())

    def __repr__(self) -> str:
        return f"<MountedFilesystem on {str(self.mountpoint)!r}, process {self.process.pid}>"


class _Mounted:
    """What the manager remembers of a mount."""

    def __init__(self, key: str, given: Path, daemon: Daemon, directories: WorkDirectories) -> None:
        self.key = key
        self.given = given
        self.daemon = daemon
        self.directories = directories


class FuseManager:
    """Mounts filesystems. Any number of threads may use it; a forked child may not, and unmounts
    nothing.

    Args:
        binary_path: the filesystem's executable. Without it: the variable FUSE_BINARY,
            default_command, `branchfs` on PATH, or branchfs beside the running Python.
        enable_trace: see the operations of all mounts; also by FUSE_TRACE=1.
        source: where operations come from, unless a configuration says so: "kernel", "log", "auto".
        temp_root: where temporary directories are made; the system's place by default.
        default_command: as FuseConfig.command, for configurations without one.

    Raises:
        FileNotFoundError: binary_path is not there.
        ValueError: FUSE_TRACE or FUSE_TRACE_SUMMARY is neither yes nor no.

    Example:
        >>> with FuseManager() as manager:                                 # doctest: +SKIP
        ...     config = FuseConfig(branches=manager.create_temp_dirs(2), enable_trace=True)
        ...     with manager.mounted_fs(config) as (process, mountpoint, branches, trace_monitor):
        ...         (mountpoint / "a.txt").write_text("hello")
    """

    active_mounts: dict[Path, subprocess.Popen[bytes]]
    """By mountpoint as it was given."""
    trace_monitors: dict[Path, FuseTraceMonitor]

    def __init__(self, binary_path: str | os.PathLike[str] | None = None,
                 enable_trace: bool = False, *, source: str = "auto",
                 temp_root: str | os.PathLike[str] | None = None,
                 default_command: Sequence[str] | str | None = None) -> None:
        self._finder = programs.Finder(binary_path, default_command)
        self.enable_trace = bool(environment.flag(environment.TRACE)) or enable_trace
        environment.flag(environment.SUMMARY)  # a wrong value is told before anything is mounted
        self.source = source
        self.active_mounts = {}
        self.trace_monitors = {}
        self.temp_dirs: list[Path] = []
        self._guarded: dict[Path, int] = {}
        self._temp_root = temp_root
        self._mounted: dict[str, _Mounted] = {}
        self._ended: dict[str, list[str]] = {}  # what they had printed last
        self._lock = threading.Lock()
        self._owner = os.getpid()
        FuseConfig(source=source)  # checks it

    @property
    def binary_path(self) -> Path:
        """The executable that configurations without a command of their own start.

        Raises:
            FileNotFoundError: there is none; says where it was looked for.
        """
        return Path(self._finder.binary())

    # ---- temporary directories ----

    def _make_temp_dir(self, prefix: str) -> Path:
        import tempfile

        root = os.fspath(self._temp_root) if self._temp_root else tempfile.gettempdir()
        os.makedirs(root, exist_ok=True)
        path = Path(root, f"fusetrace-{prefix}-{os.urandom(6).hex()}")
        self._guarded[path] = guardian.make_directory(path)
        self.temp_dirs.append(path)
        return path

    def create_temp_dirs(self, count: int) -> list[Path]:
        """Makes that many empty directories, to be branches; cleanup() removes them."""
        return [self._make_temp_dir(f"branch{index}") for index in range(count)]

    def create_temp_mountpoint(self) -> Path:
        """Makes an empty directory to mount on; cleanup() removes it."""
        return self._make_temp_dir("mount")

    # ---- mounting ----

    def mount(self, config: FuseConfig) -> subprocess.Popen[bytes]:
        """Mounts a filesystem and returns its process when it is there and answers. A temporary
        mountpoint is written into the configuration when it has none.

        Raises:
            ValueError, TypeError: the configuration is wrong.
            FileNotFoundError: there is no such program; says where it was looked for.
            MountError: it did not mount; with its command, its end and its last lines. Nothing of
                it is left then.
        """
        config.check()
        if config.mountpoint is None:
            config.mountpoint = self.create_temp_mountpoint()
        return self._mount(config).daemon.process

    def _mount(self, config: FuseConfig, args: Sequence[str] = ()) -> _Mounted:
        self._check_owner()
        config.check()
        assert config.mountpoint is not None
        program = self._finder.find(config.command)
        key = mounts.resolve(config.mountpoint)
        self._check_free(key)
        made = Made()
        directories = WorkDirectories()
        try:
            branches = self._prepare(config, program, key, made)
            daemon = self._start(config, program, key, branches, args, directories)
        except BaseException:
            directories.remove()
            made.remove()
            raise
        mounted = _Mounted(key, config.mountpoint, daemon, directories)
        with self._lock:
            self._mounted[key] = mounted
            self.active_mounts[mounted.given] = daemon.process
            if daemon.monitor is not None:
                self.trace_monitors[mounted.given] = daemon.monitor
        for observer in tuple(observers):
            observer(mounted.given, daemon)
        return mounted

    def _check_free(self, mountpoint: str) -> None:
        found = mounts.find_mount(mountpoint)
        if found is not None:
            raise MountError(f"on {mountpoint!r} something is mounted already: {found}; unmount it "
                             f"first, or give another mountpoint")
        reason = mounts.why_no_fuse()
        if reason is not None:
            raise MountError(f"no filesystem can be mounted here: {reason}")

    def _prepare(self, config: FuseConfig, program: programs.Program, mountpoint: str,
                 made: Made) -> list[str]:
        """The branches as the daemon shall see them."""
        kind = program.profile.branch_kind
        branches = [os.fspath(branch) for branch in config.branches]
        if kind != "remote":
            branches = [os.path.abspath(branch) for branch in branches]
        directories = branches if kind == "directory" else []
        for branch in branches if kind == "file" else []:
            if not os.path.exists(branch):
                raise ValueError(f"branch {branch!r} does not exist: {program.profile.name} mounts "
                                 f"what is in it")
        prepare_branches(directories, mountpoint, made)
        prepare_mountpoint(mountpoint, made)
        return branches

    def _start(self, config: FuseConfig, program: programs.Program, mountpoint: str,
               branches: list[str], args: Sequence[str], directories: WorkDirectories) -> Daemon:
        deadline = timeouts.deadline(config.timeout)
        is_traced = config.enable_trace or self.enable_trace
        readers, writers = _pipes()
        monitor = None
        output = None
        try:
            if is_traced:
                monitor = self._make_monitor(config, readers)
            else:
                output = Output()
                output.read_from(*readers)
            readers = []
            source = monitor.source if monitor is not None else None
            command = profiles.build_command(
                program.profile, config, branches=branches, mountpoint=mountpoint,
                program=program.path, template=program.template, args=args,
                is_logging=source == "log")
            for directory in command.directories:
                directories.make(directory)
            variables = _environment(config, program, source)
        except BaseException:
            for descriptor in (*readers, *writers):
                os.close(descriptor)
            if monitor is not None:
                monitor.stop_capture()
            raise
        daemon = Daemon(command.argv, mountpoint, variables, monitor=monitor, output=output,
                        on_hang=config.on_hang)
        try:
            daemon.start(writers)
            if monitor is not None:
                with contextlib.suppress(ProcessLookupError):  # told better below
                    monitor.follow(daemon.process)
            daemon.wait_until_mounted(deadline)
        except BaseException:
            daemon.discard()
            raise
        return daemon

    def _make_monitor(self, config: FuseConfig, readers: list[int]) -> FuseTraceMonitor:
        """Takes the read ends over, one after the other."""
        from .trace_monitor import FuseTraceMonitor

        source = config.source if config.source != "auto" else self.source
        monitor: FuseTraceMonitor = FuseTraceMonitor.pending(source=source)
        while readers:
            monitor.add_log_fd(readers.pop(0))
        monitor.start_capture()
        return monitor

    # ---- unmounting ----

    def unmount(self, mountpoint: str | os.PathLike[str],
                timeout: float = UNMOUNT_SECONDS) -> bool:
        """Unmounts a filesystem of this manager, and waits for the end of its daemon, which is made
        to end after `timeout` seconds. A mount in use is waited for, at most two seconds.

        Returns:
            True when the filesystem is gone, also when it was before; False when it could not be
            taken away, or is not of this manager: such mounts are never touched.
        """
        seconds = timeouts.seconds(timeout)
        if os.getpid() != self._owner:
            return False
        key = mounts.resolve(mountpoint)
        with self._lock:
            mounted = self._mounted.get(key)
        if mounted is None:
            return key in self._ended and mounts.find_mount(key) is None
        if not mounted.daemon.stop(seconds):
            logger.warning("%s: the filesystem could not be taken away", mounted.given)
            return False
        with self._lock:
            self._mounted.pop(key, None)
            self._ended.pop(key, None)
            self._ended[key] = mounted.daemon.last_lines()
            while len(self._ended) > _ENDED_MAX:
                del self._ended[next(iter(self._ended))]
            self.active_mounts.pop(mounted.given, None)
            self.trace_monitors.pop(mounted.given, None)
        mounted.directories.remove()
        self._print_summary(mounted)
        return True

    def _print_summary(self, mounted: _Mounted) -> None:
        if mounted.daemon.monitor is not None and environment.flag(environment.SUMMARY):
            print(f"{mounted.given}:\n{mounted.daemon.monitor.summary()}", flush=True)

    def cleanup(self) -> None:
        """Unmounts all, and removes the temporary directories; never what is below a mount that is
        still there. The manager can be used again."""
        if os.getpid() != self._owner:
            return
        with contextlib.ExitStack() as stack:  # goes on after an exception
            while self.temp_dirs:
                stack.callback(self._remove_temp_dir, self.temp_dirs.pop())
            for mounted in list(self._mounted.values()):
                stack.callback(self.unmount, mounted.key)

    def _remove_temp_dir(self, path: Path) -> None:
        _remove_tree(path)
        if not path.exists():
            guardian.forget(self._guarded.pop(path, 0))

    def __enter__(self) -> FuseManager:
        return self

    def __exit__(self, *exception: object) -> None:
        self.cleanup()

    def _check_owner(self) -> None:
        if os.getpid() != self._owner:
            raise MountError(f"this manager belongs to process {self._owner}: after fork() the "
                             f"child must make its own")

    # ---- as context managers ----

    @contextlib.contextmanager
    def mounted_fs(self, config: FuseConfig) -> Iterator[MountedFilesystem]:
        """Mounts for the with block, and unmounts behind it, whatever happens in it. Raises as
        mount(), and MountError when the filesystem cannot be taken away and the block was fine."""
        with self.mounted_fs_with_args(config) as mounted:
            yield mounted

    @contextlib.contextmanager
    def mounted_fs_with_args(self, config: FuseConfig | None = None, args: Sequence[str] = (),
                             **fields: Any) -> Iterator[MountedFilesystem]:
        """As mounted_fs(), with further arguments for the daemon.

        Args:
            config: what to mount.
            args: words of the command line, at {args}.
            fields: of FuseConfig, instead of those of config.
        """
        if isinstance(args, (str, bytes)):
            raise TypeError(f"args must be a list of words, not {args!r}")
        config = FuseConfig(**fields) if config is None else replace(config, **fields)
        if config.mountpoint is None:
            config.mountpoint = self.create_temp_mountpoint()
        mounted = self._mount(config, list(args))
        try:
            yield MountedFilesystem(mounted.daemon.process, config.mountpoint, config.branches,
                                    mounted.daemon.monitor, with_trace=config.enable_trace)
        except BaseException:
            self._unmount_quietly(mounted)
            raise
        if not self.unmount(mounted.key):
            raise MountError(f"{config.mountpoint} could not be unmounted")

    def _unmount_quietly(self, mounted: _Mounted) -> None:
        """The exception that is on its way must not be hidden by another."""
        try:
            self.unmount(mounted.key)
        except Exception as error:
            logger.warning("%s: unmounting failed: %s", mounted.given, error)

    # ---- what belongs to a mount ----

    def get_trace_monitor(self, mountpoint: str | os.PathLike[str]) -> FuseTraceMonitor | None:
        """The monitor of a mount; None when it is not traced, or not mounted."""
        mounted = self._mounted.get(mounts.resolve(mountpoint))
        return mounted.daemon.monitor if mounted is not None else None

    def get_smart_wait_helper(self, mountpoint: str | os.PathLike[str]) -> SmartWaitHelper:
        """Waits for the mount; without a trace they ask the filesystem again and again."""
        from .smart_wait import SmartWaitHelper

        return SmartWaitHelper(self.get_trace_monitor(mountpoint), mountpoint=mountpoint)

    def get_output(self, mountpoint: str | os.PathLike[str]) -> list[str]:
        """The last lines that the daemon of a mount has printed, at most 64 KiB of them; also after
        its end, of the last mounts."""
        key = mounts.resolve(mountpoint)
        mounted = self._mounted.get(key)
        return mounted.daemon.last_lines() if mounted is not None else self._ended.get(key, [])


def _pipes() -> tuple[list[int], list[int]]:
    """Read ends and write ends for stdout and stderr: one pipe each, as a line of one would
    otherwise stand in the middle of a line of the other."""
    first = os.pipe()
    try:
        second = os.pipe()
    except OSError:
        os.close(first[0])
        os.close(first[1])
        raise
    return [first[0], second[0]], [first[1], second[1]]


def _environment(config: FuseConfig, program: programs.Program,
                 source: str | None) -> Mapping[str, str]:
    """Of the daemon. FUSE_TRACE is ours to set: it would otherwise log although nobody reads it."""
    found = dict(os.environ)
    found.pop(environment.TRACE, None)
    if source is not None:
        found.setdefault(environment.RUST_LOG, "trace")
    if source == "log":
        found[environment.TRACE] = "1"
        for name, value in program.profile.trace_environment.items():
            found.setdefault(name, value)
    found.update(config.environment or {})
    return found


def _remove_tree(path: Path) -> None:
    import shutil

    inside = f"{mounts.resolve(path)}/"
    for mount in mounts.read_mounts():
        if f"{mount.mountpoint}/".startswith(inside):
            logger.warning("%s is left: on %s something is mounted", path, mount.mountpoint)
            return
    shutil.rmtree(path, ignore_errors=True)
