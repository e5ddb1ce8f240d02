# SPDX-License-Identifier: MIT
"""One daemon: started, waited for until it has really mounted, ended in steps.

Whatever happens in between, nothing of it stays: no mount, no process, no pipe that nobody reads.
A daemon may stay in the foreground or go into the background; its processes carry a mark in their
environment, by which they are known as ours. What else is mounted is never touched.
"""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from . import guardian, mounts
from .errors import FuseTraceError, MountError
from .mounts import Mount, Watch
from .pipes import Output
from .polling import backoff
from .probes import ProbeHangs, Prober
from .targets import describe_end

if TYPE_CHECKING:
    from .trace_monitor import FuseTraceMonitor

MARK = "FUSETRACE_DAEMON"
"""Variable in the environment of all daemons: process id of who started it, and a number."""

UNMOUNT_SECONDS = 10.0
"""A daemon has this time to write back and to end after its unmount."""
BUSY_SECONDS = 2.0
"""How long a mount that is in use is waited for."""
LAZY_SECONDS = 0.5
"""How long one that is still in use may take to end by itself, after it was taken out of sight."""
TERM_SECONDS = 2.0
KILL_SECONDS = 5.0
_LAST_LINES_SECONDS = 0.5  # for the last words of a process that has ended
_SHOWN_LINES = 20
_NAMINGS = 3
_NO_ANSWER = (errno.ENOTCONN, errno.ECONNABORTED, errno.ECONNREFUSED)


class Daemon:
    """A filesystem process and its mount.

    Args:
        command: its command line.
        mountpoint: as mounts.resolve() gives it.
        environment: all of it.
        monitor: has been started, and waits for the mount; None: not traced.
        output: the last lines, when there is no monitor that keeps them.
    """

    def __init__(self, command: Sequence[str], mountpoint: str, environment: Mapping[str, str], *,
                 monitor: FuseTraceMonitor | None = None, output: Output | None = None) -> None:
        self.command = list(command)
        self.mountpoint = mountpoint
        self.monitor = monitor
        self.mount: Mount | None = None
        self._identity: tuple[int, int] | None = None
        self._output = output
        self._mark = f"{os.getpid()}-{os.urandom(8).hex()}"
        self._environment = {**environment, MARK: self._mark}
        self._guarded = 0
        self._begin = time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._has_left = False
        """Whether the process that was started has ended, so that others may be the daemon."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started; others may have taken over from it."""
        assert self._process is not None
        return self._process

    def start(self, descriptors: Sequence[int]) -> None:
        """Starts it.

        Args:
            descriptors: two write ends for its stdout and stderr; taken over.

        Raises:
            MountError: it cannot be started.
        """
        self._guarded = guardian.guard_mount(self.mountpoint, f"{MARK}={self._mark}")
        try:
            # In a session of its own, Ctrl-C is for the test alone.
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=descriptors[0],
                stderr=descriptors[1], env=self._environment, start_new_session=True)
        except (OSError, ValueError) as error:  # ValueError: a NUL in a name
            raise MountError(f"{self._name()} cannot be started: {error}\n"
                             f"  command: {self._command_line()}") from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

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
        text = f"{self._name()} did not mount on {self.mountpoint!r}: {what}\n" \
               f"  command: {self._command_line()}"
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

    # ---- its processes ----

    def pids(self) -> list[int]:
        """Its processes that still run."""
        found = mounts.marked_processes(f"{MARK}={self._mark}")
        if self.process.poll() is None and self.process.pid not in found:
            found.append(self.process.pid)
        return found

    def _wait_for_end(self, deadline: float) -> bool:
        """Waits until no process of it is left."""
        with Watch() as watch:
            if self.process.poll() is None:
                watch.add(self.process.pid)
                if not watch.wait_for_ends(deadline):
                    return False
                self.process.wait()
                if not self._has_left:
                    return True
            while pids := self.pids():
                for pid in pids:
                    watch.add(pid)
                if not watch.wait_for_ends(deadline):
                    return False
        return True

    # ---- mounting ----

    def wait_until_mounted(self, deadline: float) -> None:
        """Waits until the mount is there and its INIT has been answered.

        Raises:
            MountError: it is not; says why.
        """
        mount = self._wait_for_mount(deadline)
        self._adopt(mount)
        # First, as a probe is known as one only when the monitor knows the mount.
        if self.monitor is not None:
            self._wait_for_monitor(self.monitor, mount, deadline)
        self._ask(mount, deadline)

    def _wait_for_monitor(self, monitor: FuseTraceMonitor, mount: Mount, deadline: float) -> None:
        try:
            self._name_daemons(monitor)
            monitor.wait_for_mount(max(deadline - time.monotonic(), 0.001))
        except FuseTraceError as error:
            if mounts.find_mount(self.mountpoint) == mount and self.process.poll() in (None, 0):
                raise self._failure(f"the monitor does not see it: {error}") from error
            raise self._failure(self._how_it_ended()) from error

    def _name_daemons(self, monitor: FuseTraceMonitor) -> None:
        """The monitor knows the mount by the process that it follows. One that has gone into the
        background has no parent of ours, so each that carries our mark is named to it."""
        pids = [self.process.pid]
        for _ in range(_NAMINGS):  # a child may be born, and its parent end, while we look
            for pid in pids:
                if monitor.state != "pending":
                    return
                with contextlib.suppress(ProcessLookupError):
                    monitor.follow(pid)
            pids = self.pids()

    def _adopt(self, mount: Mount) -> None:
        self.mount = mount
        self._identity = mounts.connection_identity(mount.connection)
        guardian.guard_mounted(self._guarded, mount.connection,
                               self._identity[0] if self._identity else 0)

    def _wait_for_mount(self, deadline: float) -> Mount:
        with Watch([self.process.pid]) as watch:
            while True:
                code = self.process.poll()  # before the look, which then sees what it has done
                mount = mounts.find_mount(self.mountpoint)
                if mount is not None and mount.is_fuse:
                    return mount
                if code:
                    raise self._failure(f"it {describe_end(code)} after {self._seconds()}")
                if code == 0:
                    self._watch_background(watch)
                if not watch.wait(deadline) and not self._is_there():
                    raise self._failure(f"nothing was mounted within {self._seconds()}")

    def _is_there(self) -> bool:
        mount = mounts.find_mount(self.mountpoint)
        return mount is not None and mount.is_fuse

    def _watch_background(self, watch: Watch) -> None:
        """The first process has ended well. Others of it may still be about to mount."""
        # A process that forked and ended during the first look has its child in the second.
        pids = self.pids() or self.pids()
        if not pids and not self._is_there():
            raise self._failure(f"it ended with exit code 0 after {self._seconds()}, but nothing "
                                f"is mounted")
        for pid in pids:
            watch.add(pid)

    def _seconds(self) -> str:
        return f"{time.monotonic() - self._begin:.3g} s"

    def _ask(self, mount: Mount, deadline: float) -> None:
        """One question, which the kernel passes on only after INIT has been answered. It is
        STATFS, which tests count least."""
        prober = Prober(self.monitor)
        try:
            prober.ask(lambda: os.statvfs(self.mountpoint), deadline - time.monotonic())
        except ProbeHangs:
            raise self._failure(f"it is mounted, but has not answered within "
                                f"{self._seconds()}") from None
        except OSError as error:
            # Any other error is an answer, too.
            if error.errno in _NO_ANSWER:
                raise self._failure(self._how_it_ended()) from None
        finally:
            prober.close()
        # What answered was the directory below if the mount has gone again.
        if mounts.find_mount(self.mountpoint) != mount:
            raise self._failure(self._how_it_ended())

    def _how_it_ended(self) -> str:
        with Watch([self.process.pid]) as watch:
            watch.wait_for_ends(time.monotonic() + _LAST_LINES_SECONDS)
        code = self.process.poll()
        what = "is no longer there" if code is None else describe_end(code)
        return f"it was mounted, but {what} after {self._seconds()}"

    # ---- ending ----

    def stop(self, timeout: float = UNMOUNT_SECONDS) -> bool:
        """Unmounts, and waits for the end of the daemon; then makes it end.

        Args:
            timeout: seconds that it has for writing back and ending by itself.

        Returns:
            Whether neither the mount nor a process is left. False and untouched when another mount
            covers it.
        """
        self._has_left = self.process.poll() is not None
        deadline = time.monotonic() + timeout
        was_lazy = self._unmount(deadline)
        if was_lazy:  # it ends when its last user has gone, which may be never
            deadline = min(deadline, time.monotonic() + LAZY_SECONDS)
        elif self._own_mount() is not None:
            # libfuse, told to end, would take the topmost mount away, which is not its own.
            return False
        has_ended = self._wait_for_end(deadline) or self._end_by_force()
        if self._is_on_top():
            self._try_to_unmount(time.monotonic() + TERM_SECONDS, lazy=True)
        if has_ended:
            self._take_last_words()
        if self.monitor is not None:
            self.monitor.stop_capture()
        is_gone = has_ended and self._own_mount() is None
        if is_gone:
            guardian.forget(self._guarded)
        return is_gone

    def discard(self) -> None:
        """Ends what has not become a mount; one that comes after all goes, too."""
        if self._process is None:
            self._end_half_started()
            return
        for _ in range(2):
            found = mounts.find_mount(self.mountpoint)
            if self.mount is None and found is not None and found.is_fuse:
                self._adopt(found)  # nothing was mounted here before
            self.stop(timeout=0.0)

    def _end_half_started(self) -> None:
        """What Popen has left when it was interrupted: maybe a process, known by its mark only."""
        import signal

        for pid in mounts.marked_processes(f"{MARK}={self._mark}"):
            _send(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        guardian.forget(self._guarded)
        if self.monitor is not None:
            self.monitor.stop_capture()

    def _own_mount(self) -> Mount | None:
        """The mount that it has made, while it is there; what covers it is not."""
        if self.mount is None:
            return None
        for mount in mounts.read_mounts():
            if mount == self.mount and self._is_same_connection(mount):
                return mount
        return None

    def _is_same_connection(self, mount: Mount) -> bool:
        """Whether it is not another one, mounted here meanwhile, that got the same numbers."""
        if self._identity is not None:
            return mounts.connection_identity(mount.connection) == self._identity
        if self.pids():
            return True
        # Nobody of ours can answer any more.
        prober = Prober()
        try:
            prober.ask(lambda: os.statvfs(self.mountpoint), TERM_SECONDS)
        except ProbeHangs:
            return False
        except OSError as error:
            return error.errno in _NO_ANSWER
        finally:
            prober.close()
        return False

    def _is_on_top(self) -> bool:
        mine = self._own_mount()
        return mine is not None and mine == mounts.find_mount(self.mountpoint)

    def _unmount(self, deadline: float) -> bool:
        """Takes the mount away; whether that had to be lazy, because it is in use."""
        busy_until = min(time.monotonic() + BUSY_SECONDS, deadline)
        pauses = backoff()
        while self._is_on_top():
            number = self._try_to_unmount(deadline)
            if number == 0:
                continue
            if number != errno.EBUSY or time.monotonic() >= busy_until:
                self._try_to_unmount(deadline, lazy=True)
                return True
            self._wait_while_busy(min(busy_until, time.monotonic() + next(pauses)))
        return False

    def _wait_while_busy(self, until: float) -> None:
        """Until a process that uses it ends, or somebody else unmounts. That one is closed in a
        process that lives on is told by nothing, so this must not take long."""
        me = os.getpid()
        with Watch(pid for pid in mounts.users_of(self.mountpoint) if pid != me) as watch:
            watch.wait(until)

    def _try_to_unmount(self, deadline: float, *, lazy: bool = False) -> int:
        """0, or the errno. What is dirty is written back, which a daemon that hangs never does: at
        the deadline its connection is cut off."""
        assert self.mount is not None
        prober = Prober()
        try:
            prober.ask(lambda: mounts.unmount(self.mountpoint, lazy=lazy),
                       max(deadline - time.monotonic(), 0.1))
        except ProbeHangs:
            self._cut_off()
            return errno.ETIMEDOUT
        except OSError as error:
            return error.errno or errno.EIO
        finally:
            prober.close()
        return 0

    def _end_by_force(self) -> bool:
        import signal

        for number, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            for pid in self.pids():
                _send(pid, number)
            if self._wait_for_end(time.monotonic() + seconds):
                return True
            self._cut_off()  # a process that hangs in its own mount cannot be killed
        return self._wait_for_end(time.monotonic() + KILL_SECONDS)


    def _cut_off(self) -> None:
        """Aborts the connection; unless the mount has gone, and its number may be another's."""
        if self.mount is None:
            return
        if self._own_mount() is not None or \
                not set(mounts.holders_of(self.mount.connection)).isdisjoint(self.pids()):
            mounts.abort(self.mount.connection)


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass
