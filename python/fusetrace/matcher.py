# SPDX-License-Identifier: MIT
"""Which operations are meant: `op("write", path="/a.txt", min_size=1)`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Union

from . import _core, timeouts
from .operation import Operation, OperationStatus
from .paths import InMount, is_pattern

if TYPE_CHECKING:
    from .paths import MountPaths

PathLike = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]", "re.Pattern[str]"]
Check = Callable[[Operation], object]

_PATH_AUTO, _PATH_EXACT, _PATH_GLOB = 0, 1, 2
_IN_FLIGHT, _ALLOW_FAILURE = 1, 2
_MOST = 2**64 - 1
_STATUS = {"any": 0, "ok": 1, "error": 2,
           OperationStatus.COMPLETED: 1, OperationStatus.FAILED: 2, None: 0}


@dataclass(frozen=True)
class Matcher:
    """All that is set must hold. Made by `op()`; immutable, so it can be used again and again.

    Attributes:
        op: name of the operation, several with commas, "*" for any.
        path: as a str the path in the mount ("/a.txt"), or one under the mountpoint; globs (`*`
            within a component, `**` across them; without a slash of the last component); a
            `pathlib.Path` is always one under the mountpoint, and no glob; an `re.Pattern` is
            searched for. rename and link match by either path.
        status: "any", "ok" or "error".
        errno: a positive errno that the operation must have failed with.
        check_fn: the last word, called in the waiting thread with the Operation.
        min_size: bytes asked for, at least.
        min_duration_ms: how long it must have taken.
        pid: the caller's thread id; -1: the kernel itself.
        nodeid: the node of the request.
        label: said first in reports.
        include_in_flight: also what had begun before the mark.
        allow_failure: go on waiting when a matching operation fails.
        start_timeout: seconds after which a wait ends when no such operation has begun.
    """

    op: str = "*"
    path: PathLike | None = None
    status: str | OperationStatus = "any"
    errno: int | None = None
    check_fn: Check | None = None
    min_size: int = 0
    min_duration_ms: float = 0.0
    pid: int = 0
    nodeid: int = 0
    label: str | None = None
    include_in_flight: bool = False
    allow_failure: bool = False
    start_timeout: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.op, str):
            raise TypeError(f"an operation is a name, not {type(self.op).__name__}")
        for name, most in (("min_size", _MOST), ("nodeid", _MOST), ("min_duration_ms", 1e12)):
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name} must not be negative or too large: "
                                 f"{getattr(self, name)!r}")
        if isinstance(self.path, re.Pattern) and not isinstance(self.path.pattern, str):
            raise TypeError("a pattern for paths is one of str, not of bytes")
        if self.check_fn is not None and not callable(self.check_fn):
            raise TypeError(f"check_fn must be callable, not {type(self.check_fn).__name__}")
        if self.start_timeout is not None:
            timeouts.seconds(self.start_timeout, "start_timeout")

    def with_defaults(self, **changes: object) -> Matcher:
        """A copy in which what still has its default is changed; ValueError when path, errno or
        check_fn of both differ."""
        changed: dict[str, Any] = {}
        for name, value in changes.items():
            mine = getattr(self, name)
            if mine == getattr(type(self), name):
                changed[name] = value
            elif name in ("path", "errno", "check_fn") and value is not None and value != mine:
                raise ValueError(f"{name} is given twice, in op(...) and beside it: {mine!r} and "
                                 f"{value!r}")
        if changed.get("status") == "ok" and (self.errno or changed.get("errno")):
            changed["status"] = "error"  # who names an errno means a failure
        return replace(self, **changed)

    def last_word(self) -> Check | None:
        """What the library cannot look at itself, as one function; None when there is nothing."""
        pattern = self.path if isinstance(self.path, re.Pattern) else None
        checks = [c for c in (_searching(pattern), self.check_fn) if c is not None]
        return _guarded(checks) if checks else None

    def without_last_word(self) -> Matcher:
        """A copy that the library can look at itself."""
        return replace(self, check_fn=None,
                       path=None if isinstance(self.path, re.Pattern) else self.path)

    def tuple_for(self, paths: MountPaths, check: Check | None = None,
                  where: str | None = None) -> _core.MatchTuple:
        """What the extension takes; ValueError for a name that does not exist and for a path that
        is not in the mount. check is asked before check_fn; where is for reports."""
        flags = (_IN_FLIGHT if self.include_in_flight else 0) | (
            _ALLOW_FAILURE if self.allow_failure else 0)
        kind, path = self._path(paths)
        last = self.last_word()
        found: _core.MatchTuple = (
            self.op.encode("utf-8", "surrogateescape"), path, kind, _status(self.status),
            self.errno or 0, flags, self.pid, self.nodeid, self.min_size,
            round(self.min_duration_ms * 1e6), last if check is None else _both(check, last),
            _encoded(self.label),
            _encoded(_name_of(self.check_fn)), _encoded(where),
            timeouts.start_ns(self.start_timeout))
        _core.check_match(found)
        return found

    def _path(self, paths: MountPaths) -> tuple[int, bytes | None]:
        if self.path is None or isinstance(self.path, re.Pattern):
            return _PATH_AUTO, None
        inside = paths.inside(self.path)
        # A name with glob characters that came as a path object means the file of that name.
        is_text = isinstance(self.path, (str, bytes)) and not isinstance(self.path, InMount)
        kind = _PATH_GLOB if is_text and is_pattern(inside) else _PATH_EXACT
        return kind, paths.for_library(inside)


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def _name_of(check: Check | None) -> str | None:
    """As the report tells it: that of the function, or of what else can be called."""
    if check is None:
        return None
    name = getattr(check, "__qualname__", None) or type(check).__qualname__
    return str(name).rpartition("<locals>.")[2]


def op(name: str = "*", path: PathLike | None = None, *, status: str | OperationStatus = "any",
       errno: int | None = None, check_fn: Check | None = None, min_size: int = 0,
       min_duration_ms: float = 0.0, pid: int = 0, nodeid: int = 0,
       label: str | None = None, start_timeout: float | None = None) -> Matcher:
    """A matcher, to be given wherever a name can be (see Matcher for what each means).

    Example:
        >>> large = op("write", path="/db/*", min_size=4096)
    """
    return Matcher(name, path, status, errno, check_fn, min_size, min_duration_ms, pid, nodeid,
                   label, start_timeout=start_timeout)


def as_matcher(what: str | Matcher) -> Matcher:
    """A name or a matcher as a matcher."""
    if isinstance(what, Matcher):
        return what
    if isinstance(what, str):
        return Matcher(what)
    raise TypeError(f"an operation is a name or op(...), not {type(what).__name__}")


def several(what: Sequence[str | Matcher]) -> list[str | Matcher]:
    """What is given as a list of them; TypeError for a single name, whose letters are no names."""
    if isinstance(what, (str, bytes, Matcher)):
        raise TypeError(f"give a list of operations, not {what!r}")
    return list(what)


def _status(status: str | OperationStatus) -> int:
    try:
        return _STATUS[status]
    except (KeyError, TypeError):
        raise ValueError(f"status {status!r}: give 'any', 'ok' or 'error'") from None


def _searching(pattern: re.Pattern[str] | None) -> Check | None:
    if pattern is None:
        return None

    def search(operation: Operation) -> bool:
        return any(path is not None and pattern.search(path) is not None
                   for path in (operation.path, operation.path2))

    return search


def _both(first: Check, second: Check | None) -> Check:
    return first if second is None else lambda op: first(op) and second(op)


def _guarded(checks: list[Check]) -> Check:
    """All of them must agree; one that raises ends the wait, and says on which operation."""

    def check(operation: Operation) -> bool:
        try:
            return all(one(operation) for one in checks)
        except Exception as error:
            _add_note(error, f"check_fn raised this for {operation!r}")
            raise

    return check


def _add_note(error: Exception, note: str) -> None:
    """error.add_note(), which Python 3.10 does not have yet; there the note can be read, though no
    traceback shows it."""
    if hasattr(error, "add_note"):
        error.add_note(note)
    else:
        error.__notes__ = [*getattr(error, "__notes__", ()), note]
