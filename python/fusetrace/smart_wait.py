# SPDX-License-Identifier: MIT
"""SmartWaitHelper: waits for what a test means, a file that is there, data that are written.

The state comes first, the event second: each wait asks the filesystem, else sleeps until an
operation on that path completes, and asks again; the last word is the filesystem's. Without a trace
it asks again and again with a back-off of 1 ms doubling to 50 ms, and its report says so.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import Any

from . import timeouts
from .errors import EventsLost, FuseTraceError, OperationTimeout
from .matcher import Matcher
from .operation import Mark, Operation, OperationStatus
from .paths import MountPaths
from .probes import ProbeHangs, Prober
from .trace_monitor import FuseTraceMonitor, WaitReport, tell

DEFAULT_SECONDS = 2.0
_FIRST_DELAY, _LAST_DELAY = 0.001, 0.05
_XATTR_OPERATIONS = ("setxattr", "getxattr", "listxattr", "removexattr")
_WRITES = ("write", "copy_file_range", "fallocate")


class _Path:
    """The path of a wait: as the test has it, and in the mount."""

    def __init__(self, given: str | os.PathLike[str], paths: MountPaths | None) -> None:
        if not isinstance(given, (str, os.PathLike)):
            raise TypeError(f"a path is a str or a path object, not {type(given).__name__}")
        self.inside: str | None = None
        self.text = os.fspath(given)
        if paths is not None and paths.mountpoint is not None:
            self.inside = paths.inside(given)
            self.text = paths.outside(given)


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
        self._untraced_paths = MountPaths()
        if mountpoint is not None:
            self._untraced_paths.add_root(os.fspath(mountpoint))

    # ---- the waits of the specification ----

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
            filepath, timeout, "a file is visible",
            lambda found: found is not None and not stat.S_ISDIR(found.st_mode))

    def wait_for_dir_visible(self, dirpath: str | os.PathLike[str],
                             timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until the filesystem shows a directory of that name; else as
        wait_for_file_visible()."""
        __tracebackhide__ = True
        return self._wait_for_state(
            dirpath, timeout, "a directory is visible",
            lambda found: found is not None and stat.S_ISDIR(found.st_mode))

    def wait_for_deletion(self, path: str | os.PathLike[str],
                          timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until the filesystem shows nothing of that very name; else as
        wait_for_file_visible()."""
        __tracebackhide__ = True
        return self._wait_for_state(path, timeout, "it is gone", lambda found: found is None)

    def wait_for_write_complete(self, filepath: str | os.PathLike[str],
                                timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until what was written has arrived: the last write has been answered, and then the
        release of the same file handle, or an fsync; and nothing on the file is in flight.

        A write, fsync or flush that failed is not a write that is complete: False at once, and the
        report has its errno. Without a trace, the file's size and times must stand still for 50 ms,
        which is a guess, and the report says so.
        """
        __tracebackhide__ = True
        where = self._path(filepath)
        end = timeouts.deadline(timeout)
        if self.trace_monitor is None:
            return self._wait_until_still(where, end)
        state = _WriteState(self.trace_monitor, where)
        if not self._wait_for_events(where, end, "its data are written", state.look):
            return False
        return self._wait_for_state(
            filepath, max(0.0, min(end - time.monotonic(), 1e9)), "the written file is visible",
            lambda found: found is not None)

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
        where = self._path(path)
        end = timeouts.deadline(timeout)
        if self.trace_monitor is None:
            return self._wait_for_any_xattr(where, operation, end)
        found = self.trace_monitor.wait_for_operation(
            Matcher(operation, where.inside, status="ok"), timeout=_left(end))
        if found is None:
            reports = self.trace_monitor.last_reports
            self.last_report = reports[-1].text if reports else None
            return False
        return self._check_xattr(where, found, end)

    # ---- asking the filesystem ----

    def _path(self, given: str | os.PathLike[str]) -> _Path:
        if self.trace_monitor is not None:
            return _Path(given, self.trace_monitor._ready()._paths)
        return _Path(given, self._untraced_paths)

    def _ask(self, question: Callable[[], Any], end: float) -> Any:
        return self._prober.ask(question, _left(end, least=1.0))

    def _look(self, where: _Path, end: float) -> os.stat_result | None:
        try:
            found: os.stat_result = self._ask(lambda: os.lstat(where.text), end)
            return found
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return None
            raise

    def _wait_for_state(self, given: str | os.PathLike[str], timeout: float | None, aim: str,
                        test: Callable[[os.stat_result | None], bool]) -> bool:
        __tracebackhide__ = True
        where = self._path(given)
        end = timeouts.deadline(timeout)
        return self._wait_for_events(where, end, aim,
                                     lambda: test(self._look(where, end)) or None)

    def _wait_for_events(self, where: _Path, end: float, aim: str,
                         look: Callable[[], bool | None]) -> bool:
        """Looks, and after each operation on the path again, until look() gives a verdict."""
        __tracebackhide__ = True
        last_error = ""
        for pause in self._pauses(where, end):
            try:
                verdict = look()
            except ProbeHangs as error:
                return self._fail(where, aim, str(error))
            except OSError as error:
                verdict, last_error = None, f"the filesystem says {os.strerror(error.errno or 0)}"
            except FuseTraceError as error:
                return self._fail(where, aim, str(error))
            if verdict is not None:
                return verdict or self._fail(where, aim, "")
            pause()
        return self._fail(where, aim, last_error)

    def _pauses(self, where: _Path, end: float) -> Iterator[Callable[[], None]]:
        """A pause for each look; the last look comes after the end."""
        delay = _FIRST_DELAY
        is_last = False
        while not is_last:
            mark = None if self.trace_monitor is None else self._mark()
            is_last = time.monotonic() >= end
            length = min(delay, _left(end))
            yield lambda: self._pause(where, mark, length) if not is_last else None
            delay = min(delay * 2, _LAST_DELAY)

    def _mark(self) -> Mark | None:
        with contextlib.suppress(FuseTraceError):
            return self.trace_monitor.mark() if self.trace_monitor is not None else None
        return None

    def _pause(self, where: _Path, mark: Mark | None, length: float) -> None:
        """Until something happens to the path, at most that long."""
        monitor = self.trace_monitor
        if monitor is not None and mark is not None:
            match = Matcher("*", where.inside, include_in_flight=True).tuple_for(monitor._paths)
            try:
                monitor._core.wait(mark, (match,), 0, max(1, int(length * 1e9)))
                return
            except (OperationTimeout, EventsLost):
                return
            except FuseTraceError:
                pass  # the trace has ended: what is left is to look again
        time.sleep(length)

    # ---- without a trace ----

    def _wait_until_still(self, where: _Path, end: float) -> bool:
        __tracebackhide__ = True
        before: tuple[int, int, int] | None = None
        still_since = time.monotonic()

        def look() -> bool | None:
            nonlocal before, still_since
            found = self._look(where, end)
            now = None if found is None else (found.st_ino, found.st_size, found.st_mtime_ns)
            if now is None or now != before:
                before, still_since = now, time.monotonic()
                return None
            return True if time.monotonic() - still_since >= _LAST_DELAY else None

        return self._wait_for_events(where, end, "it stands still (a guess: there is no trace)",
                                     look)

    def _wait_for_any_xattr(self, where: _Path, operation: str, end: float) -> bool:
        __tracebackhide__ = True
        def look() -> bool | None:
            names = self._ask(lambda: os.listxattr(where.text, follow_symlinks=False), end)
            if operation == "removexattr":
                return True if not names else None
            return True if names or operation == "listxattr" else None

        return self._wait_for_events(where, end, f"{operation} shows (there is no trace: any "
                                     f"attribute counts)", look)

    def _check_xattr(self, where: _Path, found: Operation, end: float) -> bool:
        __tracebackhide__ = True
        name = found.details.get("xattr")
        if name is None or found.operation not in ("setxattr", "removexattr"):
            return True
        is_wanted = found.operation == "setxattr"

        def look() -> bool | None:
            try:
                self._ask(lambda: os.getxattr(where.text, name, follow_symlinks=False), end)
            except OSError as error:
                if error.errno != errno.ENODATA:
                    raise
                return True if not is_wanted else None
            return True if is_wanted else None

        return self._wait_for_events(where, end, f"attribute {name} is "
                                     f"{'there' if is_wanted else 'gone'}", look)

    # ---- reports ----

    def _fail(self, where: _Path, aim: str, reason: str) -> bool:
        """Tells why; always False."""
        __tracebackhide__ = True
        text = f"in vain: waited until {aim}: {where.text!r}"
        if reason:
            text += f"\n  {reason}"
        if self.trace_monitor is None:
            text += "\n  source: none; the filesystem was asked again and again"
            self.last_report = text
            tell(WaitReport(text, None, {}, time.monotonic()))
        else:
            with contextlib.suppress(FuseTraceError):
                text += "\n" + self.trace_monitor.explain(Matcher("*", where.inside))
            self.last_report = text
            self.trace_monitor._add_report(text)
        return False


def _left(end: float, least: float = 0.0) -> float:
    return max(least, min(end - time.monotonic(), 1e9))


class _WriteState:
    """Whether what was written to a file has arrived, by the operations on it."""

    def __init__(self, monitor: FuseTraceMonitor, where: _Path) -> None:
        self._monitor = monitor
        self._matcher = Matcher("*", where.inside)

    def look(self) -> bool | None:
        """True: complete; None: not yet. OperationFailed's kin for a write that failed."""
        monitor = self._monitor
        mark = monitor._since
        found = monitor.since(mark).matching(self._matcher)
        paths = {one.path for one in found}
        if any(one.path in paths and one.operation in (*_WRITES, "flush", "fsync", "release")
               for one in monitor.in_flight):
            return None
        writes = [one for one in found if one.operation in _WRITES or _is_truncation(one)]
        for one in found[::-1]:
            if one.operation in (*_WRITES, "fsync", "flush") and one.errno and not one.is_probe:
                raise FuseTraceError(f"{one!r}: the data did not arrive")
        last = writes[-1] if writes else None
        return True if any(_proves(one, last) for one in found) else None


def _is_truncation(one: Operation) -> bool:
    return one.operation == "setattr" and "size" in one.details


def _proves(one: Operation, last: Operation | None) -> bool:
    """Whether this operation comes after the last write and proves that it has arrived."""
    if one.status not in (OperationStatus.COMPLETED, OperationStatus.UNKNOWN):
        return False
    if last is not None and one.seq < last.seq:
        return False
    if one.operation == "fsync":
        return last is not None
    if one.operation != "release":
        return last is not None and _is_truncation(last) and one.seq == last.seq
    # Write-back may use any handle of the file that can write.
    return last is None or last.fh is None or one.fh is None or one.fh == last.fh \
        or last.pid == 0
