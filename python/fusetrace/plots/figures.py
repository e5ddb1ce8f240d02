# SPDX-License-Identifier: MIT
"""What the pictures share: colours, ways in which an operation ended, titles, rows, saving.

Colours are those of Okabe and Ito, which readers with any colour vision tell apart; what failed has
a mark of its own besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..operation import Operation, OperationStatus
from ..text import escape

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, GREY, ORANGE, PURPLE = "#0072B2", "#D55E00", "#8C8C8C", "#E69F00", "#7B3294"
TEXT, FAINT = "#333333", "#E4E4E4"

_WIDTH_INCHES = 10.0
_ROW_INCHES = 0.36
_MARGIN_INCHES = 1.35
MAX_ROWS = 40
HALF = 0.36  # of what is drawn in a row, which is 1 high


@dataclass(frozen=True)
class Kind:
    """A way in which an operation ended, and how that looks."""

    label: str
    color: str
    hatch: str = ""
    marker: str = ""


OK = Kind("completed", BLUE)
PROBE = Kind("probe (expected failure)", GREY)
FAILED = Kind("failed", VERMILION, marker="X")
IN_FLIGHT = Kind("in flight", ORANGE, hatch="////")
UNKNOWN = Kind("no reply seen", PURPLE, hatch="....")
# In the order in which they are drawn.
KINDS = (PROBE, OK, UNKNOWN, IN_FLIGHT, FAILED)


def kind_of(operation: Operation) -> Kind:
    status = operation.status
    if status is OperationStatus.STARTED:
        return IN_FLIGHT
    if status is OperationStatus.UNKNOWN:
        return UNKNOWN
    if operation.is_probe:
        return PROBE
    return FAILED if status is OperationStatus.FAILED else OK


# ---- figures ----


def new_figure(rows: int) -> tuple[Figure, Axes]:
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
    axes.grid(axis="x", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def drawable(text: str) -> str:
    """What is in no font would be an empty box, and a warning."""
    if text.isascii() and text.isprintable():
        return text
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties())).get_charmap()
    shown = escape(text)
    return "".join(c if ord(c) in known else f"\\u{{{ord(c):x}}}" for c in shown)


def set_title(axes: Axes, what: str, count: int, mount: str | os.PathLike[str] | None) -> None:
    import os

    title = f"{what}: {count:,} operation{'' if count == 1 else 's'}"
    if mount is not None:
        title += f" on {drawable(os.fsdecode(mount))}"
    # The legend is between the title and the picture.
    axes.set_title(title, loc="left", color=TEXT, fontsize=11, pad=24, parse_math=False)


def set_rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_ylim(len(labels) - 0.4, -0.6)
    shown = [drawable(label) for label in labels]
    axes.set_yticks(range(len(labels)), shown, fontsize=9, color=TEXT, parse_math=False)


def finish(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    if path is not None:
        figure.savefig(path)
    return figure


def say_nothing_to_show(axes: Axes) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, "no operations with times", ha="center", va="center", color=GREY,
              fontsize=12, transform=axes.transAxes)


def place_legend(axes: Axes, handles: list[Any]) -> None:
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=6,
                frameon=False, fontsize=9, labelcolor=TEXT, borderpad=0, borderaxespad=0.4)
