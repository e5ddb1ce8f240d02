# SPDX-License-Identifier: MIT
"""What a monitor is pointed at: a process, a process id, or a mountpoint."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Protocol, Union, runtime_checkable


@runtime_checkable
class ProcessLike(Protocol):
    """A subprocess.Popen, or what looks like one."""

    pid: int

    def poll(self) -> int | None:
        """The exit code once it has ended."""


Target = Union[ProcessLike, int, str, "os.PathLike[str]"]


@dataclass
class Resolved:
    """A target, looked at once."""

    process: ProcessLike | None = None
    pid: int | None = None
    mountpoint: str | None = None
    pipes: list[int] = field(default_factory=list)
    """Read ends of what the process prints; duplicates, owned by whoever takes this."""


def resolve(target: Target) -> Resolved:
    """Looks at a target; TypeError for what cannot be one, ProcessLookupError for a dead pid."""
    if isinstance(target, bool):
        raise TypeError("a monitor takes a process, a process id or a mountpoint, not a bool")
    if isinstance(target, int):
        os.kill(target, 0)
        return Resolved(pid=target, mountpoint=mountpoint_of(target))
    if isinstance(target, (str, os.PathLike)):
        return Resolved(mountpoint=os.path.abspath(os.fspath(target)))
    if isinstance(target, ProcessLike):
        return Resolved(process=target, pid=target.pid, mountpoint=mountpoint_of(target.pid),
                        pipes=_pipes(target))
    raise TypeError(f"a monitor takes a process, a process id or a mountpoint, "
                    f"not {type(target).__name__}")


def _pipes(process: Any) -> list[int]:
    """Duplicates: the process object may close its own whenever it likes."""
    import fcntl

    found = []
    for stream in (getattr(process, "stdout", None), getattr(process, "stderr", None)):
        if stream is not None and not stream.closed:
            found.append(fcntl.fcntl(stream.fileno(), fcntl.F_DUPFD_CLOEXEC, 3))
    return found


def describe_end(code: int | None) -> str:
    """An exit code as subprocess has it, for a person."""
    import signal

    if code is None:
        return "still runs"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"was killed by signal {-code} ({name})"


# ---- which mount a process serves ----

def mountpoint_of(pid: int) -> str | None:
    """The mountpoint of the FUSE connection that a process or one of its descendants holds; None
    when there is none (yet), or the kernel does not tell (before Linux 6.14)."""
    connections = set()
    for one in _with_descendants(pid):
        connections |= _connections(one)
    return _mountpoint_of_connections(connections) if connections else None


def _with_descendants(pid: int) -> list[int]:
    found = [pid]
    for one in found:  # grows while it is walked
        try:
            for thread in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{thread}/children", encoding="ascii") as file:
                    found.extend(int(child) for child in file.read().split())
        except OSError:
            continue
    return found


def _connections(pid: int) -> set[int]:
    found: set[int] = set()
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for descriptor in descriptors:
        try:
            if os.readlink(f"/proc/{pid}/fd/{descriptor}") != "/dev/fuse":
                continue
            with open(f"/proc/{pid}/fdinfo/{descriptor}", encoding="ascii") as file:
                for line in file:
                    if line.startswith("fuse_connection:"):
                        found.add(int(line.split(":")[1]))
        except (OSError, ValueError):
            continue
    return found


def _mountpoint_of_connections(connections: set[int]) -> str | None:
    """A connection's number is the device number of its mount (linux/fs/fuse/inode.c)."""
    found = None
    with open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            before, _, after = line.partition(b" - ")
            fields = before.split()
            major, _, minor = fields[2].partition(b":")
            # conn->dev is new_encode'd; see fuse_conn_init() and new_encode_dev()
            device = (int(major) << 20) | int(minor)
            if after.split()[0].startswith(b"fuse") and device in connections:
                found = _unescape(fields[4])
    return found


def _unescape(path: bytes) -> str:
    """Undoes the octal escapes of mountinfo."""
    import re

    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]), path))
