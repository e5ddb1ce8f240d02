# SPDX-License-Identifier: MIT
"""How long a wait may take: what the caller says, what the surroundings make of it.

A timeout is seconds as a number; None is the default, infinity is no limit, 0 means that it must be
there already. Positive timeouts are multiplied by the scale (FUSETRACE_TIMEOUT_SCALE, the plugin's
option), cut short by an enclosing `monitor.within()` and by the limit that a test runner has set,
and never expire while a debugger is attached. Windows of negative waits are taken as they are.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import SupportsFloat

FOREVER_NS = 2**64 - 1
DEFAULT_SECONDS = 5.0
DEFAULT_MOUNT_SECONDS = 30.0


class _Settings:
    """What the plugin may change; of the process."""

    default = DEFAULT_SECONDS
    mount = DEFAULT_MOUNT_SECONDS
    scale: float | None = None  # None: of the environment
    # time.monotonic() at which a test runner would kill the test
    limit: float | None = None


settings = _Settings()


class _Scopes(threading.local):
    """Deadlines of within(), innermost last; time.monotonic()."""

    def __init__(self) -> None:
        self.deadlines: list[float] = []


_scopes = _Scopes()


def parse_scale(text: str, name: str) -> float:
    """A factor greater than 0, or 0 for no limit at all; ValueError names where it came from."""
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not scale >= 0 or math.isinf(scale):
        raise ValueError(f"{name}={text!r}: give a number such as 2 or 0.5, or 0 for no limits")
    return scale


def scale() -> float:
    """The factor for timeouts; 0: no limits."""
    if settings.scale is not None:
        return settings.scale
    text = os.environ.get("FUSETRACE_TIMEOUT_SCALE", "")
    return parse_scale(text, "FUSETRACE_TIMEOUT_SCALE") if text.strip() else 1.0


def seconds(value: object, name: str = "timeout") -> float:
    """value as a number of seconds, checked: TypeError for what is no number, ValueError for what
    is negative or not a number."""
    if type(value) is float or type(value) is int:  # what is asked for nearly always, and quick
        number = float(value)
    # A number of numpy or of fractions is one, too.
    elif isinstance(value, (bool, str, bytes)) or not isinstance(value, SupportsFloat):
        raise TypeError(f"{name} must be a number of seconds, not {value!r}")
    else:
        number = float(value)
    if not number >= 0:
        raise ValueError(f"{name} must not be negative or NaN: {value!r}")
    return number


def window_ns(value: object, name: str) -> int:
    """Seconds as nanoseconds, neither scaled nor cut."""
    number = seconds(value, name)
    if math.isinf(number * 1e9):
        return FOREVER_NS
    return min(round(number * 1e9), FOREVER_NS - 1)


def is_debugging() -> bool:
    """Whether a debugger stands in this process: a person takes longer than any timeout."""
    if sys.version_info >= (3, 12) and sys.monitoring.get_tool(sys.monitoring.DEBUGGER_ID):
        return True
    trace = sys.gettrace()
    if trace is None:
        return False
    module = getattr(trace, "__module__", None) or type(trace).__module__
    return module.partition(".")[0] in ("bdb", "pdb", "pydevd", "_pydevd_bundle", "debugpy", "ipdb")


def deadline(value: float | None) -> float:
    """The moment (time.monotonic(), infinity without a limit) that a timeout of now ends in."""
    number = settings.default if value is None else seconds(value)
    now = time.monotonic()
    factor = scale()
    if number == 0:
        return now
    if factor == 0 or is_debugging():
        return math.inf
    limits = [now + number * factor, *_scopes.deadlines]
    if settings.limit is not None:
        limits.append(settings.limit)
    return max(now, min(limits))


def left_ns(moment: float) -> int:
    """Nanoseconds until a deadline; 0 when it has passed."""
    seconds_left = moment - time.monotonic()
    if math.isinf(seconds_left * 1e9):
        return FOREVER_NS
    return max(0, min(round(seconds_left * 1e9), FOREVER_NS - 1))


def timeout_ns(value: float | None) -> int:
    """A timeout of now for the library: 0 looks once, FOREVER_NS has no limit."""
    if value == 0 and not isinstance(value, bool):
        return 0
    # One that has passed already still looks once, and says what it found.
    return left_ns(deadline(value)) or 0


def start_ns(value: object) -> int:
    """A time to begin for the library: scaled, but cut by nothing; 0 has no limit."""
    factor = scale()
    limit = 0.0 if value is None else seconds(value, "start_timeout") * factor
    if value is None or factor == 0 or math.isinf(limit * 1e9) or is_debugging():
        return 0
    return max(1, min(round(limit * 1e9), FOREVER_NS - 1))


@contextlib.contextmanager
def within(value: float) -> Iterator[None]:
    """One deadline for all waits of this thread inside: each gets what is left, at most."""
    _scopes.deadlines.append(deadline(value))
    try:
        yield
    finally:
        _scopes.deadlines.pop()
