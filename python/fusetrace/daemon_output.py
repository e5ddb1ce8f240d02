# SPDX-License-Identifier: MIT
"""What a daemon prints, read from the first moment to the last.

A pipe that nobody reads is full after 64 KiB, and then the daemon sleeps in write(2), and its whole
mount with it. While a capture runs, the library reads; before and after it, a Drain does in a thread
of its own.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from typing import TYPE_CHECKING, Any

from .pipes import Drain, stop_drain_of

if TYPE_CHECKING:
    from . import _core

SHOWN_BYTES = 64 * 1024
"""How much of it is shown, as lines."""


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
        # Whoever forgets the monitor must not stop a daemon that goes on printing. A process that ends
        # cannot read on: it starts no threads any more, and would wait for this one for ever.
        with contextlib.suppress(Exception):
            if os.getpid() == self._owner and not sys.is_finalizing():
                self.let_go()
            else:
                _close(self._pipes)


def _duplicate(descriptor: int) -> int:
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
