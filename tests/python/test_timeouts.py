# SPDX-License-Identifier: MIT
"""How long a wait may take."""

import bdb
import math
import sys
import threading
import time
from decimal import Decimal
from fractions import Fraction

import pytest

from fusetrace import timeouts


@pytest.fixture(autouse=True)
def untouched(monkeypatch):
    monkeypatch.delenv("FUSETRACE_TIMEOUT_SCALE", raising=False)
    for name in ("default", "mount", "scale", "limit"):
        monkeypatch.setattr(timeouts.settings, name, getattr(timeouts.settings, name))


def left(value):
    return timeouts.deadline(value) - time.monotonic()


@pytest.mark.parametrize("value", [-1, -0.001, float("-inf"), float("nan")])
def test_rule_19_negative_and_nan(value):
    for check in (timeouts.deadline, timeouts.timeout_ns):
        with pytest.raises(ValueError, match="negative or NaN"):
            check(value)
    with pytest.raises(ValueError, match="quiet"):
        timeouts.window_ns(value, "quiet")


@pytest.mark.parametrize("value", ["5", b"5", [5], object(), True, False, 1j])
def test_what_is_no_number(value):
    for check in (timeouts.deadline, timeouts.timeout_ns, timeouts.seconds):
        with pytest.raises(TypeError, match="number of seconds"):
            check(value)


@pytest.mark.parametrize("value", [2, 2.0, Fraction(2), Decimal(2)])
def test_numbers_of_any_kind(value):
    assert left(value) == pytest.approx(2, abs=0.1)


def test_rule_19_default():
    assert left(None) == pytest.approx(timeouts.DEFAULT_SECONDS, abs=0.1)
    timeouts.settings.default = 1.0
    assert left(None) == pytest.approx(1.0, abs=0.1)


def test_rule_19_zero_is_now():
    assert left(0) <= 0
    assert timeouts.timeout_ns(0) == timeouts.timeout_ns(0.0) == 0


def test_infinity_is_no_limit():
    assert math.isinf(timeouts.deadline(math.inf))
    assert timeouts.timeout_ns(math.inf) == timeouts.FOREVER_NS
    assert timeouts.window_ns(math.inf, "within") == timeouts.FOREVER_NS


def test_a_very_long_one_is_no_overflow():
    assert 0 < timeouts.timeout_ns(1e9) < timeouts.FOREVER_NS
    assert timeouts.window_ns(1e200, "within") == timeouts.FOREVER_NS - 1
    assert timeouts.window_ns(1e300, "within") == timeouts.FOREVER_NS
    assert 0 < timeouts.timeout_ns(1e300) <= timeouts.FOREVER_NS


def test_rule_18_scale(monkeypatch):
    monkeypatch.setenv("FUSETRACE_TIMEOUT_SCALE", "3")
    assert left(1) == pytest.approx(3, abs=0.1)
    assert left(0) <= 0
    assert timeouts.window_ns(1, "within") == 1_000_000_000  # never scaled
    timeouts.settings.scale = 2.0  # of an option, before the environment's
    assert left(1) == pytest.approx(2, abs=0.1)
    timeouts.settings.scale = 0.0
    assert math.isinf(timeouts.deadline(1))


@pytest.mark.parametrize("text", ["fast", "-1", "nan", "inf", "1,5"])
def test_a_scale_that_is_none(monkeypatch, text):
    monkeypatch.setenv("FUSETRACE_TIMEOUT_SCALE", text)
    with pytest.raises(ValueError, match="FUSETRACE_TIMEOUT_SCALE='" + text):
        timeouts.deadline(1)


def test_rule_17_one_deadline():
    with timeouts.within(1):
        assert left(5) == pytest.approx(1, abs=0.1)
        assert left(0.2) == pytest.approx(0.2, abs=0.1)
        with timeouts.within(10):
            assert left(5) == pytest.approx(1, abs=0.1)
        with timeouts.within(0.5):
            assert left(math.inf) == pytest.approx(0.5, abs=0.1)
        assert left(5) == pytest.approx(1, abs=0.1)
    assert left(5) == pytest.approx(5, abs=0.1)


def test_within_ends_with_an_exception():
    with pytest.raises(KeyError), timeouts.within(1):
        raise KeyError
    assert left(5) == pytest.approx(5, abs=0.1)


def test_rule_17_within_is_of_the_thread():
    seen = []
    with timeouts.within(0.1):
        thread = threading.Thread(target=lambda: seen.append(left(5)))
        thread.start()
        thread.join()
    assert seen[0] == pytest.approx(5, abs=0.1)


def test_within_that_has_passed_looks_once():
    with timeouts.within(0):
        assert timeouts.timeout_ns(5) == 0


def test_rule_21_limit_of_a_runner():
    timeouts.settings.limit = time.monotonic() + 1
    assert left(5) == pytest.approx(1, abs=0.1)
    assert left(math.inf) == pytest.approx(1, abs=0.1)
    timeouts.settings.limit = time.monotonic() - 1
    assert left(5) <= 0


def test_no_limit_while_a_debugger_stands(monkeypatch):
    assert not timeouts.is_debugging()
    debugger = bdb.Bdb()
    debugger.reset()
    before = sys.gettrace()
    sys.settrace(debugger.trace_dispatch)
    try:
        found = timeouts.is_debugging(), timeouts.deadline(1), timeouts.timeout_ns(0)
    finally:
        sys.settrace(before)
    assert found == (True, math.inf, 0)


def test_coverage_is_no_debugger():
    before = sys.gettrace()
    sys.settrace(lambda *arguments: None)
    try:
        found = timeouts.is_debugging()
    finally:
        sys.settrace(before)
    assert not found


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="sys.monitoring is of Python 3.12")
def test_a_debugger_of_sys_monitoring():
    sys.monitoring.use_tool_id(sys.monitoring.DEBUGGER_ID, "test")
    try:
        assert timeouts.is_debugging()
    finally:
        sys.monitoring.free_tool_id(sys.monitoring.DEBUGGER_ID)
