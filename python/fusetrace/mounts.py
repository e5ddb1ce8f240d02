# SPDX-License-Identifier: MIT
"""Mounts as the kernel tells of them, and what can be done to one from outside.

Nothing here asks the mounted filesystem anything, so nothing hangs with it: mounts stand in
/proc/self/mountinfo, which can be polled for changes, who uses one in /proc/PID/fd, and what does
not answer is cut off through /sys/fs/fuse/connections.
"""

from __future__ import annotations

import errno
import os
import re
import select
import time
from collections.abc import Iterable
from typing import NamedTuple

DEVICE = "/dev/fuse"
MOUNTINFO = "/proc/self/mountinfo"
CONNECTIONS = "/sys/fs/fuse/connections"
_HELPERS = ("fusermount3", "fusermount")
_HELPER_SECONDS = 10


_ESCAPED = re.compile(rb"[\\ \t\n#]")  # what mountinfo writes as octal numbers


class Mount(NamedTuple):
    """One line of mountinfo."""

    id: int
    connection: int
    """The device number; of FUSE the number of its connection."""
    mountpoint: str
    kind: str
    """Such as "fuse.sshfs"."""
    source: str

    @property
    def is_fuse(self) -> bool:
        """Whether a FUSE daemon serves it."""
        return self.kind.partition(".")[0] in ("fuse", "fuseblk")

    def __str__(self) -> str:
        return f"{self.kind} of {self.source!r}"


def _unescape(field: bytes) -> str:
    """Undoes the octal escapes of mountinfo."""
    if b"\\" in field:
        field = re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), field)
    return os.fsdecode(field)


def _parse(line: bytes) -> Mount:
    # An empty source leaves nothing between two spaces, so never split() at any whitespace.
    before, _, after = line.rstrip(b"\n").partition(b" - ")
    fields, (kind, source) = before.split(b" "), after.split(b" ")[:2]
    major, _, minor = fields[2].partition(b":")
    return Mount(int(fields[0]), int(major) << 20 | int(minor), _unescape(fields[4]),
                 _unescape(kind), _unescape(source))


def read_mounts() -> list[Mount]:
    """All mounts of this process's namespace, those on top last."""
    with open(MOUNTINFO, "rb") as file:
        return [_parse(line) for line in file]


def find_mount(mountpoint: str) -> Mount | None:
    """The topmost mount on exactly this path, which must be as resolve() gives it."""
    # Asked often, while a machine may have hundreds of mounts: only lines with its name are parsed.
    name = os.fsencode(os.path.basename(mountpoint))
    is_plain = _ESCAPED.search(name) is None
    found = None
    with open(MOUNTINFO, "rb") as file:
        for line in file:
            if is_plain and name not in line:
                continue
            mount = _parse(line)
            if mount.mountpoint == mountpoint:
                found = mount
    return found


def resolve(path: str | os.PathLike[str]) -> str:
    """A path as mountinfo has it: absolute and without links. What is mounted there is not asked,
    as it may hang."""
    absolute = os.path.abspath(os.fspath(path))
    parent, name = os.path.split(absolute)
    resolved = os.path.join(os.path.realpath(parent), name)
    if find_mount(resolved) is None:
        return os.path.realpath(resolved)
    return resolved


def why_no_fuse() -> str | None:
    """Why no FUSE filesystem can be mounted here, or None."""
    try:
        os.close(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        return f"there is no {DEVICE}: modprobe fuse, or in a container --device {DEVICE}"
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.ENXIO):
            return f"{DEVICE} is there, but the kernel's module fuse is not loaded: modprobe fuse"
        if os.geteuid() == 0:  # for others a helper with more rights opens it
            return f"{DEVICE} cannot be opened: {os.strerror(error.errno or 0)}"
    return None


# ---- waiting ----


class Watch:
    """Waits for a change of the mounts or the end of processes. What is looked at after it was made
    and has not changed by then, wakes wait() when it does.

    Example:
        >>> with Watch([pid]) as watch:                                    # doctest: +SKIP
        ...     while find_mount("/mnt") is None and watch.wait(deadline):
        ...         pass
    """

    def __init__(self, pids: Iterable[int] = ()) -> None:
        self._file = open(MOUNTINFO, "rb")
        self._poll = select.poll()
        # The kernel says POLLERR | POLLPRI once after each change.
        self._poll.register(self._file, select.POLLPRI)
        self._pidfds: dict[int, int] = {}
        for pid in pids:
            self.add(pid)

    def add(self, pid: int) -> None:
        """Waits for the end of this process, too; nothing if it has ended, or is waited for."""
        if pid in self._pidfds.values():
            return
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        self._pidfds[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)

    def wait(self, deadline: float) -> bool:
        """Waits until `deadline` (of time.monotonic()); False when it passed without an event. An
        end of a process is told once."""
        ready = self._poll.poll(_milliseconds(deadline))
        for descriptor, _ in ready:
            if descriptor in self._pidfds:
                self._forget(descriptor)
        return bool(ready)

    def wait_for_ends(self, deadline: float) -> bool:
        """Waits until all the processes have ended; False when the deadline passed before."""
        while self._pidfds:
            if not self.wait(deadline):
                return False
        return True

    def _forget(self, pidfd: int) -> None:
        self._poll.unregister(pidfd)
        os.close(pidfd)
        del self._pidfds[pidfd]

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exception: object) -> None:
        for pidfd in list(self._pidfds):
            self._forget(pidfd)
        self._file.close()


def _milliseconds(deadline: float) -> int | None:
    """How long poll() may take; rounded up, so that it does not spin in the last millisecond."""
    left = deadline - time.monotonic()
    if left > 2_000_000:
        return None
    return max(0, int(left * 1000) + 1) if left > 0 else 0


# ---- unmounting ----


def unmount(mountpoint: str, *, lazy: bool = False) -> None:
    """Takes the topmost mount away; blocks while the kernel writes back what is dirty.

    Args:
        mountpoint: as resolve() gives it.
        lazy: takes it out of sight at once; it ends when its last user has gone.

    Raises:
        OSError: EBUSY: it is in use. EINVAL: nothing is mounted there. EPERM: it may not be.
    """
    try:
        from . import _core
    except ImportError:
        _unmount_by_command(mountpoint, lazy)
        return
    flags = _core.UMOUNT_NOFOLLOW | (_core.MNT_DETACH if lazy else 0)
    try:
        _core.unmount(os.fsencode(mountpoint), flags)
    except PermissionError:
        _unmount_by_command(mountpoint, lazy)


def _unmount_by_command(mountpoint: str, lazy: bool) -> None:
    """The helper of libfuse, which may do it for those without rights; umount(8) for root."""
    import shutil

    commands = [[name, "-u", *(["-z"] if lazy else []), "--", mountpoint] for name in _HELPERS]
    if os.geteuid() == 0:
        commands.append(["umount", "-i", *(["-l"] if lazy else []), "--", mountpoint])
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    error = OSError(errno.EPERM, "neither root nor fusermount3 is there", mountpoint)
    for command in commands:
        program = shutil.which(command[0], path=path)
        if program is None:
            continue
        said = _run([program, *command[1:]])
        if said is None:
            return
        number = errno.EBUSY if "busy" in said else errno.EINVAL
        error = OSError(number, said or os.strerror(number), mountpoint)
    raise error


def _run(command: list[str]) -> str | None:
    """None when it succeeded, else what it complained."""
    import subprocess

    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, timeout=_HELPER_SECONDS, check=False,
                            env={**os.environ, "LC_ALL": "C"})
    return None if result.returncode == 0 else os.fsdecode(result.stderr).strip()


def connection_identity(connection: int) -> tuple[int, int] | None:
    """What tells a connection from a later one of the same number: numbers of mounts and of
    connections are given out again at once. None when it is gone, or fusectl is not mounted."""
    try:
        found = os.stat(f"{CONNECTIONS}/{connection}")
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


def abort(connection: int) -> bool:
    """Ends everything that hangs on this connection, whoever waits for it; False when it cannot be
    done or the connection is gone."""
    try:
        with open(f"{CONNECTIONS}/{connection}/abort", "wb", buffering=0) as file:
            file.write(b"1")
    except OSError:
        return False
    return True


# ---- processes ----


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def users_of(mountpoint: str) -> list[int]:
    """The processes that have something open in a mount or work in it, as far as we may see."""
    inside = os.fsencode(mountpoint)
    return [pid for pid in _pids() if _uses(pid, inside)]


def _uses(pid: int, mountpoint: bytes) -> bool:
    base = b"/proc/%d/" % pid
    try:
        links = [base + b"cwd", base + b"root"]
        links += [base + b"fd/" + name for name in os.listdir(base + b"fd")]
    except OSError:
        return False
    for link in links:
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target == mountpoint or target.startswith(mountpoint + b"/"):
            return True
    return False


def connections_of(pid: int) -> set[int]:
    """The FUSE connections that a process holds; empty where the kernel does not tell."""
    found: set[int] = set()
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for descriptor in descriptors:
        try:
            if os.readlink(f"/proc/{pid}/fd/{descriptor}") != DEVICE:
                continue
            with open(f"/proc/{pid}/fdinfo/{descriptor}", encoding="ascii") as file:
                found |= {int(line.split(":")[1]) for line in file
                          if line.startswith("fuse_connection:")}
        except (OSError, ValueError):
            continue
    return found


def marked_processes(mark: str) -> list[int]:
    """The processes that were started with this "NAME=value" in their environment, and their
    descendants; without the calling one."""
    found = []
    wanted = os.fsencode(mark)
    for pid in _pids():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(pid)
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]
