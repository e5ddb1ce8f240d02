# SPDX-License-Identifier: MIT
"""The workload, seen by the kernel source and told by the daemon's log at the same time.

Operation by operation the two must agree; agreement.py has the differences that may be, with their
reasons, and docs/agreement.md shows them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from . import agreement, writers
from .agreement import DIFFERENCES, Difference
from .conftest import mounted
from .test_filesystems import do_workload
from .test_log_writers import is_silent
from .tracing import Operation, Trace
from .writers import Logged, Writer

SHARE_MIN = 0.8  # of the kernel's operations that must have been compared, at the very least
USED: dict[str, set[Difference]] = {}  # by each writer that was tried


@pytest.fixture(params=writers.ALL, ids=lambda writer: writer.name)
def writer(request: pytest.FixtureRequest) -> Writer:
    chosen = request.param
    reason = chosen.missing()
    if reason:
        pytest.skip(reason)
    if is_silent(chosen):
        pytest.skip(f"{chosen.name} {chosen.recipe.version()} prints no operations")
    return chosen


def seen_twice(writer: Writer, base: Path) -> tuple[list[Operation], list[Operation]]:
    """What the kernel saw of the workload, and what the log told from mount to unmount."""
    logged = Logged(writer)
    with mounted(logged, base) as mount:
        trace = Trace(mount.mountpoint, base / "kernel.log")
        try:
            do_workload(mount.mountpoint, "writable")
            kernel = trace.finish()
        finally:
            trace.close()
    assert trace.lost() == 0 and logged.records.lost() == 0
    return kernel, logged.records.operations


def is_expected(found: agreement.Found, used: set[Difference]) -> bool:
    explaining = [row for row in DIFFERENCES if row.explains(found)]
    used.update(explaining)
    return bool(explaining)


def test_kernel_and_log_agree(writer: Writer, directory: Path) -> None:
    kernel, log = seen_twice(writer, directory)
    used = USED.setdefault(writer.name, set())
    unexplained = [str(found) for found in agreement.compare(writer, kernel, log)
                   if not is_expected(found, used)]
    assert unexplained == [], "\n".join(unexplained[:20])
    assert agreement.twice(log) == []
    assert agreement.handles_in_disorder(kernel, log) == []
    compared = sum(bool(ours and theirs) for ours, theirs in pairs(kernel, log))
    comparable = [each for each in kernel if agreement.are_pairs_by_number(log) or
                  each.op not in agreement.HANDLERS_DIFFER]
    assert compared >= SHARE_MIN * len(comparable) > 100


def pairs(kernel: list[Operation], log: list[Operation]) -> list[tuple]:
    way = agreement.by_number if agreement.are_pairs_by_number(log) else agreement.by_order
    return list(way(kernel, log))


def test_every_difference_is_one() -> None:
    """A row that explains nothing any more must go."""
    if set(USED) != {writer.name for writer in writers.ALL if not writer.missing() and
                     not is_silent(writer)}:
        pytest.skip("not all programs were tried in this run")
    known = {writer.name: writer.format for writer in writers.ALL if writer.name in USED}
    stale = [row.table_line() for row in DIFFERENCES
             if not row.is_rare and (row.writers is None or set(row.writers) & known.keys())
             and (row.formats is None or set(row.formats) & set(known.values()))
             and not any(row in used for used in USED.values())]
    assert stale == []


def test_documentation(request: pytest.FixtureRequest) -> None:
    """docs/agreement.md has the table."""
    if request.config.getoption("--update-docs"):
        agreement.update()
    assert agreement.generated() in agreement.PAGE.read_text()


def test_what_is_wrong_is_noticed() -> None:
    """No test above passes by chance: each change of a good pair of traces is a difference."""
    writer = next(each for each in writers.ALL if each.name == "branchfs")
    one = {"op": "write", "path": b"/a", "status": "completed", "errno": 0, "unique": 2, "fh": 1,
           "nodeid": 2, "offset": 0, "size": 5, "reply_size": 5}
    one |= {"start_ns": 100, "duration_ns": 50}
    kernel = [Operation(one), Operation(one | {"op": "flush", "unique": 4, "start_ns": 200})]
    assert list(agreement.compare(writer, kernel, kernel)) == []
    for key, value in {"op": "read", "path": b"/b", "errno": 5, "fh": 2, "offset": 1, "size": 6,
                       "reply_size": 4}.items():
        for changed in (value, None):
            log = [Operation(one | {key: changed}), kernel[1]]
            found = list(agreement.compare(writer, kernel, log))
            is_due = changed is not None or key in agreement.TOLD
            assert bool(found) == is_due, (key, changed)
            assert not any(is_expected(each, set()) for each in found), (key, changed)
    assert [each.kind for each in agreement.compare(writer, kernel, kernel[1:])] == [
        agreement.KERNEL_ONLY]
    assert agreement.twice([kernel[0], kernel[0]]) == [2]
    assert agreement.handles_in_disorder(kernel, kernel) == []
    assert agreement.handles_in_disorder(kernel, kernel[::-1]) != []
    together = [kernel[0], Operation(kernel[1].record | {"start_ns": 120})]
    assert agreement.handles_in_disorder(together, together[::-1]) == []


def test_pairs_when_releases_lag() -> None:
    """A log without numbers, of which libfuse hid files: one because another one was renamed over
    it before its RELEASE came, one because it was unlinked while it was open."""
    def told(op: str, path: bytes, path2: bytes | None = None, fh: int | None = None) -> Operation:
        return Operation({"op": op, "path": path, "path2": path2, "fh": fh, "errno": 0,
                          "status": "completed"})
    hidden = agreement.HIDDEN + b"0000000b00000001"
    kernel = [told("release", b"/a", fh=4), told("release", b"/over", fh=5),
              told("rename", b"/b", b"/over"), told("unlink", b"/open"), told("unlink", b"/fifo")]
    log = [told("rename", b"/over", hidden), told("rename", b"/b", b"/over"),
           told("release", hidden, fh=5), told("release", b"/a", fh=4), told("unlink", hidden),
           told("rename", b"/open", hidden), told("unlink", b"/fifo"), told("unlink", hidden)]
    writer = next(each for each in writers.ALL if each.format == "fusepy")
    assert all(is_expected(found, set()) for found in agreement.compare(writer, kernel, log))
    assert sum(bool(ours and theirs) for ours, theirs in pairs(kernel, log)) == len(kernel)
    for missing in (1, 2, 3, 5, 6):
        some = [each for each in log if each is not log[missing]]
        found = list(agreement.compare(writer, kernel, some))
        assert not all(is_expected(each, set()) for each in found), log[missing]
