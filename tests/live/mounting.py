# SPDX-License-Identifier: MIT
"""A FUSE mount for a test: starts the daemon, waits for the mount, and always takes both away.

Nothing here touches the mount itself with a call that could block: what is mounted is read from
/proc/self/mountinfo, which can be polled for changes, and a daemon that hangs is cut off through
/sys/fs/fuse/connections. Which daemon it is and how it is called is said in filesystems.py.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Sequence

from . import syscalls

MOUNT_SECONDS = 30
UNMOUNT_SECONDS = 20
END_SECONDS = 2  # a daemon mostly ends within milliseconds after the unmount


class MountError(Exception):
    """The filesystem did not come up or did not go away as it should."""


class Deadline:
    """A moment of CLOCK_MONOTONIC by which something must have happened."""

    def __init__(self, seconds: float):
        self.end = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self.end - time.monotonic())

    def left_ms(self) -> int:
        return int(self.left() * 1000)

    def has_passed(self) -> bool:
        return self.left() == 0.0


@dataclass(frozen=True)
class MountEntry:
    """One line of mountinfo."""

    device: int  # the kernel's encoding, which is the number of the FUSE connection
    mountpoint: str
    kind: str
    source: str


def unescape(field: str) -> str:
    """Undoes the octal escapes of mountinfo."""
    bytes_ = field.encode(errors="surrogateescape")
    return bytes_.decode("unicode_escape").encode("latin-1").decode(errors="replace")


def parse_entry(line: str) -> MountEntry:
    before, after = line.split(" - ", 1)
    fields = before.split()
    major, minor = fields[2].split(":")
    kind, source = after.split()[:2]
    return MountEntry(int(major) << 20 | int(minor), unescape(fields[4]), kind, source)


def mounts() -> list[MountEntry]:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return [parse_entry(line) for line in file]


def find_mount(mountpoint: Path) -> MountEntry | None:
    found = [entry for entry in mounts() if entry.mountpoint == str(mountpoint)]
    return found[-1] if found else None


def wait_for_mounts(is_done: Callable[[], bool], deadline: Deadline, pidfd: int = -1) -> bool:
    """Waits until is_done(), asked again after each change of the mounts.

    False when the deadline passed, or when the process of pidfd ended without it.
    """
    with open("/proc/self/mountinfo", "rb") as file:
        poll = select.poll()
        poll.register(file, select.POLLPRI)
        if pidfd >= 0:
            poll.register(pidfd, select.POLLIN)
        while not is_done():
            ready = dict(poll.poll(deadline.left_ms()))
            if pidfd in ready or not ready:
                return is_done()
    return True


@contextlib.contextmanager
def kernel_directory(kind: str, usual: str, probe: str) -> Iterator[Path]:
    """Where a filesystem of the kernel is mounted; mounts it for the time of use if it is not."""
    if any(entry.kind == kind and entry.mountpoint == usual for entry in mounts()):
        yield Path(usual)
        return
    own = tempfile.mkdtemp(prefix=f"fusetrace-{probe}-")
    try:
        syscalls.mount(kind, own)
        try:
            yield Path(own)
        finally:
            syscalls.umount(own)
    finally:
        os.rmdir(own)


def abort_connection(device: int) -> None:
    """Ends everything that hangs on this connection, whoever waits for it."""
    with contextlib.suppress(OSError):
        with kernel_directory("fusectl", "/sys/fs/fuse/connections", "fusectl") as connections:
            (connections / str(device) / "abort").write_text("1")


def is_held_elsewhere(device: int) -> bool:
    """Whether the connection lives on though nothing is mounted here: by a copy of the mount in
    the namespace of a container that was started in between."""
    if any(entry.device == device for entry in mounts()):
        return False
    with kernel_directory("fusectl", "/sys/fs/fuse/connections", "fusectl") as connections:
        return (connections / str(device)).exists()


def wait_for_exit(process: subprocess.Popen, seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def end_process(process: subprocess.Popen, seconds: float = 5) -> None:
    """Asks our own process to end, then makes it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
        if wait_for_exit(process, seconds):
            return
    raise MountError(f"process {process.pid} cannot be killed")


class Mount:
    """A mounted filesystem with its daemon."""

    def __init__(self, name: str, mountpoint: Path, log: Path):
        self.name = name
        self.mountpoint = mountpoint
        self.log = log
        self.device = -1
        self.process: subprocess.Popen | None = None

    def start(self, command: Sequence[str], environment: dict | None = None) -> None:
        """Starts a daemon that stays in the foreground, and waits until it has mounted."""
        self.mountpoint.mkdir(exist_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(environment or {})}, start_new_session=True)
        pidfd = os.pidfd_open(self.process.pid)
        try:
            is_up = wait_for_mounts(lambda: find_mount(self.mountpoint) is not None,
                                    Deadline(MOUNT_SECONDS), pidfd)
        finally:
            os.close(pidfd)
        if not is_up:
            self.stop()
            raise MountError(f"{self.name} did not mount: {' '.join(command)}\n{self.output()}")
        self.device = find_mount(self.mountpoint).device

    def output(self) -> str:
        """What the daemon has printed so far, the end of it."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def abort(self) -> None:
        if self.device >= 0:
            abort_connection(self.device)

    def stop(self) -> None:
        """Unmounts and waits for the daemon; raises MountError if force was needed."""
        complaints = []
        while find_mount(self.mountpoint):
            try:
                syscalls.umount(str(self.mountpoint))
            except OSError as error:
                complaints.append(f"umount: {error}")
                self.abort()
                syscalls.umount(str(self.mountpoint), syscalls.MNT_DETACH)
        if self.process and not wait_for_exit(self.process, END_SECONDS) and \
                is_held_elsewhere(self.device):
            self.abort()
        if self.process and not wait_for_exit(self.process, UNMOUNT_SECONDS):
            complaints.append("the daemon did not end after the unmount")
            self.abort()
            end_process(self.process)
        self.process = None
        self.device = -1
        if complaints:
            raise MountError(f"{self.name}: {'; '.join(complaints)}\n{self.output()}")


@contextlib.contextmanager
def temporary_directory(prefix: str = "fusetrace-live-") -> Iterator[Path]:
    """A directory that is removed afterwards, unless something is still mounted in it."""
    path = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield path
    finally:
        left = [entry.mountpoint for entry in mounts() if entry.mountpoint.startswith(f"{path}/")]
        if left:
            raise MountError(f"still mounted: {left}")
        shutil.rmtree(path)
