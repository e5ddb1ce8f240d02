# SPDX-License-Identifier: MIT
"""What bench/package.py needs done outside of pytest; prints JSON.

    by_hand.py mounts ROUNDS   seconds of mount and unmount of branchfs, without the package
    by_hand.py calls           figures of single calls of the package
"""

import contextlib
import json
import pathlib
import select
import statistics
import subprocess
import sys
import tempfile
import time

MILLION = 1_000_000
LINE = ('{{"v":1,"op":"write","path":"/d{0}/f{1}","status":"completed","errno":0,"start_ns":{2},'
        '"duration_ns":4567,"pid":42,"unique":{3},"fh":1,"offset":0,"size":5}}\n')


@contextlib.contextmanager
def branchfs(*options):
    """A mount, made as simply as can be; yields the mountpoint."""
    with tempfile.TemporaryDirectory() as folder:
        branch, mountpoint = pathlib.Path(folder, "branch"), pathlib.Path(folder, "mount")
        branch.mkdir()
        mountpoint.mkdir()
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            poll = select.poll()
            poll.register(mounts, select.POLLPRI)
            daemon = subprocess.Popen(["branchfs", "-f", *options, branch, mountpoint])
            while f" {mountpoint} " not in mounts.read():
                poll.poll(10000)
                mounts.seek(0)
        mountpoint.stat()
        try:
            yield mountpoint
        finally:
            subprocess.run(["umount", mountpoint], check=True, timeout=30)
            daemon.wait(30)


def mounts(rounds):
    times = []
    for _ in range(rounds):
        began = time.monotonic()
        with branchfs():
            pass
        times.append(time.monotonic() - began)
    return times


def wait_times(rounds):
    """Microseconds from the reply of a RELEASE to the return of the wait for it."""
    from fusetrace import FuseTraceMonitor

    found = []
    with branchfs("-o", "delay=release:1ms") as mountpoint, FuseTraceMonitor(mountpoint) as monitor:
        for turn in range(rounds):
            path = mountpoint / f"file{turn}"
            path.touch()
            operation = monitor.wait_for_operation("release", path=path)
            found.append((time.monotonic() - operation.end_time) * 1e6)
    return sorted(found)


def million_seconds():
    from fusetrace import FuseTraceMonitor

    with tempfile.NamedTemporaryFile("w", dir="/dev/shm", suffix=".jsonl") as file:
        for i in range(MILLION):
            file.write(LINE.format(i % 100, i % 10000, 1000 * i, 2 * i + 2))
        file.flush()
        monitor = FuseTraceMonitor.replay(file.name)
    began = time.monotonic()
    operations = monitor.completed_operations
    seconds = time.monotonic() - began
    assert len(operations) == MILLION
    return seconds


def import_ms(statement):
    """Beyond the start of Python itself."""
    def run(code):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
        return time.monotonic() - began

    pairs = [run(statement) - run("pass") for _ in range(15)]
    return statistics.median(pairs) * 1e3


def calls():
    times = wait_times(1000)
    return {"wait_p50_us": times[len(times) // 2], "wait_p99_us": times[len(times) * 99 // 100],
            "million_s": million_seconds(), "import_ms": import_ms("import fusetrace"),
            "import_monitor_ms": import_ms("from fusetrace import FuseTraceMonitor")}


if __name__ == "__main__":
    print(json.dumps(mounts(int(sys.argv[2])) if sys.argv[1] == "mounts" else calls()))
