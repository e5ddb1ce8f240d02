# SPDX-License-Identifier: MIT
"""`lib.timing_utils`: the monitor, the smart waits, and the analysis of times."""

from __future__ import annotations

from fusetrace.operation import OperationStatus
from fusetrace.polling import wait_for_operation
from fusetrace.smart_wait import SmartWaitHelper
from fusetrace.timing import (
    FuseLogCapture,
    FuseOperation,
    OperationTiming,
    TimingAnalyzer,
    measure_mount_time,
    wait_for_file_creation,
    wait_for_path_operation,
    wait_for_sync_operations,
)
from fusetrace.trace_monitor import FuseTraceMonitor

__all__ = [
    "FuseLogCapture",
    "FuseOperation",
    "FuseTraceMonitor",
    "OperationStatus",
    "OperationTiming",
    "SmartWaitHelper",
    "TimingAnalyzer",
    "measure_mount_time",
    "wait_for_file_creation",
    "wait_for_operation",
    "wait_for_path_operation",
    "wait_for_sync_operations",
]
