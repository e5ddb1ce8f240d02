# SPDX-License-Identifier: MIT
"""One daemon: started, waited for until it has really mounted, ended in steps.

The library does it (fusetrace_mount_start() and what follows in fusetrace.h); this class gives it
Python's times and exceptions, and what the daemon printed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import guardian, timeouts
from .config import ON_HANG
from .errors import FuseTraceError, MountError
from .pipes import Output
from .process import Process

if TYPE_CHECKING:
    from . import _core
    from .trace_monitor import FuseTraceMonitor

logger = logging.getLogger("fusetrace")

UNMOUNT_SECONDS = 10.0
"""A daemon has this time to write back and to end after its unmount."""
BUSY_SECONDS = 2.0
"""How long a mount that is in use is waited for."""
TERM_SECONDS = 2.0
KILL_SECONDS = 5.0
_LAST_LINES_SECONDS = 0.5  # for the last words of a process that has ended
_SHOWN_LINES = 20

# None of them is given up by the garbage collector, which would unmount it.
_running: set[Daemon] = set()


def _forget_running() -> None:
    """In a forked child: they are the parent's."""
    _running.clear()


os.register_at_fork(after_in_child=_forget_running)


class Daemon:
    """A filesystem process and its mount.

    Args:
        command: its command line.
        mountpoint: as mounts.resolve() gives it.
        environment: all of it.
        monitor: has been started, and waits for the mount; None: not traced.
        output: the last lines, when there is no monitor that keeps them.
        on_hang: "report" or "abort", when it does not end.
    """

    def __init__(self, command: Sequence[str], mountpoint: str, environment: Mapping[str, str], *,
                 monitor: FuseTraceMonitor | None = None, output: Output | None = None,
                 on_hang: str = "report") -> None:
        self.command = list(command)
        self.mountpoint = mountpoint
        self.monitor = monitor
        self.stopped: dict[str, Any] | None = None
        """How it was ended, once it is: as fusetrace_stop_json() tells it, and "text"."""
        self._output = output
        self._environment = environment
        self._on_hang = ON_HANG.index(on_hang)
        self._core: _core.Mount | None = None
        self._process: Process | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started; others may have taken over from it."""
        assert self._process is not None
        return self._process

    @property
    def _mount(self) -> _core.Mount:
        assert self._core is not None
        return self._core

    def start(self, descriptors: Sequence[int]) -> None:
        """Starts it, in a session of its own: Ctrl-C is for the test alone.

        Args:
            descriptors: two write ends for its stdout and stderr; taken over.

        Raises:
            MountError: it cannot be started.
        """
        from . import _core

        guardian.prepare()
        environment = [os.fsencode(f"{name}={value}") for name, value in self._environment.items()]
        core = None if self.monitor is None else self.monitor._core
        try:
            self._core = _core.Mount(
                [os.fsencode(word) for word in self.command], environment,
                os.fsencode(self.mountpoint), core, descriptors[0], descriptors[1], self._on_hang)
            _running.add(self)
        except (FuseTraceError, ValueError) as error:  # ValueError: a NUL in a name
            raise MountError(f"{self._name()} cannot be started: {error}\n"
                             f"  command: {self._command_line()}") from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self._process = Process(self._core, self.command)

    # ---- what it says ----

    def last_lines(self) -> list[str]:
        """What it printed last."""
        if self.monitor is not None:
            return self.monitor.get_logs()
        return self._output.lines() if self._output is not None else []

    def _name(self) -> str:
        return os.path.basename(self.command[0])

    def _command_line(self) -> str:
        import shlex

        return shlex.join(self.command).encode(errors="backslashreplace").decode()

    def _failure(self, what: str) -> MountError:
        """The exception that says how it failed: command, end, last lines."""
        if self.process.poll() is not None:
            self._take_last_words()
        lines = self.last_lines()[-_SHOWN_LINES:]
        text = f"{what}\n  command: {self._command_line()}"
        if lines:
            text += "\n  its last lines:" + "".join(f"\n    {line}" for line in lines)
        else:
            text += "\n  it has printed nothing"
        return MountError(text)

    def _take_last_words(self) -> None:
        """What it printed before its end is on its way through the pipes."""
        if self._output is not None:
            self._output.wait_for_end(_LAST_LINES_SECONDS)
        elif self.monitor is not None:
            with contextlib.suppress(FuseTraceError):
                self.monitor.sync()

    # ---- its life ----

    def pids(self) -> list[int]:
        """Its processes that still run."""
        return self._mount.pids()

    def wait_until_mounted(self, deadline: float) -> None:
        """Waits until the mount is there and its INIT has been answered.

        Raises:
            MountError: it is not; says why.
        """
        try:
            self._mount.wait_ready(timeouts.left_ns(deadline))
        except FuseTraceError as error:
            raise self._failure(str(error).partition("\n")[0]) from error
        if self.monitor is not None:
            with contextlib.suppress(FuseTraceError):  # it may have been unmounted just now
                self.monitor.wait_for_mount(max(deadline - time.monotonic(), 0.001))

    def stop(self, timeout: float = UNMOUNT_SECONDS) -> bool:
        """Unmounts, and waits for the end of the daemon; then makes it end.

        Args:
            timeout: seconds that it has for writing back and ending by itself.

        Returns:
            Whether neither the mount nor a process is left. False and untouched when another mount
            covers it.
        """
        import errno
        import json

        try:
            text, found = self._mount.stop(*map(_step_ns, (
                timeout, BUSY_SECONDS, TERM_SECONDS, KILL_SECONDS)))
        except FuseTraceError as error:
            logger.warning("%s", error)
            if error.code != errno.EBUSY and self.monitor is not None:
                self.monitor.stop_capture()
            return False
        self.stopped = {**json.loads(found), "text": text}
        _running.discard(self)
        self._take_last_words()
        if self.monitor is not None:
            self.monitor.stop_capture()
        return True

    def discard(self) -> None:
        """Ends what has not become a mount; one that comes after all goes, too."""
        if self._core is not None:
            self.stop(timeout=0.0)
        elif self.monitor is not None:
            self.monitor.stop_capture()

    # ---- when it hangs ----

    def stacks(self, *, abort: bool = False) -> str:
        """Where its threads, and those that wait for it, stand in the kernel.

        Args:
            abort: ends the connection then: who waits for a reply gets ECONNABORTED.

        Raises:
            FuseTraceError: with abort, it could not be aborted, as with abort().
        """
        return self._mount.stacks(int(abort)).decode(errors="backslashreplace")

    def abort(self) -> bool:
        """Ends whatever waits in the mount; False when it is not there.

        Raises:
            FuseTraceError: it may not be aborted, or fusectl is not mounted.
        """
        return self._mount.abort()

    def holders(self) -> list[str]:
        """What keeps the mount from being unmounted: "cat (pid 123): open file /mnt/a.txt"."""
        return [(f"{_text(comm)} (pid {pid}): " if pid else "") + f"{_text(what)} {_text(path)}"
                for pid, comm, what, path in self._mount.holders()]


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


def _step_ns(seconds: float) -> int:
    """As fusetrace_stop_opts has it, where 1 means: at once."""
    return max(1, int(seconds * 1e9)) if seconds < 1e9 else (1 << 64) - 1
