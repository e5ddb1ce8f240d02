# SPDX-License-Identifier: MIT
"""Holds a trace against what the workload did: step by step, and against the witness.

Each operation belongs to the step in whose time it began. Of a step's operations, those that the
kernel sends by the way (INCIDENTAL) may come at any place and any number of times; all others must
be exactly the expected ones, in their order. Whatever they are, all must be about the step's files
and from the right thread. What is expected is data, in workload.py and differences.py.
"""

from __future__ import annotations

import bisect
import errno
from dataclasses import dataclass, field
from typing import Iterable, Sequence

from .tracing import Operation
from .witness import Request
from .workload import Expected, Step

# The kernel looks up and revalidates names, refreshes attributes, checks permissions and asks for
# capabilities and ACLs as its caches want it.
INCIDENTAL = ("lookup", "getattr", "access")
INCIDENTAL_XATTRS = (b"security.", b"system.")
# SETATTR with no other FATTR_ bits than those of times, and what may go with them.
TIMES = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 6 | 1 << 9
# Cut into pieces as the kernel and the daemon agreed, and listed until nothing more comes.
TRANSFERS = ("read", "write")
LISTINGS = {"readdir": ("readdir", "readdirplus")}
# The kernel tries COPY_FILE_RANGE_64 first, from 6.18 on.
NEWER_FORMS = ("copy_file_range",)
# Sent on nobody's behalf: the caller has gone on, or it is the page cache's business.
FROM_THE_KERNEL = ("release", "releasedir", "read", "write", "setattr")
WITHOUT_PATH = ("init", "destroy", "syncfs")


@dataclass
class Verdict:
    """What came of one workload."""

    steps: int = 0
    agreed: int = 0
    operations: int = 0
    problems: list[str] = field(default_factory=list)


def ancestors(path: bytes) -> Iterable[bytes]:
    """The path, its directories, and the root."""
    yield b"/"
    end = path.find(b"/", 1)
    while end != -1:
        yield path[:end]
        end = path.find(b"/", end + 1)
    yield path


def allowed_paths(step: Step) -> set[bytes]:
    named = [path for expected in step.expected for path in (expected.path, expected.path2) if path]
    return {each for path in (*named, *step.paths) for each in ancestors(path)}


def is_incidental(operation: Operation, step: Step) -> bool:
    kind = operation.op
    if kind == "setattr" and not (operation.valid or 0) & ~TIMES:
        kind = "utimens"
    if kind in step.absent:
        return False
    if kind in INCIDENTAL or kind in step.incidental:
        return True
    return operation.op == "getxattr" and operation.xattr.startswith(INCIDENTAL_XATTRS)


class Matcher:
    """Goes through the operations of one step, expecting one after the other."""

    def __init__(self, step: Step, handles: dict[str, int]):
        self.step = step
        self.handles = handles
        self.at = 0
        self.moved = 0  # of the transfer being put together
        self.is_listing = False
        self.problems: list[str] = []

    @property
    def next(self) -> Expected | None:
        return self.step.expected[self.at] if self.at < len(self.step.expected) else None

    def _is_same(self, operation: Operation, expected: Expected) -> bool:
        """All but offset, size and reply_size, which transfer() looks at."""
        if operation.op not in LISTINGS.get(expected.op, (expected.op,)):
            return False
        if operation.errno != expected.errno or bool(operation.unlinked) != expected.unlinked:
            return False
        for key in ("path", "path2", "xattr", "target", "entry"):
            wanted = getattr(expected, key)
            if wanted is not None and getattr(operation, key) != wanted:
                return False
        if expected.mode is not None and (operation.mode or 0) & 0o7777 != expected.mode:
            return False
        for key in ("valid", "flags"):
            wanted = getattr(expected, key) or 0
            if (getattr(operation, key) or 0) & wanted != wanted:
                return False
        if expected.handle is None:
            return True
        return operation.fh == self.handles.setdefault(expected.handle, operation.fh)

    def _transfer(self, operation: Operation, expected: Expected) -> bool:
        """Whether operation is the next piece; moves on when the last one is there."""
        total = expected.reply_size if expected.op == "read" else expected.size
        if operation.offset != (expected.offset or 0) + self.moved:
            return False
        if expected.op == "write" and operation.reply_size != operation.size:
            return False
        self.moved += operation.reply_size or 0
        if total is None or self.moved == total:
            self.at += 1
            self.moved = 0
        return total is None or self.moved <= total

    def _is_whole(self, operation: Operation, expected: Expected) -> bool:
        for key in ("offset", "size", "reply_size"):
            wanted = getattr(expected, key)
            if wanted is not None and getattr(operation, key) != wanted:
                return False
        return True

    def take(self, operation: Operation) -> None:
        expected = self.next
        if self.is_listing and (not expected or expected.op not in LISTINGS):
            if self._is_same(operation, self.step.expected[self.at - 1]):
                return
            self.is_listing = False
        if expected and self._is_same(operation, expected):
            if expected.op in TRANSFERS and not expected.errno:
                if self._transfer(operation, expected):
                    return
            elif self._is_whole(operation, expected):
                self.at += 1
                self.is_listing = expected.op in LISTINGS
                return
        if is_incidental(operation, self.step):
            return
        if operation.op in NEWER_FORMS and operation.probe and operation.errno == errno.ENOSYS and \
                operation.op in {each.op for each in self.step.expected}:
            return
        self.problems.append(f"unexpected: {operation}")

    def finish(self) -> list[str]:
        missing = [f"missing: {expected}" for expected in self.step.expected[self.at:]]
        return self.problems + missing


def check_plain(operation: Operation, step: Step, thread: int) -> Iterable[str]:
    """What holds for each operation, whatever it is."""
    if operation.status not in ("completed", "failed"):
        yield f"status {operation.status}: {operation}"
    if operation.status != ("failed" if operation.errno else "completed"):
        yield f"status and errno contradict each other: {operation}"
    if operation.pid != thread and (operation.pid or operation.op not in FROM_THE_KERNEL):
        yield f"from thread {operation.pid}: {operation}"
    if operation.op == "write" and step.write_max and operation.size > step.write_max:
        yield f"more than {step.write_max} bytes: {operation}"
    if operation.op in WITHOUT_PATH:
        return
    allowed = allowed_paths(step)
    for path in (operation.path, operation.path2):
        if path is not None and path not in allowed:
            yield f"about something else: {operation}"
    if operation.path is None:
        yield f"without a path: {operation}"


def judge_steps(steps: Sequence[Step], records: Sequence[dict],
                operations: Sequence[Operation]) -> Verdict:
    """records: what workload.py printed; the first names its thread."""
    verdict = Verdict(steps=len(steps))
    handles: dict[str, int] = {}
    thread = records[0]["tid"]
    times = sorted((operation.start_ns, operation.seq or 0, operation) for operation in operations
                   if operation.start_ns is not None)
    starts = [time for time, _, _ in times]
    if [record["step"] for record in records[1:]] != [step.name for step in steps]:
        verdict.problems.append("the workload did not do its steps")
    for step, record in zip(steps, records[1:]):
        first = bisect.bisect_left(starts, record["begin_ns"])
        last = bisect.bisect_right(starts, record["end_ns"])
        matcher = Matcher(step, handles)
        problems = []
        if record["errno"] != step.errno:
            problems.append(f"gave {errno.errorcode.get(record['errno'], 'no error')}, not "
                            f"{errno.errorcode.get(step.errno, 'no error')}")
        for _, _, operation in times[first:last]:
            problems += check_plain(operation, step, thread)
            matcher.take(operation)
        problems += matcher.finish()
        for expected in step.expected:
            if expected.op in ("release", "releasedir"):
                handles.pop(expected.handle, None)
        verdict.operations += last - first
        verdict.agreed += not problems
        verdict.problems += [f"{step.name}: {problem}" for problem in problems]
    return verdict


def judge_witness(records: Sequence[dict], operations: Sequence[Operation],
                  requests: Iterable[Request]) -> list[str]:
    """Nothing lost, nothing twice, each with the same opcode and errno, from first to last step."""
    begin, end = records[1]["begin_ns"], records[-1]["end_ns"]
    ours = [(o.unique, o.op, o.errno) for o in operations if begin <= (o.start_ns or 0) <= end]
    problems = []
    for unique, count in count_up(unique for unique, _, _ in ours).items():
        if count > 1:
            problems.append(f"{count} operations of request {unique}")
    seen = {unique: (op, number) for unique, op, number in ours}
    said = {r.unique: r for r in requests if begin // 1000 <= r.start_us <= end // 1000}
    problems += [f"lost: {said[unique]}" for unique in sorted(said.keys() - seen.keys())]
    problems += [f"made up: request {unique} {seen[unique]}"
                 for unique in sorted(seen.keys() - said.keys())]
    for unique in sorted(said.keys() & seen.keys()):
        op, number = seen[unique]
        if said[unique].op != op or said[unique].error != number:
            problems.append(f"request {unique} was {said[unique]}, traced as {op} {number}")
    return problems


def count_up(items: Iterable) -> dict:
    counts: dict = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return counts
