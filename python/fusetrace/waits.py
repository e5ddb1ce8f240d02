# SPDX-License-Identifier: MIT
"""How many waits for operations there were and how long they took, for the summary of a test run.
Waits for a mount are part of the mount."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_TEXT_LENGTH = 80


class Waits(NamedTuple):
    """A number of waits."""

    number: int = 0
    total: float = 0.0
    """Seconds."""
    longest: float = 0.0
    """Seconds."""
    longest_text: str = ""
    """Which one that was."""

    def plus(self, other: Waits) -> Waits:
        """Both together."""
        longest = max(self, other, key=lambda waits: waits.longest)
        return Waits(self.number + other.number, self.total + other.total, longest.longest,
                     longest.longest_text)

    def __str__(self) -> str:
        return (f"waits: {self.number}, total {self.total:.3f} s, longest {self.longest:.3f} s "
                f"({self.longest_text})")


_lock = threading.Lock()
_so_far = Waits()


class _Depth(threading.local):
    value = 0


_depth = _Depth()


def take() -> Waits:
    """The waits of this process that have ended since the last call; any thread."""
    global _so_far
    with _lock:
        found, _so_far = _so_far, Waits()
    return found


def add(seconds: float, text: Callable[[], str]) -> None:
    """One more has ended; text() is asked for the longest alone."""
    global _so_far
    with _lock:
        is_longest = seconds > _so_far.longest
        _so_far = _so_far.plus(Waits(1, seconds, seconds, text() if is_longest else ""))


def timed(function: F) -> F:
    """A method that waits: counted, unless it is called by another one that is."""

    @functools.wraps(function)
    def wait(*args: Any, **keywords: Any) -> Any:
        __tracebackhide__ = True
        if _depth.value:
            return function(*args, **keywords)
        began = time.monotonic()
        _depth.value = 1
        try:
            return function(*args, **keywords)
        finally:
            _depth.value = 0
            add(time.monotonic() - began,
                lambda: _text(function.__name__, args[1:], keywords))

    return cast(F, wait)


def _text(name: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> str:
    label = keywords.get("label")
    shown = [str(label)] if label else [str(one) for one in args if one is not None]
    from .text import escape

    text = escape(f"{name} {' '.join(shown)}".strip())
    return text if len(text) <= _TEXT_LENGTH else text[:_TEXT_LENGTH] + "..."
