# SPDX-License-Identifier: MIT
"""Pictures of a trace: that they show what they should is for the eye, the rest is here."""

import random
import subprocess
import sys
import warnings
from xml.etree import ElementTree

import pytest

from fusetrace.operation import OperationStatus
from fusetrace.plots import plot_latency, plot_timeline
from traced import DEADLINE, replayed

matplotlib = pytest.importorskip("matplotlib", exc_type=ImportError)

from matplotlib.collections import PolyCollection  # noqa: E402


class Made:
    """What plots need of an operation."""

    def __init__(self, operation, start, seconds, status="completed", *, is_probe=False, pid=7):
        self.operation = operation
        self.start_time = start
        self.end_time = None if seconds is None else start + seconds
        self.duration_ms = None if seconds is None else seconds * 1e3
        self.status = OperationStatus(status)
        self.is_probe = is_probe
        self.pid = pid


def few():
    return [Made("lookup", 5.0, 0.01, "failed", is_probe=True), Made("create", 5.1, 0.02),
            Made("write", 5.2, 0.05), Made("write", 5.22, 0.1, "failed"),
            Made("fsync", 5.4, None, "started"), Made("flush", 5.5, 0.1, "unknown", pid=0)]


def many(count):
    source = random.Random(1)
    names = ("lookup", "getattr", "read", "write", "release")
    return [Made(source.choice(names), n * 1e-4, source.lognormvariate(-9, 1), pid=n % 4 + 1)
            for n in range(count)]


def labels(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def legend(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def boxes(figure):
    """Left and right edge of each bar by its colour."""
    found = {}
    for collection in figure.axes[0].collections:
        if type(collection) is PolyCollection:
            color = matplotlib.colors.to_hex(collection.get_edgecolor()[0])
            found[color] = sorted((path.vertices[:, 0].min(), path.vertices[:, 0].max())
                                  for path in collection.get_paths())
    return found


# ---- time line ----


def test_timeline_shows_all_there_is():
    figure = plot_timeline(few(), mount="/mnt/x")
    assert labels(figure) == ["lookup  (1)", "create  (1)", "write  (2)", "fsync  (1)",
                              "flush  (1)"]
    assert legend(figure) == ["completed", "failed", "probe (expected failure)", "in flight",
                              "no reply seen"]
    assert figure.axes[0].get_title(loc="left") == "Time line: 6 operations on /mnt/x"
    bars = boxes(figure)
    assert bars["#0072b2"] == [(pytest.approx(0.1), pytest.approx(0.12)),
                               (pytest.approx(0.2), pytest.approx(0.25))]
    (start, end), = bars["#e69f00"]  # in flight, to the end
    assert start == pytest.approx(0.4)
    assert end > 0.6


def test_timeline_by_thread():
    figure = plot_timeline(few(), by="pid")
    assert labels(figure) == ["thread 7  (5)", "kernel  (1)"]


def test_at_the_same_time_lies_beside_each_other():
    figure = plot_timeline([Made("read", 0.0, 1.0), Made("read", 0.5, 1.0), Made("read", 2.0, 1.0)])
    collection, = (one for one in figure.axes[0].collections if type(one) is PolyCollection)
    tops = [path.vertices[:, 1].min() for path in collection.get_paths()]
    heights = {round(path.vertices[:, 1].max() - path.vertices[:, 1].min(), 6)
               for path in collection.get_paths()}
    assert len(set(tops)) == 2
    assert heights == {0.36}


def test_timeline_of_a_recording(tmp_path):
    monitor = replayed(tmp_path, ("create", {}), ("write", {"start_ns": None}), ("release", {}))
    figure = plot_timeline(monitor.completed_operations)
    assert labels(figure) == ["create  (1)", "release  (1)"]


def test_nothing_to_show():
    for figure in (plot_timeline([]), plot_latency([]), plot_latency(few()[4:5])):
        texts = [text.get_text() for text in figure.axes[0].texts]
        assert texts == ["no operations with times"]


@pytest.mark.parametrize("operations", [
    [Made("read", 0.0, 0.0)], [Made("read", 0.0, None, "started")], [Made("read", 9e9, 1e-9)]])
def test_one_operation(operations, tmp_path):
    plot_timeline(operations, tmp_path / "a.png")
    plot_latency(operations, tmp_path / "b.png")


def test_too_many_rows_are_one(tmp_path):
    figure = plot_timeline([Made(f"op{n}", n * 0.1, 0.05) for n in range(300)])
    assert len(labels(figure)) == 40
    assert labels(figure)[-1] == "261 others  (261)"


def test_by_what_else():
    with pytest.raises(ValueError, match="'operation' or 'pid'"):
        plot_timeline([], by="path")


# ---- latency ----


def test_latency_rows():
    figure = plot_latency(many(500) + few(), mount="/mnt")
    assert labels(figure)[0] == "flush  (1)"  # the slowest first
    assert figure.axes[0].get_xscale() == "log"
    assert {"operation", "failed", "middle half", "p50", "p95"} == set(legend(figure))
    assert "505 operations on /mnt" in figure.axes[0].get_title(loc="left")


def test_latency_tells_percentiles():
    operations = [Made("read", 0.0, n / 1000) for n in range(1, 101)]
    texts = [text.get_text() for text in plot_latency(operations).axes[0].texts]
    assert texts == ["p50 50.00ms   p95 95.00ms"]


def test_extremes_are_among_the_dots():
    operations = [Made("read", 0.0, n / 1e6) for n in range(1, 50_001)]
    dots = max((one.get_offsets() for one in plot_latency(operations).axes[0].collections), key=len)
    durations = [duration for duration, _ in dots]
    assert len(durations) <= 2000
    assert min(durations) == pytest.approx(1e3)
    assert max(durations) == pytest.approx(5e7)


# ---- both ----


@pytest.mark.parametrize("plot", [plot_timeline, plot_latency])
def test_many_operations_are_few_artists(plot, tmp_path):
    figure = plot(many(100_000), tmp_path / "many.svg")
    axes = figure.axes[0]
    assert len(axes.get_children()) < 60
    assert (tmp_path / "many.svg").stat().st_size < 2_000_000
    assert any(text.endswith(",000 operations") for text in [axes.get_title(loc="left")])


@pytest.mark.parametrize("plot", [plot_timeline, plot_latency])
def test_saves(plot, tmp_path):
    figure = plot(few(), tmp_path / "a.png")
    assert isinstance(figure, matplotlib.figure.Figure)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    plot(few(), str(tmp_path / "a.svg"))
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    with pytest.raises(ValueError, match="(?i)format"):
        plot(few(), tmp_path / "a.txt")


@pytest.mark.parametrize("plot", [plot_timeline, plot_latency])
def test_hostile_names_are_harmless(plot, tmp_path):
    operations = [Made("opcode\n\x1b$x^2$日", 0.0, 1.0), Made("b\udcff", 0.0, 1.0)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plot(operations, tmp_path / "a.svg", mount="/mnt\n$x_$\udcff/日")
    title = figure.axes[0].get_title(loc="left")
    assert title.endswith(r"2 operations on /mnt\n$x_$\xff/\u{65e5}")
    ElementTree.parse(tmp_path / "a.svg")


def test_leaves_no_state_behind():
    """A process of its own: nothing loads pyplot, and nothing needs a display."""
    code = ("import sys\n"
            "from fusetrace.plots import plot_latency, plot_timeline\n"
            "assert 'matplotlib' not in sys.modules\n"
            "plot_timeline([]); plot_latency([])\n"
            "assert 'matplotlib.pyplot' not in sys.modules\n")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=DEADLINE)


def test_without_matplotlib(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for plot in (plot_timeline, plot_latency):
        with pytest.raises(ImportError, match=r"pip install fusetrace\[plot\]"):
            plot([])
