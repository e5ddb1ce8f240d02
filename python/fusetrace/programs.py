# SPDX-License-Identifier: MIT
"""Which program a mount starts: found by its path or name, with the profile that it goes by."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from . import environment, profiles
from .profiles import Profile

DEFAULT_PROGRAM = "branchfs"
_SBIN = ":/usr/sbin:/sbin"  # where not every PATH goes, but some filesystems are


@dataclass(frozen=True)
class Program:
    """What to start."""

    path: str
    profile: Profile
    template: tuple[str, ...] | None = None
    """A command line of the user's; None: the profile's."""


def find_program(name: str) -> str | None:
    """The executable of that name on PATH, or in the directories for root; a path is itself."""
    import shutil

    return shutil.which(name, path=os.environ.get("PATH", os.defpath) + _SBIN)


class Finder:
    """Finds the program of a mount: see FuseManager for the order."""

    def __init__(self, binary: str | os.PathLike[str] | None = None,
                 default_command: Sequence[str] | str | None = None) -> None:
        self._binary = None if binary is None else _must_find(os.fspath(binary), "binary_path")
        if isinstance(default_command, Sequence) and not default_command:
            default_command = None
        self._default = default_command

    def find(self, command: Sequence[str] | str | None) -> Program:
        """The program for FuseConfig.command.

        Raises:
            FileNotFoundError: it is not there; says where it was looked for.
            ValueError: the command line is malformed.
        """
        if command is not None:
            return self._of_command(command)
        named = self._named()
        if named is not None:
            return Program(named, profiles.of_program(named))
        if self._default is not None:
            return self._of_command(self._default)
        path = _find_branchfs()
        return Program(path, profiles.of_program(path))

    def binary(self) -> str:
        """The path of what a mount without a command starts."""
        return self.find(None).path

    def _named(self) -> str | None:
        """The binary that argument or environment name."""
        if self._binary is not None:
            return self._binary
        name = os.environ.get(environment.BINARY)
        return _must_find(name, environment.BINARY) if name else None

    def _of_command(self, command: Sequence[str] | str) -> Program:
        import shlex

        if isinstance(command, str):
            if profiles.is_profile(command):
                return self._of_profile(profiles.by_name(command))
            # A path may have spaces, and is no command line then.
            words = [command] if os.path.exists(command) else shlex.split(command)
        else:
            words = [os.fsdecode(word) for word in command]
        if not words:
            raise ValueError(f"the command {command!r} is empty")
        if words[0] == "{program}":
            path = self._named() or _find_branchfs()
        else:
            path = _must_find(words[0], "command")
        profile = profiles.of_program(path)
        if len(words) == 1 and isinstance(command, str):
            return Program(path, profile)
        return Program(path, profile, ("{program}", *words[1:]))

    def _of_profile(self, profile: Profile) -> Program:
        """A profile by name: the binary that was named goes by it if it may; the argument always
        does."""
        named = self._named()
        is_meant = named is not None and (
            named == self._binary or not profile.programs or
            os.path.basename(named) in profile.programs)
        if named is not None and is_meant:
            return Program(named, profile)
        for name in profile.programs:
            path = find_program(name)
            if path is not None:
                return Program(path, profile)
        if not profile.programs:
            raise FileNotFoundError(f"profile {profile.name!r} is for any program: name it by "
                                    f"binary_path or {environment.BINARY}")
        raise FileNotFoundError(f"profile {profile.name!r}: there is no "
                                f"{' or '.join(profile.programs)} in {_searched()}")


def _searched() -> str:
    return os.environ.get("PATH", os.defpath) + _SBIN


def _must_find(name: str, origin: str) -> str:
    found = find_program(name)
    if found is not None:
        return found
    if os.path.dirname(name):
        what = "is not executable" if os.path.exists(name) else "does not exist"
        raise FileNotFoundError(f"{origin}: {os.path.abspath(name)!r} {what}")
    raise FileNotFoundError(f"{origin}: there is no program {name!r} in {_searched()}")


def _find_branchfs() -> str:
    beside = os.path.join(sys.prefix, "bin", DEFAULT_PROGRAM)
    found = find_program(DEFAULT_PROGRAM) or find_program(beside)
    if found is None:
        raise FileNotFoundError(
            f"there is no filesystem to mount: binary_path is not given, {environment.BINARY} and "
            f"fusetrace_command are not set, and {DEFAULT_PROGRAM} is neither in {_searched()} nor "
            f"is it {beside}")
    return found
