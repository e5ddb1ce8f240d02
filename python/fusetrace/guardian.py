# SPDX-License-Identifier: MIT
"""What a process leaves when it is killed is taken away by another: the guardian of libfusetrace.

Whatever goes wrong with it, mounting and tests go on: an entry is 0 then, which nobody has to check.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import threading
from contextlib import suppress

PROGRAM = "fusetrace-guardian"

logger = logging.getLogger("fusetrace")
_lock = threading.Lock()

def find_guardian() -> str | None:
    """The program as it was installed with this package, else one on PATH."""
    import shutil
    import sysconfig

    places = [os.path.join(sys.prefix, "bin"), sysconfig.get_path("scripts"),
              os.path.dirname(sys.executable)]
    with suppress(KeyError):
        places.append(sysconfig.get_path("scripts", "posix_user"))
    for place in places:
        path = os.path.abspath(os.path.join(place, PROGRAM))
        if os.access(path, os.X_OK):
            return path
    found = shutil.which(PROGRAM)
    return None if found is None else os.path.abspath(found)


@functools.cache
def _set_guardian() -> None:
    from . import _core

    found = find_guardian()
    if found is not None:
        _core.set_guardian(os.fsencode(found))


def prepare() -> None:
    """Tells the library where it is; from any thread, as looking for it is not."""
    with _lock:
        _set_guardian()


@functools.cache
def _warn(reason: str) -> None:
    """Once for each reason."""
    logger.warning("what this process leaves when it is killed stays: the guardian cannot be "
                   "started: %s", reason)


def guard_mount(mountpoint: str, mark: str) -> int:
    """A daemon with this "NAME=value" in its environment is about to mount there."""
    try:
        from . import _core

        prepare()
        return _core.guard_mount(os.fsencode(mountpoint), os.fsencode(mark))
    except (ImportError, OSError) as error:
        _warn(str(error))
        return 0


def guard_mounted(entry: int, connection: int, identity: int) -> None:
    """It has mounted: the device number, and the inode of the connection's directory or 0."""
    if not entry:
        return
    from . import _core

    with suppress(OSError):
        _core.guard_mounted(entry, connection, identity)


def guard_directory(path: str | os.PathLike[str]) -> int:
    """A directory that is to go with all that is in it."""
    try:
        from . import _core

        prepare()
        return _core.guard_directory(os.fsencode(os.path.abspath(path)))
    except (ImportError, OSError) as error:
        _warn(str(error))
        return 0


def make_directory(path: str | os.PathLike[str]) -> int:
    """Makes a directory of this user alone, registered from before it is there."""
    expected = guard_directory(path)
    try:
        os.mkdir(path, 0o700)
        return guard_directory(path)
    finally:
        forget(expected)


def forget(entry: int) -> None:
    """It has been taken away."""
    if not entry:
        return
    from . import _core

    _core.guard_forget(entry)
