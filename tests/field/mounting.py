# SPDX-License-Identifier: MIT
"""Mounts of the field's tests: what a conftest.py of such a project would have."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from fusetrace import FuseConfig, FuseManager, MountedFilesystem


@contextlib.contextmanager
def managing(folder: Path) -> Iterator[FuseManager]:
    """For tests that mount in each turn."""
    with FuseManager(temp_root=folder) as manager:
        yield manager


def new_config(manager: FuseManager, *options: str, command: Sequence[str] | str | None = None,
               source: str = "kernel", is_traced: bool = True) -> FuseConfig:
    """branchfs, or what the command says, over one empty directory."""
    return FuseConfig(branches=manager.create_temp_dirs(1), options=list(options),
                      mountpoint=manager.create_temp_mountpoint(), enable_trace=is_traced,
                      command=command, source=source, timeout=30)


@contextlib.contextmanager
def tracing(folder: Path) -> Iterator[FuseManager]:
    """Likewise, for traced mounts: while one of them is there, the kernel's program stays loaded."""
    with managing(folder) as manager, manager.mounted_fs(new_config(manager)):
        yield manager


@contextlib.contextmanager
def traced(folder: Path, *options: str, command: Sequence[str] | str | None = None,
           source: str = "kernel") -> Iterator[MountedFilesystem]:
    """One mount for all turns."""
    with managing(folder) as manager:
        config = new_config(manager, *options, command=command, source=source)
        with manager.mounted_fs(config) as mount:
            yield mount
