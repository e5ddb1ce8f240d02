# SPDX-License-Identifier: MIT
"""Asking again and again, for what no event tells: with a back-off that begins at 1 ms, so that
something quick is noticed at once and something slow costs next to nothing."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator

from . import timeouts

logger = logging.getLogger("fusetrace")

FIRST_DELAY = 0.001
LAST_DELAY = 0.05


def backoff(longest: float = LAST_DELAY) -> Iterator[float]:
    """Endless pauses in seconds: 1 ms, doubling up to `longest`.

    Example:
        >>> pauses = backoff(0.005)
        >>> [next(pauses) for _ in range(5)]
        [0.001, 0.002, 0.004, 0.005, 0.005]
    """
    delay = min(FIRST_DELAY, longest)
    while True:
        yield delay
        delay = min(delay * 2, longest)


def wait_for_operation(check_fn: Callable[[], object], timeout: float = 5.0, interval: float = 0.1,
                       operation_name: str = "operation") -> tuple[bool, float]:
    """Calls check_fn() until what it returns is true: at once, then after pauses of 1 ms doubling
    up to 50 ms, and one last time at the deadline.

    Args:
        check_fn: asked in this thread; what it raises goes through.
        timeout: seconds; 0: asked once. Scaled as all timeouts.
        interval: seconds; pauses are never longer than this.
        operation_name: for the warning that is logged when it was in vain.

    Returns:
        Whether it became true, and how many seconds it took.

    Raises:
        TypeError, ValueError: timeout or interval is no number, negative or NaN.

    Example:
        >>> wait_for_operation(lambda: True, operation_name="nothing")[0]
        True
    """
    longest = max(min(timeouts.seconds(interval, "interval"), LAST_DELAY), FIRST_DELAY / 10)
    timeouts.seconds(timeout)
    begin = time.monotonic()
    end = timeouts.deadline(timeout)
    for pause in backoff(longest):
        is_late = time.monotonic() >= end
        if check_fn():
            return True, time.monotonic() - begin
        if is_late:
            break
        time.sleep(max(0.0, min(pause, end - time.monotonic())))
    seconds = time.monotonic() - begin
    limit = "" if math.isinf(end) else f" within {seconds:.3g} s"
    logger.warning("%s: has not happened%s", operation_name, limit)
    return False, seconds
