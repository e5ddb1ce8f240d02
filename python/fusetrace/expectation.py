# SPDX-License-Identifier: MIT
"""Waits that are armed before the action: `with monitor.expect(...)`, and their opposite.

One object serves every way to wait: the end of a with block, `.wait()`, and `await` under asyncio
and trio, where its descriptor is watched by the event loop.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
import weakref
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from . import _core, timeouts, waits
from .errors import DaemonDied
from .matcher import Matcher
from .operation import Mark, Operation

if TYPE_CHECKING:
    from .monitor import Monitor

_FOREVER = 2**64 - 1
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
        self._is_cancelled = False
        self._is_awaited = False
        self._monitor = weakref.ref(monitor)  # which keeps this one while it is open
        self._core: _core.Expect[Operation] = _core.Expect(
            monitor._core, since, [one.tuple_for(monitor._paths, where=os.path.basename(self.where))
                                    for one in matchers],
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

    @waits.timed
    def wait(self, timeout: float | None = None) -> Any:
        """Waits; returns the operation, of expect_all() the list. See Monitor.expect().

        Args:
            timeout: seconds from now on; None: as it was made.
        """
        __tracebackhide__ = True
        limit = self._timeout if timeout is None else timeout
        end = timeouts.deadline(limit)
        self._is_open = False
        if self._operations is None:
            monitor = self._monitor()
            try:
                if monitor is not None:
                    monitor._await_mount(end)
                self._operations = self._core.wait(0 if limit == 0 else timeouts.left_ns(end))
            except DaemonDied as error:
                raise self._with_end(error) from None
        return self._result()

    def cancel(self) -> None:
        """Gives it up; again is fine. ValueError while a thread waits for it."""
        self._core.close()
        self._is_open = False
        self._is_cancelled = True

    def _result(self) -> Any:
        return self.operation if self._is_single else self.operations

    def _with_end(self, error: DaemonDied) -> DaemonDied:
        monitor = self._monitor()
        return error if monitor is None else monitor._with_end(error)

    def _is_to_be_waited_for(self) -> bool:
        return self._operations is None and not self._is_cancelled

    def _leave(self) -> None:
        with contextlib.suppress(ValueError):  # a thread still waits: it ends by itself
            self.cancel()

    def __enter__(self) -> Expectation:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        __tracebackhide__ = True
        try:
            if kind is None and self._is_to_be_waited_for():
                self.wait()
        finally:
            self._leave()  # what the body raised counts more

    # ---- event loops ----

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._wait_async().__await__()

    async def __aenter__(self) -> Expectation:
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        __tracebackhide__ = True
        try:
            if kind is None and self._is_to_be_waited_for():
                await self._wait_async()
        finally:
            self._leave()

    async def _wait_async(self) -> Any:
        __tracebackhide__ = True
        if self._is_awaited:
            raise RuntimeError("another task waits for this expectation: give each its own")
        began = time.monotonic()
        end = timeouts.deadline(self._timeout)
        self._is_open = False
        self._is_awaited = True
        try:
            timeout_ns = 0 if self._timeout == 0 else timeouts.left_ns(end)
            deadline_ns = 0  # the library's, of the first look
            while self._operations is None:
                found = self._core.poll(timeout_ns, deadline_ns)
                if isinstance(found, tuple):
                    deadline_ns, again_ns = found
                    await _readable(self._core.fileno(), _moment(again_ns))
                else:
                    self._operations = found
        except DaemonDied as error:
            raise self._with_end(error) from None
        finally:
            self._is_awaited = False
            waits.add(time.monotonic() - began, lambda: f"await {self.where}")
        return self._result()


def _moment(again_ns: int) -> float:
    """When that time is over, for time.monotonic()."""
    return math.inf if again_ns == _FOREVER else time.monotonic() + again_ns / 1e9


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

    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


async def _readable_asyncio(descriptor: int, end: float) -> None:
    import asyncio

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
        self._matcher = matcher
        matcher.tuple_for(monitor._paths)  # what is wrong with it is told here
        self._mark: Mark | None = None

    def __enter__(self) -> Forbidden:
        self._mark = self._monitor.mark()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        __tracebackhide__ = True
        if kind is None and self._mark is not None:
            self._monitor.expect_none(self._matcher, since=self._mark)
