# SPDX-License-Identifier: MIT
"""Questions to the mount: asked in a thread of their own, so that a filesystem that hangs cannot
hang the one who asks, and marked, so that they do not count as operations of the test."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from .monitor import Monitor

T = TypeVar("T")
_IDLE_MAX = 4  # threads that are kept for the next question


class ProbeHangs(Exception):
    """The filesystem has not answered in time; the thread that asked still waits."""


class _Answer:
    def __init__(self, question: Callable[[], object]) -> None:
        self.question = question
        self.is_ready = threading.Event()
        self.value: object = None
        self.error: BaseException | None = None

    def find(self) -> None:
        try:
            self.value = self.question()
        except BaseException as error:  # told to the one who asked, without a cycle of frames
            self.error = error.with_traceback(None)
        self.is_ready.set()


class _Asker:
    """A thread that asks one question after the other; None ends it."""

    def __init__(self, monitor: Monitor | None) -> None:
        self.questions: queue.SimpleQueue[_Answer | None] = queue.SimpleQueue()
        threading.Thread(target=_serve, args=(self.questions, monitor), daemon=True,
                         name="fusetrace-probe").start()


class Prober:
    """Asks questions for one mount; any number of threads at once, each gets a thread that asks for
    it. One that hangs is left behind, and ends when the filesystem answers or is taken away."""

    def __init__(self, monitor: Monitor | None = None) -> None:
        self._monitor = monitor
        self._owner = os.getpid()
        self._idle: list[_Asker] = []  # append() and pop() are atomic

    def ask(self, question: Callable[[], T], timeout: float) -> T:
        """What question() returns or raises; ProbeHangs after timeout seconds."""
        if os.getpid() != self._owner:  # threads do not come along through fork()
            self._owner, self._idle = os.getpid(), []
        try:
            asker = self._idle.pop()
        except IndexError:
            asker = _Asker(self._monitor)
        answer = _Answer(question)
        asker.questions.put(answer)
        is_answered = False
        try:
            is_answered = answer.is_ready.wait(max(timeout, 0.001))
        finally:
            if is_answered and len(self._idle) < _IDLE_MAX:
                self._idle.append(asker)
            else:
                asker.questions.put(None)  # should it ever come back
        if not is_answered:
            raise ProbeHangs(f"the filesystem has not answered within {timeout:.3g} s")
        value, error = answer.value, answer.error
        del answer
        try:
            if error is not None:
                raise error
            return cast(T, value)
        finally:
            del error  # whose traceback has this frame

    def close(self) -> None:
        """Ends the threads that have nothing to do."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().questions.put(None)

    def __del__(self) -> None:
        self.close()


def _serve(questions: queue.SimpleQueue[_Answer | None], monitor: Monitor | None) -> None:
    from .pipes import block_signals

    block_signals()
    # The thread does nothing else, so all that it asks of the mount is a probe.
    with contextlib.nullcontext() if monitor is None else monitor.ignoring_thread():
        del monitor
        while (answer := questions.get()) is not None:
            answer.find()
            del answer
