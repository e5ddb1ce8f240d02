# SPDX-License-Identifier: MIT
"""Tables of operations: of a mount, of all mounts, cut to some rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from fusetrace.summary import Summary

from .settings import ALL_ROWS

if TYPE_CHECKING:
    from fusetrace import FuseTraceMonitor

_OPERATIONS_MAX = 200_000  # of more than these, percentiles of merged tables are estimates


def of_monitor(monitor: FuseTraceMonitor, ignored: Collection[str]) -> Summary:
    """The table of a monitor that has been stopped, fit to be merged."""
    core = monitor._core
    rows = [row for row in core.summary() if row[0] not in ignored]
    is_long = sum(row[2] for row in rows) > _OPERATIONS_MAX
    return Summary.from_core(rows, () if is_long else core.operations(None, ()),
                             lost=core.lost(None))


def merged(tables: Iterable[dict[str, Any]]) -> Summary:
    """One table of those that Summary.to_dict() made."""
    found = Summary()
    for one in tables:
        found.merge(Summary.from_dict(one))
    return found


def text_of(summary: Summary, rows: int) -> str:
    """The table with so many rows at most."""
    lines = str(summary).splitlines()
    if rows == ALL_ROWS or len(summary) <= rows:
        return "\n".join(lines)
    count = len(summary) - rows
    left_out = f"... {count} more row{'s' * (count != 1)}"
    return "\n".join([*lines[:1 + rows], left_out, *lines[1 + len(summary):]])
