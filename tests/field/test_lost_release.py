# SPDX-License-Identifier: MIT
"""Unmounted with RELEASE on its way

D. Wong, "fuse: flush pending fuse events before aborting the connection" (2025), found by generic/488
of xfstests: files are closed, then the filesystem is unmounted, and "a large number of FUSE_RELEASE
commands that are queued up" is thrown away. What the filesystem would have done at RELEASE is never
done. scylladb (issue 29920) sleeps half a second before it unmounts. Here the filesystem's own log says
which RELEASEs it got; each takes 5 ms, as closing on a disk may.
"""

import json
import time

from .mounting import new_config
from .mounting import tracing as mounted

FILES = 40
PAUSE = 0.5


def new_slow_config(manager):
    """And where its log will be. Without FLUSH, as readers need none, nothing slows close(2) down."""
    log = manager.create_temp_dirs(1)[0] / "log"
    config = new_config(manager, "delay=release:5ms", "no_rofd_flush", f"trace_file={log}")
    (config.branches[0] / "file").touch()
    return config, log


def close_many(mountpoint):
    for file in [open(mountpoint / "file") for _ in range(FILES)]:
        file.close()


def released(log):
    with open(log, encoding="utf-8") as lines:
        return sum(json.loads(line)["op"] == "release" for line in lines)


def test_every_release_arrives(fs, turn):
    """Wong's case: it unmounts when all RELEASEs have been answered."""
    config, log = new_slow_config(fs)
    with fs.mounted_fs(config) as mount:
        with mount.trace_monitor.expect_all(["release"] * FILES, timeout=30):
            close_many(mount.mountpoint)
    assert released(log) == FILES


def sleeping(fs, turn, pause=PAUSE):
    """With half a second, as scylladb has it."""
    config, log = new_slow_config(fs)
    with fs.mounted_fs(config) as mount:
        close_many(mount.mountpoint)
        time.sleep(pause)
    assert released(log) == FILES
