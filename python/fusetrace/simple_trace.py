# SPDX-License-Identifier: MIT
"""SimpleTraceMonitor and SimpleWaitHelper: the names of `lib.simple_trace`.

Earlier suites looked for patterns in lines of a log with these. Here they are the monitor and the
smart waits under those names: what they wait for are operations.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from . import _core
from .errors import FuseTraceError
from .smart_wait import SmartWaitHelper
from .trace_monitor import FuseTraceMonitor

if TYPE_CHECKING:
    import re

__all__ = ["SimpleTraceMonitor", "SimpleWaitHelper"]

_logger = logging.getLogger(__name__)

_MOUNT_READY = "mount_ready"


class SimpleTraceMonitor(FuseTraceMonitor):
    """A monitor of a filesystem's process, with the calls of `lib.simple_trace` on top.

    Args:
        process: a subprocess.Popen. What it prints into pipes is read from now on, for ever.

    Example:
        >>> monitor = SimpleTraceMonitor(process)                        # doctest: +SKIP
        >>> monitor.start_capture()                                      # doctest: +SKIP
        >>> assert monitor.wait_for_mount_ready(timeout=10)              # doctest: +SKIP
        >>> assert monitor.wait_for_pattern("create", timeout=2)         # doctest: +SKIP
    """

    @property
    def process(self) -> Any:
        """The process that it was made with."""
        return self._process

    def wait_for_pattern(self, pattern_name: str, timeout: float = 5.0) -> bool:
        """Waits for an operation by its name, or with "mount_ready" for the mount.

        Looks back to the start of the capture or the last `clear_completed()`.

        Args:
            pattern_name: "create", "write", ... or "mount_ready".
            timeout: seconds.

        Returns:
            True when there was one, also one that failed; False on timeout, which is logged.

        Raises:
            ValueError: there is no such operation; tells the nearest name.
        """
        if pattern_name == _MOUNT_READY:
            return self.wait_for_mount_ready(timeout)
        _check_name(pattern_name)
        return self.wait_for_operation(pattern_name, timeout=timeout) is not None

    def wait_for_mount_ready(self, timeout: float = 10.0) -> bool:
        """Waits until the process has mounted its filesystem.

        Args:
            timeout: seconds.

        Returns:
            True when it is mounted; False when the process ended before, or on timeout: the reason
            is logged.
        """
        try:
            self.wait_for_mount(timeout)
        except FuseTraceError as error:
            _logger.warning("the mount did not become ready: %s", error)
            return False
        return True

    def get_recent_logs(self, count: int = 50) -> list[str]:
        """The last lines that the process printed, up to so many."""
        return self.get_logs()[-count:] if count > 0 else []

    @property
    def log_lines(self) -> list[str]:
        """The same as get_logs()."""
        return self.get_logs()

    @property
    def patterns(self) -> dict[str, re.Pattern[str]]:
        """The names that `wait_for_pattern()` takes, with what finds each in a line by eye.

        Only for looking at lines: no wait uses them.
        """
        import re

        return {name: re.compile(rf"\b{name}\b") for name in [*_core.op_names(), _MOUNT_READY]}


def _check_name(name: str) -> None:
    """Of a name that does not exist, mount_ready may be the nearest, which the library does not
    know; other names are its business."""
    import difflib

    if name in _core.op_names() or not isinstance(name, str):
        return
    nearest = difflib.get_close_matches(name, [*_core.op_names(), _MOUNT_READY], 1)
    if nearest == [_MOUNT_READY]:
        raise ValueError(f"unknown pattern '{name}': did you mean '{_MOUNT_READY}'?")


class SimpleWaitHelper(SmartWaitHelper):
    """The waits of SmartWaitHelper under their earlier name; for any monitor, or for none.

    Example:
        >>> helper = SimpleWaitHelper(monitor)                           # doctest: +SKIP
        >>> assert helper.wait_for_file_visible(mountpoint / "a.txt")    # doctest: +SKIP
    """
