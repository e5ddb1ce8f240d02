# SPDX-License-Identifier: MIT
"""Real programs, seen by nothing but what they print: no kernel source, no rights.

Each is started by `fusetrace run --source log`, so that its profile switches its trace on, and is
used in the same way. What the program's format tells must be there, and right; what it does not
tell must be absent (`fusetrace formats` is the list of both).
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import pytest

from . import writers
from .conftest import mounted
from .mounting import wait_for_exit
from .tracing import Operation, Records
from .writers import Logged, Writer

END_SECONDS = 20
DIR, FILE, NEW, MISSING = b"/dir", b"/dir/file", b"/dir/new", b"/dir/missing"
TEXT = b"hello"


# ---- what is done, and what of it must be seen --------------------------------------------------


def use(root: bytes, wait_for: Callable[[str], object]) -> None:
    """Few calls, all by this thread; nobody else waits for what a close brings about."""
    os.mkdir(root + DIR)
    fd = os.open(root + FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    os.write(fd, TEXT)
    os.fsync(fd)
    os.close(fd)
    wait_for("release")
    fd = os.open(root + FILE, os.O_RDONLY)
    os.read(fd, 100)
    os.close(fd)
    wait_for("release")
    with contextlib.suppress(FileNotFoundError):
        os.stat(root + MISSING)
    os.chmod(root + FILE, 0o600)
    os.rename(root + FILE, root + NEW)
    with contextlib.suppress(OSError):
        os.rmdir(root + DIR)
    os.listdir(root + DIR)
    wait_for("releasedir")
    os.unlink(root + NEW)
    os.rmdir(root + DIR)
    for _ in range(2):  # a daemon may be gone before it has printed how the last one ended
        wait_for("rmdir")


@dataclass(frozen=True)
class Seen:
    """An operation that must be there. None: not looked at."""

    op: str
    path: bytes
    path2: bytes | None = None
    errno: int = 0
    offset: int | None = None
    size: int | None = None
    reply_size: int | None = None


SEEN = (
    Seen("mkdir", DIR),
    Seen("create", FILE),
    Seen("write", FILE, offset=0, size=5),
    Seen("fsync", FILE),
    Seen("flush", FILE),
    Seen("release", FILE),
    Seen("open", FILE),
    Seen("read", FILE, offset=0, reply_size=5),
    Seen("release", FILE),
    Seen("lookup", MISSING, errno=errno.ENOENT),
    Seen("setattr", FILE),
    Seen("rename", FILE, NEW),
    Seen("rmdir", DIR, errno=errno.ENOTEMPTY),
    Seen("opendir", DIR),
    Seen("readdir", DIR),
    Seen("releasedir", DIR),
    Seen("unlink", NEW),
    Seen("rmdir", DIR),
)

FLUSH, READ, LOOKUP, MKDIR = SEEN[4], SEEN[7], SEEN[9], SEEN[0]
NO_FLUSH = {FLUSH: Seen("flush", FILE, errno=errno.ENOSYS)}
KEPT_PAGES = {READ: None}  # answered from the kernel's cache
# What is seen in another way, or not at all, by the name of the writer.
OTHERWISE: dict[str, dict[Seen, Seen | None]] = {
    "bindfs": NO_FLUSH,
    "archivemount": NO_FLUSH,
    "fuse2fs": NO_FLUSH | KEPT_PAGES,
    "ntfs-3g": NO_FLUSH | KEPT_PAGES,
    # Write-back: the file's only page is in the cache. A missing name has an entry without a node.
    "fuse-overlayfs": NO_FLUSH | KEPT_PAGES | {LOOKUP: Seen("lookup", MISSING)},
    # Handlers are logged, and libfuse's for a look-up is getattr.
    "fusepy (log)": {LOOKUP: Seen("getattr", MISSING, errno=errno.ENOENT)},
}
# Programs whose log does not tell which node a reply names, or the name of what is created: what is
# below the root has a name at best.
WITHOUT_PATHS = ("fuse-overlayfs", "ntfs-3g", *(writer.name for writer in writers.RUST))
SILENT = {"mergerfs": (2, 42)}  # prints operations from this version on


def expected(writer: Writer) -> list[Seen]:
    changes = OTHERWISE.get(writer.name, {})
    return [each for each in (changes.get(seen, seen) for seen in SEEN) if each]


# ---- comparing ----------------------------------------------------------------------------------


def is_named(operation: Operation, key: str, path: bytes, has_paths: bool) -> bool:
    """A path that is told is right; one that is not may be a name, or nothing."""
    told = getattr(operation, key)
    if told is not None or has_paths:
        return told == path
    name = getattr(operation, key.replace("path", "name"))
    return name in (None, path.rsplit(b"/", 1)[1])


def is_result(operation: Operation, seen: Seen, writer: Writer) -> bool:
    if not writer.gives("reply"):
        return operation.status == "unknown" and operation.errno is None
    return operation.errno == seen.errno and \
        operation.status == ("failed" if seen.errno else "completed")


def is_seen(operation: Operation, seen: Seen, writer: Writer) -> bool:
    has_paths = writer.name not in WITHOUT_PATHS
    names = {seen.op, "readdirplus"} if seen.op == "readdir" else {seen.op}
    if operation.op not in names or not is_result(operation, seen, writer):
        return False
    if not is_named(operation, "path", seen.path, has_paths):
        return False
    if seen.path2 and not is_named(operation, "path2", seen.path2, has_paths):
        return False
    if not writer.gives("offset"):
        return operation.offset is None
    numbers = ["offset", "size"] if operation.reply_size is None else \
        ["offset", "size", "reply_size"]
    return all(getattr(seen, key) in (None, getattr(operation, key)) for key in numbers)


def missing(operations: list[Operation], writer: Writer) -> list[Seen]:
    """What of the expected ones is not there, in their order."""
    rest = iter(operations)
    return [seen for seen in expected(writer)
            if not any(is_seen(operation, seen, writer) for operation in rest)]


def untold(operation: Operation, writer: Writer) -> list[str]:
    """What the format does not tell, and the operation has nevertheless."""
    keys = {"pid": ("pid",), "time": ("start_ns",), "offset": ("offset", "size", "reply_size")}
    return [key for what, names in keys.items() if not writer.gives(what)
            for key in names if getattr(operation, key) is not None]


# ---- the tests ----------------------------------------------------------------------------------


@pytest.fixture(params=writers.ALL, ids=lambda writer: writer.name)
def writer(request: pytest.FixtureRequest) -> Writer:
    chosen = request.param
    reason = chosen.missing()
    if reason:
        pytest.skip(reason)
    return chosen


def is_silent(writer: Writer) -> bool:
    since = SILENT.get(writer.name)
    version = re.match(r"(\d+)\.(\d+)", writer.recipe.version())
    return bool(since and version and tuple(map(int, version.groups())) < since)


def waiting(logged: Logged) -> Callable[[str], object]:
    """A wait for one more operation of a kind, in the log, where it tells that one has ended."""
    kinds: list[str] = []

    def wait_for(op: str) -> None:
        kinds.append(op)
        counts = itertools.count(1)
        logged.records.wait_for(
            lambda each: each.op == op and next(counts) == kinds.count(op))

    is_told = logged.writer.gives("reply") and not is_silent(logged.writer)
    return wait_for if is_told else lambda op: None


def traced(writer: Writer, directory: Path) -> Records:
    """Its use, from before the mount to after the unmount."""
    logged = Logged(writer)
    with mounted(logged, directory) as mount:
        process = mount.process
        # A log does not tell of the mount: what comes and goes in no time would not be seen.
        logged.records.wait_for_event("mounted")
        use(os.fsencode(mount.mountpoint), waiting(logged))
    assert wait_for_exit(process, END_SECONDS)
    said = (directory / "daemon.log").read_text(errors="replace")
    assert process.returncode == 0, said
    assert "log source" in said
    return logged.records


def test_operations(writer: Writer, directory: Path) -> None:
    records = traced(writer, directory)
    operations = records.operations
    assert [event["event"] for event in records.events] == ["trace", "mounted", "unmounted"]
    if is_silent(writer):
        pytest.skip(f"{writer.name} {writer.recipe.version()} prints INIT only: later ones print "
                    "the rest")
    assert {operation.source for operation in operations} == {"log"}
    assert missing(operations, writer) == [], "\n".join(map(repr, operations))
    assert [(key, operation) for operation in operations
            for key in untold(operation, writer)] == []
    if writer.gives("forge-proof"):
        assert [operation for operation in operations if operation.suspect] == []


def test_messages_of_sshfs(directory: Path) -> None:
    """Those that stand for one request each, without a name; of what a status ends, not how."""
    if reason := writers.SSHFS.missing():
        pytest.skip(reason)
    logged = Logged(writers.SSHFS)
    with mounted(logged, directory) as mount:
        process, root = mount.process, os.fsencode(mount.mountpoint)
        os.mkdir(root + DIR)
        os.symlink(b"target", root + NEW)
        assert os.readlink(root + NEW) == b"target"
        os.unlink(root + NEW)
        os.rmdir(root + DIR)
        os.statvfs(root)
    assert wait_for_exit(process, END_SECONDS)
    told = [(each.op, each.status) for each in logged.records.operations]
    assert told == [("mkdir", "unknown"), ("symlink", "unknown"), ("readlink", "completed"),
                    ("unlink", "unknown"), ("rmdir", "unknown"), ("statfs", "completed")]
    assert {(each.path, each.name) for each in logged.records.operations} == {(None, None)}


def test_a_missing_operation_is_noticed() -> None:
    """No test above passes by chance: each expected operation is missed when it is not there."""
    writer = next(each for each in writers.ALL if each.name == "branchfs")
    whole = [Operation({key: value for key, value in vars(seen).items() if value is not None} |
                       {"status": "failed" if seen.errno else "completed"}) for seen in SEEN]
    assert missing(whole, writer) == []
    for at, operation in enumerate(whole):
        assert missing(whole[:at] + whole[at + 1:], writer), operation
        for key, value in (("path", b"/x"), ("errno", 5), ("op", "mknod"), ("status", "unknown")):
            changed = Operation(operation.record | {key: value})
            assert missing([*whole[:at], changed, *whole[at + 1:]], writer), (key, operation)
