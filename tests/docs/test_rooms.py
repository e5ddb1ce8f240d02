# SPDX-License-Identifier: MIT
"""The rooms of lib/ use each other as ARCHITECTURE.md says, and in no other way."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `(\w+)/` \| .* \| (.*?) ?\|$", re.MULTILINE)
INCLUDE = re.compile(r'^#include "(?:(\w+)/)?[\w.]+"', re.MULTILINE)


def rooms() -> dict[str, set[str]]:
    """Each room with those that it may use."""
    table = (ROOT / "ARCHITECTURE.md").read_text().split("| room of `lib/` |")[1].split("\n\n")[0]
    return {name: set(re.findall(r"`(\w+)`", uses)) for name, uses in ROW.findall(table)}


def sources(room: str) -> list[Path]:
    """What is built into the library; tests may use all of it."""
    return [
        path
        for path in sorted((ROOT / "lib" / room).glob("*.[ch]"))
        if not re.search(r"_test(ing)?\.[ch]$", path.name) and path.stem != "model"
    ]


def test_every_room_is_described():
    folders = {path.name for path in (ROOT / "lib").iterdir() if path.is_dir()}
    assert set(rooms()) == folders


def test_rooms_use_only_what_they_may():
    uses = rooms()
    wrong = [
        f"{path.relative_to(ROOT)} includes {used}/"
        for room in uses
        for path in sources(room)
        for used in INCLUDE.findall(path.read_text())
        if used and used != room and used not in uses[room]
    ]
    assert wrong == []


def test_no_two_rooms_use_each_other():
    uses = rooms()
    listed = list(uses)
    wrong = [
        (room, used) for room in uses for used in uses[room] if listed.index(used) > listed.index(room)
    ]
    assert wrong == []
