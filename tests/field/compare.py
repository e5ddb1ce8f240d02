# SPDX-License-Identifier: MIT
"""Runs the tests of this folder and their sleeping twins, again and again, and counts.

In the folder tests, with the paths that script/test sets:
    python -m field.compare [NAME...]                      both forms, idle and under load
    python -m field.compare --update ../docs/field.md      ... and writes the page's table
    python -m field.compare --text ../docs/field.md        only the page's descriptions and code
    python -m field.compare --soak 10000 [NAME...]         the waiting form; 1 if a turn fails
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fusetrace import FuseTraceError
from live.mounting import temporary_directory

from . import page
from .deadline import watched
from .load import load
from .races import WAITING, Race, all_races


@dataclass
class Result:
    """What the turns of one form did."""

    seconds: list[float] = field(default_factory=list)
    failures: int = 0
    last_error: str = ""

    @property
    def median_s(self) -> float:
        return statistics.median(self.seconds)

    def progress(self, turns: int, seconds: float) -> float:
        """How much of its turns or of its time is over; 1: all of it."""
        return max(len(self.seconds) / turns, sum(self.seconds) / seconds)


def run(race: Race, forms: Sequence[str], turns: int, seconds: float) -> list[Result]:
    """That many turns of each form on a mount of its own, or fewer when its time is over.

    The forms take turns, so that all of them see the same minutes of the machine: next is always the
    one with the least of its turns or time behind it. One that sleeps for seconds has few turns among
    many of the others.
    """
    results = [Result() for _ in forms]
    with temporary_directory("fusetrace-field-") as folder, contextlib.ExitStack() as stack:
        stack.enter_context(watched(folder, lambda: sum(len(result.seconds) for result in results)))
        players = []
        for place, (form, result) in enumerate(zip(forms, results)):
            (own := folder / str(place)).mkdir()
            fs = stack.enter_context(race.mounted(own))
            players.append(functools.partial(run_turn, race.turn(form), fs, result))
        while True:
            least, following = min((result.progress(turns, seconds), place)
                                   for place, result in enumerate(results))
            if least >= 1:
                return results
            players[following]()


def run_turn(one_turn: Callable, fs: object, result: Result) -> None:
    turn = len(result.seconds)
    begin = time.perf_counter()
    try:
        one_turn(fs, turn)
    except (AssertionError, OSError, FuseTraceError):
        result.failures += 1
        result.last_error = f"turn {turn}:\n{traceback.format_exc()}"
    finally:
        result.seconds.append(time.perf_counter() - begin)


def runnable(names: list[str]) -> Iterator[Race]:
    races = {race.name: race for race in all_races()}
    unknown = set(names) - set(races)
    if unknown:
        sys.exit(f"compare: no race {', '.join(sorted(unknown))}: give of {', '.join(races)}")
    for name in names or races:
        if missing := races[name].missing():
            print(f"{name}: skipped: {missing}", flush=True)
        else:
            yield races[name]


def soak(names: list[str], turns: int) -> int:
    """The waiting form; returns how many turns failed."""
    failures = 0
    for race in runnable(names):
        [result] = run(race, [WAITING], turns, float("inf"))
        print(f"{race.name}: {len(result.seconds)} turns, {result.failures} failed, median "
              f"{page.duration(result.median_s)}", flush=True)
        if result.failures:
            print(result.last_error, flush=True)
        failures += result.failures
    return failures


def compare(names: list[str], turns: int, seconds: float) -> list[page.Row]:
    rows = []
    for race in runnable(names):
        of_race = [page.Row(race.title, form) for form in race.forms()]
        for is_busy in (False, True):
            with contextlib.ExitStack() as stack:
                if is_busy:
                    stack.enter_context(load(stack.enter_context(temporary_directory())))
                results = run(race, race.forms(), turns, seconds)
            for row, result in zip(of_race, results):
                row.add(len(result.seconds), result.failures, result.median_s)
        for row in of_race:
            print(row.line(), end="", flush=True)
        rows += of_race
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m field.compare")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all by default")
    parser.add_argument("--turns", type=int, default=1000, help="of each form")
    parser.add_argument("--seconds", type=float, default=60, help="at most, for each form, idle and under load")
    parser.add_argument("--update", type=Path, metavar="PAGE")
    parser.add_argument("--text", type=Path, metavar="PAGE")
    parser.add_argument("--soak", type=int, metavar="TURNS")
    options = parser.parse_args()
    if options.text:
        page.update_text(options.text, all_races())
        return 0
    if options.soak:
        return 1 if soak(options.names, options.soak) else 0
    rows = compare(options.names, options.turns, options.seconds)
    if options.update:
        page.update_figures(options.update, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
