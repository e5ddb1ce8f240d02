# SPDX-License-Identifier: MIT
"""The races of this folder, each a file test_*.py, as compare.py and the page need them.

A file has a docstring (a title, a blank line, the public case and its race), `mounted(folder)`, a test
with `fs` and `turn`, and its twin `sleeping(fs, turn, pause)` with the pauses of the public test.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
WAITING, SLEEPING, BARE = FORMS = ("waiting", "as in the field", "without its sleep")


class Race:
    """One file."""

    def __init__(self, module: ModuleType):
        self.module = module
        self.name = module.__name__.rpartition(".test_")[2]
        self.title, _, self.text = inspect.getdoc(module).partition("\n\n")
        self.waiting = next(function for name, function in vars(module).items()
                            if name.startswith("test_") and is_turn(function))
        self.sleeping = module.sleeping

    @property
    def pause(self) -> float:
        """Seconds; 0: the public test has none."""
        return self.module.PAUSE

    def missing(self) -> str | None:
        """Why it cannot run here."""
        return getattr(self.module, "missing", lambda: None)()

    def mounted(self, folder: Path) -> AbstractContextManager[Any]:
        return self.module.mounted(folder)

    def forms(self) -> tuple[str, ...]:
        return FORMS if self.pause else FORMS[:2]

    def turn(self, form: str) -> Callable[[Any, int], None]:
        """One turn in that form."""
        if form == WAITING:
            return self.waiting
        if form == SLEEPING:
            return self.sleeping
        return lambda fs, turn: self.sleeping(fs, turn, 0)

    def source(self, form: str) -> str:
        """The function's text."""
        return inspect.getsource(self.waiting if form == WAITING else self.sleeping)


def is_turn(function: Callable) -> bool:
    return list(inspect.signature(function).parameters) == ["fs", "turn"]


def all_races() -> list[Race]:
    modules = [importlib.import_module(f"{__package__}.{path.stem}")
               for path in sorted(HERE.glob("test_*.py"))]
    return [Race(module) for module in modules if hasattr(module, "sleeping")]
