# SPDX-License-Identifier: MIT
"""A mounted branchfs for the examples of the documentation."""

import os
import pathlib
import select
import shlex
import shutil
import signal
import subprocess

import pytest

DEADLINE = 30  # seconds


class Mount:
    """branchfs over one branch."""

    def __init__(self, folder):
        self.branch = folder / "branch"
        self.mountpoint = folder / "mount"
        self.branch.mkdir()
        self.mountpoint.mkdir()
        self.daemon = subprocess.Popen(["branchfs", "-f", self.branch, self.mountpoint])
        self._wait_mounted()

    def _wait_mounted(self):
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as info:
            poll = select.poll()
            poll.register(info, select.POLLPRI)
            for _ in range(DEADLINE * 10):
                info.seek(0)
                if f" {self.mountpoint} " in info.read():
                    return
                assert self.daemon.poll() is None, "branchfs ended"
                poll.poll(100)
        raise AssertionError("branchfs did not mount")

    def trace_briefly(self, command, folder):
        """Runs a command of the documentation; one that goes on is ended when it is armed."""
        words = shlex.split(command)
        goes_on = words[1] in ("attach", "run")
        read_end, write_end = os.pipe()
        if goes_on:
            words[2:2] = ["--ready-fd", str(write_end)]
        process = subprocess.Popen(words, cwd=folder, pass_fds=[write_end],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write_end)
        try:
            if goes_on:
                ready, _, _ = select.select([read_end], [], [], DEADLINE)
                assert ready and os.read(read_end, 16) == b"ready\n", command
                (self.mountpoint / "touched").write_bytes(b"x")
                process.send_signal(signal.SIGINT)
            return process.wait(timeout=DEADLINE) in (0, 128 + signal.SIGINT)
        finally:
            os.close(read_end)
            if process.poll() is None:
                process.kill()
                process.wait()

    def close(self):
        subprocess.run(["umount", self.mountpoint], check=False, timeout=DEADLINE)
        try:
            self.daemon.wait(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()


@pytest.fixture
def branchfs_mount(tmp_path_factory):
    if os.geteuid() != 0 or not pathlib.Path("/dev/fuse").exists():
        pytest.skip("needs root and /dev/fuse")
    if not shutil.which("branchfs"):
        pytest.skip("branchfs is not built (libfuse3)")
    mount = Mount(tmp_path_factory.mktemp("docs"))
    yield mount
    mount.close()
