# SPDX-License-Identifier: MIT
"""The environment variables that say yes or no, read in one place, so that they mean the same
everywhere: FUSE_TRACE traces all mounts, FUSE_TRACE_SUMMARY prints a table after each unmount."""

from __future__ import annotations

import os

TRACE = "FUSE_TRACE"
SUMMARY = "FUSE_TRACE_SUMMARY"
BINARY = "FUSE_BINARY"
RUST_LOG = "RUST_LOG"

_YES = frozenset(("1", "true", "yes", "on"))
_NO = frozenset(("0", "false", "no", "off", ""))


def flag(name: str) -> bool | None:
    """What the environment variable says: True, False, or None when it is not set.

    1, true, yes and on are True; 0, false, no, off and the empty value are False; in any case.

    Raises:
        ValueError: any other value; names the variable, its value, and what is allowed.

    Example:
        >>> os.environ["FUSE_TRACE"] = "Yes"
        >>> flag("FUSE_TRACE")
        True
    """
    value = os.environ.get(name)
    if value is None:
        return None
    word = value.lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError(f"{name}={value!r}: give 1, true, yes or on, or 0, false, no, off or nothing")
