# SPDX-License-Identifier: MIT
"""Contents that the kernel keeps

go-fuse, TestFopenKeepCache (issues 168, 233, 473): what was read stays in the kernel's cache, so a
change in the store must not be seen. It is seen when the kernel asks for attributes in between, which
it does when they are older than their timeout, 10 ms there. The test failed within minutes of
repeating; its authors read the log of requests to learn why ("OPEN, but no GETATTR around").
"""

import os

import pytest

from fusetrace import UnexpectedOperation

from .mounting import traced

BEFORE, AFTER = b"before", b"after!"  # equally long, or the size would tell
PAUSE = 0.0  # it has none: it hopes to be quick


def mounted(folder):
    return traced(folder, "kernel_cache", "attr_timeout=0.01", "entry_timeout=60")


def write_to_store(fs, name, content, turn):
    store = fs.branches[0] / name
    store.write_bytes(content)
    os.utime(store, ns=(0, (2 * turn + (content == AFTER)) * 1_000_000))  # whatever its clock does


def read_once(path):
    """One open, one read: what the kernel asks in between, it asks before the read."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)


def test_cache_is_kept_unless_attributes_were_asked_for(fs, turn):
    """go-fuse's test with what its authors had to look up: were attributes asked for, or not?"""
    monitor, name = fs.trace_monitor, f"file{turn}"
    write_to_store(fs, name, BEFORE, turn)
    assert read_once(fs.mountpoint / name) == BEFORE
    mark = monitor.mark()
    write_to_store(fs, name, AFTER, turn)
    content = read_once(fs.mountpoint / name)
    has_asked = monitor.since(mark).count("getattr", path=f"/{name}") > 0
    assert content == (AFTER if has_asked else BEFORE)


def sleeping(fs, turn, pause=PAUSE):
    """As go-fuse's test does it: both reads within 10 ms."""
    name = f"file{turn}"
    write_to_store(fs, name, BEFORE, turn)
    assert read_once(fs.mountpoint / name) == BEFORE
    write_to_store(fs, name, AFTER, turn)
    assert read_once(fs.mountpoint / name) == BEFORE


def test_getattr_in_between_is_named(tmp_path):
    """What took go-fuse's authors two pages of a log: here it always happens, and forbid() names it."""
    with traced(tmp_path, "kernel_cache", "attr_timeout=0", "entry_timeout=60") as fs:
        write_to_store(fs, "file", BEFORE, 0)
        read_once(fs.mountpoint / "file")
        with pytest.raises(UnexpectedOperation, match="getattr.*/file"):
            with fs.trace_monitor.forbid("getattr", path="/file"):
                read_once(fs.mountpoint / "file")
