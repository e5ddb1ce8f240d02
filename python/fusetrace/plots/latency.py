# SPDX-License-Identifier: MIT
"""How long each kind of operation took: dots on a logarithmic scale, with median and 95th
percentile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..operation import Operation
from ..text import format_duration
from .figures import (
    BLUE,
    FAILED,
    MAX_ROWS,
    ORANGE,
    TEXT,
    VERMILION,
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

_DOTS_MAX = 1500


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
    figure, axes = new_figure(len(rows))
    if rows:
        _draw_latency(axes, rows)
    else:
        say_nothing_to_show(axes)
    set_title(axes, "Latency", sum(len(found) for _, found in rows), mount)
    return finish(figure, path)


def _durations_of(operations: Iterable[Operation]) -> list[tuple[str, list[tuple[float, bool]]]]:
    """Of each name the durations (ns) in ascending order, each with whether it failed; the name
    with the slowest p50 first."""
    found: dict[str, list[tuple[float, bool]]] = {}
    for operation in operations:
        duration_ms = operation.duration_ms
        if duration_ms is not None:
            # A logarithmic axis has no 0.
            duration = (max(duration_ms * 1e6, 1.0), kind_of(operation) is FAILED)
            found.setdefault(operation.operation, []).append(duration)
    for durations in found.values():
        durations.sort()
    rows = sorted(found.items(), key=lambda item: -_at(item[1], 50))
    return rows[:MAX_ROWS]


def _at(durations: Sequence[tuple[float, bool]], percent: int) -> float:
    """By nearest rank."""
    return durations[max(-(-len(durations) * percent // 100) - 1, 0)][0]


def _draw_latency(axes: Axes, rows: list[tuple[str, list[tuple[float, bool]]]]) -> None:
    from matplotlib.ticker import NullFormatter

    axes.set_xscale("log")
    _add_dots(axes, rows)
    _add_percentiles(axes, [durations for _, durations in rows])
    set_rows(axes, [f"{name}  ({len(durations):,})" for name, durations in rows])
    shortest = min(durations[0][0] for _, durations in rows)
    longest = max(durations[-1][0] for _, durations in rows)
    axes.set_xlim(shortest / 1.4, longest * 1.4)
    axes.xaxis.set_major_formatter(lambda value, _: _round_duration(value))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", labelsize=9, colors=TEXT)
    axes.set_xlabel("from request to reply", color=TEXT, fontsize=9)


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
    axes.scatter(*dots[False], s=9, color=BLUE, alpha=alpha, linewidths=0, zorder=3,
                 rasterized=len(dots[False][0]) > 2000)
    if dots[True][0]:
        axes.scatter(*dots[True], s=26, color=VERMILION, marker="x", linewidths=1.3, zorder=4)


def _add_percentiles(axes: Axes, rows: list[list[tuple[float, bool]]]) -> None:
    from matplotlib.lines import Line2D

    places = range(len(rows))
    p25, p50, p75, p95 = ([_at(row, percent) for row in rows] for percent in (25, 50, 75, 95))
    axes.hlines(places, p25, p75, color=TEXT, linewidth=7, alpha=0.25, zorder=5)
    axes.scatter(p50, places, marker="|", s=190, color=TEXT, linewidths=2.4, zorder=6)
    axes.scatter(p95, places, marker="d", s=42, color=ORANGE, edgecolors=TEXT,
                 linewidths=0.9, zorder=6)
    for place in places:
        middle, high = format_duration(round(p50[place])), format_duration(round(p95[place]))
        text = f"p50 {middle}   p95 {high}"
        axes.text(1.01, place, text.replace("us", "µs"), transform=axes.get_yaxis_transform(),
                  fontsize=8, color=TEXT, va="center", family="monospace")
    handles = [
        Line2D([], [], color=BLUE, marker="o", markersize=4, linestyle="", label="operation"),
        Line2D([], [], color=TEXT, linewidth=7, alpha=0.25, label="middle half"),
        Line2D([], [], color=TEXT, marker="|", markersize=12, markeredgewidth=2.4, linestyle="",
               label="p50"),
        Line2D([], [], color=ORANGE, marker="d", markeredgecolor=TEXT, linestyle="",
               label="p95"),
    ]
    if any(is_failed for row in rows for _, is_failed in row):
        handles.insert(1, Line2D([], [], color=VERMILION, marker="x", markeredgewidth=1.3,
                                 linestyle="", label="failed"))
    place_legend(axes, handles)
