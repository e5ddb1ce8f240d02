# SPDX-License-Identifier: MIT
"""The time line of a trace: a row for each kind of operation or thread, bars from request to reply.

However many operations there are, a handful of collections is drawn: bars that fall on the same
pixels are one, and a row with very many is a curve.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..operation import Operation
from .figures import (
    FAILED,
    FAINT,
    HALF,
    IN_FLIGHT,
    KINDS,
    MAX_ROWS,
    OK,
    PROBE,
    TEXT,
    UNKNOWN,
    Kind,
    finish,
    kind_of,
    new_figure,
    place_legend,
    say_nothing_to_show,
    set_rows,
    set_title,
)

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LANES_MAX = 6
# Finer than a pixel of the picture: what falls on the same step is drawn once.
_STEPS = 2000
# A row with more of them would be one solid bar.
_BARS_MAX = 1000
_CURVE_STEPS = 400


@dataclass
class _Bar:
    """One operation, seconds of time.monotonic(); end is None while there is none."""

    row: str
    kind: Kind
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
    figure, axes = new_figure(len(rows))
    if bars:
        _draw_timeline(axes, bars, rows)
    else:
        say_nothing_to_show(axes)
    set_title(axes, "Time line", len(bars), mount)
    return finish(figure, path)


def _bars_of(operations: Iterable[Operation], by: str) -> list[_Bar]:
    bars = []
    for operation in operations:
        start = operation.start_time
        if start is None:
            continue
        row = operation.operation if by == "operation" else _thread(operation)
        end = operation.end_time
        bars.append(_Bar(row, kind_of(operation), start, end))
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
    if len(counts) > MAX_ROWS:
        kept = set(sorted(counts, key=lambda name: -counts[name])[: MAX_ROWS - 1])
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
    set_rows(axes, labels)
    axes.set_xlim(-0.005 * span, 1.005 * span)
    axes.xaxis.set_major_formatter(lambda value, _: _ticks(value, span))
    axes.set_xlabel("since the first operation", color=TEXT, fontsize=9)
    axes.tick_params(axis="x", labelsize=9, colors=TEXT)
    for edge in range(len(rows) - 1):
        axes.axhline(edge + 0.5, color=FAINT, linewidth=0.5, zorder=0)
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
    boxes: dict[Kind, list[tuple[float, float, float, float]]] = {kind: [] for kind in KINDS}
    by_row: dict[str, list[_Bar]] = {name: [] for name in rows}
    for bar in bars:
        by_row[bar.row].append(bar)
    for name, members in by_row.items():
        if len(members) > _BARS_MAX:
            has_curves = True
            _add_curves(axes, members, rows[name] + HALF, begin, span)
            members = [bar for bar in members if bar.kind not in (OK, PROBE)]
        lanes = _lanes_of(members, begin + span)
        height = 2 * HALF / (max(lanes, default=0) + 1)
        for kind, lane, start, end in _merged(members, lanes, begin, span):
            boxes[kind].append((start, end, rows[name] - HALF + lane * height, height))
    for order, kind in enumerate(KINDS):
        if boxes[kind]:
            _add_boxes(axes, kind, boxes[kind], 3 + order)
    return has_curves


def _add_curves(
    axes: Axes, bars: Sequence[_Bar], bottom: float, begin: float, span: float
) -> None:
    """How many began in each step, the probes below."""
    counts = {kind: [0] * (_CURVE_STEPS + 1) for kind in (PROBE, OK)}
    for bar in bars:
        step = int((bar.start - begin) / span * _CURVE_STEPS)
        counts[PROBE if bar.kind is PROBE else OK][step] += 1
    sums = [below + above for below, above in zip(counts[PROBE], counts[OK])]
    scale = 2 * HALF / max(sums)
    times = [step * span / _CURVE_STEPS for step in range(_CURVE_STEPS + 1)]
    probes = [bottom - count * scale for count in counts[PROBE]]
    tops = [bottom - count * scale for count in sums]
    for kind, lower, upper in ((PROBE, bottom, probes), (OK, probes, tops)):
        if any(counts[kind]):
            axes.fill_between(times, lower, upper, step="post", color=kind.color,
                              linewidth=0, zorder=2)


def _merged(
    bars: Sequence[_Bar], lanes: Sequence[int], begin: float, span: float
) -> list[tuple[Kind, int, float, float]]:
    """Kind, lane, start and end; neighbours that no eye can tell apart are one."""
    step = span / _STEPS
    open_: dict[tuple[Kind, int], tuple[float, float]] = {}
    found: list[tuple[Kind, int, float, float]] = []
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
    axes: Axes, kind: Kind, boxes: list[tuple[float, float, float, float]], order: int
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


def _add_legend(axes: Axes, kinds: set[Kind], has_curves: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for kind in (OK, FAILED, PROBE, IN_FLIGHT, UNKNOWN):
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
        handles.append(Line2D([], [], color=OK.color, marker="^", markersize=7,
                              linestyle="", label="height: how many began"))
    place_legend(axes, handles)
