# SPDX-License-Identifier: MIT
"""A table of counts and durations, a row for each operation name: of one monitor or of many.

Percentiles come from a histogram whose buckets are at most 1/32 of their value wide, the same as
the library's, so that they are within 3 %, and that tables can be merged: the merged histogram is
what it had been if each operation had been added to it. A table crosses processes as a dict of
what JSON knows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from .histogram import Histogram, rank_of
from .text import escape, format_duration, shorten, width

if TYPE_CHECKING:
    from . import _core
    from .operation import Operation

__all__ = ["Row", "Summary"]

_FORMAT_VERSION = 1
_NS_PER_MS = 1_000_000


# ---- rows ----


@dataclass(frozen=True)
class Row:
    """What is known of all operations of one name.

    Durations are milliseconds, None when no operation had one; percentiles are within 3 %.
    `failed` counts without `probes`: those are failures that the kernel expects, such as a
    lookup of a name that does not exist yet. `bytes` were read or written, None for operations
    that do neither.
    """

    operation: str
    count: int = 0
    failed: int = 0
    probes: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    total_ms: float | None = None
    bytes: int | None = None
    slowest_path: str | None = None


@dataclass
class _Tally:
    """A row that can still be added to."""

    operation: str
    count: int = 0
    failed: int = 0
    probes: int = 0
    total_ns: int = 0
    bytes: int = 0
    slowest_path: str | None = None
    durations: Histogram = field(default_factory=Histogram)

    def add(self, operation: Operation) -> None:
        self.count += 1
        if operation.is_probe:
            self.probes += 1
        elif operation.status.value == "failed":
            self.failed += 1
        if self.operation in ("read", "write"):
            self.bytes += _bytes_moved(operation)
        duration_ms = operation.duration_ms
        if duration_ms is None:
            return
        duration_ns = round(duration_ms * _NS_PER_MS)
        if self.durations.count == 0 or duration_ns > self.durations.max_ns:
            self.slowest_path = operation.path
        self.durations.add(duration_ns)
        self.total_ns += duration_ns

    def merge(self, other: _Tally) -> None:
        self.count += other.count
        self.failed += other.failed
        self.probes += other.probes
        self.total_ns += other.total_ns
        self.bytes += other.bytes
        is_slower = self.durations.count == 0 or other.durations.max_ns > self.durations.max_ns
        if other.durations.count and is_slower:
            self.slowest_path = other.slowest_path
        self.durations.merge(other.durations)

    def row(self) -> Row:
        durations = self.durations
        is_timed = durations.count > 0
        return Row(
            operation=self.operation,
            count=self.count,
            failed=self.failed,
            probes=self.probes,
            p50_ms=_to_ms(durations.percentile(500)),
            p95_ms=_to_ms(durations.percentile(950)),
            p99_ms=_to_ms(durations.percentile(990)),
            max_ms=_to_ms(durations.max_ns if is_timed else None),
            total_ms=_to_ms(self.total_ns if is_timed else None),
            bytes=self.bytes if self.operation in ("read", "write") else None,
            slowest_path=self.slowest_path,
        )


def _to_ms(duration_ns: int | None) -> float | None:
    return None if duration_ns is None else duration_ns / _NS_PER_MS


def _to_ns(duration_ms: float) -> int:
    return round(duration_ms * _NS_PER_MS)


def _bytes_moved(operation: Operation) -> int:
    """Of a write whose reply does not tell, what was asked for."""
    if operation.status.value != "completed":
        return 0
    details = operation.details
    moved = details.get("reply_size")
    if moved is None and operation.operation == "write":
        moved = details.get("size")
    return int(moved or 0)


def _estimated(row: _core.SummaryRow) -> Histogram:
    """Of percentiles alone: all between two of them are counted as the upper one."""
    timed, p50, p95, p99, max_ns = row[5], row[7], row[8], row[9], row[10]
    histogram = Histogram()
    given = 0
    for value, per_mille in ((p50, 500), (p95, 950), (p99, 990), (max_ns, 1000)):
        upto = rank_of(timed, per_mille)
        histogram.add(value, upto - given)
        given = upto
    return histogram


# ---- the table ----


class Summary:
    """Counts and durations by operation name.

    `monitor.summary()` makes one; `print(summary)` shows it, the most frequent first. It is a
    sequence of :class:`Row` in that order, and finds one by its name:

    >>> summary = Summary.from_operations(monitor.completed_operations)  # doctest: +SKIP
    >>> summary["write"].p95_ms                                          # doctest: +SKIP
    0.042
    """

    def __init__(self, *, lost_events: int = 0) -> None:
        self.lost_events = lost_events
        """How many events the trace lost: so many may be missing from the counts."""
        self._tallies: dict[str, _Tally] = {}

    @classmethod
    def from_operations(
        cls, operations: Iterable[Operation], *, lost_events: int = 0
    ) -> Summary:
        """Count operations, such as `monitor.since(mark).operations`."""
        summary = cls(lost_events=lost_events)
        for operation in operations:
            summary._tally(operation.operation).add(operation)
        return summary

    @classmethod
    def from_core(
        cls,
        rows: Iterable[_core.SummaryRow],
        operations: Iterable[Operation] = (),
        *,
        lost: int = 0,
    ) -> Summary:
        """Take the totals of a monitor, which outlive its history.

        Such rows have percentiles but no histogram, which merging needs: it comes from
        `operations`, the monitor's history. Where that has dropped some, the others stand for
        them; of an operation that it does not have at all, percentiles of a merged table are an
        upper estimate.
        """
        summary = cls.from_operations(operations, lost_events=lost)
        names = set()
        for row in rows:
            name, slowest, timed, max_ns = row[0], row[1], row[5], row[10]
            names.add(name)
            tally = summary._tally(name)
            tally.count, tally.failed, tally.probes = row[2:5]
            tally.total_ns, tally.bytes = row[6], row[11]
            tally.slowest_path = None if slowest is None else os.fsdecode(slowest)
            if timed > 0 and tally.durations.count == 0:
                tally.durations = _estimated(row)
            tally.durations.scale_to(timed)
            tally.durations.max_ns = max_ns
        # What was answered after the rows were taken belongs to the next table.
        for name in summary._tallies.keys() - names:
            del summary._tallies[name]
        return summary

    def _tally(self, name: str) -> _Tally:
        tally = self._tallies.get(name)
        if tally is None:
            tally = self._tallies[name] = _Tally(name)
        return tally

    def merge(self, other: Summary) -> None:
        """Add the operations and the lost events of another table to this one.

        Percentiles stay within 3 %, as each table brings its histogram.
        """
        self.lost_events += other.lost_events
        for name, tally in list(other._tallies.items()):
            self._tally(name).merge(tally)

    @property
    def rows(self) -> list[Row]:
        """The rows, the most frequent first; the alphabet decides among equals."""
        tallies = sorted(self._tallies.values(), key=lambda tally: (-tally.count, tally.operation))
        return [tally.row() for tally in tallies]

    @property
    def count(self) -> int:
        """How many operations there are in all."""
        return sum(tally.count for tally in self._tallies.values())

    @property
    def failed(self) -> int:
        """How many of them failed, without probes."""
        return sum(tally.failed for tally in self._tallies.values())

    @property
    def probes(self) -> int:
        """How many failures there were that the kernel expects."""
        return sum(tally.probes for tally in self._tallies.values())

    def __len__(self) -> int:
        return len(self._tallies)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __contains__(self, name: object) -> bool:
        return name in self._tallies

    def __getitem__(self, key: str | int) -> Row:
        if isinstance(key, str):
            return self._tallies[key].row()
        return self.rows[key]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Summary):
            return NotImplemented
        return self.lost_events == other.lost_events and self._tallies == other._tallies

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __repr__(self) -> str:
        return (
            f"<Summary: {self.count} operations, {self.failed} failed, "
            f"{self.lost_events} events lost>"
        )

    def __str__(self) -> str:
        return self.to_text()

    # ---- text ----

    def to_text(self, columns: int | None = None) -> str:
        """Return an aligned table without a newline at its end.

        Paths are escaped, and shortened to fit into `columns` when that is given.
        """
        lines = []
        if self._tallies:
            lines.append(_line("OP", "COUNT", "FAILED", "P50", "P95", "MAX", "SLOWEST"))
            lines.extend(_line_of(row, columns) for row in self.rows)
            lines.append(
                f"{_plural(self.count, 'operation')}, {self.failed} failed, "
                f"{_plural(self.probes, 'probe')}"
            )
        else:
            lines.append("no operations")
        if self.lost_events:
            lines.append(f"lost events: {self.lost_events}")
        return "\n".join(lines)

    # ---- JSON ----

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` makes the same table of, fit for JSON.

        Of a path that is no UTF-8, `slowest_path_bytes` has the bytes, as in recordings.
        """
        return {
            "version": _FORMAT_VERSION,
            "lost_events": self.lost_events,
            "rows": [_dict_of(self._tallies[row.operation], row) for row in self.rows],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Summary:
        """Make a table of what :meth:`to_dict` gave.

        Raises ValueError for anything else.
        """
        try:
            if data["version"] != _FORMAT_VERSION:
                raise ValueError(f"unknown version {data['version']!r}")
            summary = cls(lost_events=int(data["lost_events"]))
            for item in data["rows"]:
                tally = _tally_of(item)
                summary._tallies[tally.operation] = tally
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise ValueError(f"not a summary as to_dict() makes it: {error!r}") from error
        return summary


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _line(*cells: str) -> str:
    operation, count, failed, *times, slowest = cells
    line = f"{operation:<15} {count:>8} {failed:>7}"
    line += "".join(f" {time:>8}" for time in times)
    return f"{line}  {slowest}".rstrip()


def _line_of(row: Row, columns: int | None) -> str:
    times = (row.p50_ms, row.p95_ms, row.max_ms)
    cells = [escape(row.operation), str(row.count), str(row.failed or "-")]
    cells += ["-" if ms is None else format_duration(_to_ns(ms)) for ms in times]
    slowest = "" if row.slowest_path is None else escape(row.slowest_path)
    if columns is not None:
        slowest = shorten(slowest, max(columns - width(_line(*cells, "")) - 2, 0))
    return _line(*cells, slowest)


def _dict_of(tally: _Tally, row: Row) -> dict[str, Any]:
    item = asdict(row)
    path = row.slowest_path
    if path is not None and not _is_utf8(path):
        from base64 import b64encode

        item["slowest_path"] = os.fsencode(path).decode(errors="replace")
        item["slowest_path_bytes"] = b64encode(os.fsencode(path)).decode()
    item["histogram"] = {
        "min_ns": tally.durations.min_ns,
        "buckets": [list(pair) for pair in sorted(tally.durations.buckets.items())],
    }
    return item


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _tally_of(item: Mapping[str, Any]) -> _Tally:
    """The opposite of _dict_of()."""
    path = item.get("slowest_path")
    if "slowest_path_bytes" in item:
        from base64 import b64decode

        path = os.fsdecode(b64decode(item["slowest_path_bytes"], validate=True))
    known = {each.name for each in fields(Row)} - {"slowest_path"}
    row = Row(**{name: item[name] for name in known})
    buckets = {int(bucket): int(times) for bucket, times in item["histogram"]["buckets"]}
    durations = Histogram(
        count=sum(buckets.values()),
        min_ns=int(item["histogram"]["min_ns"]),
        max_ns=_to_ns(row.max_ms or 0),
        buckets=buckets,
    )
    return _Tally(
        operation=str(row.operation),
        count=int(row.count),
        failed=int(row.failed),
        probes=int(row.probes),
        total_ns=_to_ns(row.total_ms or 0),
        bytes=int(row.bytes or 0),
        slowest_path=path,
        durations=durations,
    )
