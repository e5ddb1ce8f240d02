# SPDX-License-Identifier: MIT
"""Pictures of a trace: what ran when, and how long each kind of operation took.

Needs matplotlib, the extra `plot`. Figures are drawn without pyplot, so they need no display and
leave no global state behind. What is drawn is a handful of collections, however many operations
there are: bars that fall on the same pixels are one, and a row with very many is a curve.

Colours are those of Okabe and Ito, which readers with any colour vision tell apart; what failed has
a mark of its own besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .operation import Operation, OperationStatus
from .text import escape, format_duration

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_latency", "plot_timeline"]

_BLUE, _VERMILION, _GREY, _ORANGE, _PURPLE = "#0072B2", "#D55E00", "#8C8C8C", "#E69F00", "#7B3294"
_TEXT, _FAINT = "#333333", "#E4E4E4"

_WIDTH_INCHES = 10.0
_ROW_INCHES = 0.36
_MARGIN_INCHES = 1.35
_MAX_ROWS = 40
_LANES_MAX = 6
_HALF = 0.36  # of what is drawn in a row, which is 1 high
# Finer than a pixel of the picture: what falls on the same step is drawn once.
_STEPS = 2000
# A row with more of them would be one solid bar.
_BARS_MAX = 1000
_CURVE_STEPS = 400
_DOTS_MAX = 1500


@dataclass(frozen=True)
class _Kind:
    """A way in which an operation ended, and how that looks."""

    label: str
    color: str
    hatch: str = ""
    marker: str = ""


_OK = _Kind("completed", _BLUE)
_PROBE = _Kind("probe (expected failure)", _GREY)
_FAILED = _Kind("failed", _VERMILION, marker="X")
_IN_FLIGHT = _Kind("in flight", _ORANGE, hatch="////")
_UNKNOWN = _Kind("no reply seen", _PURPLE, hatch="....")
# In the order in which they are drawn.
_KINDS = (_PROBE, _OK, _UNKNOWN, _IN_FLIGHT, _FAILED)


def _kind_of(operation: Operation) -> _Kind:
    status = operation.status
    if status is OperationStatus.STARTED:
        return _IN_FLIGHT
    if status is OperationStatus.UNKNOWN:
        return _UNKNOWN
    if operation.is_probe:
        return _PROBE
    return _FAILED if status is OperationStatus.FAILED else _OK


# ---- figures ----


def _new_figure(rows: int) -> tuple[Figure, Axes]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "plots need matplotlib: pip install fusetrace[plot]", name=error.name
        ) from error
    height = _MARGIN_INCHES + _ROW_INCHES * max(rows, 3)
    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=_FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _drawable(text: str) -> str:
    """What is in no font would be an empty box, and a warning."""
    if text.isascii() and text.isprintable():
        return text
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties())).get_charmap()
    shown = escape(text)
    return "".join(c if ord(c) in known else f"\\u{{{ord(c):x}}}" for c in shown)


def _set_title(axes: Axes, what: str, count: int, mount: str | os.PathLike[str] | None) -> None:
    import os

    title = f"{what}: {count:,} operation{'' if count == 1 else 's'}"
    if mount is not None:
        title += f" on {_drawable(os.fsdecode(mount))}"
    # The legend is between the title and the picture.
    axes.set_title(title, loc="left", color=_TEXT, fontsize=11, pad=24, parse_math=False)


def _set_rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_ylim(len(labels) - 0.4, -0.6)
    shown = [_drawable(label) for label in labels]
    axes.set_yticks(range(len(labels)), shown, fontsize=9, color=_TEXT, parse_math=False)


def _finish(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    if path is not None:
        figure.savefig(path)
    return figure


def _say_nothing_to_show(axes: Axes) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, "no operations with times", ha="center", va="center", color=_GREY,
              fontsize=12, transform=axes.transAxes)


# ---- time line ----


@dataclass
class _Bar:
    """One operation, seconds of time.monotonic(); end is None while there is none."""

    row: str
    kind: _Kind
    start: float
    end: float | None


def plot_timeline(
    operations: Iterable[Operation],
    path: str | os.PathLike[str] | None = None,
    *,
    by: str = "operation",
    mount: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw what ran when: a row for each operation name, or for each thread that asked.

    Within a row, what ran at the same time lies one below the other. Failed operations are marked;
    what has no reply is hatched and reaches to the end. In a row of very many, the height tells how
    many began at a time. Operations without a start are left out.

    Args:
        operations: of a monitor, also those in flight.
        path: where to save it, as PNG or SVG by its suffix; None: nowhere.
        by: "operation" or "pid", the thread id of the caller.
        mount: the mountpoint, for the title.

    Returns:
        The matplotlib.figure.Figure.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: by is something else, or the path's suffix is no format of a picture.

    Example:
        >>> plot_timeline(monitor.completed_operations, "timeline.png") # doctest: +SKIP
    """
    if by not in ("operation", "pid"):
        raise ValueError(f"by={by!r}: give 'operation' or 'pid'")
    bars = sorted(_bars_of(operations, by), key=lambda bar: bar.start)
    rows = _rows_of(bars)
    figure, axes = _new_figure(len(rows))
    if bars:
        _draw_timeline(axes, bars, rows)
    else:
        _say_nothing_to_show(axes)
    _set_title(axes, "Time line", len(bars), mount)
    return _finish(figure, path)


def _bars_of(operations: Iterable[Operation], by: str) -> list[_Bar]:
    bars = []
    for operation in operations:
        start = operation.start_time
        if start is None:
            continue
        row = operation.operation if by == "operation" else _thread(operation)
        end = operation.end_time
        bars.append(_Bar(row, _kind_of(operation), start, end))
    return bars


def _thread(operation: Operation) -> str:
    pid = operation.pid
    if pid is None:
        return "unknown thread"
    return "kernel" if pid == 0 else f"thread {pid}"


def _rows_of(bars: Sequence[_Bar]) -> dict[str, int]:
    """The place of each row, by the first operation; more than can be read are one row."""
    counts: dict[str, int] = {}
    for bar in bars:
        counts[bar.row] = counts.get(bar.row, 0) + 1
    if len(counts) > _MAX_ROWS:
        kept = set(sorted(counts, key=lambda name: -counts[name])[: _MAX_ROWS - 1])
        for bar in bars:
            bar.row = bar.row if bar.row in kept else f"{len(counts) - len(kept)} others"
    rows: dict[str, int] = {}
    for bar in bars:
        rows.setdefault(bar.row, len(rows))
    return rows


def _draw_timeline(axes: Axes, bars: list[_Bar], rows: dict[str, int]) -> None:
    begin = bars[0].start
    last = max(bar.start if bar.end is None else bar.end for bar in bars)
    # Without this, an operation in flight that began last would have no width.
    span = (last - begin) * 1.01 or 1e-6
    counts = dict.fromkeys(rows, 0)
    for bar in bars:
        counts[bar.row] += 1
    has_curves = _add_bars(axes, bars, rows, begin, span)
    labels = [f"{name}  ({counts[name]:,})" for name in rows]
    _set_rows(axes, labels)
    axes.set_xlim(-0.005 * span, 1.005 * span)
    axes.xaxis.set_major_formatter(lambda value, _: _ticks(value, span))
    axes.set_xlabel("since the first operation", color=_TEXT, fontsize=9)
    axes.tick_params(axis="x", labelsize=9, colors=_TEXT)
    for edge in range(len(rows) - 1):
        axes.axhline(edge + 0.5, color=_FAINT, linewidth=0.5, zorder=0)
    _add_legend(axes, {bar.kind for bar in bars}, has_curves)


def _ticks(seconds: float, span: float) -> str:
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (600.0, 1.0, "s")):
        if span < limit:
            return f"{seconds * factor:g} {unit}"
    return f"{seconds / 60:g} min"


def _lanes_of(bars: Sequence[_Bar], last: float) -> list[int]:
    """A lane for each bar of one row, so that those of the same time lie beside each other."""
    ends: list[float] = []
    lanes = []
    for bar in bars:
        lane = next((i for i, end in enumerate(ends) if end <= bar.start), len(ends))
        lane = min(lane, _LANES_MAX - 1)
        end = last if bar.end is None else bar.end
        if lane == len(ends):
            ends.append(end)
        else:
            ends[lane] = max(ends[lane], end)
        lanes.append(lane)
    return lanes


def _add_bars(
    axes: Axes, bars: list[_Bar], rows: dict[str, int], begin: float, span: float
) -> bool:
    """One collection for each kind. Whether there is a row of so many that it is a curve."""
    has_curves = False
    boxes: dict[_Kind, list[tuple[float, float, float, float]]] = {kind: [] for kind in _KINDS}
    by_row: dict[str, list[_Bar]] = {name: [] for name in rows}
    for bar in bars:
        by_row[bar.row].append(bar)
    for name, members in by_row.items():
        if len(members) > _BARS_MAX:
            has_curves = True
            _add_curves(axes, members, rows[name] + _HALF, begin, span)
            members = [bar for bar in members if bar.kind not in (_OK, _PROBE)]
        lanes = _lanes_of(members, begin + span)
        height = 2 * _HALF / (max(lanes, default=0) + 1)
        for kind, lane, start, end in _merged(members, lanes, begin, span):
            boxes[kind].append((start, end, rows[name] - _HALF + lane * height, height))
    for order, kind in enumerate(_KINDS):
        if boxes[kind]:
            _add_boxes(axes, kind, boxes[kind], 3 + order)
    return has_curves


def _add_curves(
    axes: Axes, bars: Sequence[_Bar], bottom: float, begin: float, span: float
) -> None:
    """How many began in each step, the probes below."""
    counts = {kind: [0] * (_CURVE_STEPS + 1) for kind in (_PROBE, _OK)}
    for bar in bars:
        step = int((bar.start - begin) / span * _CURVE_STEPS)
        counts[_PROBE if bar.kind is _PROBE else _OK][step] += 1
    sums = [below + above for below, above in zip(counts[_PROBE], counts[_OK])]
    scale = 2 * _HALF / max(sums)
    times = [step * span / _CURVE_STEPS for step in range(_CURVE_STEPS + 1)]
    probes = [bottom - count * scale for count in counts[_PROBE]]
    tops = [bottom - count * scale for count in sums]
    for kind, lower, upper in ((_PROBE, bottom, probes), (_OK, probes, tops)):
        if any(counts[kind]):
            axes.fill_between(times, lower, upper, step="post", color=kind.color,
                              linewidth=0, zorder=2)


def _merged(
    bars: Sequence[_Bar], lanes: Sequence[int], begin: float, span: float
) -> list[tuple[_Kind, int, float, float]]:
    """Kind, lane, start and end; neighbours that no eye can tell apart are one."""
    step = span / _STEPS
    open_: dict[tuple[_Kind, int], tuple[float, float]] = {}
    found: list[tuple[_Kind, int, float, float]] = []
    for bar, lane in zip(bars, lanes):
        start = bar.start - begin
        end = span if bar.end is None else bar.end - begin
        key = (bar.kind, lane)
        previous = open_.get(key)
        if previous is not None and start - previous[1] < step:
            open_[key] = (previous[0], max(previous[1], end))
            continue
        if previous is not None:
            found.append((*key, *previous))
        open_[key] = (start, end)
    found.extend((*key, *pair) for key, pair in open_.items())
    return found


def _add_boxes(
    axes: Axes, kind: _Kind, boxes: list[tuple[float, float, float, float]], order: int
) -> None:
    from matplotlib.collections import PolyCollection

    corners = [
        [(start, top), (end, top), (end, top + height), (start, top + height)]
        for start, end, top, height in boxes
    ]
    # The edge gives what is shorter than a pixel a width.
    collection = PolyCollection(
        corners, facecolors="white" if kind.hatch else kind.color, edgecolors=kind.color,
        linewidths=0.9, hatch=kind.hatch or None, zorder=order)
    axes.add_collection(collection, autolim=False)
    if kind.marker:
        axes.scatter([end for _, end, _, _ in boxes], [top + h / 2 for _, _, top, h in boxes],
                     marker=kind.marker, s=52, color=kind.color, edgecolors="white",
                     linewidths=0.8, zorder=10)


def _add_legend(axes: Axes, kinds: set[_Kind], has_curves: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for kind in (_OK, _FAILED, _PROBE, _IN_FLIGHT, _UNKNOWN):
        if kind not in kinds:
            continue
        if kind.marker:
            handles.append(Line2D([], [], color=kind.color, marker=kind.marker, linewidth=5,
                                  markeredgecolor="white", markersize=8, markeredgewidth=0.8,
                                  label=kind.label, solid_capstyle="butt"))
        else:
            handles.append(Patch(facecolor="white" if kind.hatch else kind.color,
                                 edgecolor=kind.color, hatch=kind.hatch or None,
                                 label=kind.label))
    if has_curves:
        handles.append(Line2D([], [], color=_OK.color, marker="^", markersize=7,
                              linestyle="", label="height: how many began"))
    _place_legend(axes, handles)


def _place_legend(axes: Axes, handles: list[Any]) -> None:
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=6,
                frameon=False, fontsize=9, labelcolor=_TEXT, borderpad=0, borderaxespad=0.4)


# ---- latency ----


def plot_latency(
    operations: Iterable[Operation],
    path: str | os.PathLike[str] | None = None,
    *,
    mount: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw how long operations took, a row for each name, on a logarithmic axis.

    A dot is an operation (of many, a part: always the fastest and the slowest); the box holds the
    middle half; the marks are p50 and p95, which are written at the right. Operations without a
    duration are left out, and so are all but the 40 slowest names.

    Args:
        operations: of a monitor.
        path: where to save it, as PNG or SVG by its suffix; None: nowhere.
        mount: the mountpoint, for the title.

    Returns:
        The matplotlib.figure.Figure.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: the path's suffix is no format of a picture.

    Example:
        >>> plot_latency(monitor.completed_operations, "latency.svg")   # doctest: +SKIP
    """
    rows = _durations_of(operations)
    figure, axes = _new_figure(len(rows))
    if rows:
        _draw_latency(axes, rows)
    else:
        _say_nothing_to_show(axes)
    _set_title(axes, "Latency", sum(len(found) for _, found in rows), mount)
    return _finish(figure, path)


def _durations_of(operations: Iterable[Operation]) -> list[tuple[str, list[tuple[float, bool]]]]:
    """Of each name the durations (ns) in ascending order, each with whether it failed; the name
    with the slowest p50 first."""
    found: dict[str, list[tuple[float, bool]]] = {}
    for operation in operations:
        duration_ms = operation.duration_ms
        if duration_ms is not None:
            # A logarithmic axis has no 0.
            duration = (max(duration_ms * 1e6, 1.0), _kind_of(operation) is _FAILED)
            found.setdefault(operation.operation, []).append(duration)
    for durations in found.values():
        durations.sort()
    rows = sorted(found.items(), key=lambda item: -_at(item[1], 50))
    return rows[:_MAX_ROWS]


def _at(durations: Sequence[tuple[float, bool]], percent: int) -> float:
    """By nearest rank."""
    return durations[max(-(-len(durations) * percent // 100) - 1, 0)][0]


def _draw_latency(axes: Axes, rows: list[tuple[str, list[tuple[float, bool]]]]) -> None:
    from matplotlib.ticker import NullFormatter

    axes.set_xscale("log")
    _add_dots(axes, rows)
    _add_percentiles(axes, [durations for _, durations in rows])
    _set_rows(axes, [f"{name}  ({len(durations):,})" for name, durations in rows])
    shortest = min(durations[0][0] for _, durations in rows)
    longest = max(durations[-1][0] for _, durations in rows)
    axes.set_xlim(shortest / 1.4, longest * 1.4)
    axes.xaxis.set_major_formatter(lambda value, _: _round_duration(value))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", labelsize=9, colors=_TEXT)
    axes.set_xlabel("from request to reply", color=_TEXT, fontsize=9)


def _round_duration(duration_ns: float) -> str:
    for factor, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if duration_ns >= factor:
            return f"{duration_ns / factor:g} {unit}"
    return f"{duration_ns:g} ns"


def _chosen(durations: list[tuple[float, bool]]) -> list[tuple[float, bool]]:
    """As many as can be seen, evenly from the ascending list; all that failed, up to as many."""
    failed = [one for one in durations if one[1]]
    others = [one for one in durations if not one[1]]
    return _thinned(others) + _thinned(failed)


def _thinned(durations: list[tuple[float, bool]]) -> list[tuple[float, bool]]:
    count = len(durations)
    if count <= _DOTS_MAX:
        return durations
    return [durations[i * (count - 1) // (_DOTS_MAX - 1)] for i in range(_DOTS_MAX)]


def _jitter(index: int) -> float:
    """-0.5 to 0.5, evenly spread, the same each time: multiples of the golden ratio."""
    return index * 0.6180339887498949 % 1.0 - 0.5


def _add_dots(axes: Axes, rows: list[tuple[str, list[tuple[float, bool]]]]) -> None:
    dots: dict[bool, tuple[list[float], list[float]]] = {False: ([], []), True: ([], [])}
    for place, (_, durations) in enumerate(rows):
        spread = min(0.5, 0.06 * len(durations))
        for index, (duration, is_failed) in enumerate(_chosen(durations)):
            dots[is_failed][0].append(duration)
            dots[is_failed][1].append(place + spread * _jitter(index))
    alpha = 0.45 if len(dots[False][0]) < 2000 else 0.25
    axes.scatter(*dots[False], s=9, color=_BLUE, alpha=alpha, linewidths=0, zorder=3,
                 rasterized=len(dots[False][0]) > 2000)
    if dots[True][0]:
        axes.scatter(*dots[True], s=26, color=_VERMILION, marker="x", linewidths=1.3, zorder=4)


def _add_percentiles(axes: Axes, rows: list[list[tuple[float, bool]]]) -> None:
    from matplotlib.lines import Line2D

    places = range(len(rows))
    p25, p50, p75, p95 = ([_at(row, percent) for row in rows] for percent in (25, 50, 75, 95))
    axes.hlines(places, p25, p75, color=_TEXT, linewidth=7, alpha=0.25, zorder=5)
    axes.scatter(p50, places, marker="|", s=190, color=_TEXT, linewidths=2.4, zorder=6)
    axes.scatter(p95, places, marker="d", s=42, color=_ORANGE, edgecolors=_TEXT,
                 linewidths=0.9, zorder=6)
    for place in places:
        middle, high = format_duration(round(p50[place])), format_duration(round(p95[place]))
        text = f"p50 {middle}   p95 {high}"
        axes.text(1.01, place, text.replace("us", "µs"), transform=axes.get_yaxis_transform(),
                  fontsize=8, color=_TEXT, va="center", family="monospace")
    handles = [
        Line2D([], [], color=_BLUE, marker="o", markersize=4, linestyle="", label="operation"),
        Line2D([], [], color=_TEXT, linewidth=7, alpha=0.25, label="middle half"),
        Line2D([], [], color=_TEXT, marker="|", markersize=12, markeredgewidth=2.4, linestyle="",
               label="p50"),
        Line2D([], [], color=_ORANGE, marker="d", markeredgecolor=_TEXT, linestyle="",
               label="p95"),
    ]
    if any(is_failed for row in rows for _, is_failed in row):
        handles.insert(1, Line2D([], [], color=_VERMILION, marker="x", markeredgewidth=1.3,
                                 linestyle="", label="failed"))
    _place_legend(axes, handles)
