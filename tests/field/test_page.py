# SPDX-License-Identifier: MIT
"""docs/field.md says what the files here say, and its intervals are right."""

from pathlib import Path

import pytest

from . import page
from .races import all_races

PAGE = Path(__file__).resolve().parents[2] / "docs" / "field.md"


def between(markers):
    return PAGE.read_text().partition(markers[0])[2].partition(markers[1])[0]


def test_page_has_descriptions_and_code():
    assert between(page.TEXT) == page.sections(all_races()), "python -m field.compare --text"


def test_page_has_figures_of_each_form():
    lines = [line.split(" | ")[:2] for line in between(page.FIGURES).splitlines()
             if line.startswith("| ")][1:]
    assert lines == [[f"| {race.title}", form] for race in all_races() for form in race.forms()]


@pytest.mark.parametrize("failures, turns, low, high", [
    (0, 10, 0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1), (3, 100, 0.0103, 0.0845)])
def test_interval(failures, turns, low, high):
    """Values of the usual tables."""
    assert page.wilson(failures, turns) == pytest.approx((low, high), abs=1e-4)
