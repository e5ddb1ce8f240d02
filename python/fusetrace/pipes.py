# SPDX-License-Identifier: MIT
"""Drains what a daemon prints when no monitor reads it, and keeps its last lines.

A pipe that nobody reads is full after 64 KiB; the daemon then blocks in write(2), and with it the
whole mount. So each read end is read until its end, in a thread, whatever else happens.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque

LIMIT = 64 * 1024
"""Bytes of lines that are kept."""
_PIECE = 64 * 1024


class Output:
    """The last lines of what comes out of some descriptors; any thread may ask."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._begun: dict[int, bytes] = {}
        self._thread: threading.Thread | None = None

    def read_from(self, *descriptors: int) -> None:
        """Reads them to their ends in a thread, and closes them; to be called once."""
        self._begun = {descriptor: b"" for descriptor in descriptors}
        self._thread = threading.Thread(target=self._drain, args=(descriptors,), daemon=True,
                                        name="fusetrace-drain")
        self._thread.start()

    def lines(self) -> list[str]:
        """The last lines, oldest first, without their newlines; the last one may be unfinished.
        What is no UTF-8 is shown as escapes."""
        with self._lock:
            found = [*self._lines, *(rest for rest in self._begun.values() if rest)]
        return [line.decode(errors="backslashreplace") for line in found]

    def wait_for_end(self, timeout: float) -> bool:
        """Waits until all has been read, at most so many seconds; False when more may come."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def _drain(self, descriptors: tuple[int, ...]) -> None:
        _block_signals()
        poll = select.poll()
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        left = len(descriptors)
        while left:
            for descriptor, _ in poll.poll():
                try:
                    data = os.read(descriptor, _PIECE)
                except OSError:  # such as EIO at the end of a terminal
                    data = b""
                self._add(descriptor, data)
                if not data:
                    poll.unregister(descriptor)
                    os.close(descriptor)
                    left -= 1

    def _add(self, descriptor: int, data: bytes) -> None:
        """Takes a piece; an empty one is the end."""
        with self._lock:
            *lines, rest = (self._begun[descriptor] + data).split(b"\n")
            if not data and rest:
                lines, rest = [rest], b""
            self._begun[descriptor] = rest[-self._limit:]
            for line in lines:
                line = line[-self._limit:]
                self._lines.append(line)
                self._size += len(line) + 1
            while self._size > self._limit and len(self._lines) > 1:
                self._size -= len(self._lines.popleft()) + 1


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


def _block_signals() -> None:
    """Signals are for the main thread: one that comes here would not end its system call."""
    import signal

    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)
