# SPDX-License-Identifier: MIT
"""Mounts as the kernel tells of them in /proc/self/mountinfo.

Nothing here asks the mounted filesystem anything, so nothing hangs with it.
"""

from __future__ import annotations

import errno
import os
import re
from typing import NamedTuple

DEVICE = "/dev/fuse"
MOUNTINFO = "/proc/self/mountinfo"

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
