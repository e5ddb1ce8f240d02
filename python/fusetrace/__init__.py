# SPDX-License-Identifier: MIT
"""fusetrace: see, wait for and check every operation of any FUSE filesystem.

    from fusetrace import FuseTraceMonitor

    with FuseTraceMonitor("/mnt") as monitor:
        with monitor.expect("release", path="/a.txt"):
            open("/mnt/a.txt", "w").write("hello")

The names are loaded when they are first used: importing the package costs nothing, needs no rights
and no filesystem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import FuseConfig
    from .errors import (
        DaemonDied,
        EventsLost,
        FuseTraceError,
        MonitorStopped,
        MountError,
        MountLost,
        OperationFailed,
        OperationTimeout,
        OrderViolation,
        TraceUnavailable,
        UnexpectedOperation,
        WaitInterrupted,
    )
    from .expectation import Expectation
    from .filesystem_state import FileSystemState
    from .manager import FuseManager, MountedFilesystem
    from .matcher import Matcher, op
    from .monitor import Monitor
    from .operation import Mark, Operation, OperationStatus
    from .smart_wait import SmartWaitHelper
    from .summary import Summary
    from .trace_monitor import FuseTraceMonitor

__all__ = [
    "DaemonDied",
    "EventsLost",
    "Expectation",
    "FileSystemState",
    "FuseConfig",
    "FuseManager",
    "FuseTraceError",
    "FuseTraceMonitor",
    "Mark",
    "Matcher",
    "Monitor",
    "MonitorStopped",
    "MountError",
    "MountLost",
    "MountedFilesystem",
    "Operation",
    "OperationFailed",
    "OperationStatus",
    "OperationTimeout",
    "OrderViolation",
    "SmartWaitHelper",
    "Summary",
    "TraceUnavailable",
    "UnexpectedOperation",
    "WaitInterrupted",
    "__version__",
    "op",
]

_MODULES = {
    "FuseConfig": "config",
    "Expectation": "expectation",
    "FileSystemState": "filesystem_state",
    "FuseManager": "manager",
    "MountedFilesystem": "manager",
    "Matcher": "matcher",
    "op": "matcher",
    "Monitor": "monitor",
    "Mark": "operation",
    "Operation": "operation",
    "OperationStatus": "operation",
    "SmartWaitHelper": "smart_wait",
    "Summary": "summary",
    "FuseTraceMonitor": "trace_monitor",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from . import _core

        return _core.version
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module = importlib.import_module(f".{_MODULES.get(name, 'errors')}", __name__)
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
