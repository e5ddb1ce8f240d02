# SPDX-License-Identifier: MIT
"""Which operations are meant."""

import errno
import re
from pathlib import Path

import pytest

from daemons import write_recording
from fusetrace import FuseTraceMonitor, Matcher, OperationStatus, op
from fusetrace.matcher import as_matcher
from fusetrace.paths import MountPaths

RECORDS = [
    ("lookup", {"path": "/a", "status": "failed", "errno": errno.ENOENT, "probe": True}),
    ("create", {"path": "/a", "fh": 1, "nodeid": 1}),
    ("write", {"path": "/a", "fh": 1, "offset": 0, "size": 10, "duration_ns": 5_000_000}),
    ("write", {"path": "/a", "fh": 1, "offset": 10, "size": 4096, "pid": 0}),
    ("write", {"path": "/b", "status": "failed", "errno": errno.ENOSPC, "size": 5}),
    ("setattr", {"path": "/a", "valid": 1, "mode": 0o644}),
    ("setattr", {"path": "/a", "valid": 8, "size": 0}),
    ("rename", {"path": "/a", "path2": "/d/c"}),
    ("unlink", {"path": None, "name": "x"}),
]


@pytest.fixture
def monitor(tmp_path):
    return FuseTraceMonitor.replay(write_recording(tmp_path / "recording.jsonl", *RECORDS))


def matching(monitor, *arguments, **keywords):
    return [one.seq for one in monitor.since(monitor._since).matching(op(*arguments, **keywords))]


@pytest.mark.parametrize("arguments, found", [
    ({}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ({"name": "write"}, [3, 4, 5]),
    ({"name": "create, write"}, [2, 3, 4, 5]),
    ({"name": "chmod"}, [6]),
    ({"name": "truncate"}, [7]),
    ({"path": "/a"}, [1, 2, 3, 4, 6, 7, 8]),
    ({"path": "/d/c"}, [8]),
    ({"path": "/d/*"}, [8]),
    ({"path": re.compile("^/[bd]")}, [5, 8]),
    ({"path": re.compile("^/[cd]"), "status": "ok"}, [8]),
    ({"status": "error"}, [1, 5]),
    ({"status": OperationStatus.FAILED}, [1, 5]),
    ({"status": "ok", "name": "write"}, [3, 4]),
    ({"errno": errno.ENOSPC}, [5]),
    ({"min_size": 4096}, [4]),
    ({"min_duration_ms": 5}, [3]),
    ({"pid": -1}, [4]),
    ({"pid": 100, "name": "write"}, [3, 5]),
    ({"nodeid": 1}, [2]),
    ({"check_fn": lambda one: one.details.get("offset") == 10}, [4]),
    ({"name": "write", "path": re.compile("a"), "check_fn": lambda one: one.pid == 0}, [4]),
])
def test_rule_11_what_matches(monitor, arguments, found):
    assert matching(monitor, **arguments) == found
    wanted = op(**arguments)
    assert monitor.get_operation_count(wanted) == len(found)
    assert monitor.since(monitor._since).count(wanted) == len(found)
    first = monitor.wait_for_operation(wanted, timeout=0)
    assert first.seq == found[0]


@pytest.mark.parametrize("name, nearest", [("creat", "create"), ("wirte", "write"),
                                           ("close", "release"), ("stat", "getattr")])
def test_an_unknown_name(monitor, name, nearest):
    calls = (lambda: monitor.wait_for_operation(name), lambda: monitor.expect(name),
             lambda: monitor.wait_for_operations(["create", name]),
             lambda: monitor.wait_for_operations([name], all_required=False),
             lambda: monitor.expect_all(["create", name]), lambda: monitor.forbid(name),
             lambda: monitor.expect_none(name), lambda: monitor.get_operation_count(name),
             lambda: monitor.explain(name))
    for call in calls:
        with pytest.raises(ValueError, match=rf'"{name}".*"{nearest}"'):
            call()


@pytest.mark.parametrize("name", ["", ",", "create,", "a\0b", "create write"])
def test_a_name_that_is_none(monitor, name):
    with pytest.raises(ValueError):
        monitor.wait_for_operation(name, timeout=0)


@pytest.mark.parametrize("what", [None, 5, b"create", ["create"], OperationStatus.FAILED])
def test_what_is_no_operation(what):
    with pytest.raises(TypeError, match="an operation is a name"):
        as_matcher(what)
    with pytest.raises(TypeError, match="an operation is a name"):
        op(what)


@pytest.mark.parametrize("arguments", [
    {"min_size": -1}, {"min_duration_ms": -0.5}, {"min_duration_ms": float("nan")}, {"nodeid": -1},
])
def test_negative_limits(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        op("write", **arguments)


@pytest.mark.parametrize("arguments, error", [
    ({"status": "good"}, ValueError), ({"status": 1.5}, ValueError), ({"status": []}, ValueError),
    ({"errno": -5}, ValueError), ({"errno": 99999}, ValueError), ({"path": ""}, ValueError),
    ({"path": 5}, TypeError), ({"path": re.compile(b"x")}, TypeError),
    ({"check_fn": 5}, TypeError), ({"label": "a\0b"}, ValueError),
    ({"path": Path("/elsewhere/a")}, ValueError),
    ({"pid": 2**70}, OverflowError), ({"min_size": 2**64}, ValueError),
    ({"nodeid": 2**64}, ValueError), ({"min_duration_ms": float("inf")}, ValueError),
])
def test_bad_values(monitor, arguments, error):
    with pytest.raises(error):
        monitor.wait_for_operation(op("write", **arguments), timeout=0)


def test_given_twice():
    mine = op("write", path="/a", errno=5, check_fn=bool)
    assert mine.with_defaults(path=None, errno=None, check_fn=None) == mine
    assert mine.with_defaults(path="/a") == mine
    for name, value in (("path", "/b"), ("errno", 6), ("check_fn", callable)):
        with pytest.raises(ValueError, match=f"{name} is given twice"):
            mine.with_defaults(**{name: value})
    assert mine.with_defaults(status="ok").status == "error"  # an errno means a failure
    assert op("write", status="error").with_defaults(status="ok").status == "error"
    assert op("write").with_defaults(status="ok", label="it") == Matcher("write", status="ok",
                                                                       label="it")


def test_it_can_be_used_again_and_in_sets():
    assert op("write", path="/a") == op("write", path="/a")
    assert len({op("write"), op("write"), op("read")}) == 2
    with pytest.raises(AttributeError):
        op("write").op = "read"


def test_several_names_at_once(monitor):
    names = ",".join(["create", "write", "read", "open", "flush"] * 3)
    assert matching(monitor, names) == [2, 3, 4, 5]
    with pytest.raises(ValueError, match="too many"):
        matching(monitor, ",".join(["read"] * 10_000))


def test_the_check_gets_what_matches_so_far(monitor):
    seen = []
    assert monitor.wait_for_operation("write", path="/a", timeout=0,
                                      check_fn=lambda one: seen.append(one.seq)) is None
    assert seen == [3, 4]
    assert monitor.last_reports[-1].verdict == "refused by the check"


def test_a_failure_that_a_pattern_or_a_check_refuses_is_another_ones(monitor):
    """Who expects success is told of a failure only when it is what was meant."""
    wanted = {"path": re.compile("^/x"), "check_fn": lambda one: one.path == "/x"}
    for name, value in wanted.items():
        assert monitor.wait_for_operation(op("write", status="ok", **{name: value}),
                                          timeout=0) is None
        assert monitor.last_reports[-1].verdict != "failed"
    for name, value in (("path", re.compile("^/b")), ("check_fn", lambda one: one.path == "/b")):
        assert monitor.wait_for_operation(op("write", status="ok", **{name: value}),
                                          timeout=0) is None
        assert monitor.last_reports[-1].verdict == "failed"


def test_a_tuple_needs_the_right_shape():
    from fusetrace import _core

    for wrong in (None, (), (1,) * 12, [b"read"] + [None] * 11):
        with pytest.raises(TypeError):
            _core.check_match(wrong)
    good = op("read").tuple_for(MountPaths())
    _core.check_match(good)
    with pytest.raises((TypeError, OverflowError)):
        _core.check_match(good[:4] + (2**40,) + good[5:])
