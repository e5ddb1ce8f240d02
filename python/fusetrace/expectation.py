# SPDX-License-Identifier: MIT
"""Waits that are armed before the action: `with monitor.expect(...)`, and their opposite.

One object serves every way to wait: the end of a with block, `.wait()`, and `await` under asyncio
and trio, where its descriptor is watched by the event loop.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from . import _core, timeouts
from .errors import OperationTimeout
from .matcher import Matcher
from .operation import Mark, Operation

if TYPE_CHECKING:
    from .monitor import Monitor

_ORDERS = {"any": 0, "in_order": 1, "strict": 2}


def _where() -> str:
    """File and line of the caller outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("fusetrace"):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


class Expectation:
    """One or several operations that are expected; made by Monitor.expect() and expect_all().

    Attributes:
        where: "file:line" of the call that made it.
    """

    def __init__(self, monitor: Monitor, matchers: Sequence[Matcher], order: str, *,
                 timeout: float | None, since: Mark | None, is_single: bool) -> None:
        if order not in _ORDERS:
            raise ValueError(f"order {order!r}: give 'any', 'in_order' or 'strict'")
        if timeout is not None:
            timeouts.seconds(timeout)
        self.where = _where()
        self._timeout = timeout
        self._is_single = is_single
        self._operations: list[Operation] | None = None
        self._is_open = True
        self._core: _core.Expect[Operation] = _core.Expect(
            monitor._core, since, [one.tuple_for(monitor._paths) for one in matchers],
            _ORDERS[order])
        monitor._register(self)

    @property
    def is_open(self) -> bool:
        """Whether nobody has waited for it or cancelled it yet."""
        return self._is_open

    @property
    def operations(self) -> list[Operation]:
        """What satisfied it, in the order asked; after it was waited for."""
        if self._operations is None:
            raise RuntimeError("not satisfied yet: leave the with block, or call wait() first")
        return self._operations

    @property
    def operation(self) -> Operation:
        """The first of operations; the one of expect()."""
        return self.operations[0]

    def fileno(self) -> int:
        """Becomes readable when `wait(0)` is worth a call: for event loops of your own."""
        return self._core.fileno()

    def wait(self, timeout: float | None = None) -> Any:
        """Waits; returns the operation, of expect_all() the list. See Monitor.expect().

        Args:
            timeout: seconds from now on; None: as it was made.
        """
        __tracebackhide__ = True
        self._is_open = False
        if self._operations is None:
            limit = self._timeout if timeout is None else timeout
            self._operations = self._core.wait(timeouts.timeout_ns(limit))
        return self._result()

    def cancel(self) -> None:
        """Gives it up; again is fine."""
        self._is_open = False
        self._core.close()

    def _result(self) -> Any:
        return self.operation if self._is_single else self.operations

    def __enter__(self) -> Expectation:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        __tracebackhide__ = True
        try:
            if kind is None and self._operations is None:
                self.wait()
        finally:
            self.cancel()  # what the body raised counts more

    # ---- event loops ----

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._wait_async().__await__()

    async def __aenter__(self) -> Expectation:
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        __tracebackhide__ = True
        try:
            if kind is None and self._operations is None:
                await self._wait_async()
        finally:
            self.cancel()

    async def _wait_async(self) -> Any:
        __tracebackhide__ = True
        self._is_open = False
        end = timeouts.deadline(self._timeout)
        while self._operations is None:
            has_passed = time.monotonic() >= end
            try:
                self._operations = self._core.wait(0)
            except OperationTimeout:
                if has_passed:
                    raise
            if self._operations is None:
                await _readable(self._core.fileno(), end)
        return self._result()


async def _readable(descriptor: int, end: float) -> None:
    """Until the descriptor is readable or the moment has come, in whichever loop this runs."""
    if "trio" in sys.modules and _is_in_trio():
        import trio

        with trio.move_on_after(max(0.0, end - time.monotonic())):
            await trio.lowlevel.wait_readable(descriptor)
        return
    await _readable_asyncio(descriptor, end)


def _is_in_trio() -> bool:
    import trio

    return trio.lowlevel.in_trio_task()


async def _readable_asyncio(descriptor: int, end: float) -> None:
    import asyncio
    import contextlib
    import math

    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, wake)
    try:
        left = None if math.isinf(end) else max(0.0, end - time.monotonic())
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(ready, left)
    finally:
        loop.remove_reader(descriptor)


class Forbidden:
    """A with block in which an operation must not be asked for; made by Monitor.forbid()."""

    def __init__(self, monitor: Monitor, matcher: Matcher) -> None:
        self._monitor = monitor
        self._match = matcher.tuple_for(monitor._paths)
        self._mark: Mark | None = None

    def __enter__(self) -> Forbidden:
        self._mark = self._monitor.mark()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        __tracebackhide__ = True
        if kind is None:
            self._monitor._core.wait_none(self._mark, (self._match,), 0)
