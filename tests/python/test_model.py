# SPDX-License-Identifier: MIT
"""Random streams of operations, marks and waits: what the package answers is what a model says that
was written from docs/waiting.md and tries all ways. lib/wait/model_test.c does the same to the library."""

import itertools
import json
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from fusetrace import (
    DaemonDied, EventsLost, Mark, Monitor, MountLost, OperationFailed, OperationTimeout,
    OrderViolation, UnexpectedOperation, op)

BEGAN = 10**9
STEP = 1000  # an operation begins each
ENOENT, EIO = 2, 5
NAMES = ("create", "write", "lookup")
BY_CHANCE = ("statfs", "forget", "read")  # a read when it is the kernel's own
PATHS = ("/a", "/b", "/d/a")
PATTERNS = {None: PATHS, "/a": ("/a",), "/b": ("/b",), "a*": ("/a", "/d/a"), "/*": ("/a", "/b")}


# ---- streams ----

@dataclass(frozen=True)
class Made:
    """One operation of a stream; times count from its beginning, end None: it stays in flight."""

    number: int
    name: str
    path: str
    begin: int | None
    end: int | None
    status: str
    errno: int
    is_of_kernel: bool  # its pid is known, and 0

    @property
    def comes_by_itself(self):
        return self.name in BY_CHANCE and (self.name != "read" or self.is_of_kernel)

    @property
    def is_probe(self):
        return self.name == "lookup" and self.errno == ENOENT

    def record(self, is_start):
        found = {"v": 1, "op": self.name, "path": self.path, "unique": self.number + 2,
                 "status": "started" if is_start else self.status, "source": "kernel"}
        if self.is_of_kernel:
            found["pid"] = 0
        if self.begin is not None:
            found["start_ns"] = BEGAN + self.begin
        if not is_start and self.status in ("completed", "failed"):
            found.update(errno=self.errno, duration_ns=1)
            if self.is_probe:
                found["probe"] = True
        return found


@dataclass(frozen=True)
class Stream:
    ops: tuple
    losses: tuple
    ending: str | None  # event that ends it

    def lines(self):
        """In order of time."""
        items = [(one.begin, one.record(True)) for one in self.ops
                 if one.begin is not None and one.name != "forget"]  # it has no reply
        items += [(one.end, one.record(False)) for one in self.ops if one.end is not None]
        items += [(time, {"v": 1, "event": "lost", "count": 1}) for time in self.losses]
        found = [record for _, record in sorted(items, key=lambda item: item[0])]
        return found + ([{"v": 1, "event": self.ending}] if self.ending else [])

    @property
    def ended(self):
        return sorted((one for one in self.ops if one.end is not None), key=lambda one: one.end)


@st.composite
def streams(draw):
    ops = []
    for number in range(draw(st.integers(0, 7))):
        name = draw(st.sampled_from((*NAMES, *NAMES, *BY_CHANCE)))
        lasts = 0 if name == "forget" else draw(st.sampled_from((0, 0, 0, 1, 2, 4, None)))
        status, errno = draw(st.sampled_from((("completed", 0), ("completed", 0), ("failed", EIO),
                                              ("failed", ENOENT), ("unknown", 0))))
        begin = number * STEP
        end = None if lasts is None else begin + lasts * STEP + 100 + number
        knows_begin = end is None or draw(st.integers(0, 9)) > 0
        ops.append(Made(number, name, draw(st.sampled_from(PATHS)),
                        begin if knows_begin else None, end, status, errno,
                        draw(st.booleans())))
    losses = draw(st.sampled_from(((), (), (), (2 * STEP + 500,), (500, 4 * STEP + 500))))
    # What is in flight at the end becomes unknown: that is another test's (rule 10).
    may_end = all(one.end is not None for one in ops)
    ending = draw(st.sampled_from((None, None, "unmounted", "daemon_gone"))) if may_end else None
    return Stream(tuple(ops), losses, ending)


# ---- waits ----

# What a timeout may be about before that something came too early.
MORE_TELLING = ("in flight", "refused by the check", "failed")


@dataclass(frozen=True)
class Slot:
    name: str
    path: str | None
    status: str
    errno: int | None
    in_flight: bool
    allow_failure: bool
    has_check: bool = False

    def matcher(self):
        return op(self.name, self.path, status=self.status, errno=self.errno,
                  check_fn=(lambda one: one.details["unique"] % 2 == 0) if self.has_check else None)

    def takes(self, one):
        return not self.has_check or one.number % 2 == 0


slots = st.builds(Slot, st.sampled_from((*NAMES, *BY_CHANCE, "*", "*", "*")),
                  st.sampled_from(tuple(PATTERNS)),
                  st.sampled_from(("any", "ok", "error")), st.none(), st.just(False), st.just(True),
                  st.sampled_from((False, False, True)))
marks = st.integers(0, 7).map(lambda number: number * STEP - 50)


# ---- the model ----

class Model:
    def __init__(self, stream, mark):
        self.stream = stream
        self.mark = mark
        self.is_lost = any(time >= mark for time in stream.losses)

    def is_meant(self, slot, one):
        return slot.name in ("*", one.name) and one.path in PATTERNS[slot.path]

    def counts(self, slot, one):
        if one.end is not None and one.end < self.mark:
            return False
        return slot.in_flight or (one.begin is not None and one.begin >= self.mark)

    def is_result(self, slot, one):
        wanted = {"any": True, "ok": one.status == "completed", "error": one.status == "failed"}
        return wanted[slot.status] and slot.errno in (None, one.errno)

    def fits(self, slot, one):
        return (one.status != "unknown" and self.is_meant(slot, one)
                and self.counts(slot, one) and self.is_result(slot, one) and slot.takes(one))

    def spoils(self, slot, one):
        return (slot.status == "ok" and not slot.allow_failure and one.status == "failed"
                and not one.is_probe and self.is_meant(slot, one) and self.counts(slot, one))

    def is_by_chance(self, slot, one):
        return slot.name == "*" and one.comes_by_itself

    def in_vain(self):
        if self.stream.ending:
            return MountLost if self.stream.ending == "unmounted" else DaemonDied
        return EventsLost if self.is_lost else OperationTimeout

    def one(self, slot):
        for one in self.stream.ended:
            if self.fits(slot, one):
                return one
            if self.spoils(slot, one):
                return OperationFailed
        return self.in_vain()

    def any_order(self, wanted):
        for chosen in itertools.permutations(self.stream.ended, len(wanted)):
            if all(map(self.fits, wanted, chosen)):
                return None
        return self.in_vain()

    def in_order(self, wanted):
        for chosen in itertools.combinations(self.stream.ended, len(wanted)):
            if all(map(self.fits, wanted, chosen)):
                return None
        return self.in_vain()

    def strict(self, wanted):
        """From the first one on, what answers any of them must answer the next one, but for what
        comes by itself and is not named."""
        left = list(wanted)
        for one in self.stream.ended:
            if left and self.fits_strictly(left[0], one):
                del left[0]
            elif left and left != wanted and any(self.fits_strictly(slot, one) for slot in wanted):
                return EventsLost if self.is_lost else OrderViolation
        if left:
            return self.in_vain()
        return EventsLost if self.is_lost else None

    def fits_strictly(self, slot, one):
        return self.fits(slot, one) and not self.is_by_chance(slot, one)

    def is_too_early(self, wanted, fits):
        """Whether what the first match without an answer asks for came before that match's turn."""
        left, passed = list(wanted), []
        early = False
        for one in self.stream.ended:
            if left and fits(left[0], one):
                del left[0]
                early = bool(left) and any(fits(left[0], other) for other in passed)
            else:
                passed.append(one)
        return early

    def none(self, slot):
        for one in self.stream.ops:
            is_seen = self.is_meant(slot, one) and self.counts(slot, one)
            if is_seen and not self.is_by_chance(slot, one):
                return UnexpectedOperation
        return EventsLost if self.is_lost else None

    def count(self, slot):
        return sum(self.is_meant(slot, one) and one.end >= self.mark for one in self.stream.ended)


# ---- both ----

def replayed(stream):
    monitor = Monitor(None, source="replay")
    monitor.start_capture()
    for record in stream.lines():
        monitor._core.feed(json.dumps(record).encode() + b"\n")
    return monitor


def mark_of(stream, time):
    """The mark that would have been taken then."""
    return Mark(sum(one.end < time for one in stream.ended), BEGAN + time,
                sum(loss < time for loss in stream.losses))


def outcome(call, verdicts=None):
    """What a wait returns, or the class of what it raises; then its verdict is added to verdicts."""
    try:
        return call()
    except (DaemonDied, EventsLost, MountLost, OperationFailed, OperationTimeout, OrderViolation,
            UnexpectedOperation) as error:
        assert error.verdict, error
        if verdicts is not None:
            verdicts.append(error.verdict)
        return type(error)


@settings(deadline=None, max_examples=400)
@given(streams(), marks, slots, st.booleans(), st.booleans(), st.sampled_from((None, EIO)))
def test_one(stream, time, slot, in_flight, allow_failure, errno):
    slot = Slot(slot.name, slot.path, "error" if errno else slot.status, errno, in_flight,
                allow_failure)
    with replayed(stream) as monitor:
        found = outcome(lambda: monitor.expect(
            slot.matcher(), status=slot.status, since=mark_of(stream, time),
            include_in_flight=in_flight, allow_failure=allow_failure).wait(0))
        expected = Model(stream, time).one(slot)
        if isinstance(expected, Made):
            assert found.details["unique"] == expected.number + 2
        else:
            assert found is expected


@settings(deadline=None, max_examples=400)
@given(streams(), marks, st.lists(slots, min_size=1, max_size=4),
       st.sampled_from(("any", "in_order", "strict")))
def test_several(stream, time, wanted, order):
    with replayed(stream) as monitor:
        verdicts = []
        found = outcome(lambda: monitor.expect_all(
            [slot.matcher() for slot in wanted], order=order, status="any",
            since=mark_of(stream, time), allow_failure=True).wait(0), verdicts)
        model = Model(stream, time)
        expected = {"any": model.any_order, "in_order": model.in_order,
                    "strict": model.strict}[order](wanted)
        if expected is not None:
            assert found is expected
            if expected is OperationTimeout:
                is_early = order != "any" and model.is_too_early(
                    wanted, model.fits_strictly if order == "strict" else model.fits)
                assert verdicts[0] in MORE_TELLING or \
                    (verdicts[0] == "order violated") == is_early
            return
        by_number = {one.number + 2: one for one in stream.ops}
        given_ones = [by_number[one.details["unique"]] for one in found]
        assert all(map(model.fits, wanted, given_ones))
        assert len(set(given_ones)) == len(wanted)
        if order != "any":
            assert given_ones == sorted(given_ones, key=lambda one: one.end)


@settings(deadline=None, max_examples=400)
@given(streams(), marks, slots, st.integers(0, 4))
def test_none_and_counts(stream, time, slot, number):
    slot = Slot(slot.name, slot.path, "any", None, False, True)
    with replayed(stream) as monitor:
        mark = mark_of(stream, time)
        model = Model(stream, time)
        assert outcome(lambda: monitor.expect_none(slot.matcher(), since=mark)) is model.none(slot)
        view = monitor.since(mark)
        if model.is_lost:
            assert outcome_of_count(view, slot) is EventsLost
            return
        count = view.count(slot.matcher())
        expected = model.count(slot)
        assert (count == number, count >= number, count <= number) == (
            expected == number, expected >= number, expected <= number)
        assert count == expected


def outcome_of_count(view, slot):
    try:
        return view.count(slot.matcher())
    except EventsLost:
        return EventsLost
