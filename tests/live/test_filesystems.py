# SPDX-License-Identifier: MIT
"""The workload on every filesystem: each request as expected, none lost, none twice.

The result is the table of docs/filesystems.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from . import differences, document, filesystems, judge, workload
from .conftest import mounted
from .mounting import Mount, temporary_directory
from .tracing import Operation, Trace
from .witness import Request, Witness

WORKLOAD_SECONDS = 60
TESTS = Path(__file__).resolve().parent.parent


@dataclass
class Outcome:
    """One workload, traced."""

    recipe: filesystems.Filesystem
    version: str
    records: list[dict]
    operations: list[Operation]
    requests: list[Request]
    lost: int
    verdict: judge.Verdict = field(default_factory=judge.Verdict)

    def row(self) -> document.Row:
        name = self.recipe.name
        reasons = tuple(each.reason for each in differences.OF.get(name, ()))
        return document.Row(name, self.recipe.package, self.version, self.verdict.agreed,
                            self.verdict.steps, self.verdict.operations,
                            tuple(dict.fromkeys(reasons)))


OUTCOMES: dict[str, Outcome] = {}


def kind_of(recipe: filesystems.Filesystem) -> str:
    return "read-only" if recipe.is_read_only else "writable"


def steps_of(recipe: filesystems.Filesystem) -> list[workload.Step]:
    return differences.adapted(recipe.name, workload.WORKLOADS[kind_of(recipe)])


def do_workload(mountpoint: Path, kind: str) -> list[dict]:
    """In a process of its own, so that the requests of a step are of one thread."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", "live.workload", str(mountpoint), kind], cwd=TESTS,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=WORKLOAD_SECONDS, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def traced_workload(recipe: filesystems.Filesystem, mount: Mount, base: Path,
                    tracefs: Path) -> Outcome:
    witness = Witness(tracefs, mount.device)
    try:
        trace = Trace(mount.mountpoint, base / "trace.log")
        try:
            records = do_workload(mount.mountpoint, kind_of(recipe))
            witness.wait_until_idle()
            operations = trace.finish()
        finally:
            trace.close()
    finally:
        witness.close()
    return Outcome(recipe, recipe.version(), records, operations, list(witness.requests.values()),
                   trace.lost())


def make_outcome(recipe: filesystems.Filesystem, tracefs: Path) -> Outcome:
    reason = recipe.missing()
    if reason:
        pytest.skip(reason)
    with temporary_directory() as base:
        content = base / "content"
        content.mkdir()
        workload.make_content(os.fsencode(content))
        with mounted(recipe, base, content=content) as mount:
            outcome = traced_workload(recipe, mount, base, tracefs)
    outcome.verdict = judge.judge_steps(steps_of(recipe), outcome.records, outcome.operations)
    return outcome


@pytest.fixture(params=filesystems.ALL, ids=lambda recipe: recipe.name)
def outcome(request: pytest.FixtureRequest, tracefs: Path) -> Outcome:
    name = request.param.name
    if name not in OUTCOMES:
        OUTCOMES[name] = make_outcome(request.param, tracefs)
    return OUTCOMES[name]


def test_nothing_is_lost_or_made_up(outcome: Outcome) -> None:
    assert outcome.lost == 0
    assert judge.judge_witness(outcome.records, outcome.operations, outcome.requests) == []


def test_each_step_is_as_expected(outcome: Outcome, request: pytest.FixtureRequest) -> None:
    known = document.documented_version(outcome.recipe.name)
    if outcome.verdict.problems and known not in (None, outcome.version) and \
            not request.config.getoption("--update-docs"):
        pytest.skip(f"{outcome.recipe.name} {outcome.version} differs from the documented "
                    f"{known}: {'; '.join(outcome.verdict.problems)[:200]}")
    assert outcome.verdict.problems == []
    assert outcome.verdict.agreed == len(steps_of(outcome.recipe))


def test_documentation(request: pytest.FixtureRequest) -> None:
    """docs/filesystems.md says what has just been seen."""
    names = [recipe.name for recipe in filesystems.ALL]
    tried = [name for name in names if name in OUTCOMES]
    rows = [OUTCOMES[name].row() for name in tried]
    if request.config.getoption("--update-docs"):
        assert tried == names, f"not tried: {set(names) - set(tried)}"
        document.update(rows)
    if not rows:
        pytest.skip("no filesystem was tried in this run")
    same = [row for row in rows if row.agreed == row.steps]
    assert document.complaints(same, names) == []


# ---- the judge itself ---------------------------------------------------------------------------


def swap(operations: list[Operation], first: int, second: int) -> None:
    """The two begin in each other's place."""
    one, two = operations[first].record, operations[second].record
    one["start_ns"], two["start_ns"] = two["start_ns"], one["start_ns"]


def mutations(operations: list[Operation]) -> dict[str, list[Operation]]:
    """The trace with one thing wrong, each."""
    def find(op: str, number: int = 0) -> int:
        return [at for at, each in enumerate(operations) if each.op == op][number]

    def changed(at: int, **values) -> list[Operation]:
        copies = [Operation(dict(each.record)) for each in operations]
        copies[at].record.update(values)
        return copies

    write, release, rename = find("write"), find("release"), find("rename")
    swapped = changed(write)
    swap(swapped, find("flush"), release)
    return {
        "lost": operations[:write] + operations[write + 1:],
        "lost lookup": operations[1:],
        "twice": operations + [operations[release]],
        "late": changed(write, start_ns=operations[release].start_ns + 1),
        "path": changed(write, path=b"/dir/b.txt"),
        "no path": changed(release, path=None),
        "path2": changed(rename, path2=b"/dir/a.txt"),
        "errno": changed(write, errno=5, status="failed"),
        "status": changed(write, status="unknown"),
        "offset": changed(write, offset=1),
        "size": changed(write, reply_size=4),
        "handle": changed(release, fh=operations[release].fh + 1),
        "order": swapped,
        "name": changed(find("mkdir"), op="mknod"),
        "thread": changed(write, pid=1),
        "request": changed(write, unique=operations[write].unique + 1),
    }


def test_judge_sees_what_is_wrong(tracefs: Path) -> None:
    """Whatever is changed in a good trace is found: no test above passes by chance."""
    recipe = filesystems.by_name("branchfs")
    outcome = OUTCOMES.get(recipe.name) or make_outcome(recipe, tracefs)
    steps = steps_of(recipe)
    in_order = sorted(outcome.operations, key=lambda each: each.start_ns)
    for label, operations in {"as it was": in_order, **mutations(in_order)}.items():
        problems = judge.judge_steps(steps, outcome.records, operations).problems + \
            judge.judge_witness(outcome.records, operations, outcome.requests)
        assert bool(problems) == (label != "as it was"), f"{label}: {problems}"
