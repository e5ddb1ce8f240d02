# SPDX-License-Identifier: MIT
"""Operations as values in Python."""

import copy
import errno
import json
import os
import pickle

import pytest

from conftest_core import daemon, monitor, mount, source, watch  # noqa: F401
from daemons import DEADLINE, write_recording
from fusetrace import Mark, Monitor, Operation, OperationStatus


def replayed(tmp_path, *records):
    return Monitor.replay(write_recording(tmp_path / "recording.jsonl", *records))


def one(tmp_path, op, **fields):
    (found,) = replayed(tmp_path, (op, fields)).completed_operations
    return found


def test_what_is_known(tmp_path):
    op = one(tmp_path, "write", path="/d/a.txt", fh=7, offset=10, size=5, reply_size=5, nodeid=3,
             uid=0, gid=0, start_ns=2_000_000_000, duration_ns=1_500_000)
    assert (op.operation, op.path, op.path2, op.name) == ("write", "/d/a.txt", None, "a.txt")
    assert op.status is OperationStatus.COMPLETED
    assert (op.errno, op.error, op.error_code) == (0, None, None)
    assert (op.start_time, op.duration_ms, op.end_time) == (2.0, 1.5, pytest.approx(2.0015))
    assert (op.pid, op.seq, op.unique, op.nodeid, op.fh) == (100, 1, 2, 3, 7)
    assert op.details == {"size": 5, "reply_size": 5, "offset": 10, "fh": 7, "nodeid": 3,
                          "unique": 2, "name": "a.txt", "uid": 0, "gid": 0}
    assert not op.is_probe and not op.is_suspect
    assert repr(op) == "<#1 write /d/a.txt completed offset=10 size=5 fh=7 1.500 ms>"


def test_what_is_not_known_is_none(tmp_path):
    op = one(tmp_path, "getattr", path=None, name="x", errno=None, start_ns=None,
             duration_ns=None, pid=None, unique=None)
    assert (op.path, op.name, op.errno, op.start_time, op.end_time, op.duration_ms, op.pid,
            op.unique, op.fh, op.nodeid, op.thread_id) == (None, "x") + (None,) * 9
    assert op.details == {"name": "x"}
    assert repr(op) == "<#1 getattr x completed>"


def test_a_failure(tmp_path):
    op = one(tmp_path, "rename", path="/a", path2="/b", status="failed", errno=errno.EXDEV)
    assert op.status is OperationStatus.FAILED
    assert (op.errno, op.error, op.path2) == (errno.EXDEV, "EXDEV", "/b")
    assert "/a -> /b EXDEV" in repr(op)


def test_an_errno_without_a_name(tmp_path):
    assert one(tmp_path, "read", status="failed", errno=4000).error == "errno 4000"


@pytest.mark.parametrize("status", [status for status in OperationStatus
                                    if status is not OperationStatus.STARTED])
def test_status(tmp_path, status):
    number = {OperationStatus.FAILED: 2, OperationStatus.COMPLETED: 0}.get(status)
    assert one(tmp_path, "read", status=status.value, errno=number).status is status
    assert OperationStatus(status.value) is status


def test_a_name_that_is_no_utf_8(daemon, monitor):
    name = os.fsdecode(b"caf\xe9")
    (daemon / name).write_text("x")
    found = monitor.wait_for_operation("create", path=daemon / name, timeout=DEADLINE)
    assert found.path == "/" + name and found.name == name
    repr(found).encode()  # can be printed
    assert "path_bytes" in found.to_dict()
    # in a report, too, which is text and JSON
    assert monitor.wait_for_operation("unlink", path=daemon / name, timeout=0) is None
    assert monitor.last_reports[-1].report["near"]


def test_a_hostile_name_is_harmless(daemon, monitor):
    name = "a\n\x1b[31m\u202eb"
    (daemon / name).write_text("x")
    found = monitor.wait_for_operation("create", path=daemon / name, timeout=DEADLINE)
    assert found.path == "/" + name
    assert "\n" not in repr(found) and "\x1b" not in repr(found) and "\u202e" not in repr(found)


def test_equality_and_hash(tmp_path):
    monitor = replayed(tmp_path, ("create", {}), ("write", {}))
    first, second = monitor.completed_operations, monitor.completed_operations
    assert first == second and first[0] is not second[0]
    assert first[0] != first[1] and first[0] != "create"
    assert len({*first, *second}) == 2


def test_it_outlives_its_monitor(tmp_path):
    op = one(tmp_path, "symlink", path="/link", target="to/there", size=3)
    assert op.details["target"] == "to/there"
    assert json.loads(op._json())["op"] == "symlink"


def test_it_is_immutable_and_made_by_monitors_only(tmp_path):
    op = one(tmp_path, "read")
    with pytest.raises(AttributeError):
        op.path = "/b"
    with pytest.raises(AttributeError):
        op.anything = 1
    with pytest.raises(TypeError, match="made by a monitor"):
        Operation()
    assert copy.copy(op) is op and copy.deepcopy([op])[0] is op
    with pytest.raises(TypeError, match="to_dict"):
        pickle.dumps(op)


def test_a_field_that_does_not_exist(tmp_path):
    op = one(tmp_path, "read")
    assert op._number(10_000) is None and op._bytes(10_000) is None
    with pytest.raises(TypeError):
        op._number("size")
    with pytest.raises(OverflowError):
        op._number(-1)
    with pytest.raises(OverflowError):
        op._number(2**32)  # not field 0


def test_numbers_up_to_64_bits(tmp_path):
    op = one(tmp_path, "read", fh=str(2**64 - 1), offset=str(2**63))
    assert (op.fh, op.details["offset"]) == (2**64 - 1, 2**63)


def test_mark_is_a_plain_value():
    mark = Mark(3, 1_500_000_000, 0)
    assert mark.time == 1.5
    assert pickle.loads(pickle.dumps(mark)) == mark


def test_a_subclass_that_users_make(tmp_path):
    class Mine(Operation):
        pass

    with pytest.raises(TypeError, match="made by a monitor"):
        Mine()
