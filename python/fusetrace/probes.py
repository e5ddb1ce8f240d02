# SPDX-License-Identifier: MIT
"""Questions to the mount: asked in a thread of their own, so that a filesystem that hangs cannot
hang the one who asks, and marked, so that they do not count as operations of the test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from .monitor import Monitor

T = TypeVar("T")


class ProbeHangs(Exception):
    """The filesystem has not answered in time; the thread that asked still waits."""


class _Answer(Generic[T]):
    def __init__(self, question: Callable[[], T]) -> None:
        self.question = question
        self.is_ready = threading.Event()
        self.value: T | None = None
        self.error: BaseException | None = None

    def find(self) -> None:
        try:
            self.value = self.question()
        except BaseException as error:  # told to the one who asked
            self.error = error
        self.is_ready.set()


class Prober:
    """Asks questions for one mount, one after the other. A thread that hangs is left behind, and
    ends when the filesystem answers or is taken away."""

    def __init__(self, monitor: Monitor | None = None) -> None:
        self._monitor = monitor
        self._questions: queue.SimpleQueue[_Answer[object] | None] | None = None

    def ask(self, question: Callable[[], T], timeout: float) -> T:
        """What question() returns or raises; ProbeHangs after timeout seconds."""
        questions = self._questions
        if questions is None:
            questions = self._questions = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(questions, self._monitor), daemon=True,
                             name="fusetrace-probe").start()
        answer = _Answer(question)
        questions.put(answer)  # type: ignore[arg-type]
        if not answer.is_ready.wait(max(timeout, 0.001)):
            questions.put(None)  # should it ever come back
            self._questions = None
            raise ProbeHangs(f"the filesystem has not answered within {timeout:.3g} s")
        if answer.error is not None:
            raise answer.error
        return answer.value  # type: ignore[return-value]

    def close(self) -> None:
        """Ends the thread."""
        if self._questions is not None:
            self._questions.put(None)
            self._questions = None

    def __del__(self) -> None:
        self.close()


def _serve(questions: queue.SimpleQueue[_Answer[object] | None], monitor: Monitor | None) -> None:
    import contextlib

    # The thread does nothing else, so all that it asks of the mount is a probe.
    ignoring = contextlib.nullcontext() if monitor is None else monitor.ignoring_thread()
    del monitor
    with ignoring:
        while (answer := questions.get()) is not None:
            answer.find()
            del answer
