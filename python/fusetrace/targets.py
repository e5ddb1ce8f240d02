# SPDX-License-Identifier: MIT
"""What a monitor is pointed at: a process, a process id, or a mountpoint."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any, Protocol, Union, runtime_checkable

from . import _core, timeouts


@runtime_checkable
class ProcessLike(Protocol):
    """A subprocess.Popen, or what looks like one."""

    pid: int

    def poll(self) -> int | None:
        """The exit code once it has ended."""


Target = Union[ProcessLike, int, str, "os.PathLike[str]"]


@dataclass
class Resolved:
    """A target, looked at once."""

    process: ProcessLike | None = None
    pid: int | None = None
    mountpoint: str | None = None


def resolve(target: Target) -> Resolved:
    """Looks at a target; TypeError for what cannot be one, ProcessLookupError for a dead pid."""
    if isinstance(target, bool):
        raise TypeError("a monitor takes a process, a process id or a mountpoint, not a bool")
    if isinstance(target, int):
        if not is_alive(target):
            raise ProcessLookupError(f"there is no process {target}")
        return Resolved(pid=target, mountpoint=mountpoint_of(target))
    if isinstance(target, (str, os.PathLike)):
        return Resolved(mountpoint=os.path.abspath(os.fspath(target)))
    if isinstance(target, ProcessLike):
        return Resolved(process=target, pid=target.pid, mountpoint=mountpoint_of(target.pid))
    raise TypeError(f"a monitor takes a process, a process id or a mountpoint, "
                    f"not {type(target).__name__}")


def is_alive(pid: int) -> bool:
    """Whether there is such a process, be it someone else's; ValueError for what is no id."""
    if not 0 < pid < 1 << 31:
        raise ValueError(f"{pid} is no process id")
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def pipes_of(process: Any) -> list[int]:
    """The read ends of what it prints, as duplicates: the process object may close its own whenever
    it likes."""
    import fcntl

    found = []
    for stream in (getattr(process, "stdout", None), getattr(process, "stderr", None)):
        if stream is not None and not stream.closed:
            found.append(fcntl.fcntl(stream.fileno(), fcntl.F_DUPFD_CLOEXEC, 3))
    return found


def describe_end(code: int) -> str:
    """An exit code as subprocess has it, for a person."""
    import signal

    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"was killed by signal {-code} ({name})"


def end_of(process: ProcessLike, patience: float = 0.05) -> int | None:
    """The exit code of a process that is said to have ended; None when it is not told in time. A
    pipe is closed a moment before the process can be waited for."""
    end = time.monotonic() + patience
    while (code := process.poll()) is None and time.monotonic() < end:
        _wait_for_end(process.pid, end - time.monotonic())
        time.sleep(0.0005)  # Popen.poll() gives None while another thread asks the same
    return code


def end_of_child(pid: int) -> int | None:
    """Likewise of a child of this process that nobody has waited for yet; it stays to be waited
    for."""
    try:
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except OSError:
        return None
    if found is None or found.si_pid != pid:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


def _wait_for_end(pid: int, patience: float) -> None:
    import contextlib

    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(pid)
        try:
            _core.poll([descriptor], timeouts.left_ns(time.monotonic() + patience))
        finally:
            os.close(descriptor)


def mountpoint_of(pid: int) -> str | None:
    """The mountpoint of the FUSE mount that a process or one of its descendants serves; None when
    there is none (yet)."""
    found = _core.mountpoint_of(pid)
    return None if found is None else os.fsdecode(found)
