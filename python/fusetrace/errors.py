# SPDX-License-Identifier: MIT
"""What can go wrong with a trace, as exceptions that explain themselves.

The text of an exception of a wait is the library's report: the verdict first, then what was waited
for, what was seen, near misses, what is in flight. `report` is the same as a dict for machines,
`verdict` its first word, such as "in flight".
"""

from __future__ import annotations

import errno
from typing import Any


class FuseTraceError(Exception):
    """Base of all exceptions of this package.

    Attributes:
        report: the report as a dict, empty when there is none.
        verdict: "never started", "in flight", "failed", "other path", ... or None.
        code: the positive errno of the library's answer, 0 when it did not come from there.
    """

    report: dict[str, Any]
    verdict: str | None
    code: int

    def __init__(self, text: str = "", *, report: dict[str, Any] | None = None,
                 verdict: str | None = None, code: int = 0) -> None:
        super().__init__(text)
        self.report = report if report is not None else {}
        self.verdict = verdict
        self.code = code


class OperationTimeout(FuseTraceError, TimeoutError):
    """The deadline passed. The verdict says how far the operation had come."""


class OperationFailed(FuseTraceError):
    """A matching operation failed, and success was asked for."""


class OrderViolation(FuseTraceError):
    """The operations came in another order than asked for."""


class UnexpectedOperation(FuseTraceError, AssertionError):
    """A forbidden operation was seen."""


class DaemonDied(FuseTraceError):
    """The filesystem's process ended; nothing more can come."""


class MountLost(FuseTraceError):
    """The filesystem was unmounted; nothing more can come."""


class EventsLost(FuseTraceError):
    """Events were lost, so absence, an exact number or a strict order cannot be proved."""


class MonitorStopped(FuseTraceError):
    """The monitor was stopped, or was never started."""


class WaitInterrupted(FuseTraceError):
    """Another thread called interrupt()."""


class TraceUnavailable(FuseTraceError):
    """Neither the kernel nor a log can be the source here; the text says why."""


class MountError(FuseTraceError, RuntimeError):
    """A filesystem could not be mounted or unmounted, or there is none where one was named."""


_CLASSES: dict[int, type[FuseTraceError]] = {
    errno.ETIMEDOUT: OperationTimeout,
    errno.ETIME: OperationTimeout,
    errno.EBUSY: OperationTimeout,
    errno.EREMOTEIO: OperationFailed,
    errno.EILSEQ: OrderViolation,
    errno.EEXIST: UnexpectedOperation,
    errno.EPIPE: DaemonDied,
    errno.ENOTCONN: MountLost,
    errno.EOVERFLOW: EventsLost,
    errno.ESHUTDOWN: MonitorStopped,
    errno.ECANCELED: WaitInterrupted,
    errno.EPERM: TraceUnavailable,
    errno.EACCES: TraceUnavailable,
    errno.EOPNOTSUPP: TraceUnavailable,
    errno.EMEDIUMTYPE: MountError,
    errno.ENOENT: MountError,
}

_TEXTS = {
    errno.ECHILD: "the monitor was made before fork(): the child must make its own",
    errno.EDEADLK: "a check function may not wait: it runs inside a wait",
    errno.ENODATA: "the monitor reads no output of a daemon: make it of the process, or add a log",
}


def make(code: int, text: bytes, verdict: str | None, json_text: str | None) -> Exception:
    """The exception for a negative answer of the library; called by the extension alone."""
    number = -code
    message = _TEXTS.get(number) or text.decode(errors="backslashreplace").rstrip("\n")
    if number == errno.ENOMEM:
        return MemoryError(message)
    if number in (errno.EINVAL, errno.EBADMSG):
        return ValueError(message)
    if number == errno.ESRCH:
        return ProcessLookupError(number, message)
    report: dict[str, Any] = {}
    if json_text:
        import json

        report = json.loads(json_text)
    kind = _CLASSES.get(number, FuseTraceError)
    return kind(message, report=report, verdict=verdict, code=number)
