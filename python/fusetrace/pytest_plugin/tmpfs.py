# SPDX-License-Identifier: MIT
"""Small filesystems in memory, as branches of different size."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

SIZES_MIB = (2, 4, 8)
_LIMIT_SECONDS = 10


def why_not() -> str | None:
    """Why tmpfs cannot be mounted here, or None."""
    if os.geteuid() != 0:
        return "you are not root"
    import shutil

    return None if shutil.which("mount") else "there is no command mount"


@contextlib.contextmanager
def mounted_tmpfs(directory: Path) -> Iterator[list[Path]]:
    """One tmpfs of each size below a directory, which is made; unmounted in every case."""
    import pytest

    with contextlib.ExitStack() as mounted:
        branches = []
        for size in SIZES_MIB:
            branch = directory / f"{size}m"
            branch.mkdir(parents=True)
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=755", "fusetrace", str(branch)],
                capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False)
            if done.returncode != 0:  # in a container without the capability
                pytest.skip(f"needs to mount tmpfs: {done.stderr.strip()}")
            mounted.callback(_unmount, branch)
            branches.append(branch)
        yield branches


def _unmount(branch: Path) -> None:
    """Lazily when a daemon still uses it: nothing may stay."""
    from fusetrace import _core

    path = os.fsencode(branch)
    try:
        _core.unmount(path, 0)
    except OSError:
        with contextlib.suppress(OSError):  # somebody else has unmounted it
            _core.unmount(path, _core.MNT_DETACH)
