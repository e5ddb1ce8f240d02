# SPDX-License-Identifier: MIT
"""What the tests of the package share: monitors of made-up operations, and a real filesystem."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import time

import pytest

from fusetrace.monitor import Monitor

DEADLINE = 30.0  # far longer than anything takes that works
STARTED_AT_NS = 1_000_000_000_000


def record(op, duration_ns=1000, **fields):
    """One operation as a recording has it; begins 1 ms after the one of the number before."""
    seq = fields.pop("seq")
    found = {"v": 1, "seq": seq, "op": op, "path": "/a", "status": "completed", "errno": 0,
             "start_ns": STARTED_AT_NS + seq * 1_000_000, "duration_ns": duration_ns, "pid": 100,
             "unique": 2 * seq, "source": "kernel"}
    found.update(fields)
    return {key: value for key, value in found.items() if value is not None}


def replayed(tmp_path, *records):
    """A monitor whose history is (name, fields) after (name, fields)."""
    path = tmp_path / "recording.jsonl"
    lines = [json.dumps(record(op, **{"seq": seq, **fields}))
             for seq, (op, fields) in enumerate(records, 1)]
    path.write_text("".join(line + "\n" for line in lines))
    return Monitor.replay(path)


def need_mounts():
    """Skips the test where branchfs cannot be mounted."""
    if os.geteuid() != 0:
        pytest.skip("mounting and tracing need root")
    if not os.path.exists("/dev/fuse"):
        pytest.skip("there is no /dev/fuse here")
    if not shutil.which("branchfs"):
        pytest.skip("branchfs is not on the PATH")


def wait_until_mounted(mountpoint):
    """By the kernel's own signal, which a change of the mounts is."""
    end = time.monotonic() + DEADLINE
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        poll = select.poll()
        poll.register(file, select.POLLERR | select.POLLPRI)
        while f" {mountpoint} " not in file.read():
            assert time.monotonic() < end, f"nothing was mounted on {mountpoint}"
            poll.poll(max(0, end - time.monotonic()) * 1000)
            file.seek(0)


@contextlib.contextmanager
def branchfs(tmp_path, *options):
    """The process of a branchfs that prints its own trace, and its mountpoint."""
    need_mounts()
    branch, mountpoint = tmp_path / "branch", tmp_path / "mnt"
    branch.mkdir()
    mountpoint.mkdir()
    command = ["branchfs", "-f", "-o", "trace"]
    for option in options:
        command += ["-o", option]
    process = subprocess.Popen([*command, str(branch), str(mountpoint)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_until_mounted(mountpoint)
        yield process, mountpoint
    finally:
        subprocess.run(["umount", "-l", str(mountpoint)], stderr=subprocess.DEVNULL,
                       timeout=DEADLINE)
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(DEADLINE)
        for stream in (process.stdout, process.stderr):
            stream.close()
