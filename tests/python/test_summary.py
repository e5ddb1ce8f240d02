# SPDX-License-Identifier: MIT
"""Summary: counts and percentiles, merged over monitors and processes, as text and as JSON."""

import json
import os
import random
import subprocess
from base64 import b64encode

import pytest

from fusetrace.histogram import Histogram
from fusetrace.summary import Row, Summary
from fusetrace.text import escape, format_duration, shorten, width
from traced import DEADLINE, replayed

HOSTILE = "/a\n\x1b[2J\x9b\u202e\udcff\\"
HOSTILE_JSON = {"path": "?", "path_bytes": b64encode(os.fsencode(HOSTILE)).decode()}


def exact_percentile(values, per_mille):
    ordered = sorted(values)
    return ordered[-(-len(ordered) * per_mille // 1000) - 1]


@pytest.fixture
def few(tmp_path):
    return replayed(
        tmp_path,
        ("lookup", {"status": "failed", "errno": 2, "probe": True}),
        ("create", {"duration_ns": 300_000}),
        ("write", {"duration_ns": 40_000, "size": 100, "reply_size": 100}),
        ("write", {"duration_ns": 50_000, "size": 7, "path": "/slow"}),
        ("write", {"duration_ns": 2_000, "size": 100, "status": "failed", "errno": 28}),
        ("read", {"duration_ns": 5_000, "size": 4096, "reply_size": 11}),
        ("read", {"duration_ns": None, "size": 4096}))


def summary_of(monitor):
    return Summary.from_operations(monitor.completed_operations)


# ---- counting ----


def test_counts_what_there_is(few):
    summary = summary_of(few)
    assert [row.operation for row in summary] == ["write", "read", "create", "lookup"]
    assert summary["write"] == Row("write", count=3, failed=1, p50_ms=pytest.approx(0.04, rel=0.03),
                                   p95_ms=pytest.approx(0.05, rel=0.03),
                                   p99_ms=pytest.approx(0.05, rel=0.03), max_ms=0.05,
                                   total_ms=0.092, bytes=107, slowest_path="/slow")
    assert summary["lookup"].probes == 1
    assert summary["lookup"].failed == 0
    assert summary["lookup"].bytes is None
    assert (summary["read"].count, summary["read"].bytes) == (2, 11)
    assert (summary.count, summary.failed, summary.probes) == (7, 1, 1)
    assert len(summary) == 4
    assert "write" in summary
    assert "rmdir" not in summary
    with pytest.raises(KeyError):
        summary["rmdir"]


def test_without_any_duration_there_are_no_times(tmp_path):
    row = summary_of(replayed(tmp_path, ("flush", {"duration_ns": None})))["flush"]
    assert (row.count, row.p50_ms, row.max_ms, row.total_ms, row.slowest_path) == (
        1, None, None, None, None)


def test_rows_of_the_library_say_the_same(few):
    operations = few.completed_operations
    counted = Summary.from_operations(operations)
    assert list(Summary.from_core(few._core.summary(), operations)) == list(counted)
    # Without the history the percentiles are those that the library gave.
    assert list(Summary.from_core(few._core.summary())) == list(counted)


def test_monitor_makes_one(few):
    summary = few.summary()
    assert summary["write"].count == 3
    assert summary.lost_events == 0


def test_what_the_history_dropped_is_counted(tmp_path):
    records = [("write", {"duration_ns": 1000 * number}) for number in range(1, 1001)]
    monitor = replayed(tmp_path, *records)
    kept = monitor.completed_operations[500:]
    summary = Summary.from_core(monitor._core.summary(), kept)
    assert summary["write"].count == 1000
    assert summary["write"].total_ms == pytest.approx(500.5)
    # The younger half, 501 to 1,000 us, stands for all of them.
    assert summary["write"].p50_ms == pytest.approx(0.75, rel=0.03)
    assert sum(summary._tallies["write"].durations.buckets.values()) == 1000


def test_operations_after_the_rows_belong_to_the_next_table(few):
    rows = [row for row in few._core.summary() if row[0] != "write"]
    assert "write" not in Summary.from_core(rows, few.completed_operations)


# ---- merging ----


def random_durations(seed, count, middle_ns):
    source = random.Random(seed)
    return [max(1, int(source.lognormvariate(0, 1.5) * middle_ns)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_merged_percentiles_are_within_3_percent(tmp_path, seed):
    parts = [random_durations(seed * 10 + part, 300 + 700 * part, 10_000 * 7**part)
             for part in range(3)]
    merged = Summary()
    for number, part in enumerate(parts):
        folder = tmp_path / str(number)
        folder.mkdir()
        monitor = replayed(folder, *(("read", {"duration_ns": one}) for one in part))
        merged.merge(Summary.from_core(monitor._core.summary(), monitor.completed_operations))
    together = [one for part in parts for one in part]
    row = merged["read"]
    assert row.count == len(together)
    assert row.max_ms == max(together) / 1e6
    assert row.total_ms == pytest.approx(sum(together) / 1e6)
    for per_mille, found in ((500, row.p50_ms), (950, row.p95_ms), (990, row.p99_ms)):
        assert found == pytest.approx(exact_percentile(together, per_mille) / 1e6, rel=0.03)


def test_merging_is_the_same_as_counting_all(few, tmp_path):
    operations = few.completed_operations
    merged = Summary.from_operations(operations[:4])
    merged.merge(Summary.from_operations(operations[4:]))
    assert merged == Summary.from_operations(operations)
    with_nothing = Summary.from_operations(operations)
    with_nothing.merge(Summary())
    assert with_nothing == merged


def test_merging_keeps_the_path_of_the_slowest(tmp_path):
    one = summary_of(replayed(tmp_path, ("open", {"duration_ns": 5, "path": "/fast"})))
    other = summary_of(replayed(tmp_path, ("open", {"duration_ns": 9, "path": "/slow"})))
    one.merge(other)
    assert one["open"].slowest_path == "/slow"
    other.merge(summary_of(replayed(tmp_path, ("open", {"duration_ns": 9, "path": "/equal"}))))
    assert other["open"].slowest_path == "/slow"


def test_merging_adds_lost_events():
    summary = Summary(lost_events=2)
    summary.merge(Summary(lost_events=3))
    assert summary.lost_events == 5
    summary.merge(summary)  # a table that is merged with itself is twice as much, and ends
    assert summary.lost_events == 10


def test_percentiles_alone_never_understate_when_merged(few):
    merged = Summary.from_core(few._core.summary())
    merged.merge(Summary.from_core(few._core.summary()))
    assert merged["write"].count == 6
    assert merged["write"].p50_ms >= 0.0399
    assert merged["write"].max_ms == 0.05


# ---- histogram ----


@pytest.mark.parametrize("value", [0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 1000, 999_983,
                                   2**40 + 12345, 2**63, 2**64 - 1])
def test_a_value_is_within_a_64th(value):
    histogram = Histogram()
    histogram.add(value)
    assert histogram.percentile(500) == value  # never beyond the least or the most
    histogram.add(0)
    histogram.add(2**64)
    assert abs(histogram.percentile(500) - value) <= value / 64


def test_ranks_are_nearest():
    histogram = Histogram()
    for value in range(1, 21):
        histogram.add(value)
    assert [histogram.percentile(p) for p in (1, 50, 51, 500, 501, 950, 951, 999)] == [
        1, 1, 2, 10, 11, 19, 20, 20]
    assert Histogram().percentile(500) is None


@pytest.mark.parametrize("count", [1, 7, 20, 1001])
def test_scaling_keeps_the_shape(count):
    histogram = Histogram()
    for value in range(1, 11):
        histogram.add(value)
    histogram.scale_to(count)
    assert histogram.count == sum(histogram.buckets.values()) == count
    assert all(times >= 0 for times in histogram.buckets.values())
    if count > 10:
        assert histogram.percentile(499) == 5
        assert histogram.percentile(701) == 8


# ---- text ----


def test_table(few):
    lines = summary_of(few).to_text().splitlines()
    assert lines[0] == (
        "OP                 COUNT  FAILED      P50      P95      MAX  SLOWEST")
    assert lines[1] == (
        "write                  3       1  40.45us  49.66us  50.00us  /slow")
    assert lines[4] == (
        "lookup                 1       -  1.000us  1.000us  1.000us  /a")
    assert lines[5] == "7 operations, 1 failed, 1 probe"
    assert len(lines) == 6
    assert str(summary_of(few)) == "\n".join(lines)


def test_table_of_nothing():
    assert Summary().to_text() == "no operations"
    assert Summary(lost_events=3).to_text() == "no operations\nlost events: 3"


def test_lost_events_are_told(few):
    operations = few.completed_operations
    assert "lost" not in Summary.from_operations(operations).to_text()
    text = Summary.from_operations(operations, lost_events=4).to_text()
    assert text.endswith("\nlost events: 4")


def test_hostile_paths_are_harmless(tmp_path):
    summary = summary_of(replayed(tmp_path, ("open", HOSTILE_JSON)))
    assert summary["open"].slowest_path == HOSTILE
    text = summary.to_text()
    assert len(text.splitlines()) == 3
    assert r"/a\n\x1b[2J\xc2\x9b\u{202e}\xff" in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_table_fits_into_columns(tmp_path):
    summary = summary_of(replayed(tmp_path, ("open", {"path": "/directory" * 30 + "/日本/x"})))
    for columns in (60, 80, 100, 401):
        assert max(width(line) for line in summary.to_text(columns).splitlines()) <= max(
            columns, 68)
    assert summary.to_text(80).splitlines()[1].endswith("/x")


def test_same_look_as_the_command(few, tmp_path):
    out = subprocess.run(["fusetrace", "summary", tmp_path / "recording.jsonl"], text=True,
                         capture_output=True, timeout=DEADLINE).stdout.splitlines()
    ours = summary_of(few).to_text().splitlines()
    wanted = ("OP", "COUNT", "FAILED", "P50", "P95", "MAX", "SLOWEST")
    header = out[0].split()
    chosen = [header.index(name) for name in wanted]
    for line, our_line in zip(out[:5], ours):
        cells = line.split()
        assert [cells[i] for i in chosen if i < len(cells)] == our_line.split()
    assert out[5].startswith("7 operations, 1 failed, 1 probe")


@pytest.mark.parametrize("text, escaped", [
    ("/plain path", "/plain path"), ("a\\b", r"a\\b"), ("\t\r\n", r"\t\r\n"), ("\x7f", r"\x7f"),
    ("\x85", r"\xc2\x85"), ("\udc80", r"\x80"), ("\u2028", r"\u{2028}"), ("é日", "é日"),
    ("\U000e0001", r"\u{e0001}"), ("\ufffe", r"\u{fffe}"), ("\ud800", r"\u{d800}"),
    ("\u200d", "\u200d")])
def test_escape(text, escaped):
    assert escape(text) == escaped


@pytest.mark.parametrize("duration_ns, text", [
    (0, "0ns"), (999, "999ns"), (1000, "1.000us"), (12_345, "12.35us"), (999_949, "999.9us"),
    (999_960, "1.000ms"), (1_500_000_000, "1.500s"), (9_999_000_000_000, "9999s"),
    (100_000_000_000_000, "27.78h")])
def test_durations(duration_ns, text):
    assert format_duration(duration_ns) == text


def test_shorten():
    assert shorten("/abc", 4) == "/abc"
    assert shorten("/abcdefghij", 9) == "/ab...hij"
    assert shorten("/abcdefghij", 3) == "/ab"
    assert shorten("日本日本日本日本", 9) == "日...本"
    assert shorten("abc", 0) == ""


# ---- JSON ----


def test_crosses_processes(few):
    summary = summary_of(few)
    summary.lost_events = 7
    text = json.dumps(summary.to_dict(), allow_nan=False)
    back = Summary.from_dict(json.loads(text))
    assert back == summary
    assert list(back) == list(summary)


def test_a_path_that_is_no_utf8_crosses_too(tmp_path):
    summary = summary_of(replayed(tmp_path, ("open", HOSTILE_JSON)))
    data = summary.to_dict()
    json.dumps(data, ensure_ascii=False).encode()  # no lone surrogate
    assert Summary.from_dict(data) == summary


@pytest.mark.parametrize("data", [
    None, {}, [], {"version": 2, "lost_events": 0, "rows": []},
    {"version": 1, "lost_events": "many", "rows": []},
    {"version": 1, "lost_events": 0, "rows": [{}]},
    {"version": 1, "lost_events": 0, "rows": [7]}])
def test_anything_else_is_refused(data):
    with pytest.raises(ValueError, match="not a summary"):
        Summary.from_dict(data)


def test_repr(few):
    assert repr(summary_of(few)) == "<Summary: 7 operations, 1 failed, 0 events lost>"
