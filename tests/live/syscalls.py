# SPDX-License-Identifier: MIT
"""System calls that Python's os module lacks, by way of libc.

Each raises OSError with the errno, as os does. Who calls what and why is the business of
workload.py and mounting.py.
"""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)

AT_FDCWD = -100
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8
AT_STATX_FORCE_SYNC = 0x2000
STATX_BASIC_STATS = 0x7FF

# name: types of the arguments
SIGNATURES = {
    "fallocate": (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64),
    "renameat2": (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint),
    "statx": (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p),
    "umount2": (ctypes.c_char_p, ctypes.c_int),
    "mount": (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p),
}


def call(name: str, *arguments) -> int:
    """Calls a function of libc; raises OSError when it returns -1."""
    function = getattr(libc, name)
    function.argtypes = SIGNATURES[name]
    result = function(*arguments)
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def fallocate(fd: int, mode: int, offset: int, size: int) -> None:
    """Unlike os.posix_fallocate(), never writes zeros instead."""
    call("fallocate", fd, mode, offset, size)


def renameat2(old: bytes, new: bytes, flags: int) -> None:
    call("renameat2", AT_FDCWD, old, AT_FDCWD, new, flags)


def stat_fresh(path: bytes) -> None:
    """Asks the filesystem even when the kernel has the answer in its cache."""
    buffer = ctypes.create_string_buffer(256)
    call("statx", AT_FDCWD, path, AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, buffer)


def umount(path: str, flags: int = 0) -> None:
    call("umount2", os.fsencode(path), flags | UMOUNT_NOFOLLOW)


def mount(kind: str, path: str) -> None:
    call("mount", b"none", os.fsencode(path), kind.encode(), 0, None)
