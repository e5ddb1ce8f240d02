# SPDX-License-Identifier: MIT
"""What a daemon prints, read from the first moment to the last.

A pipe that nobody reads is full after 64 KiB, and then the daemon sleeps in write(2), and its whole
mount with it. While a capture runs, the library reads; before and after it, a Drain does in a thread
of its own.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
import threading
from typing import Any

from . import _core

KEPT_BYTES = 1 << 20
SHOWN_BYTES = 64 * 1024
"""How much of it is shown, as lines."""
_PIECE = 1 << 16
_REST_OF_A_LINE_MS = 20


class Drain:
    """Reads a descriptor until its end, or until stop(); owns the descriptor. Of one pipe there is one
    at a time: the one before is stopped, and keeps what it has read.

    Example:
        >>> reading, writing = os.pipe()
        >>> drain = Drain(reading)
        >>> _ = os.write(writing, b"hello\\n"); os.close(writing)
        >>> drain.join()
        >>> drain.lines()
        [b'hello']
    """

    def __init__(self, descriptor: int, kept_bytes: int = KEPT_BYTES) -> None:
        self._descriptor = descriptor
        self._kept_bytes = kept_bytes
        self._kept = bytearray()
        self._lock = threading.Lock()  # of what is kept, and of the end
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, daemon=True, name="fusetrace-drain")
        stop_drain_of(descriptor)
        self._pipe = _identity(descriptor)
        with _drains_lock:
            _drains[self._pipe] = self
        self._thread.start()

    def text(self) -> bytes:
        """The last that was read."""
        with self._lock:
            return bytes(self._kept)

    def lines(self) -> list[bytes]:
        """The same as lines, without their ends."""
        return self.text().splitlines()

    def join(self, timeout: float | None = None) -> None:
        """Waits until all writers have closed the pipe."""
        self._thread.join(timeout)

    def stop(self) -> bytes:
        """Reads no more, at the end of a line where one comes soon; returns text(). Who reads the
        same pipe through another descriptor gets what comes from then on."""
        with self._lock:
            if self._wake >= 0:  # else it has ended by itself
                os.eventfd_write(self._wake, 1)
        self._thread.join()
        return self.text()

    def _run(self) -> None:
        block_signals()
        try:
            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            poll.register(self._wake, select.POLLIN)
            while self._wake not in [fd for fd, _ in poll.poll()] and self._read():
                pass
            poll.unregister(self._wake)
            while self._is_inside_a_line() and poll.poll(_REST_OF_A_LINE_MS) and self._read(True):
                pass
        finally:
            with _drains_lock:
                if _drains.get(self._pipe) is self:
                    del _drains[self._pipe]
            with self._lock:
                os.close(self._descriptor)
                os.close(self._wake)
                self._wake = -1

    def _is_inside_a_line(self) -> bool:
        with self._lock:
            return bool(self._kept) and not self._kept.endswith(b"\n")

    def _read(self, stops_after_line: bool = False) -> bool:
        """Takes what is there; False at the end."""
        try:
            piece = os.read(self._descriptor, 1 if stops_after_line else _PIECE)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:  # a terminal whose other side is gone
            return False
        with self._lock:
            self._kept += piece
            if len(self._kept) > 2 * self._kept_bytes:
                del self._kept[:-self._kept_bytes]
        return bool(piece)



# The running ones. A reader that nobody knows of would take lines away from a new monitor.
_drains: dict[tuple[int, int], Drain] = {}
_drains_lock = threading.Lock()


def _forget_drains() -> None:
    """In a forked child: threads do not come along, and their descriptors are the parent's, too."""
    global _drains_lock
    _drains_lock = threading.Lock()
    _drains.clear()


os.register_at_fork(after_in_child=_forget_drains)


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def stop_drain_of(descriptor: int) -> None:
    """Nobody but the caller reads that pipe from now on."""
    with _drains_lock:
        drain = _drains.get(_identity(descriptor))
    if drain is not None:
        drain.stop()


class DaemonOutput:
    """The pipes and log files of one monitor, and who reads them now."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._pipes: list[int] = []
        self._files: list[tuple[bytes, bool]] = []
        self._drains: list[Drain] = []  # of all pipes, or of none
        self._early = b""
        self._is_captured = False

    def add_fd(self, descriptor: int, core: _core.Monitor[Any]) -> None:
        """Owns the descriptor from now on, also on failure: the read end of a pipe, a socket or a
        terminal."""
        try:
            kind = os.fstat(descriptor).st_mode
            if not any(test(kind) for test in (stat.S_ISFIFO, stat.S_ISSOCK, stat.S_ISCHR)):
                raise ValueError("a log descriptor is a pipe, a socket or a terminal; a file is "
                                 "given to add_log_file()")
            copy = _duplicate(descriptor)
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(descriptor)
            raise
        self._pipes.append(copy)
        if self._is_captured:
            core.add_log_fd(descriptor)
        else:
            self._drains.append(Drain(descriptor))

    def add_file(self, path: bytes, from_beginning: bool, core: _core.Monitor[Any]) -> None:
        """A log file, followed as it grows."""
        os.stat(path)
        if self._is_captured:
            core.add_log_file(path, from_beginning)
        self._files.append((path, from_beginning))

    def hand_to(self, core: _core.Monitor[Any], *, is_parsed: bool) -> None:
        """The library reads from now on. is_parsed: what was printed so far matters, as it tells
        which nodes have which names."""
        drains, self._drains = self._drains, []
        self._is_captured = True
        early = b"".join(drain.stop() for drain in drains)
        for pipe in self._pipes:
            stop_drain_of(pipe)  # of a monitor before this one
            core.add_log_fd(_duplicate(pipe))
        for path, from_beginning in self._files:
            core.add_log_file(path, from_beginning)
        if is_parsed and early:
            core.feed(early)
        self._early += early

    def take_back(self) -> None:
        """The library does not read any more, as the capture could not begin."""
        if self._is_captured:
            self._is_captured = False
            self._drains = [Drain(_duplicate(pipe)) for pipe in self._pipes]

    def let_go(self) -> None:
        """Likewise, as the capture has ended: each is read until its end, whatever else comes."""
        pipes, self._pipes = self._pipes, []
        if self._drains:
            _close(pipes)  # these are read already
        else:
            self._drains = [Drain(pipe) for pipe in pipes]
        self._is_captured = False

    def lines(self, core: _core.Monitor[Any]) -> list[bytes]:
        """The last lines, oldest first."""
        found = [*self._early.splitlines(), *core.log_lines()]
        for drain in self._drains:
            found += drain.lines()
        size = 0
        for index in range(len(found) - 1, -1, -1):
            size += len(found[index]) + 1
            if size > SHOWN_BYTES and index + 1 < len(found):
                return found[index + 1:]
        return found

    def __del__(self) -> None:
        # Whoever forgets the monitor must not stop a daemon that goes on printing.
        with contextlib.suppress(Exception):
            if os.getpid() == self._owner:
                self.let_go()
            else:
                _close(self._pipes)


def _duplicate(descriptor: int) -> int:
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def block_signals() -> None:
    """Signals are for the main thread: one that came here would not end its system call."""
    import signal

    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)
