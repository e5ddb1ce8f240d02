# SPDX-License-Identifier: MIT
"""What mounting needs, and what of it is missing here."""

from __future__ import annotations

import errno
import os
import shutil
import stat

DEVICE = "/dev/fuse"
HELPERS = ("fusermount3", "fusermount")


def missing_for_mounts() -> str | None:
    """The thing without which no FUSE filesystem can be mounted here, or None."""
    return _missing_device() or _missing_helper()


def missing_for_package() -> str | None:
    """Why the package cannot do anything here, or None."""
    try:
        from fusetrace import _core  # noqa: F401
    except ImportError as error:
        return f"the extension of fusetrace cannot be loaded: {error}"
    return None


def _missing_device() -> str | None:
    try:
        os.close(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        if _has_module():
            return f"there is no {DEVICE} (in a container: --device {DEVICE})"
        return f"there is no {DEVICE}, and the kernel's module fuse is not loaded: modprobe fuse"
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.ENXIO):
            return f"{DEVICE} is there, but the kernel's module fuse is not loaded: modprobe fuse"
        return f"{DEVICE} cannot be opened: {os.strerror(error.errno or 0)}"
    return None


def _has_module() -> bool:
    try:
        with open("/proc/filesystems", encoding="ascii") as file:
            return any(line.split()[-1] == "fuse" for line in file)
    except OSError:
        return False


def _missing_helper() -> str | None:
    """Whoever is not root mounts by a helper with set-user-id."""
    if os.geteuid() == 0:
        return None
    for name in HELPERS:
        path = shutil.which(name)
        if path is not None:
            is_allowed = os.stat(path).st_mode & stat.S_ISUID and os.stat(path).st_uid == 0
            return None if is_allowed else f"{path} has no set-user-id bit, and you are not root"
    return f"neither root nor {HELPERS[0]} (package fuse3) is there to mount"
