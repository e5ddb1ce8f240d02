# SPDX-License-Identifier: MIT
"""The filesystem on go-fuse of tests/fixtures/go, mounted."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from fusetrace import MountedFilesystem
from live.writers import Go, builds

from .mounting import traced


def missing() -> str | None:
    return Go().missing()


def mounted(folder: Path, *flags: str, source: str) -> AbstractContextManager[MountedFilesystem]:
    program = str(builds() / "go" / "loopback")
    return traced(folder, command=[program, *flags, "{branch}", "{mountpoint}"], source=source)
