# SPDX-License-Identifier: MIT
"""SmartWaitHelper: waits for what a test means, a file that is there, data that are written.

The state comes first, the event second: each wait asks the filesystem, else sleeps until an
operation on that path completes, and asks again; the last word is the filesystem's. Without a trace
it asks again and again with a back-off of 1 ms doubling to 50 ms, and its report says so. When the
filesystem has ended, no wait goes on: what is then found under its mountpoint is not its answer.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable
from typing import TypeVar

from . import _core, targets, timeouts
from .errors import DaemonDied, EventsLost, FuseTraceError, MountLost, OperationTimeout
from .errors import WaitInterrupted
from .matcher import Matcher
from .operation import Mark
from .paths import InMount, MountPaths
from .polling import LAST_DELAY, backoff
from .probes import ProbeHangs, Prober
from .trace_monitor import FuseTraceMonitor, WaitReport, tell
from .waits import timed
from .write_state import WriteState

DEFAULT_SECONDS = 2.0
_XATTR_OPERATIONS = ("setxattr", "getxattr", "listxattr", "removexattr")
_ENDED = (errno.ENOTCONN, errno.ECONNABORTED)
_SHOWN = 10
T = TypeVar("T")


class _Path:
    """The path of a wait: in the mount, as a match, and as this machine has it."""

    def __init__(self, inside: InMount, paths: MountPaths, device: int | None) -> None:
        self.inside = inside
        self.mountpoint = paths.mountpoint
        self.text = str(inside) if self.mountpoint is None else paths.outside(inside)
        self.match: _core.MatchTuple = Matcher(
            path=inside, include_in_flight=True).tuple_for(paths)
        self.device = device


class _Ended(Exception):
    """The filesystem is not there any more."""


class SmartWaitHelper:
    """Waits on one mount. Each wait returns True, or False with a report (see `last_report`, the
    log, and FuseTraceMonitor.last_reports).

    Args:
        trace_monitor: of the mount; None: without a trace.
        mountpoint: for waits without a trace, so that a path outside is noticed.

    Example:
        >>> smart_wait = fuse_manager.get_smart_wait_helper(mountpoint)   # doctest: +SKIP
        >>> (mountpoint / "a.txt").write_text("hello")                    # doctest: +SKIP
        >>> assert smart_wait.wait_for_write_complete(mountpoint / "a.txt")
    """

    def __init__(self, trace_monitor: FuseTraceMonitor | None = None, *,
                 mountpoint: str | os.PathLike[str] | None = None) -> None:
        self.trace_monitor = trace_monitor
        self.last_report: str | None = None
        self._prober = Prober(trace_monitor)
        self._device: int | None = None
        self._untraced_paths = MountPaths()
        if mountpoint is not None:
            self._untraced_paths.add_root(os.fspath(mountpoint))

    # ---- the waits of the specification ----

    @timed
    def wait_for_file_visible(self, filepath: str | os.PathLike[str],
                              timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until the filesystem shows a file (anything but a directory) of that name.

        Args:
            filepath: under the mountpoint, or a str such as "/a.txt" in the mount.
            timeout: seconds.

        Raises:
            ValueError: the path is not in the mount.
        """
        __tracebackhide__ = True
        return self._wait_for_state(
            filepath, timeouts.deadline(timeout), "a file is visible",
            lambda found: found is not None and not stat.S_ISDIR(found.st_mode))

    @timed
    def wait_for_dir_visible(self, dirpath: str | os.PathLike[str],
                             timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until the filesystem shows a directory of that name; else as
        wait_for_file_visible()."""
        __tracebackhide__ = True
        return self._wait_for_state(
            dirpath, timeouts.deadline(timeout), "a directory is visible",
            lambda found: found is not None and stat.S_ISDIR(found.st_mode))

    @timed
    def wait_for_deletion(self, path: str | os.PathLike[str],
                          timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until the filesystem shows nothing of that very name; else as
        wait_for_file_visible()."""
        __tracebackhide__ = True
        return self._wait_for_state(path, timeouts.deadline(timeout), "it is gone",
                                    lambda found: found is None)

    @timed
    def wait_for_write_complete(self, filepath: str | os.PathLike[str],
                                timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until what was written has arrived: the last write has been answered, and then the
        release of the same file handle, or an fsync; and nothing on the file is in flight. Of a file
        that was renamed to this path, what was written under its old name counts.

        A write, fsync or flush that failed is not a write that is complete: False at once, and the
        report has its errno. Without a trace, the file's size and times must stand still for 50 ms,
        which is a guess, and the report says so.
        """
        __tracebackhide__ = True
        end = timeouts.deadline(timeout)
        where = self._path(filepath, end)
        if where is None:
            return False
        if self.trace_monitor is None:
            return self._wait_until_still(where, end)
        state = WriteState(self.trace_monitor, where.inside, self.trace_monitor._since)
        return self._wait_for_events(
            where, end, "its data are written",
            lambda: state.look() and self._look(where, end) is not None)

    @timed
    def wait_for_xattr_operation(self, path: str | os.PathLike[str], operation: str = "setxattr",
                                 timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until an operation on an extended attribute of that path has succeeded; of setxattr
        the attribute is then read back, of removexattr it must be gone.

        Args:
            operation: "setxattr", "getxattr", "listxattr" or "removexattr".
        """
        __tracebackhide__ = True
        if operation not in _XATTR_OPERATIONS:
            raise ValueError(f"operation {operation!r}: give one of "
                             f"{', '.join(_XATTR_OPERATIONS)}")
        end = timeouts.deadline(timeout)
        where = self._path(path, end)
        if where is None:
            return False
        monitor = self.trace_monitor
        if monitor is None:
            return self._wait_for_any_xattr(where, operation, end)
        matcher = Matcher(operation, where.inside, status="ok", include_in_flight=True)
        if not monitor._try_wait([matcher], None, end, timeout):
            self.last_report = monitor.last_reports[-1].text
            return False
        if operation not in ("setxattr", "removexattr"):
            return True
        return self._wait_for_events(
            where, end, f"what {operation} did can be read back",
            lambda: self._is_read_back(where, matcher, end))

    # ---- asking the filesystem ----

    def _path(self, given: str | os.PathLike[str], end: float) -> _Path | None:
        """None, and a report, when nothing is mounted in time."""
        __tracebackhide__ = True
        if not isinstance(given, (str, os.PathLike)):
            raise TypeError(f"a path is a str or a path object, not {type(given).__name__}")
        paths = self._untraced_paths
        if self.trace_monitor is not None:
            try:
                self.trace_monitor._ready()._await_mount(end)
            except (DaemonDied, WaitInterrupted) as error:
                self._fail_early(given, str(error))
                return None
            paths = self.trace_monitor._ready()._paths
            if paths.mountpoint is None:
                self._fail_early(given, "nothing is mounted yet")
                return None
        if paths.mountpoint is None:
            return _Path(InMount(os.path.abspath(os.fspath(given))), paths, None)
        # A monitor has one mount for its life; without one there may be another one each time.
        if self._device is None or self.trace_monitor is None:
            self._device = targets.device_of(paths.mountpoint)
        return _Path(paths.exact(given), paths, self._device)

    def _ask(self, question: Callable[[], T], end: float) -> T:
        return self._prober.ask(question, _left(end, least=1.0))

    def _look(self, where: _Path, end: float) -> os.stat_result | None:
        found: os.stat_result | None
        try:
            found = self._ask(lambda: os.lstat(where.text), end)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise
            found = None
        # What is found there may be what the mount had covered.
        if where.mountpoint is not None and (found is None or found.st_dev != where.device):
            device = targets.device_of(where.mountpoint)
            if device is None or device != where.device:
                raise _Ended(f"nothing is mounted at {where.mountpoint}" if where.device is None
                             else "the filesystem was unmounted")
        return found

    def _wait_for_state(self, given: str | os.PathLike[str], end: float, aim: str,
                        test: Callable[[os.stat_result | None], bool]) -> bool:
        __tracebackhide__ = True
        where = self._path(given, end)
        return where is not None and self._wait_for_events(
            where, end, aim, lambda: test(self._look(where, end)))

    def _wait_for_events(self, where: _Path, end: float, aim: str,
                         look: Callable[[], bool]) -> bool:
        """Looks, and after each operation on the path again, until look() is true, or cannot come
        to be."""
        __tracebackhide__ = True
        pauses, ended = backoff(), ""
        while True:
            mark = self._mark()
            is_last = bool(ended) or time.monotonic() >= end
            reason = ""
            try:
                if look():
                    return True
            except (ProbeHangs, FuseTraceError) as error:
                return self._fail(where, aim, str(error))
            except _Ended as error:
                return self._fail(where, aim, ended or str(error))
            except OSError as error:
                reason = f"the filesystem says {os.strerror(error.errno or 0)!r}"
                if error.errno in _ENDED:
                    return self._fail(where, aim, ended or self._end_of_daemon(reason))
            if is_last:
                return self._fail(where, aim, ended or reason)
            ended = self._pause(where, mark, min(next(pauses), _left(end)))

    def _mark(self) -> Mark | None:
        with contextlib.suppress(FuseTraceError):
            return self.trace_monitor.mark() if self.trace_monitor is not None else None
        return None

    def _pause(self, where: _Path, mark: Mark | None, length: float) -> str:
        """Until something happens to the path, at most that long; why there is nothing more to wait
        for, else ""."""
        monitor = self.trace_monitor
        if monitor is not None and mark is not None:
            try:
                monitor._core.wait(mark, (where.match,), 0, max(1, int(length * 1e9)), False)
                return ""
            except (OperationTimeout, EventsLost):
                return ""
            except DaemonDied as error:
                return str(monitor._with_end(error))
            except (MountLost, WaitInterrupted) as error:
                return str(error)
            except FuseTraceError:
                pass  # the capture was stopped: what is left is to look again
        time.sleep(length)
        return ""

    def _end_of_daemon(self, reason: str) -> str:
        monitor = self.trace_monitor
        return reason if monitor is None else str(monitor._with_end(DaemonDied(reason)))

    # ---- without a trace ----

    def _wait_until_still(self, where: _Path, end: float) -> bool:
        __tracebackhide__ = True
        before: tuple[int, int, int] | None = None
        still_since = time.monotonic()

        def look() -> bool:
            nonlocal before, still_since
            found = self._look(where, end)
            now = None if found is None else (found.st_ino, found.st_size, found.st_mtime_ns)
            if now is None or now != before:
                before, still_since = now, time.monotonic()
                return False
            return time.monotonic() - still_since >= LAST_DELAY

        return self._wait_for_events(where, end, "it stands still (a guess: there is no trace)",
                                     look)

    def _wait_for_any_xattr(self, where: _Path, operation: str, end: float) -> bool:
        __tracebackhide__ = True
        def look() -> bool:
            names = self._ask(lambda: os.listxattr(where.text, follow_symlinks=False), end)
            if operation == "removexattr":
                return not names
            return bool(names) or operation == "listxattr"

        return self._wait_for_events(where, end, f"{operation} shows (there is no trace: any "
                                     f"attribute counts)", look)

    # ---- extended attributes ----

    def _is_read_back(self, where: _Path, matcher: Matcher, end: float) -> bool:
        """Whether one that was set is there, or one that was removed is gone."""
        assert self.trace_monitor is not None
        found = self.trace_monitor.since(self.trace_monitor._since).matching(matcher)
        names = {one.details.get("xattr") for one in found}
        there = set(self._ask(lambda: os.listxattr(where.text, follow_symlinks=False), end))
        if matcher.op == "removexattr":
            return any(name is None or name not in there for name in names)
        return any(bool(there) if name is None else name in there for name in names)

    # ---- reports ----

    def _fail_early(self, given: str | os.PathLike[str], reason: str) -> None:
        __tracebackhide__ = True
        self._tell(f"in vain: waited for {os.fspath(given)!r}\n  {reason}")

    def _fail(self, where: _Path, aim: str, reason: str) -> bool:
        """Tells why; always False."""
        __tracebackhide__ = True
        text = f"in vain: waited until {aim}: {where.text!r}"
        if reason:
            text += f"\n  {reason}"
        monitor = self.trace_monitor
        if monitor is None:
            text += "\n  source: none; the filesystem was asked again and again"
        else:
            with contextlib.suppress(FuseTraceError):
                text += self._history(monitor, where)
        return self._tell(text)

    def _history(self, monitor: FuseTraceMonitor, where: _Path) -> str:
        """The last operations on the path."""
        found = monitor.since(monitor._since).matching(Matcher(path=where.inside))
        found += [one for one in monitor.in_flight if where.inside in (one.path, one.path2)]
        text = f"\n  source: {monitor.source}; operations on it: {len(found)}"
        return text + "".join(f"\n    {one!r}" for one in found[-_SHOWN:])

    def _tell(self, text: str) -> bool:
        __tracebackhide__ = True
        self.last_report = text
        if self.trace_monitor is None:
            tell(WaitReport(text, None, {}, time.monotonic()))
        else:
            self.trace_monitor._add_report(text)
        return False


def _left(end: float, least: float = 0.0) -> float:
    return max(least, min(end - time.monotonic(), 1e9))
