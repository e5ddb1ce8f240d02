# SPDX-License-Identifier: MIT
"""What happens when nobody is looking: after close, in the page cache, in many threads at once.

Times are those of CLOCK_MONOTONIC on both sides, so "before" and "after" are exact. The rounds of
create, close and wait that go into the thousands are in rounds.c.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable

import pytest

from . import judge, workload
from .conftest import mounted
from .filesystems import by_name
from .mounting import Mount, temporary_directory
from .tracing import Operation, Trace, find_fusetrace
from .use import User, wait_for
from .witness import Witness

KIB = 1024
MS = 1_000_000
NEW = workload.NEW
COMMAND_SECONDS = 60

MountIt = Callable[..., Mount]
TraceIt = Callable[[Mount], Trace]


def now() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def of(operations: list[Operation], op: str, path: bytes | None = None) -> list[Operation]:
    """Those operations, in the order in which they began."""
    return sorted((each for each in operations if each.op == op and path in (None, each.path)),
                  key=lambda each: each.start_ns)


def using(mount: Mount) -> contextlib.closing[User]:
    return contextlib.closing(User(mount))


# ---- RELEASE ------------------------------------------------------------------------------------


def test_release_ends_after_close(mount: MountIt, trace: TraceIt) -> None:
    """close() returns at once, the file is released 300 ms later, and both are told apart."""
    made = mount("branchfs", "delay=release:300ms")
    tracer = trace(made)
    with using(made) as user:
        fd = user.open(b"/file", NEW | os.O_WRONLY)
        user.close_file(fd)
        closed = now()
        os.mkdir(user(b"/meanwhile"))
        release = wait_for(tracer, "release", b"/file")
        seen = now()
    operations = tracer.finish()
    assert release.duration_ns >= 300 * MS
    assert release.start_ns < closed < release.end_ns < seen
    mkdir, = of(operations, "mkdir")
    assert release.start_ns < mkdir.start_ns < mkdir.end_ns < release.end_ns
    assert len(of(operations, "release")) == 1
    assert mkdir.seq < release.seq, "the history is in the order in which operations end"


def test_expect_returns_after_the_release(mount: MountIt, trace: TraceIt) -> None:
    made = mount("branchfs", "delay=release:300ms")
    tracer = trace(made)
    path = made.mountpoint / "file"
    done = subprocess.run(
        [find_fusetrace(), "expect", "--mount", made.mountpoint, "--timeout", "20s", "release",
         "/file", "--", "cp", "/proc/self/status", path],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False)
    returned = now()
    assert done.returncode == 0, done.stderr.decode()
    release = wait_for(tracer, "release", b"/file")
    assert release.duration_ns >= 300 * MS
    assert release.end_ns < returned


def test_release_has_the_path_of_its_time(mount: MountIt, trace: TraceIt) -> None:
    """A rename before close shows in RELEASE, one while it is in flight does not."""
    made = mount("branchfs", "delay=release:100ms")
    tracer = trace(made)
    with using(made) as user:
        os.mkdir(user(b"/dir"))
        first = user.open(b"/dir/first", NEW | os.O_WRONLY)
        second = user.open(b"/dir/second", NEW | os.O_WRONLY)
        os.rename(user(b"/dir/first"), user(b"/dir/renamed"))
        os.rename(user(b"/dir"), user(b"/moved"))
        user.close_file(first)
        user.close_file(second)
        os.rename(user(b"/moved/second"), user(b"/moved/too-late"))
        wait_for(tracer, "release", b"/moved/renamed")
        wait_for(tracer, "release", b"/moved/second")
    operations = tracer.finish()
    late, = [each for each in of(operations, "rename") if each.path2 == b"/moved/too-late"]
    release, = of(operations, "release", b"/moved/second")
    assert release.start_ns < late.start_ns < release.end_ns


# ---- files without a name -----------------------------------------------------------------------


@pytest.mark.parametrize("options", ((), ("hard_remove",)), ids=("hidden", "removed"))
def test_rename_over_an_open_file(mount: MountIt, trace: TraceIt, options: tuple) -> None:
    """The old file keeps its path and is marked; the new one has the same path and is not."""
    made = mount("branchfs", *options)
    tracer = trace(made)
    with using(made) as user:
        old = user.open(b"/target", NEW | os.O_RDWR)
        new = user.open(b"/source", NEW | os.O_RDWR)
        os.rename(user(b"/source"), user(b"/target"))
        os.write(old, b"old")
        os.write(new, b"newer")
        user.close_file(old)
        user.close_file(new)
        tracer.wait_for(lambda each: each.op == "release" and not each.unlinked)
    operations = tracer.finish()
    assert [(each.path, each.size, each.unlinked) for each in of(operations, "write")] == [
        (b"/target", 3, True), (b"/target", 5, None)]
    assert [(each.path, each.unlinked) for each in of(operations, "release")] == [
        (b"/target", True), (b"/target", None)]
    created = {each.entry: each.fh for each in of(operations, "create")}
    for each in of(operations, "write") + of(operations, "release"):
        assert created[each.nodeid] == each.fh


@pytest.mark.parametrize("options", ((), ("hard_remove",)), ids=("hidden", "removed"))
def test_unlinked_and_made_again(mount: MountIt, trace: TraceIt, options: tuple) -> None:
    made = mount("branchfs", *options)
    tracer = trace(made)
    with using(made) as user:
        os.mkdir(user(b"/dir"))
        files = []
        for size in range(1, 6):
            files.append(user.open(b"/dir/same", NEW | os.O_RDWR))
            os.unlink(user(b"/dir/same"))
        last = user.open(b"/dir/same", NEW | os.O_RDWR)
        os.rename(user(b"/dir"), user(b"/moved"))
        for size, fd in enumerate(files, 1):
            os.write(fd, b"x" * size)
        os.write(last, b"x" * 6)
        for fd in (*files, last):
            user.close_file(fd)
        wait_for(tracer, "release", b"/moved/same")
    operations = tracer.finish()
    assert [(each.path, each.size, each.unlinked) for each in of(operations, "write")] == [
        *((b"/dir/same", size, True) for size in range(1, 6)), (b"/moved/same", 6, None)]
    assert len(of(operations, "release", b"/dir/same")) == 5


def test_nodeids_are_used_again(mount: MountIt, trace: TraceIt) -> None:
    """fuse-overlayfs takes addresses for nodeids: a freed one comes back for another file.

    FORGET is not to be seen, so each reply that names a node has to count as news.
    """
    made = mount("fuse-overlayfs")
    tracer = trace(made)
    with using(made) as user:
        os.mkdir(user(b"/dir"))
        for number in range(200):
            path = b"/dir/%d" % number if number % 2 else b"/%d" % number
            fd = user.open(path, NEW | os.O_RDWR)
            os.write(fd, b"data")
            os.fsync(fd)
            user.close_file(fd)
            wait_for(tracer, "release", path)
            os.unlink(user(path))
    operations = sorted(tracer.finish(), key=lambda each: each.start_ns)
    owner: dict[int, bytes] = {}
    names_of: dict[int, set[bytes]] = {}
    for each in operations:
        if each.op == "create":
            owner[each.entry] = each.path
            names_of.setdefault(each.entry, set()).add(each.path)
        elif each.op in ("write", "fsync", "release", "flush", "setattr", "getxattr"):
            assert each.path == owner[each.nodeid], each
    assert len(of(operations, "create")) == 200
    used_again = [nodeid for nodeid, names in names_of.items() if len(names) > 1]
    assert used_again, "no nodeid came twice: this test has shown nothing"


# ---- the page cache -----------------------------------------------------------------------------


def covered(operations: list[Operation]) -> list[tuple[int, int]]:
    """What the transfers cover, as (begin, end), joined where they touch."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted((each.offset, each.offset + each.reply_size) for each in operations):
        if joined and begin == joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def test_write_back(mount: MountIt, trace: TraceIt) -> None:
    """write() sends nothing; the kernel writes on nobody's behalf, under the name of then."""
    made = mount("branchfs", "writeback_cache")
    tracer = trace(made)
    with using(made) as user:
        fd = user.open(b"/file", NEW | os.O_RDWR)
        for number in range(64):
            os.pwrite(fd, b"x" * KIB, number * KIB)
        written = now()
        os.rename(user(b"/file"), user(b"/renamed"))
        renamed = now()
        os.fsync(fd)
        synced = now()
        os.pwrite(fd, b"y" * KIB, 0)
        user.close_file(fd)
        closed = now()
        wait_for(tracer, "release", b"/renamed")
    operations = tracer.finish()
    writes = of(operations, "write")
    at_sync = [each for each in writes if each.start_ns < synced]
    at_close = [each for each in writes if each.start_ns >= synced]
    assert all(each.pid == 0 and each.path == b"/renamed" for each in writes)
    assert all(renamed < each.start_ns and each.end_ns < synced for each in at_sync)
    assert covered(at_sync) == [(0, 64 * KIB)]
    assert at_close and all(each.start_ns < closed for each in at_close)
    assert written < renamed
    fsync, = of(operations, "fsync")
    assert max(each.end_ns for each in at_sync) < fsync.start_ns
    release, = of(operations, "release")
    assert max(each.end_ns for each in at_close) < release.start_ns


def test_write_through_map(mount: MountIt, trace: TraceIt) -> None:
    made = mount("branchfs")
    tracer = trace(made)
    with using(made) as user:
        fd = user.open(b"/file", NEW | os.O_RDWR)
        os.ftruncate(fd, 32 * KIB)
        with mmap.mmap(fd, 32 * KIB) as memory:
            user.close_file(fd)
            memory[0:32 * KIB] = b"m" * (32 * KIB)
            memory.flush()
        wait_for(tracer, "release", b"/file")
    operations = tracer.finish()
    writes = of(operations, "write")
    assert covered(writes) == [(0, 32 * KIB)]
    assert {(each.pid, each.path) for each in writes} == {(0, b"/file")}
    release, = of(operations, "release")
    assert max(each.end_ns for each in writes) < release.start_ns


def test_read_ahead(mount: MountIt, trace: TraceIt, directory: Path) -> None:
    """The kernel asks for more than the reader, and once only."""
    made = mount("branchfs", "kernel_cache")
    size = 1024 * KIB
    (directory / "one" / "big").write_bytes(os.urandom(size))
    tracer = trace(made)
    with using(made) as user:
        fd = user.open(b"/big", os.O_RDONLY)
        while os.read(fd, 4 * KIB):
            pass
        user.close_file(fd)
        wait_for(tracer, "release", b"/big")
    reads = of(tracer.finish(), "read")
    assert {each.path for each in reads} == {b"/big"}
    assert all(each.size > 4 * KIB for each in reads)
    assert covered(reads) == [(0, size)]
    assert sum(each.reply_size for each in reads) == size


@pytest.mark.parametrize("name", ("branchfs", "bindfs"))
def test_truncate_on_open(mount: MountIt, trace: TraceIt, name: str) -> None:
    """With O_TRUNC in OPEN where the filesystem takes that, else as a SETATTR behind it."""
    made = mount(name)
    tracer = trace(made)
    with using(made) as user:
        fd = user.open(b"/file", NEW | os.O_WRONLY)
        os.write(fd, b"content")
        user.close_file(fd)
        first = wait_for(tracer, "release")
        user.close_file(user.open(b"/file", os.O_WRONLY | os.O_TRUNC))
        tracer.wait_for(lambda each: each.op == "release" and each.seq > first.seq)
    operations = tracer.finish()
    opened, = of(operations, "open")
    cuts = [each for each in of(operations, "setattr") if (each.valid or 0) & workload.FATTR_SIZE]
    if name == "branchfs":
        assert opened.flags & os.O_TRUNC and not cuts
    else:
        assert not opened.flags & os.O_TRUNC
        cut, = cuts
        assert (cut.path, cut.size) == (b"/file", 0)
        assert opened.end_ns < cut.start_ns


# ---- at once ------------------------------------------------------------------------------------

THREADS = 8
FILES = 60
KINDS = ("create", "write", "rename", "flush", "release", "unlink")


def use_files(user: User, label: int, threads: dict[int, int]) -> None:
    """What one thread does; its files are its own."""
    threads[threading.get_native_id()] = label
    for number in range(FILES):
        path, other = b"/%d-%d" % (label, number), b"/%d-%d-moved" % (label, number)
        fd = os.open(user(path), NEW | os.O_WRONLY, 0o644)
        os.write(fd, b"x" * (number + 1))
        os.rename(user(path), user(other))
        os.close(fd)
        os.unlink(user(other))


def expected_of_thread(label: int) -> list[tuple]:
    expected = []
    for number in range(FILES):
        path, other = b"/%d-%d" % (label, number), b"/%d-%d-moved" % (label, number)
        expected += [("create", path), ("write", path), ("rename", path), ("flush", other),
                     ("release", other), ("unlink", other)]
    return expected


def test_many_threads(mount: MountIt, trace: TraceIt,
                      witness: Callable[[Mount], Witness]) -> None:
    """Each thread's requests are its own, in its order, and none is missing."""
    made = mount("branchfs")
    watcher = witness(made)
    tracer = trace(made)
    threads: dict[int, int] = {}
    user = User(made)
    begin = now()
    workers = [threading.Thread(target=use_files, args=(user, label, threads))
               for label in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    end = now()
    watcher.wait_until_idle()
    operations = tracer.finish()
    assert tracer.lost() == 0
    frame = [{}, {"begin_ns": begin}, {"end_ns": end}]
    assert judge.judge_witness(frame, operations, watcher.requests.values()) == []
    of_label: dict[int, list[Operation]] = {label: [] for label in range(THREADS)}
    for each in operations:
        if each.op in KINDS:
            label = int(each.path[1:].split(b"-")[0])
            of_label[label].append(each)
            assert each.op == "release" or threads[each.pid] == label, each
    for label, each in of_label.items():
        in_order = sorted(each, key=lambda operation: operation.start_ns)
        assert [(one.op, one.path) for one in in_order] == expected_of_thread(label)


def test_two_mounts_at_once(trace: TraceIt, mount: MountIt) -> None:
    """The same names on two mounts, each traced: nothing of one shows in the other."""
    first = mount("branchfs")
    with temporary_directory() as other, mounted(by_name("branchfs"), other) as second:
        tracers = (trace(first), Trace(second.mountpoint, other / "trace.log"))
        for number in range(50):
            for size, made in ((1, first), (2, second)):
                (made.mountpoint / str(number)).write_bytes(b"x" * size)
        for size, tracer in enumerate(tracers, 1):
            wait_for(tracer, "release", b"/49")
            writes = of(tracer.finish(), "write")
            assert [(each.path, each.size) for each in writes] == [
                (b"/%d" % number, size) for number in range(50)]
