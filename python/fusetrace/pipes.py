# SPDX-License-Identifier: MIT
"""Reads what a process prints to its end, so that it never sleeps in write(2).

A pipe that nobody reads is full after 64 KiB; a daemon then blocks, and with it its whole mount. A
Drain reads one pipe in a thread and keeps the last of it; an Output is those of one daemon.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque

LIMIT = 64 * 1024
"""Bytes of lines that an Output keeps."""
KEPT_BYTES = 1 << 20
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

    @property
    def is_running(self) -> bool:
        """Whether more may come."""
        return self._thread.is_alive()

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
        self._keep(piece)
        return bool(piece)

    def _keep(self, piece: bytes) -> None:
        """What was read; nothing at the end."""
        with self._lock:
            self._kept += piece
            if len(self._kept) > 2 * self._kept_bytes:
                del self._kept[:-self._kept_bytes]


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


class Output:
    """The last lines of what comes out of some descriptors, in the order in which they came; any
    thread may ask."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._parts: list[_Part] = []

    def read_from(self, *descriptors: int) -> None:
        """Reads them to their ends, and closes them."""
        self._parts += [_Part(descriptor, self) for descriptor in descriptors]

    def lines(self) -> list[str]:
        """The last lines, oldest first, without their newlines; the last one may be unfinished.
        What is no UTF-8 is shown as escapes."""
        with self._lock:
            found = [*self._lines, *(part.rest for part in self._parts if part.rest)]
        return [line.decode(errors="backslashreplace") for line in found]

    def wait_for_end(self, timeout: float) -> bool:
        """Waits until all has been read, at most so many seconds; False when more may come."""
        end = time.monotonic() + timeout
        for part in self._parts:
            part.join(max(0.0, end - time.monotonic()))
        return not any(part.is_running for part in self._parts)

    def _add(self, part: _Part, piece: bytes) -> None:
        """Takes a piece; an empty one is the end."""
        with self._lock:
            *lines, rest = (part.rest + piece).split(b"\n")
            if not piece and rest:
                lines, rest = [rest], b""
            part.rest = rest[-self._limit:]
            for line in lines:
                line = line[-self._limit:]
                self._lines.append(line)
                self._size += len(line) + 1
            while self._size > self._limit and len(self._lines) > 1:
                self._size -= len(self._lines.popleft()) + 1


class _Part(Drain):
    """One descriptor of an Output."""

    def __init__(self, descriptor: int, output: Output) -> None:
        self.rest = b""
        """Of a line that has no end yet; under the output's lock."""
        self._output = output
        super().__init__(descriptor)

    def _keep(self, piece: bytes) -> None:
        self._output._add(self, piece)


def drain(*descriptors: int) -> Output:
    """Takes the descriptors over and reads them to their ends; returns where their last lines are.

    Example:
        >>> read_end, write_end = os.pipe()
        >>> output = drain(read_end)
        >>> os.write(write_end, b"mounted\\n")
        8
        >>> os.close(write_end)
        >>> output.wait_for_end(5)
        True
        >>> output.lines()
        ['mounted']
    """
    output = Output()
    output.read_from(*descriptors)
    return output


def block_signals() -> None:
    """Signals are for the main thread: one that came here would not end its system call."""
    import signal

    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)
