# SPDX-License-Identifier: MIT
"""worker.c in Python: a script that mounts with FuseManager, works, waits for what never comes, and
takes all away. It tells the same lines."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from pathlib import Path

from fusetrace import (DaemonDied, FuseConfig, FuseManager, FuseTraceMonitor, MountError, MountLost,
                       SmartWaitHelper)

NEVER = 600.0
EPIPE, ENOTCONN = -32, -107
DAEMON_DIED, UNMOUNTED = 8, 13
_lock = threading.Lock()


def tell(*words: object) -> None:
    with _lock:
        print(time.monotonic_ns(), *words, flush=True)


@contextlib.contextmanager
def telling(wait: str):
    """What became of a wait that raises."""
    result = verdict = 0
    try:
        yield
    except DaemonDied:
        result, verdict = EPIPE, DAEMON_DIED
    except MountLost:
        result, verdict = ENOTCONN, UNMOUNTED
    tell("ended", wait, result, verdict)


def expect_never(monitor: FuseTraceMonitor) -> None:
    with telling("never"), monitor.expect("create", path="/never", timeout=NEVER):
        pass


def look_back(monitor: FuseTraceMonitor) -> None:
    """The call of the specification returns None, and its report says why."""
    assert monitor.wait_for_operation("create", path="/never", timeout=NEVER) is None
    is_death = monitor.last_reports[-1].verdict == "daemon died"
    tell("ended", "look-back", *((EPIPE, DAEMON_DIED) if is_death else (ENOTCONN, UNMOUNTED)))


def be_idle(monitor: FuseTraceMonitor) -> None:
    with telling("idle"):
        monitor.wait_for_idle(quiet=NEVER, timeout=NEVER)


def see_file(helper: SmartWaitHelper) -> None:
    assert not helper.wait_for_file_visible("/never", timeout=NEVER)
    is_death = "killed by signal 9" in (helper.last_report or "")
    tell("ended", "visible", *((EPIPE, DAEMON_DIED) if is_death else (ENOTCONN, UNMOUNTED)))


def use(monitor: FuseTraceMonitor, mountpoint: Path, is_stopping: threading.Event) -> None:
    name = f"{threading.get_native_id()}"
    with telling("use"), contextlib.suppress(OSError):
        while not is_stopping.is_set():
            with monitor.expect("release", path=f"/{name}", timeout=NEVER):
                (mountpoint / name).write_text("hello")
            (mountpoint / name).unlink()


def work(monitor: FuseTraceMonitor, mountpoint: Path, seconds: float,
         is_stopping: threading.Event) -> list[threading.Thread]:
    helper = SmartWaitHelper(monitor)
    threads = [threading.Thread(target=target, args=(monitor,))
               for target in (expect_never, look_back, be_idle)]
    threads += [threading.Thread(target=see_file, args=(helper,))]
    threads += [threading.Thread(target=use, args=(monitor, mountpoint, is_stopping))
                for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    return threads


def main(directory: str, seed: int) -> None:
    logging.getLogger("fusetrace").setLevel(logging.ERROR)  # waits in vain are what this is about
    manager = FuseManager(temp_root=directory)
    options = ["-o", "delay=write:2ms"] if seed & 2 else []
    config = FuseConfig(branches=manager.create_temp_dirs(1),
                        mountpoint=manager.create_temp_mountpoint(), source="kernel",
                        enable_trace=True,
                        command=["branchfs", *(["-f"] if seed & 1 else []), *options, "{branches}",
                                 "{mountpoint}"])
    tell("started")
    is_stopping = threading.Event()
    threads: list[threading.Thread] = []
    try:
        with manager.mounted_fs(config) as mounted:
            tell("mounted")
            assert mounted.trace_monitor is not None
            threads = work(mounted.trace_monitor, mounted.mountpoint, (seed >> 2 & 127) / 1000,
                           is_stopping)
            is_stopping.set()
            tell("stopping")
        tell("stopped", 0, 0)
    except MountError as error:
        tell("failed", " ".join(str(error).split()))
    for thread in threads:
        thread.join()
    manager.cleanup()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
