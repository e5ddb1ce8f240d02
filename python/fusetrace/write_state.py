# SPDX-License-Identifier: MIT
"""Whether what was written to a file has arrived, by the operations on it."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from .errors import FuseTraceError
from .matcher import Matcher
from .operation import Mark, Operation, OperationStatus
from .paths import InMount

if TYPE_CHECKING:
    from .monitor import Monitor

# copy_file_range is not among them: its path is the file that is read.
_WRITES = ("write", "fallocate")
_CONCERNED = (*_WRITES, "setattr", "flush", "fsync", "release", "copy_file_range")


class WriteState:
    """The file of one path, from a mark on. Complete means: the last write (or truncation) has been
    answered, and after it came the release of the same handle, or an fsync; and nothing on the file
    is in flight. A file that was written under another name and renamed brings its past with it.

    Args:
        since: how far back it looks.
        before: the operation that it looks at last; 0: no limit.
    """

    def __init__(self, monitor: Monitor, inside: InMount, since: Mark, before: int = 0) -> None:
        self._monitor = monitor
        self._inside = inside
        self._first = since
        self._seen = since
        self._before = before
        self._forget()

    def _forget(self) -> None:
        """It is another file from now on."""
        self._last: Operation | None = None
        self._failed: Operation | None = None
        self._is_proved = False
        self._writers: set[int | None] = set()
        self._readers: set[int | None] = set()

    def look(self) -> bool:
        """Whether it is complete now; FuseTraceError for a write that failed."""
        # What is in flight comes first: what ends in between is then among the others.
        is_busy = any(one.path == self._inside and one.operation in _CONCERNED
                      for one in self._monitor.in_flight)
        self._take_news()
        if self._failed is not None:
            raise FuseTraceError(f"{self._failed!r}: the data did not arrive",
                                 code=self._failed.errno or 0, verdict="failed")
        return self._is_proved and not is_busy

    def _take_news(self) -> None:
        news = self._monitor.since(self._seen).matching(Matcher(path=self._inside))
        for one in news:
            if not self._before or one.seq < self._before:
                self._take(one)
        if news:
            self._seen = self._seen._replace(seq=news[-1].seq)

    def _take(self, one: Operation) -> None:
        name = one.operation
        if name in ("rename", "unlink"):
            self._take_name(one)
        elif one.path != self._inside:
            return
        elif name in ("create", "open"):
            self._take_open(one)
        elif name in _WRITES or name == "setattr" and "size" in one.details:
            self._take_write(one)
        elif name in ("fsync", "flush"):
            self._take_sync(one)
        elif name == "release":
            self._take_release(one)

    def _take_name(self, one: Operation) -> None:
        if one.status is not OperationStatus.COMPLETED:
            return
        self._forget()
        if one.operation == "rename" and one.path2 == self._inside and one.path is not None:
            past = WriteState(self._monitor, InMount(one.path), self._first, one.seq)
            past._take_news()
            self._last, self._failed = past._last, past._failed
            self._is_proved = past._is_proved
            self._writers, self._readers = past._writers, past._readers

    def _take_open(self, one: Operation) -> None:
        if one.status is OperationStatus.FAILED:
            return
        flags = one.details.get("flags")
        if flags is not None and flags & os.O_ACCMODE == os.O_RDONLY:
            self._readers.add(one.fh)
            return
        self._writers.add(one.fh)
        self._is_proved = False
        if flags is not None and flags & os.O_TRUNC:
            self._last, self._failed = one, None

    def _take_write(self, one: Operation) -> None:
        if one.status is OperationStatus.FAILED:
            self._failed = one
            return
        self._last = one
        # truncate(2) needs no handle, so none proves it.
        self._is_proved = one.operation == "setattr" and one.fh is None and not self._writers
        if self._failed is not None and _makes_good(one, self._failed):
            self._failed = None

    def _take_sync(self, one: Operation) -> None:
        if one.status is OperationStatus.FAILED:
            # ENOSYS says that the filesystem needs no such thing.
            if not one.is_probe and one.errno != errno.ENOSYS:
                self._failed = one
        elif one.operation == "fsync":
            self._is_proved = self._last is not None or bool(self._writers)
            if self._failed is not None and self._failed.operation in ("fsync", "flush"):
                self._failed = None

    def _take_release(self, one: Operation) -> None:
        is_reader = one.fh in self._readers and one.fh not in self._writers
        self._writers.discard(one.fh)
        self._readers.discard(one.fh)
        if self._last is None:
            self._is_proved |= not is_reader
        elif self._last.pid == 0 or None in (self._last.fh, one.fh):
            self._is_proved |= not is_reader  # write-back takes any handle that can write
        else:
            self._is_proved |= one.fh == self._last.fh


def _makes_good(one: Operation, failed: Operation) -> bool:
    """Whether a write brings what an earlier one did not."""
    offset, wanted = one.details.get("offset"), failed.details.get("offset")
    if one.operation == "setattr":
        size = one.details.get("size")
        return size == 0 or (wanted is not None and size is not None and size <= wanted)
    if offset is None or wanted is None:
        return False
    end = failed.details.get("size", 0) + wanted
    return bool(offset <= wanted and offset + one.details.get("size", 0) >= end)
