# SPDX-License-Identifier: MIT
"""The mount is not there yet

libfuse's wait_for_mount() asks every 0.1 s whether there is a mount (pull request 1361 mends a race in
it); fcvm (pull request 258) slept 0.5 s; in daytona (pull request 3160) "files were written to the
underlying directory". Here the daemon takes 0 to 30 ms before it mounts.
"""

import os
import random
import subprocess
import time

from live.mounting import Deadline, find_mount, wait_for_mounts

from .mounting import managing as mounted
from .mounting import new_config

PAUSE = 0.1  # time.sleep(0.1), for 30 s at most
TRIES = 300
SLOW_START = 'sleep "$1"; shift; exec branchfs -f "$@"'


def command(turn):
    seconds = random.Random(turn).uniform(0, 0.030)
    return ["sh", "-c", SLOW_START, "sh", f"{seconds:.3f}", "{branch}", "{mountpoint}"]


def test_first_file_is_in_the_filesystem(fs, turn):
    """daytona's and libfuse's case: mounted_fs() returns when INIT has been answered."""
    config = new_config(fs, command=command(turn), is_traced=False)
    with fs.mounted_fs(config) as mount:
        (mount.mountpoint / "file").write_text("hello")
        assert (config.branches[0] / "file").read_text() == "hello"
    assert os.listdir(config.mountpoint) == []


def sleeping(fs, turn, pause=PAUSE):
    """As libfuse's tests do it; without a pause they write at once."""
    config = new_config(fs, is_traced=False)
    words = [word.format(branch=config.branches[0], mountpoint=config.mountpoint)
             for word in command(turn)]
    with subprocess.Popen(words) as daemon:
        try:
            for _ in range(TRIES if pause else 0):
                if os.path.ismount(config.mountpoint):
                    break
                time.sleep(pause)
            (config.mountpoint / "file").write_text("hello")
            assert (config.branches[0] / "file").exists()
        finally:
            end(daemon, config.mountpoint)


def end(daemon, mountpoint):
    """The mount may still be on its way."""
    assert wait_for_mounts(lambda: find_mount(mountpoint) is not None, Deadline(30))
    subprocess.run(["umount", mountpoint], check=True, timeout=30)
    daemon.wait(30)
