# SPDX-License-Identifier: MIT
"""docs/field.md: its table of figures, and the descriptions and code of the races.

Each stands between two markers. The code is that of the files, so a page that is behind fails
test_page.py; figures are those of the last comparison.
"""

from __future__ import annotations

import math
import os
import platform
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from .races import SLEEPING, WAITING, Race

FIGURES = ("<!-- figures: python -m field.compare --update -->\n", "<!-- end of figures -->\n")
TEXT = ("<!-- races: python -m field.compare --text -->\n", "<!-- end of races -->\n")
HEAD = ("| race | form | idle: a turn | failed | under load: a turn | failed |\n"
        "|---|---|---:|---|---:|---|\n")
Z = 1.96  # 95 %


def duration(seconds: float) -> str:
    """In the unit that a person would take."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def wilson(failures: int, turns: int) -> tuple[float, float]:
    """Where the rate of failures is, with 95 %: E. B. Wilson's interval, 1927."""
    rate = failures / turns
    middle = (rate + Z * Z / (2 * turns)) / (1 + Z * Z / turns)
    half = Z / (1 + Z * Z / turns) * math.sqrt(
        rate * (1 - rate) / turns + Z * Z / (4 * turns * turns))
    return middle - half if failures else 0.0, min(1.0, middle + half)


def rate(failures: int, turns: int) -> str:
    low, high = wilson(failures, turns)
    return f"{failures} of {turns} ({100 * low:.3g}–{100 * high:.3g} %)"


@dataclass
class Row:
    """One form of one race: turns, failures and median, idle and under load."""

    title: str
    form: str
    cells: list[str] = field(default_factory=list)

    def add(self, turns: int, failures: int, median_s: float) -> None:
        self.cells += [duration(median_s), rate(failures, turns)]

    def line(self) -> str:
        return f"| {' | '.join([self.title, self.form, *self.cells])} |\n"


def machine() -> str:
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "an unknown system")
    kernel = re.match(r"\d+\.\d+", platform.release())
    return (f"{os.cpu_count()} processors, {release}, "
            f"Linux {kernel[0] if kernel else platform.release()}")


def replace(path: Path, markers: tuple[str, str], text: str) -> None:
    before, _, rest = path.read_text().partition(markers[0])
    after = rest.partition(markers[1])[2]
    path.write_text(before + markers[0] + text + markers[1] + after)


def update_figures(path: Path, rows: list[Row]) -> None:
    table = HEAD + "".join(row.line() for row in rows)
    replace(path, FIGURES, f"\nOn {machine()}.\n\n{table}\n")


def code(race: Race, form: str) -> str:
    return f"```python\n{textwrap.dedent(race.source(form))}```\n"


def section(race: Race) -> str:
    text = " ".join(race.text.split())
    return (f"\n### {race.title}\n\n{text} (tests/field/test_{race.name}.py)\n\n"
            f"<table><tr><th>as in the field</th><th>waiting</th></tr><tr><td valign=\"top\">\n\n"
            f"{code(race, SLEEPING)}\n</td><td valign=\"top\">\n\n{code(race, WAITING)}\n"
            f"</td></tr></table>\n")


def sections(races: list[Race]) -> str:
    return "".join(map(section, races)) + "\n"


def update_text(path: Path, races: list[Race]) -> None:
    replace(path, TEXT, sections(races))
