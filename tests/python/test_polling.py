# SPDX-License-Identifier: MIT
"""wait_for_operation(): asks at once, backs off, asks once more at the deadline."""

import fractions
import itertools
import logging
import time

import pytest

from fusetrace import polling
from fusetrace.polling import backoff, wait_for_operation


class Clock:
    """A time that only passes while somebody sleeps."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.pauses = []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def answers(*values):
    iterator = iter(values)
    return lambda: next(iterator)


def test_backoff_doubles_up_to_50_ms():
    found = list(itertools.islice(backoff(), 9))
    assert found == [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.05, 0.05]


def test_backoff_never_exceeds_the_given_limit():
    assert list(itertools.islice(backoff(0.003), 4)) == [0.001, 0.002, 0.003, 0.003]
    assert list(itertools.islice(backoff(0.0005), 2)) == [0.0005, 0.0005]


def test_asks_at_once(clock):
    assert wait_for_operation(lambda: "any true value") == (True, 0.0)
    assert clock.pauses == []


def test_tells_how_long_it_took(clock):
    is_done, seconds = wait_for_operation(answers(False, False, True))
    assert is_done is True
    assert seconds == pytest.approx(0.003)
    assert clock.pauses == pytest.approx([0.001, 0.002])


def test_in_vain_asks_once_more_at_the_deadline(clock):
    asked = []
    is_done, seconds = wait_for_operation(lambda: asked.append(clock.now), timeout=0.01)
    assert is_done is False
    assert seconds == pytest.approx(0.01)
    assert asked[0] == 1000.0
    assert asked[-1] == pytest.approx(1000.01)


def test_true_at_the_deadline_counts(clock):
    assert wait_for_operation(lambda: clock.now >= 1000.01, timeout=0.01)[0] is True


def test_timeout_0_asks_once(clock):
    asked = []
    assert wait_for_operation(lambda: asked.append(1), timeout=0) == (False, 0.0)
    assert asked == [1] and clock.pauses == []


def test_interval_bounds_the_pauses(clock):
    wait_for_operation(lambda: False, timeout=0.1, interval=0.004)
    assert max(clock.pauses) == pytest.approx(0.004)


def test_interval_above_50_ms_does_not_lengthen_them(clock):
    wait_for_operation(lambda: False, timeout=2, interval=10)
    assert max(clock.pauses) == pytest.approx(0.05)


def test_interval_0_is_no_busy_loop(clock):
    wait_for_operation(lambda: False, timeout=0.01, interval=0)
    assert len(clock.pauses) <= 101


def test_a_clock_step_does_not_matter(monkeypatch, clock):
    """Mistake 5: deadlines by the wall clock."""
    monkeypatch.setattr(time, "time", lambda: pytest.fail("asked for the wall clock"))
    assert wait_for_operation(answers(False, True))[0] is True


def test_what_check_fn_raises_goes_through(clock):
    with pytest.raises(ZeroDivisionError):
        wait_for_operation(lambda: 1 / 0)


def test_keyboard_interrupt_goes_through(clock):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wait_for_operation(interrupt)


def test_in_vain_is_logged_by_name(clock, caplog):
    with caplog.at_level(logging.WARNING, logger="fusetrace"):
        wait_for_operation(lambda: False, timeout=0.5, operation_name="the index")
    assert "the index: has not happened within 0.5 s" in caplog.text


@pytest.mark.parametrize("name", ["timeout", "interval"])
@pytest.mark.parametrize("value", [-1, -0.001, float("nan"), float("-inf")])
def test_negative_or_nan_is_value_error(name, value):
    with pytest.raises(ValueError, match=name):
        wait_for_operation(lambda: True, **{name: value})


@pytest.mark.parametrize("name", ["timeout", "interval"])
@pytest.mark.parametrize("value", ["5", b"5", None, [], True])
def test_what_is_no_number_is_type_error(name, value):
    with pytest.raises(TypeError, match=name):
        wait_for_operation(lambda: True, **{name: value})


def test_infinity_and_fractions_are_numbers(clock):
    assert wait_for_operation(answers(False, True), timeout=float("inf"))[0]
    assert wait_for_operation(answers(False, True), timeout=fractions.Fraction(1, 2))[0]


def test_timeouts_are_scaled(clock, monkeypatch):
    monkeypatch.setattr(polling.timeouts.settings, "scale", 3.0)
    assert wait_for_operation(lambda: False, timeout=0.01)[1] == pytest.approx(0.03)
