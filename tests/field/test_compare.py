# SPDX-License-Identifier: MIT
"""The comparison counts what fails, and gets out of a mount that hangs."""

import contextlib
import time

from . import compare, deadline
from .mounting import traced


class Made:
    """A race of one function."""

    def __init__(self, turn, mounted=contextlib.nullcontext):
        self.turn = lambda form: turn
        self.mounted = mounted


def test_failures_are_counted():
    def fail_in_odd_turns(fs, turn):
        assert turn % 2 == 0

    [result] = compare.run(Made(fail_in_odd_turns), [""], turns=9, seconds=30)
    assert (len(result.seconds), result.failures) == (9, 4)
    assert "turn 7" in result.last_error


def test_time_ends_the_turns():
    [result] = compare.run(Made(lambda fs, turn: None), [""], turns=1 << 40, seconds=0.01)
    assert result.failures == 0 and len(result.seconds) >= 1


def test_forms_take_turns():
    """The slow one has as many turns as its time allows, the quick ones are spread over that time."""
    played = []
    forms = {"slow": 0.02, "quick": 0, "another": 0}
    race = Made(None)
    race.turn = lambda form: lambda fs, turn: (played.append(form), time.sleep(forms[form]))
    results = compare.run(race, list(forms), turns=100, seconds=0.2)
    turns = [len(result.seconds) for result in results]
    assert turns[0] < 11 and turns[1:] == [100, 100]
    assert played[:3] == list(forms)
    # between two turns of the slow one, never all of the quick ones
    slow = [place for place, form in enumerate(played) if form == "slow"]
    assert max(after - before for before, after in zip(slow, slow[1:])) < 100


def test_a_turn_that_hangs_fails(monkeypatch):
    monkeypatch.setattr(deadline, "TURN_SECONDS", 0.5)
    hanging = Made(lambda fs, turn: (fs.mountpoint / "file").stat(),
                   lambda folder: traced(folder, "hang=getattr:file"))
    [result] = compare.run(hanging, [""], turns=1, seconds=30)
    assert result.failures == 1 and "ConnectionAbortedError" in result.last_error
