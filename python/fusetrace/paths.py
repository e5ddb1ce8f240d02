# SPDX-License-Identifier: MIT
"""Paths of a test against paths in the mount. Nothing here touches the mount itself: a filesystem
that hangs must not hang a name."""

from __future__ import annotations

import os


class InMount(str):
    """A path in the mount that is known to be one, and means the file of exactly that name."""

    __slots__ = ()


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
        if isinstance(path, InMount):
            return text
        is_object = not isinstance(path, (str, bytes))
        found = self._below_a_root(text) if is_object or text.startswith("/") else None
        if found is not None:
            return found
        if not is_object:
            return text if is_pattern(text) else _normal(text)
        if self._roots:
            raise ValueError(f"{text} is not in the mount at {self._roots[0]}: a path in it can be "
                             f"given as a str such as '/a.txt'")
        raise ValueError(f"{text}: nothing is mounted yet; a path in the mount to come can be given "
                         f"as a str such as '/a.txt'")

    def exact(self, path: str | os.PathLike[str]) -> InMount:
        """Likewise, of the file of exactly that name: nothing in it is a pattern."""
        text = os.fspath(path)
        if isinstance(path, str) and is_pattern(text):
            found = self._below_a_root(text) if text.startswith("/") else None
            return InMount(found if found is not None else _normal(text))
        return InMount(self.inside(path))

    def outside(self, inside: InMount) -> str:
        """The path of this machine of a path in the mount."""
        if not self._roots:
            raise ValueError(f"{inside}: nothing is mounted yet")
        return self._roots[0] if inside == "/" else self._roots[0].rstrip("/") + inside

    def for_library(self, inside: str) -> bytes:
        """The path in the mount as the library takes it. That takes the mountpoint off a path once
        more, so a path in the mount that reads like one under the mountpoint gets it twice."""
        root = self.mountpoint
        if root is not None and (inside == root or inside.startswith(root + "/")):
            inside = root + inside
        return os.fsencode(inside)

    def _below_a_root(self, path: str) -> str | None:
        absolute = os.path.abspath(path)
        found = self._below(absolute)
        return found if found is not None else self._below_by_links(absolute)

    def _below(self, absolute: str) -> str | None:
        for root in self._roots:
            if absolute == root or absolute.startswith(root.rstrip("/") + "/"):
                return absolute[len(root.rstrip("/")):] or "/"
        return None

    def _below_by_links(self, absolute: str) -> str | None:
        """Through symbolic links on the way to the mountpoint: of each ancestor the directory it
        lies in is resolved, which is outside the mount until one of them is the mountpoint."""
        components = absolute.split("/")[1:]
        here = "/"
        for index, component in enumerate(components):
            here = os.path.join(here, component)
            if os.path.islink(here):
                here = os.path.realpath(here)
            found = self._below(here)
            if found is not None:
                return "/" + "/".join([*found.split("/")[1:], *components[index + 1:]]).lstrip("/")
            if not os.path.isdir(here):
                return None
        return None


def is_pattern(text: str) -> bool:
    """Whether it holds what makes a str a pattern."""
    return any(c in text for c in "*?[")


def _normal(text: str) -> str:
    """Without empty, "." and ".." components."""
    return "/" + os.path.normpath("/" + text).lstrip("/")
