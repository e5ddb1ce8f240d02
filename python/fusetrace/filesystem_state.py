# SPDX-License-Identifier: MIT
"""FileSystemState: looks at the branches below a union mount, past the mount itself."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import BinaryIO

_PIECE = 1 << 20


class FileSystemState:
    """Questions about branches. There is no state in it: all methods are static.

    Example:
        >>> fs_state = FileSystemState()
        >>> fs_state.get_file_locations(branches, "a.txt")     # doctest: +SKIP
        [0, 2]
    """

    @staticmethod
    def get_file_locations(branches: Iterable[str | os.PathLike[str]],
                           name: str | os.PathLike[str]) -> list[int]:
        """The indices of the branches that hold something of that name, be it a dangling link.

        Args:
            branches: directories.
            name: path below the mount, such as "a/b.txt" or "/a/b.txt".

        Raises:
            ValueError: the name leads out of the branch.
        """
        return [index for index, branch in enumerate(branches)
                if FileSystemState.file_exists_in_branch(branch, name)]

    @staticmethod
    def file_exists_in_branch(branch: str | os.PathLike[str],
                              name: str | os.PathLike[str]) -> bool:
        """Whether the branch holds something of that name; see get_file_locations()."""
        return os.path.lexists(os.path.join(os.fspath(branch), _relative(name)))

    @staticmethod
    def get_branch_sizes(branches: Iterable[str | os.PathLike[str]]) -> list[int]:
        """How many bytes the regular files of each branch have, in the order of the branches; a
        file with several names counts once, a symbolic link is not followed."""
        return [_size_of(os.fspath(branch)) for branch in branches]

    @staticmethod
    def create_file_with_size(path: str | os.PathLike[str], size: int,
                              content: bytes | str | None = None) -> None:
        """Writes a file of that many bytes; makes the directories above it.

        Args:
            path: of the file.
            size: bytes, all of which are written: the file has no holes.
            content: repeated as often as needed; b"x" by default, str as UTF-8.

        Raises:
            ValueError: the size is negative, or the content empty.
        """
        if size < 0:
            raise ValueError(f"size must not be negative: {size}")
        pattern = b"x" if content is None else content
        if isinstance(pattern, str):
            pattern = pattern.encode(errors="surrogateescape")
        if size and not pattern:
            raise ValueError("an empty content cannot be repeated: give at least one byte")
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "wb") as file:
            _write_repeated(file, pattern, size)


def _write_repeated(file: BinaryIO, pattern: bytes, size: int) -> None:
    piece = pattern * max(1, _PIECE // len(pattern)) if size else b""
    while size > 0:
        part = piece[:size]
        file.write(part)
        size -= len(part)


def _relative(name: str | os.PathLike[str]) -> str:
    """The name as a path below a branch: "/a" of the mount is "a" there."""
    relative = os.path.normpath(os.fspath(name).lstrip("/") or ".")
    if relative == ".." or relative.startswith("../"):
        raise ValueError(f"{os.fspath(name)!r} leads out of the branch: give a path below it")
    return relative


def _size_of(branch: str) -> int:
    seen: set[tuple[int, int]] = set()
    total = 0
    for directory, _, names in os.walk(branch):
        for name in names:
            try:
                found = os.lstat(os.path.join(directory, name))
            except FileNotFoundError:  # it was there a moment ago
                continue
            key = (found.st_dev, found.st_ino)
            if not stat.S_ISREG(found.st_mode) or (found.st_nlink > 1 and key in seen):
                continue
            seen.add(key)
            total += found.st_size
    return total
