# SPDX-License-Identifier: MIT
"""One FUSE request with its reply, as a value in Python, and the marks between them."""

from __future__ import annotations

import enum
import errno as errno_module
import os
from typing import Any, NamedTuple, NoReturn

from . import _core
from .text import escape


class OperationStatus(enum.Enum):
    """How far an operation has come."""

    STARTED = "started"
    """No reply yet."""
    COMPLETED = "completed"
    """Replied without an error."""
    FAILED = "failed"
    """Replied with an errno."""
    UNKNOWN = "unknown"
    """No reply that tells: lost, or the daemon died first, or a log does not say."""


class Mark(NamedTuple):
    """A moment in a monitor's history; a plain value, made by `monitor.mark()`."""

    seq: int
    """The last operation before it."""
    time_ns: int
    """When it was taken, nanoseconds of CLOCK_MONOTONIC."""
    lost: int
    """Events lost before it."""
    printed: int = 0
    """Bytes that the daemon had printed."""

    @property
    def time(self) -> float:
        """When it was taken, in seconds of `time.monotonic()`."""
        return self.time_ns / 1e9


_STATUS = (OperationStatus.UNKNOWN, OperationStatus.STARTED, OperationStatus.COMPLETED,
           OperationStatus.FAILED, OperationStatus.UNKNOWN)
_SOURCES = ("unknown", "kernel", "log", "replay")
_FIELDS = {name: index for index, name in enumerate(_core.field_names())}
# What has an attribute of its own is not told twice.
_ATTRIBUTES = {"seq", "start_ns", "duration_ns", "errno", "pid", "path", "path2", "name", "name2"}
_TEXT_DETAILS = [(name, _FIELDS[name]) for name in ("xattr", "target")]
_NUMBER_DETAILS = [(name, index) for name, index in _FIELDS.items()
                   if name not in _ATTRIBUTES and name not in ("xattr", "target")]

_SEQ = _FIELDS["seq"]
_UNIQUE = _FIELDS["unique"]
_START = _FIELDS["start_ns"]
_DURATION = _FIELDS["duration_ns"]
_ERRNO = _FIELDS["errno"]
_PID = _FIELDS["pid"]
_NODEID = _FIELDS["nodeid"]
_ENTRY = _FIELDS["entry"]
_FH = _FIELDS["fh"]
_PATH = _FIELDS["path"]
_PATH2 = _FIELDS["path2"]
_NAME = _FIELDS["name"]
_NAME2 = _FIELDS["name2"]

_PROBE, _UNLINKED, _SUSPECT, _TRUNCATED = 1, 2, 4, 8


class Operation(_core.Operation):
    """One operation. Immutable; usable from any thread and after the monitor has gone.

    What the source cannot know is None: a log without times gives no duration.

    Example:
        >>> op = monitor.wait_for_operation("write")          # doctest: +SKIP
        >>> op.path, op.status, op.details["size"]            # doctest: +SKIP
        ('/a.txt', <OperationStatus.COMPLETED: 'completed'>, 5)
    """

    __slots__ = ()

    # ---- what happened ----

    @property
    def operation(self) -> str:
        """Its name: the kernel's opcode in lower case ("create", "write", "release", ...)."""
        return self._name

    @property
    def opcode(self) -> int:
        """The kernel's number of it (linux/fuse.h)."""
        return self._opcode

    @property
    def path(self) -> str | None:
        """Path in the mount at the time of the request, its root being "/". Bytes that are not
        UTF-8 are surrogates, as everywhere in Python (`os.fsdecode`)."""
        return self._text(_PATH)

    @property
    def path2(self) -> str | None:
        """rename, link: the new path."""
        return self._text(_PATH2)

    @property
    def name(self) -> str | None:
        """Last component of the path; known also when the directory's path is not."""
        path = self._text(_PATH)
        return path.rpartition("/")[2] if path is not None else self._text(_NAME)

    @property
    def status(self) -> OperationStatus:
        """Started, completed, failed or unknown."""
        return _STATUS[self._status]

    @property
    def errno(self) -> int | None:
        """Positive; 0 when it completed; None when there was no reply or it does not tell."""
        return self._number(_ERRNO)

    @property
    def error(self) -> str | None:
        """The errno's name, "ENOENT"; None when it did not fail."""
        number = self._number(_ERRNO)
        return errno_module.errorcode.get(number, f"errno {number}") if number else None

    @property
    def details(self) -> dict[str, Any]:
        """What else is known: size, reply_size, offset, fh, flags, mode, valid, name, xattr, target,
        nodeid, entry, unique, uid, gid, ... A new dict each time; what is not known is not in it."""
        found: dict[str, Any] = {}
        for key, index in _NUMBER_DETAILS:
            number = self._number(index)
            if number is not None:
                found[key] = number
        for key, index in _TEXT_DETAILS:
            text = self._text(index)
            if text is not None:
                found[key] = text
        name = self.name
        if name is not None:
            found["name"] = name
        return found

    # ---- when, and by whom ----

    @property
    def start_time(self) -> float | None:
        """When the request was sent, in seconds of `time.monotonic()`; of a log its own clock."""
        number = self._number(_START)
        return None if number is None else number / 1e9

    @property
    def end_time(self) -> float | None:
        """When the reply came, in seconds of the same clock."""
        start, duration = self._number(_START), self._number(_DURATION)
        return None if start is None or duration is None else (start + duration) / 1e9

    @property
    def duration_ms(self) -> float | None:
        """From request to reply, in milliseconds."""
        number = self._number(_DURATION)
        return None if number is None else number / 1e6

    @property
    def pid(self) -> int | None:
        """Thread id of the caller; 0 is the kernel itself (write-back, read-ahead)."""
        return self._number(_PID)

    @property
    def seq(self) -> int:
        """Its place in the history, from 1; 0 while it is in flight."""
        return self._number(_SEQ) or 0

    @property
    def unique(self) -> int | None:
        """The kernel's number of the request."""
        return self._number(_UNIQUE)

    @property
    def nodeid(self) -> int | None:
        """Node of the request's header: for create, the directory."""
        return self._number(_NODEID)

    @property
    def fh(self) -> int | None:
        """File handle that it used or made."""
        return self._number(_FH)

    @property
    def source(self) -> str:
        """"kernel", "log" or "replay"."""
        return _SOURCES[self._source]

    @property
    def is_probe(self) -> bool:
        """A failure that the kernel expects, such as a lookup of what is not there yet."""
        return bool(self._marks & _PROBE)

    @property
    def is_suspect(self) -> bool:
        """The log's format cannot tell it from a record forged in a file name."""
        return bool(self._marks & _SUSPECT)

    # ---- the names of earlier suites (compat/lib) ----

    @property
    def timestamp(self) -> float | None:
        """The same as start_time."""
        return self.start_time

    @property
    def thread_id(self) -> str | None:
        """The caller's thread as text."""
        pid = self._number(_PID)
        return None if pid is None else str(pid)

    @property
    def error_code(self) -> int | None:
        """The errno of a failed operation, None of any other."""
        return self._number(_ERRNO) or None

    @property
    def parent(self) -> int | None:
        """The same as nodeid: of an operation on a name, its directory."""
        return self._number(_NODEID)

    @property
    def ino(self) -> int | None:
        """Node that the reply names, else the one of the request."""
        entry = self._number(_ENTRY)
        return entry if entry is not None else self._number(_NODEID)

    # ---- as text ----

    def to_dict(self) -> dict[str, Any]:
        """The JSON form (docs/json.md) as a dict."""
        import json

        found: dict[str, Any] = json.loads(self._json())
        return found

    def _text(self, field: int) -> str | None:
        found = self._bytes(field)
        return None if found is None else os.fsdecode(found)

    def __repr__(self) -> str:
        where = self.path or self.name or ""
        if self.path2:
            where += f" -> {self.path2}"
        words = [self.operation, escape(where), self.error or self.status.value]
        for key in ("offset", "size", "fh"):
            number = self._number(_FIELDS[key])
            if number is not None:
                words.append(f"{key}={number}")
        if self.duration_ms is not None:
            words.append(f"{self.duration_ms:.3f} ms")
        return f"<{'#%d ' % self.seq if self.seq else ''}{' '.join(w for w in words if w)}>"

    def __copy__(self) -> Operation:
        return self

    def __deepcopy__(self, memo: object) -> Operation:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("an operation cannot be pickled: send what to_dict() gives")

    def _key(self) -> tuple[object, ...]:
        return self._name, self._number(_SEQ), self._number(_UNIQUE), self._number(_START)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Operation) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())
