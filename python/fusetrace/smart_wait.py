# SPDX-License-Identifier: MIT
"""SmartWaitHelper: waits for what a test means, a file that is there, data that are written.

What that is, and how it is found out, is the library's knowledge (fusetrace.h, "smart waits"): the
filesystem is asked first, by a thread that it cannot hang, and asked again when something happens to
the path. Here are paths, timeouts and reports.
"""

from __future__ import annotations

import os
import time
from typing import Any

from . import _core, timeouts
from .errors import DaemonDied, FuseTraceError
from .matcher import Matcher
from .paths import MountPaths
from .trace_monitor import MISTAKES, FuseTraceMonitor, WaitReport, tell
from .waits import timed

DEFAULT_SECONDS = 2.0
_XATTR_OPERATIONS = ("setxattr", "getxattr", "listxattr", "removexattr")
# As python/core/smart_wait.c numbers them.
_VISIBLE, _GONE, _WRITTEN, _XATTR = range(4)
# FUSETRACE_SMART_ of fusetrace.h.
_FILE, _DIRECTORY, _REMOVED, _ANYWHERE = 1 << 0, 1 << 1, 1 << 3, 1 << 4


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
        self._untraced_paths = MountPaths()
        if mountpoint is not None:
            self._untraced_paths.add_root(os.fspath(mountpoint))

    # ---- the waits of the specification ----

    @timed
    def wait_for_file_visible(self, filepath: str | os.PathLike[str],
                              timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until the filesystem shows a file (anything but a directory) of that name: its
        daemon says so, past what the kernel has cached.

        Args:
            filepath: under the mountpoint, or a str such as "/a.txt" in the mount.
            timeout: seconds.

        Raises:
            ValueError: the path is not in the mount.
        """
        __tracebackhide__ = True
        return self._wait(_VISIBLE, filepath, timeout, _FILE)

    @timed
    def wait_for_dir_visible(self, dirpath: str | os.PathLike[str],
                             timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until the filesystem shows a directory of that name; else as
        wait_for_file_visible()."""
        __tracebackhide__ = True
        return self._wait(_VISIBLE, dirpath, timeout, _DIRECTORY)

    @timed
    def wait_for_deletion(self, path: str | os.PathLike[str],
                          timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until the filesystem shows nothing of that very name; else as
        wait_for_file_visible()."""
        __tracebackhide__ = True
        return self._wait(_GONE, path, timeout)

    @timed
    def wait_for_write_complete(self, filepath: str | os.PathLike[str],
                                timeout: float | None = DEFAULT_SECONDS) -> bool:
        """Waits until what was written has arrived: each write has been answered, and then its
        handle was released, or the file synced; and nothing on the file is in flight. Of a file that
        was renamed to this path, or whose directory was, what was written under its old name counts.

        A write, fsync or flush that failed is not a write that is complete: False at once, and the
        report has its errno. Without a trace, the file's size and times must stand still for 50 ms,
        which is a guess, and the report says so.
        """
        __tracebackhide__ = True
        return self._wait(_WRITTEN, filepath, timeout)

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
        if self.trace_monitor is None and operation == "listxattr":
            return self._wait(_VISIBLE, path, timeout)  # whatever there is, a list shows it
        if self.trace_monitor is None or operation in ("setxattr", "removexattr"):
            return self._wait(_XATTR, path, timeout, _REMOVED * (operation == "removexattr"))
        return self._wait_for_asking(self.trace_monitor, operation, path, timeout)

    # ---- how ----

    def _wait(self, kind: int, given: str | os.PathLike[str], timeout: float | None,
              flags: int = 0) -> bool:
        __tracebackhide__ = True
        end = timeouts.deadline(timeout)
        self._check(given)
        try:
            monitor, mark, path, more = self._target(given, end)
            _core.smart_wait(monitor, kind, mark, path, None, flags | more,
                             0 if timeout == 0 else timeouts.left_ns(end))
            return True
        except FuseTraceError as error:
            return self._fail(given, error)

    def _check(self, given: object) -> None:
        if not isinstance(given, (str, os.PathLike)):
            raise TypeError(f"a path is a str or a path object, not {type(given).__name__}")
        if self.trace_monitor is not None:
            self.trace_monitor._ready()

    def _target(self, given: str | os.PathLike[str], end: float,
                ) -> tuple[_core.Monitor[Any] | None, _core.MarkTuple | None, bytes, int]:
        """What the library is asked: monitor, mark, path and flags."""
        paths = self._untraced_paths
        if self.trace_monitor is None:
            if paths.mountpoint is None:
                return None, None, os.fsencode(os.path.abspath(os.fspath(given))), _ANYWHERE
            return None, None, os.fsencode(paths.outside(paths.exact(given))), 0
        self.trace_monitor._ready()._await_mount(end)
        ready = self.trace_monitor._ready()
        if ready._paths.mountpoint is None:
            raise FuseTraceError("nothing is mounted yet")
        return (ready._core, self.trace_monitor._since,
                ready._paths.for_library(ready._paths.exact(given)), 0)

    def _wait_for_asking(self, monitor: FuseTraceMonitor, operation: str,
                         given: str | os.PathLike[str], timeout: float | None) -> bool:
        """getxattr and listxattr leave nothing that could be looked at."""
        __tracebackhide__ = True
        end = timeouts.deadline(timeout)
        self._check(given)
        try:
            self._target(given, end)
        except FuseTraceError as error:
            return self._fail(given, error)
        matcher = Matcher(operation, monitor._ready()._paths.exact(given), status="ok",
                          include_in_flight=True)
        if monitor._try_wait([matcher], None, end, timeout):
            return True
        self.last_report = monitor.last_reports[-1].text
        return False

    def _fail(self, given: str | os.PathLike[str], error: FuseTraceError) -> bool:
        """Tells why; always False."""
        __tracebackhide__ = True
        monitor = self.trace_monitor
        if error.code in MISTAKES:
            raise error
        text = str(error)
        if not error.report:  # there was not even a look
            text = f"in vain: waited for {os.fspath(given)!r}: {text}"
        elif monitor is not None and isinstance(error, DaemonDied):
            error = monitor._with_end(error)
            text = str(error)
        self.last_report = text
        if monitor is None:
            tell(WaitReport(text, error.verdict, error.report, time.monotonic(), error))
        else:
            monitor._add_report(text, error)
        return False
