# SPDX-License-Identifier: MIT
"""A file that is removed while it is open

libfuse, release-unlink-race.sh and issue 746: the high-level library renames a file that is unlinked
while it is open to .fuse_hidden..., and removes it when its last RELEASE arrives. close(2) does not
wait for RELEASE. A test that looks for left-over files at once finds one that is about to go.
"""

import os
import time

from .mounting import traced as mounted

PAUSE = 3.0  # the script's `sleep 3`


def hidden_files(directory):
    return [name for name in os.listdir(directory) if name.startswith(".fuse_hidden")]


def test_hidden_file_goes(fs, turn):
    """libfuse's release-unlink race, waited for where it ends: at the reply to RELEASE."""
    file = fs.mountpoint / f"file{turn}"
    with fs.trace_monitor.expect("release", path=file):
        with open(file, "w"):
            file.unlink()
    assert hidden_files(fs.branches[0]) == []


def sleeping(fs, turn, pause=PAUSE):
    """As libfuse's script does it."""
    file = fs.mountpoint / f"file{turn}"
    with open(file, "w"):
        file.unlink()
    time.sleep(pause)
    assert hidden_files(fs.branches[0]) == []
