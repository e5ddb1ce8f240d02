# SPDX-License-Identifier: MIT
"""The process of a daemon as a subprocess.Popen, for whoever expects one: started and reaped by the
library, which holds it by its pidfd."""

from __future__ import annotations

import math
import os
import subprocess
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import timeouts

if TYPE_CHECKING:
    from . import _core

_UNKNOWN = -1


class Process(subprocess.Popen[bytes]):
    """A process that has been started already; its pipes are somebody else's."""

    def __init__(self, core: _core.Mount, args: Sequence[str]) -> None:
        # Not that of Popen, which would start one.
        self._core = core
        self.args = list(args)
        self.pid = core.pid
        self.returncode: int | None = None
        self.stdin = self.stdout = self.stderr = None
        self._child_created = False  # Popen has none to look after
        self._communication_started = False

    def poll(self) -> int | None:
        """The exit code as subprocess has it; None while it runs."""
        if self.returncode is None:
            status = self._core.status()
            if status is not None:
                # As subprocess says it of a process that somebody else has waited for.
                self.returncode = 0 if status == _UNKNOWN else os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end. Raises subprocess.TimeoutExpired."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        if self.poll() is None:
            self._sleep(end)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def _sleep(self, end: float) -> None:
        from . import _core

        try:
            pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:  # it has ended just now
            return
        try:
            # It is this process that the descriptor holds, if it runs now.
            if self.poll() is None:
                _core.poll([pidfd], timeouts.left_ns(end))
        finally:
            os.close(pidfd)
