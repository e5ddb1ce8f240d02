# SPDX-License-Identifier: MIT
"""Who gets what, when several may have the same: as many as possible get one of their own."""

from __future__ import annotations

from collections.abc import Sequence


def assign(choices: Sequence[Sequence[int]]) -> list[int | None]:
    """For each asker one of its choices, each given once, None for who gets none. As many as
    possible get one, by augmenting paths (without recursion: there may be thousands).

    Example:
        >>> assign([[1, 2], [1], [1]])
        [2, 1, None]
    """
    owner: dict[int, int] = {}
    got: list[int | None] = [None] * len(choices)
    in_vain: set[tuple[int, ...]] = set()  # whoever asks for the same gets none, either
    for asker, wanted in enumerate(choices):
        key = tuple(wanted)
        if key in in_vain:
            continue
        path = _path_to_a_free_one(asker, choices, owner)
        if not path:
            in_vain.add(key)
        for who, what in path:
            owner[what] = who
            got[who] = what
    return got


def _path_to_a_free_one(asker: int, choices: Sequence[Sequence[int]],
                        owner: dict[int, int]) -> list[tuple[int, int]]:
    """(asker, choice) pairs: each takes what the next one gives up, the last one what is free."""
    came_by: dict[int, int] = {}  # choice -> who wants it
    queue = [asker]
    for who in queue:  # grows while it is walked
        for what in choices[who]:
            if what in came_by:
                continue
            came_by[what] = who
            if what in owner:
                queue.append(owner[what])
                continue
            return _walk_back(asker, what, came_by, {v: k for k, v in owner.items()})
    return []


def _walk_back(asker: int, what: int, came_by: dict[int, int],
               has: dict[int, int]) -> list[tuple[int, int]]:
    found = []
    while True:
        who = came_by[what]
        found.append((who, what))
        if who == asker:
            return found
        what = has[who]
