# SPDX-License-Identifier: MIT
"""FuseConfig: what is to be mounted where; and the checks and preparations that come before.

What is wrong with a configuration is said before anything is started: ValueError or TypeError with
the field's name. Directories that are missing are made, and taken away again when the mount fails.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import guardian, timeouts

SOURCES = ("auto", "kernel", "log")
ON_HANG = ("report", "abort")
DEFAULT_POLICY = "ff"
_SHOWN = 5  # names in a mountpoint that is not empty


def _path(value: object, name: str) -> Path:
    if isinstance(value, bytes):
        return Path(os.fsdecode(value))
    if isinstance(value, (str, os.PathLike)):
        return Path(value)
    raise TypeError(f"{name} must be a path, not {type(value).__name__}")


def _words(value: object, name: str) -> list[str]:
    # A single str would silently be taken for a list of its letters.
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a list of strings, not {value!r}")
    return [os.fsdecode(word) for word in value]


@dataclass
class FuseConfig:
    """One mount.

    Args:
        policy: which branch a new file goes to, for filesystems that have policies.
        branches: directories (made if they are missing), an image, or what the filesystem mounts.
        mountpoint: an empty directory (made if it is missing); None: a temporary one.
        readonly_branches: indices of branches in which nothing may be changed.
        nocreate_branches: indices of branches in which nothing new may be made.
        timeout: seconds to be mounted in.
        enable_trace: see its operations; the manager may ask for it, too.
        command: the daemon's command line, with {branches} (joined by colons), {branch} (the
            first), {mountpoint}, {policy}, {args}; or the name of a profile, such as "mergerfs".
            None: the manager's binary.
        source: where operations come from: "kernel", "log", or "auto".
        environment: further variables for the daemon.
        options: further values for -o.
        on_hang: what is done about a daemon that does not end, before it is killed: "report" takes
            its kernel stacks, "abort" also ends its connection, so that nobody waits in it.

    Raises:
        TypeError, ValueError: a field is wrong; names it.

    Example:
        >>> config = FuseConfig(branches=[Path("/a"), Path("/b")], mountpoint=Path("/mnt"))
        >>> config.policy, config.timeout
        ('ff', 10.0)
    """

    policy: str = DEFAULT_POLICY
    branches: list[Path] = field(default_factory=list)
    mountpoint: Path | None = None
    readonly_branches: list[int] | None = None
    nocreate_branches: list[int] | None = None
    timeout: float = 10.0
    enable_trace: bool = False
    command: Sequence[str] | str | None = None
    source: str = "auto"
    environment: Mapping[str, str] | None = None
    options: list[str] = field(default_factory=list)
    on_hang: str = "report"

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:
        """Brings the fields into form; they may have been changed since the last time."""
        given: object = self.branches  # None: suites that are older than list defaults
        if given is None:
            given = []
        if isinstance(given, (str, bytes, os.PathLike)) or not isinstance(given, Sequence):
            raise TypeError(f"branches must be a list of paths, not {given!r}")
        self.branches = [_path(branch, "branches") for branch in given]
        if self.mountpoint is not None:
            self.mountpoint = _path(self.mountpoint, "mountpoint")
        self.readonly_branches = self._indices(self.readonly_branches, "readonly_branches")
        self.nocreate_branches = self._indices(self.nocreate_branches, "nocreate_branches")
        self.options = _words([] if self.options is None else self.options, "options")
        timeouts.seconds(self.timeout)
        if not isinstance(self.policy, str):
            raise TypeError(f"policy must be a name, not {self.policy!r}")
        if self.source not in SOURCES:
            raise ValueError(f"source {self.source!r}: give one of {', '.join(SOURCES)}")
        if self.on_hang not in ON_HANG:
            raise ValueError(f"on_hang {self.on_hang!r}: give one of {', '.join(ON_HANG)}")
        if self.command is not None and not isinstance(self.command, str):
            self.command = _words(self.command, "command")
        if self.command is not None and not self.command:
            raise ValueError("command is empty: give a command line, or None")

    def _indices(self, given: list[int] | None, name: str) -> list[int]:
        if isinstance(given, (str, bytes)):
            raise TypeError(f"{name} must be a list of indices, not {given!r}")
        found = list(given or ())
        for index in found:
            if isinstance(index, bool) or not isinstance(index, int):
                raise TypeError(f"{name} must be indices of branches, not {index!r}")
            if not 0 <= index < len(self.branches):
                raise ValueError(f"{name}: there is no branch {index}, only "
                                 f"{len(self.branches)} are given")
        return found

    def mode_of(self, index: int) -> str:
        """Of a branch: "RW", "RO" or "NC" (nothing new); read-only wins."""
        if index in (self.readonly_branches or ()):
            return "RO"
        return "NC" if index in (self.nocreate_branches or ()) else "RW"


# ---- what comes before a mount ----


class Made:
    """Directories that were made for a mount that may still fail."""

    def __init__(self) -> None:
        self._paths: list[str] = []

    def make(self, path: str) -> None:
        """Makes a directory and those above it."""
        missing = []
        while not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path)
        for one in reversed(missing):
            try:
                os.mkdir(one)
            except FileExistsError:
                if not os.path.isdir(one):
                    raise
            else:
                self._paths.append(one)

    def remove(self) -> None:
        """Takes away what is still empty."""
        for path in reversed(self._paths):
            try:
                os.rmdir(path)
            except OSError:
                continue
        self._paths.clear()


class WorkDirectories:
    """Directories that a filesystem needs beside its branches. They go with the mount and all that is
    in them; the guardian takes them away when this process is killed."""

    def __init__(self) -> None:
        self._entries: dict[str, int] = {}

    def make(self, path: str) -> None:
        """Makes it, for this user alone; one that is there already stays there."""
        if not os.path.isdir(path):
            self._entries[path] = guardian.make_directory(path)

    def remove(self) -> None:
        """Takes them away."""
        import shutil

        for path, entry in self._entries.items():
            shutil.rmtree(path, ignore_errors=True)
            guardian.forget(entry)
        self._entries.clear()


def prepare_branches(branches: Sequence[str], mountpoint: str, made: Made) -> None:
    """Checks directories, absolute as the mountpoint, and makes those that are missing.

    Raises:
        ValueError: one is no directory, lies in the mountpoint, or holds it.
    """
    for branch in branches:
        real = os.path.realpath(branch)
        if os.path.lexists(branch) and not os.path.isdir(branch):
            raise ValueError(f"branch {branch!r} is not a directory: give directories, or write "
                             f"what is mounted into the command")
        if _is_in(real, mountpoint):
            raise ValueError(f"branch {branch!r} lies in the mountpoint {mountpoint!r}, which "
                             f"hides it: give directories elsewhere")
        if _is_in(mountpoint, real):
            raise ValueError(f"branch {branch!r} holds the mountpoint {mountpoint!r}, so the "
                             f"filesystem would wait for itself: mount elsewhere")
    for branch in branches:
        made.make(branch)


def _is_in(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def prepare_mountpoint(mountpoint: str, made: Made) -> None:
    """Checks that it is an empty directory, and makes it if it is missing.

    Raises:
        ValueError: it is something else; names what is in it.
    """
    if os.path.lexists(mountpoint) and not os.path.isdir(mountpoint):
        raise ValueError(f"mountpoint {mountpoint!r} is not a directory: give an empty one")
    made.make(mountpoint)
    names = sorted(os.listdir(mountpoint))
    if names:
        shown = ", ".join(repr(name) for name in names[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise ValueError(f"mountpoint {mountpoint!r} is not empty, it has {shown}{more}: give an "
                         f"empty directory, as the mount would hide them")
