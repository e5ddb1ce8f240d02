# SPDX-License-Identifier: MIT
"""Timeouts of one test: its mark's scale, and the moment at which pytest-timeout would end it.

Waits end a little before that moment, so that their report is printed: pytest-timeout's thread
method leaves no time for one. A test that is stuck in the mount itself cannot be woken by a signal;
for that a watch looks at the test's thread shortly before the moment, tells where it hangs, and
aborts the connection where the ini key `fusetrace_on_hang` says so.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from .record import record_of, session_of
from .settings import of_test

_MARGIN_SECONDS = 1.0
_MARGIN_SHARE = 0.1

_watch: threading.Timer | None = None
_end: float | None = None
"""When pytest-timeout ends the test that runs; time.monotonic()."""


def _margin(timeout: float) -> float:
    return min(_MARGIN_SECONDS, timeout * _MARGIN_SHARE)


@contextlib.contextmanager
def timeouts_of(item: pytest.Item) -> Iterator[None]:
    """The test's mark multiplies its timeouts."""
    if item.get_closest_marker("fusetrace") is None:
        yield
        return
    try:
        scale = of_test(session_of(item.config).settings, item).timeout_scale
    except pytest.UsageError:  # told by pytest_runtest_setup()
        scale = None
    if scale is None:
        yield
        return
    from fusetrace.timeouts import settings

    before = settings.scale
    settings.scale = scale
    try:
        yield
    finally:
        settings.scale = before


def begin_limit(item: pytest.Item, timeout: float | None) -> None:
    """pytest-timeout has set its timer."""
    global _end
    if not timeout or timeout <= 0:
        return
    from fusetrace.timeouts import settings

    margin = _margin(timeout)
    _end = time.monotonic() + timeout
    settings.limit = _end - margin
    if record_of(item) is not None:
        watch(item)


def end_limit() -> None:
    """pytest-timeout has cancelled its timer, or a debugger has begun."""
    global _watch, _end
    if _end is None:
        return
    from fusetrace.timeouts import settings

    settings.limit = _end = None
    if _watch is not None:
        _watch.cancel()
        _watch = None


def watch(item: pytest.Item) -> None:
    """Looks at the test when its last wait must have ended."""
    global _watch
    from fusetrace.timeouts import settings

    if _end is None or settings.limit is None or _watch is not None:
        return
    from .hang import look_at

    _watch = threading.Timer(max(0.0, settings.limit - time.monotonic()), look_at,
                             (item, threading.get_native_id()))
    _watch.daemon = True
    _watch.start()
