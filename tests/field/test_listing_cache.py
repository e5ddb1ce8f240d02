# SPDX-License-Identifier: MIT
"""A listing that sshfs keeps

sshfs, test_sshfs.py: a file that was made on the server is not in a listing that sshfs still has, so
the test sleeps for the cache's timeout and a second more, six times. No request tells that a cache
has grown old: only time does. But sshfs drops the listing of a directory in which it changes
something itself. On sshfs itself, with an sshd of its own on 127.0.0.1.
"""

import contextlib
import os
import time

from live.filesystems import by_name

from .mounting import managing, new_config

CACHE_TIMEOUT = 1
PAUSE = CACHE_TIMEOUT + 1.0  # safe_sleep(cache_timeout + 1)


def missing():
    return by_name("sshfs").missing()


@contextlib.contextmanager
def mounted(folder):
    recipe = by_name("sshfs")
    recipe.prepare(folder, None)
    with recipe.service(folder), managing(folder) as manager:
        config = new_config(manager, command=recipe.command(
            folder, "{mountpoint}", (f"dcache_timeout={CACHE_TIMEOUT}",)))
        config.branches = []
        with manager.mounted_fs(config) as mount:
            mount.branches = [folder / "store"]
            yield mount


def make_on_server(fs, turn):
    """A name that a listing in sshfs's cache does not have."""
    name = f"file{turn}"
    os.listdir(fs.mountpoint)
    (fs.branches[0] / name).write_text("hello")
    return name


def remove_on_server(fs, name):
    (fs.branches[0] / name).unlink()


def test_listing_is_new_after_a_change(fs, turn):
    """sshfs's test: a change through the mount makes its listing a new one, whatever the time."""
    name = make_on_server(fs, turn)
    with fs.trace_monitor.expect_all(["mkdir", "rmdir"], order="in_order"):
        (fs.mountpoint / "change").mkdir()
        (fs.mountpoint / "change").rmdir()
    assert name in os.listdir(fs.mountpoint)
    remove_on_server(fs, name)


def sleeping(fs, turn, pause=PAUSE):
    """As sshfs's tests do it."""
    name = make_on_server(fs, turn)
    try:
        time.sleep(pause)
        assert name in os.listdir(fs.mountpoint)
    finally:
        remove_on_server(fs, name)
