# SPDX-License-Identifier: MIT
"""Attaching to a mount that is in use: nothing of what is open was seen being looked up.

Each request must have its path all the same, and rightly: it comes from the kernel's own caches.
Where a test goes on to rename or remove what it has just used, it does so at two paces.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Callable, Iterator

import pytest

from . import filesystems, syscalls, workload
from .conftest import mounted
from .mounting import Mount
from .tracing import Operation, Trace
from .use import User, wait_for

NEW = workload.NEW
ODD = b"caf\xe9 \"q\"\nline"
# Where a filesystem cannot have what a test is about.
NO_ODD_NAMES = ("ntfs-3g", "ntfs-3g (fuseblk)")
# Longer paths than this are refused.
PATH_MAX = {"archivemount": 100, "unionfs-fuse": 1000}
LOSES_RENAMED = ("archivemount",)
NO_LINKS = ("archivemount",)
WRITABLE = [recipe for recipe in filesystems.ALL if not recipe.is_read_only]

Attach = Callable[[Mount], Trace]


@pytest.fixture(params=WRITABLE, ids=lambda recipe: recipe.name)
def in_use(request: pytest.FixtureRequest, directory: Path) -> Iterator[Mount]:
    with mounted(request.param, directory) as mount:
        yield mount


@pytest.fixture
def user(in_use: Mount) -> Iterator[User]:
    with contextlib.closing(User(in_use)) as user:
        yield user


# The trace is read some time after the requests: what was renamed, or removed and closed, until
# then must have its path of before all the same.
Pace = Callable[[Trace, User], None]


def settle(tracer: Trace, user: User) -> None:
    """Waits until all that was done so far has been read: a look-up of no file is read after it."""
    name = b"/settled-%d" % len(tracer.operations)
    with contextlib.suppress(FileNotFoundError):
        os.stat(user(name))
    wait_for(tracer, "lookup", name)


def hurry(tracer: Trace, user: User) -> None:
    """Goes on at once."""


at_both_paces = pytest.mark.parametrize("pace", (settle, hurry), ids=("settled", "hurried"))


def skip_if(mount: Mount, names: tuple[str, ...], reason: str) -> None:
    if mount.name in names:
        pytest.skip(f"{mount.name} {reason}")


def said(operations: list[Operation], *kinds: str) -> list[tuple]:
    return [(each.op, each.path, each.path2) if each.path2 else (each.op, each.path)
            for each in operations if each.op in kinds]


def assert_all_have_paths(operations: list[Operation]) -> None:
    unknown = [each for each in operations if each.path is None and each.op not in ("init",)]
    assert not unknown, unknown


def test_open_files(in_use: Mount, user: User, trace: Attach) -> None:
    os.mkdir(user(b"/dir"))
    os.mkdir(user(b"/dir/sub"))
    fd = user.open(b"/dir/sub/file", NEW | os.O_RDWR)
    root_file = user.open(b"/top", NEW | os.O_RDWR)
    tracer = trace(in_use)
    os.write(fd, b"data")
    os.fsync(fd)
    os.ftruncate(root_file, 3)
    user.close_file(fd)
    user.close_file(root_file)
    wait_for(tracer, "release", b"/top")
    operations = tracer.finish()
    assert_all_have_paths(operations)
    assert ("write", b"/dir/sub/file") in said(operations, "write")
    assert ("release", b"/dir/sub/file") in said(operations, "release")
    assert ("setattr", b"/top") in said(operations, "setattr")


@at_both_paces
def test_names_that_the_kernel_knows(in_use: Mount, user: User, trace: Attach, pace: Pace) -> None:
    """Requests that name a directory and an entry, where the directory was looked up before."""
    os.mkdir(user(b"/dir"))
    below = user.open(b"/dir", os.O_RDONLY | os.O_DIRECTORY)
    os.mkdir(b"sub", dir_fd=below)
    os.close(os.open(b"sub/old", NEW | os.O_WRONLY, 0o644, dir_fd=below))
    sub = user.open(b"sub", os.O_RDONLY | os.O_DIRECTORY, below)
    tracer = trace(in_use)
    os.rename(b"old", b"new", src_dir_fd=sub, dst_dir_fd=sub)
    pace(tracer, user)
    os.mkdir(b"inner", dir_fd=sub)
    with contextlib.suppress(FileNotFoundError):
        os.stat(b"missing", dir_fd=sub)
    os.rmdir(b"inner", dir_fd=sub)
    os.unlink(b"new", dir_fd=sub)
    operations = tracer.finish()
    assert_all_have_paths(operations)
    assert said(operations, "rename", "mkdir", "rmdir", "unlink") == [
        ("rename", b"/dir/sub/old", b"/dir/sub/new"), ("mkdir", b"/dir/sub/inner"),
        ("rmdir", b"/dir/sub/inner"), ("unlink", b"/dir/sub/new")]
    assert ("lookup", b"/dir/sub/missing") in said(operations, "lookup")


def test_listed_directories(in_use: Mount, user: User, trace: Attach) -> None:
    """READDIRPLUS hands out nodes that no reply with a name ever told of."""
    os.mkdir(user(b"/list"))
    for number in range(40):
        os.close(os.open(user(b"/list/%d" % number), NEW | os.O_WRONLY, 0o644))
    tracer = trace(in_use)
    assert len(os.listdir(user(b"/list"))) == 40
    for number in range(40):
        with contextlib.suppress(OSError):
            syscalls.stat_fresh(user(b"/list/%d" % number))
        os.chmod(user(b"/list/%d" % number), 0o600)
    operations = tracer.finish()
    assert_all_have_paths(operations)
    changed = [each.path for each in operations if each.op == "setattr"]
    assert changed == [b"/list/%d" % number for number in range(40)]


def test_listed_before(in_use: Mount, user: User, trace: Attach) -> None:
    """The same, with the list and the nodes from before the attach."""
    os.mkdir(user(b"/list"))
    for number in range(40):
        os.close(os.open(user(b"/list/%d" % number), NEW | os.O_WRONLY, 0o644))
    assert len(os.listdir(user(b"/list"))) == 40
    tracer = trace(in_use)
    for number in range(40):
        os.chmod(user(b"/list/%d" % number), 0o600)
    operations = tracer.finish()
    assert_all_have_paths(operations)
    changed = [each.path for each in operations if each.op == "setattr"]
    assert changed == [b"/list/%d" % number for number in range(40)]


@at_both_paces
def test_renamed_directories_in_use(in_use: Mount, user: User, trace: Attach, pace: Pace) -> None:
    """Renamed once before and once after the attach, with files open below."""
    skip_if(in_use, LOSES_RENAMED, "forgets what is in a directory that is renamed")
    for path in (b"/a", b"/a/b", b"/a/b/c", b"/other"):
        os.mkdir(user(path))
    fd = user.open(b"/a/b/c/file", NEW | os.O_RDWR)
    deep = user.open(b"/a/b/c", os.O_RDONLY | os.O_DIRECTORY)
    os.rename(user(b"/a/b"), user(b"/other/bb"))
    tracer = trace(in_use)
    os.pwrite(fd, b"1", 0)
    os.fsync(fd)
    pace(tracer, user)
    os.rename(user(b"/other"), user(b"/last"))
    os.pwrite(fd, b"2", 1)
    os.fsync(fd)
    os.mkdir(b"made", dir_fd=deep)
    user.close_file(fd)
    user.close_file(deep)
    wait_for(tracer, "releasedir", b"/last/bb/c")
    operations = tracer.finish()
    assert_all_have_paths(operations)
    assert said(operations, "write") == [("write", b"/other/bb/c/file"),
                                         ("write", b"/last/bb/c/file")]
    assert said(operations, "rename", "mkdir", "release") == [
        ("rename", b"/other", b"/last"), ("mkdir", b"/last/bb/c/made"),
        ("release", b"/last/bb/c/file")]


@at_both_paces
def test_unlinked_open_file(in_use: Mount, user: User, trace: Attach, pace: Pace) -> None:
    os.mkdir(user(b"/dir"))
    fd = user.open(b"/dir/gone", NEW | os.O_RDWR)
    os.unlink(user(b"/dir/gone"))
    tracer = trace(in_use)
    os.ftruncate(fd, 5)
    pace(tracer, user)
    user.close_file(fd)
    release = wait_for(tracer, "release")
    operations = tracer.finish()
    assert_all_have_paths(operations)
    assert (release.path, release.unlinked) == (b"/dir/gone", True)
    assert [(each.path, each.unlinked) for each in operations if each.op == "setattr"] == [
        (b"/dir/gone", True)]


def test_odd_names(in_use: Mount, user: User, trace: Attach) -> None:
    skip_if(in_use, NO_ODD_NAMES, "refuses names that are not UTF-8")
    os.mkdir(user(b"/" + ODD))
    fd = user.open(b"/" + ODD + b"/" + ODD, NEW | os.O_RDWR)
    tracer = trace(in_use)
    os.ftruncate(fd, 1)
    user.close_file(fd)
    wait_for(tracer, "release")
    operations = tracer.finish()
    assert {each.path for each in operations} == {b"/" + ODD + b"/" + ODD}


def open_chain(user: User, names: list[bytes]) -> int:
    """Directories one in the other; the last one, open."""
    above = user.open(b"/", os.O_RDONLY | os.O_DIRECTORY)
    for name in names:
        os.mkdir(name, dir_fd=above)
        below = user.open(name, os.O_PATH | os.O_DIRECTORY, above)
        user.close_file(above)
        above = below
    return above


@pytest.mark.parametrize("names", (list(workload.DEEP), [b"d"] * 400),
                         ids=("4000-bytes", "400-levels"))
def test_deep_paths(in_use: Mount, user: User, trace: Attach, names: list[bytes]) -> None:
    path = b"".join(b"/" + name for name in names)
    if len(path) > PATH_MAX.get(in_use.name, 4096):
        pytest.skip(f"{in_use.name} refuses paths of {len(path)} bytes")
    deepest = open_chain(user, names)
    fd = user.open(b"file", NEW | os.O_RDWR, deepest)
    tracer = trace(in_use)
    os.ftruncate(fd, 1)
    os.mkdir(b"made", dir_fd=deepest)
    user.close_file(fd)
    wait_for(tracer, "release")
    operations = tracer.finish()
    assert_all_have_paths(operations)
    assert said(operations, "setattr", "mkdir", "release") == [
        ("setattr", path + b"/file"), ("mkdir", path + b"/made"), ("release", path + b"/file")]


@at_both_paces
def test_hard_links(in_use: Mount, user: User, trace: Attach, pace: Pace) -> None:
    """A node may have two names; a path is one of them, and never one that it lost."""
    skip_if(in_use, NO_LINKS, "has no hard links")
    os.mkdir(user(b"/dir"))
    fd = user.open(b"/one", NEW | os.O_RDWR)
    os.link(user(b"/one"), user(b"/dir/two"))
    other = user.open(b"/dir/two", os.O_RDWR)
    tracer = trace(in_use)
    os.ftruncate(fd, 1)
    os.ftruncate(other, 2)
    pace(tracer, user)
    os.unlink(user(b"/one"))
    os.ftruncate(other, 3)
    pace(tracer, user)
    user.close_file(fd)
    user.close_file(other)
    wait_for(tracer, "release", b"/dir/two")
    operations = tracer.finish()
    assert_all_have_paths(operations)
    first, second, third = [each for each in operations
                            if each.op == "setattr" and each.size is not None]
    assert {first.path, second.path} <= {b"/one", b"/dir/two"}
    assert third.path == b"/dir/two"
