# SPDX-License-Identifier: MIT
"""What mounting needs, and what of it is missing here."""

from __future__ import annotations

import os
import shutil
import stat

_HELPERS = ("fusermount3", "fusermount")


def missing_for_package() -> str | None:
    """Why the package cannot do anything here, or None."""
    try:
        from fusetrace import _core  # noqa: F401
    except ImportError as error:
        return f"the extension of fusetrace cannot be loaded: {error}"
    return None


def missing_for_mounts() -> str | None:
    """The thing without which no FUSE filesystem can be mounted here, or None."""
    from fusetrace import mounts

    return mounts.why_no_fuse() or _missing_helper()


def _missing_helper() -> str | None:
    """Whoever is not root mounts by a helper with set-user-id."""
    if os.geteuid() == 0:
        return None
    for name in _HELPERS:
        path = shutil.which(name)
        if path is None:
            continue
        status = os.stat(path)
        if status.st_mode & stat.S_ISUID and status.st_uid == 0:
            return None
        return f"{path} has no set-user-id bit of root, and you are not root"
    return f"you are not root, and there is no {_HELPERS[0]} (package fuse3)"
