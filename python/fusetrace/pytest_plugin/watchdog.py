# SPDX-License-Identifier: MIT
"""A process that takes mounts away when the process of the tests ends without doing it: killed, or
by os._exit(), as pytest-timeout's thread method does. Nobody else would: the mount would stay, and
whoever deletes the temporary directories would delete through it.

Run as a script; knows nothing of the package, so that it starts quickly. Its input says what is
mounted: lines of "+PID MOUNTPOINT" and "-PID MOUNTPOINT" with the path in hexadecimal. The end of
the input with something still mounted is the moment.
"""

from __future__ import annotations

import os
import signal
import sys

_MNT_DETACH = 2


def read_mounts(lines: list[str]) -> dict[str, int]:
    """What is still mounted at the end: path in hexadecimal -> process id."""
    mounts: dict[str, int] = {}
    for line in lines:
        pid, _, path = line.strip()[1:].partition(" ")
        if line.startswith("+"):
            mounts[path] = int(pid)
        else:
            mounts.pop(path, None)
    return mounts


def take_away(path: bytes) -> None:
    """Unmounts lazily, which never hangs: by the system call, else by the helper."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.umount2(path, _MNT_DETACH) != 0 and os.geteuid() != 0:
        import subprocess

        subprocess.run(["fusermount3", "-u", "-z", "--", path], timeout=10, check=False,
                       stderr=subprocess.DEVNULL)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: meant for the tests
    mounts = read_mounts(sys.stdin.readlines())
    for path, pid in mounts.items():
        take_away(bytes.fromhex(path))
        end(pid)


def end(pid: int) -> None:
    """The daemon of a mount that is gone ends by itself, unless it hangs."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    for number in (signal.SIGTERM, signal.SIGKILL):
        if poll.poll(2000):
            return
        try:
            signal.pidfd_send_signal(descriptor, number)
        except OSError:
            return


if __name__ == "__main__":
    main()
