# SPDX-License-Identifier: MIT
"""Paths of a test against paths in the mount. Nothing here touches the mount itself: a filesystem
that hangs must not hang a name."""

from __future__ import annotations

import os


class MountPaths:
    """Where a mount is, and how it is called: its mountpoint, known once it is mounted."""

    def __init__(self) -> None:
        self._roots: list[str] = []

    @property
    def mountpoint(self) -> str | None:
        """The mountpoint as the kernel has it; None before anything is mounted."""
        return self._roots[0] if self._roots else None

    def add_root(self, mountpoint: str) -> None:
        """Another name of the mountpoint: as the kernel has it, as the caller gave it."""
        root = os.path.abspath(mountpoint)
        if root not in self._roots:
            self._roots.append(root)

    def inside(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> str:
        """The path in the mount, "/a.txt", of a path in the mount or under the mountpoint.

        A str that does not lie under the mountpoint is taken as one in the mount already; a path
        object means a file of this machine, so one that lies elsewhere is a ValueError.
        """
        text = os.fsdecode(path)
        if not text or "\0" in text:
            raise ValueError(f"{text!r} is no path")
        is_object = not isinstance(path, (str, bytes))
        found = self._below_a_root(text) if is_object or text.startswith("/") else None
        if found is not None:
            return found
        if not is_object:
            return text if text.startswith("/") or _is_pattern(text) else "/" + text
        if self._roots:
            raise ValueError(f"{text} is not in the mount at {self._roots[0]}: a path in it can be "
                             f"given as a str such as '/a.txt'")
        raise ValueError(f"{text}: nothing is mounted yet; a path in the mount to come can be given "
                         f"as a str such as '/a.txt'")

    def outside(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> str:
        """The path of this machine for a path object, or for a str under the mountpoint or in the
        mount; ValueError for one that lies elsewhere."""
        inside = self.inside(path)
        if not self._roots:
            raise ValueError(f"{os.fsdecode(path)}: nothing is mounted yet")
        return self._roots[0] if inside == "/" else self._roots[0].rstrip("/") + inside

    def _below_a_root(self, path: str) -> str | None:
        absolute = os.path.abspath(path)
        for root in self._roots:
            if absolute == root or absolute.startswith(root.rstrip("/") + "/"):
                return absolute[len(root.rstrip("/")):] or "/"
        return self._below_by_links(absolute)

    def _below_by_links(self, absolute: str) -> str | None:
        """Through symbolic links on the way to the mountpoint: of each ancestor the directory it
        lies in is resolved, which is outside the mount until one of them is the mountpoint."""
        components = absolute.split("/")[1:]
        here = "/"
        for index, component in enumerate(components):
            here = os.path.join(here, component)
            if here not in self._roots and os.path.islink(here):
                here = os.path.realpath(here)
            if here in self._roots:
                rest = components[index + 1:]
                return "/" + "/".join(rest)
            if not os.path.isdir(here):
                return None
        return None


def _is_pattern(text: str) -> bool:
    return any(c in text for c in "*?[")
