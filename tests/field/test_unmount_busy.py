# SPDX-License-Identifier: MIT
"""Device or resource busy

go-fuse (issues 351, 475; its unmount tries five times), gocryptfs (ten times, 100 ms apart: "Gnome
tries to read files"), scylladb (issue 29920: ten times, 500 ms apart): a program that looks into the
mount for a moment makes the unmount fail. Here a process has a file open, and ends some milliseconds
later.
"""

import subprocess
import sys
import time

from .mounting import managing as mounted
from .mounting import new_config

PAUSE = 0.100  # time.Sleep(100 * time.Millisecond), ten times
TRIES = 10
# Opens the file, says so, and closes it by ending, up to 20 ms later.
VISITOR = """\
import random, sys, threading
opened = open(sys.argv[1])
print("open", flush=True)
threading.Event().wait(random.Random(int(sys.argv[2])).uniform(0, 0.020))
"""


def visit(file, turn):
    file.touch()
    visitor = subprocess.Popen([sys.executable, "-S", "-E", "-c", VISITOR, str(file), str(turn)],
                               stdout=subprocess.PIPE, text=True)
    assert visitor.stdout.readline() == "open\n"
    return visitor


def test_unmount_waits_for_who_is_there(fs, turn):
    """go-fuse's unmount: the manager waits until nobody uses the mount any more."""
    config = new_config(fs, is_traced=False)
    with fs.mounted_fs(config) as mount:
        visitor = visit(mount.mountpoint / "file", turn)
        assert fs.unmount(mount.mountpoint)
    with visitor:
        assert visitor.wait(30) == 0


def sleeping(fs, turn, pause=PAUSE):
    """As gocryptfs does it; without a pause it tries once."""
    config = new_config(fs, is_traced=False)
    with fs.mounted_fs(config) as mount:
        with visit(mount.mountpoint / "file", turn):
            for _ in range(TRIES if pause else 1):
                answer = subprocess.run(["umount", mount.mountpoint], stderr=subprocess.DEVNULL,
                                        timeout=30)
                if answer.returncode == 0:
                    break
                time.sleep(pause)
        assert answer.returncode == 0
