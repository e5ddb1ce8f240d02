# SPDX-License-Identifier: MIT
"""Processes that leave something behind, and what is left of it: the ground of all these tests.

An owner is a script in a Python of its own. What it prints, one JSON line, is what it has made. Then
it waits for a line on its input, does the `end` of its script, or is killed.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from fusetrace import mounts
from live import syscalls
from live.mounting import abort_connection

TESTS = Path(__file__).resolve().parent.parent
DEADLINE = 30.0
MARK = "FUSETRACE_DAEMON"
GUARDIAN = (os.path.join(os.environ["FUSETRACE_BUILD"], "guardian", "fusetrace-guardian")
            if "FUSETRACE_BUILD" in os.environ else shutil.which("fusetrace-guardian"))

BEGIN = f"""
import json, os, signal, subprocess, sys, time
from pathlib import Path
from fusetrace import FuseConfig, FuseManager, _core, guardian, mounts
sys.path.insert(0, {str(TESTS)!r})
from live import syscalls
from live.mounting import Deadline, wait_for_mounts
_core.set_guardian({os.fsencode(GUARDIAN or "")!r})
guardian._set_guardian = lambda: None
folder = Path(os.fsdecode(bytes.fromhex(sys.argv[1])))

def ready(**made):
    print(json.dumps(made), flush=True)
    sys.stdin.readline()

def start(mountpoint, mark, *options, **keywords):
    (folder / "branch").mkdir(exist_ok=True)
    return subprocess.Popen(["branchfs", *options, str(folder / "branch"), str(mountpoint)],
                            env={{**os.environ, "{MARK}": mark}}, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True, **keywords)

def new_mark():
    return f"{{os.getpid()}}-{{os.urandom(8).hex()}}"

def await_mount(mountpoint, limit=20):
    assert wait_for_mounts(lambda: mounts.find_mount(str(mountpoint)), Deadline(limit))
    return mounts.find_mount(str(mountpoint))

def mount(name="mnt", *options, tell=True):
    "One that is mounted, and registered; by the functions that every owner uses."
    mountpoint, mark = folder / name, new_mark()
    mountpoint.mkdir(exist_ok=True)
    entry = guardian.guard_mount(str(mountpoint), f"{MARK}={{mark}}")
    assert entry
    daemon = start(mountpoint, mark, *options)
    found = await_mount(mountpoint)
    if tell:
        identity = os.stat(f"/sys/fs/fuse/connections/{{found.connection}}").st_ino
        guardian.guard_mounted(entry, found.connection, identity)
    return daemon, entry, found
"""


class Owner:
    """A script that has come to its ready()."""

    def __init__(self, folder, script, *, wait=True, **keywords):
        environment = {**os.environ, "XDG_RUNTIME_DIR": os.fspath(folder), **keywords.pop("env", {})}
        self.process = subprocess.Popen(
            [sys.executable, "-c", BEGIN + script, os.fsencode(folder).hex()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, **keywords)
        self.pid = self.process.pid
        self.made = self.read() if wait else {}

    def read(self):
        is_readable, _, _ = select.select([self.process.stdout], [], [], DEADLINE)
        assert is_readable, "the owner says nothing"
        line = self.process.stdout.readline()
        assert line, f"the owner ended with {self.process.wait(DEADLINE)}"
        return json.loads(line)

    def go_on(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return self

    def kill(self):
        self.process.kill()
        return self.wait()

    def wait(self):
        return self.process.wait(DEADLINE)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def guardians():
    """Process ids of all guardians, with the owner's id that each watches; -1: it has ended."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            if Path(f"/proc/{name}/comm").read_text().strip() != "fusetrace-guard":
                continue
            for line in Path(f"/proc/{name}/fdinfo/4").read_text().splitlines():
                if line.startswith("Pid:"):
                    found[int(name)] = int(line.split()[1])
    return found


def guardians_of(pid):
    """Those of an owner that lives."""
    return [guardian for guardian, owner in guardians().items() if owner == pid]


class Watched:
    """A guardian that was found while its owner lived: its end can be waited for."""

    def __init__(self, owner, besides=None):
        found = [pid for pid in guardians_of(owner.pid) if besides is None or pid != besides.pid]
        assert len(found) == 1, found
        self.pid = found[0]
        self._pidfd = os.pidfd_open(self.pid)

    def wait(self, limit=DEADLINE):
        is_ready, _, _ = select.select([self._pidfd], [], [], limit)
        assert is_ready, f"the guardian {self.pid} does not end"
        os.close(self._pidfd)

    def kill(self):
        signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        self.wait()


def mounted_in(folder):
    return [mount.mountpoint for mount in mounts.read_mounts()
            if mount.mountpoint.startswith(os.fspath(folder) + "/")]


def marked(pid):
    """Processes whose mark says that this one has started them."""
    wanted = f"{MARK}={pid}-".encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if any(one.startswith(wanted)
                       for one in Path(f"/proc/{name}/environ").read_bytes().split(b"\0")):
                    found.append(int(name))
    return found


def records(folder, pid):
    """Records of an owner, wherever they may be."""
    places = [Path("/run/fusetrace"), Path(folder) / "fusetrace",
              Path(f"/tmp/fusetrace-{os.geteuid()}")]
    return [path for place in places for path in place.glob(f"{pid}-*.json")]


def assert_nothing_left(folder, pid):
    left = mounted_in(folder), marked(pid), records(folder, pid)
    assert left == ([], [], []), left


def clean_up(folder):
    """For the end of a test, also of one that failed."""
    for _ in range(3):
        for mount in reversed(mounts.read_mounts()):
            if mount.mountpoint.startswith(os.fspath(folder) + "/"):
                if mount.is_fuse:
                    abort_connection(mount.connection)
                with contextlib.suppress(OSError):
                    syscalls.umount(mount.mountpoint, syscalls.MNT_DETACH)
    shutil.rmtree(folder, ignore_errors=True)


def until(condition, what, limit=DEADLINE):
    """For what has no event: a state of another process."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)
