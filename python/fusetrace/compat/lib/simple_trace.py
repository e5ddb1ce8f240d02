# SPDX-License-Identifier: MIT
"""`lib.simple_trace`: a monitor and its waits under simpler names."""

from __future__ import annotations

from fusetrace.simple_trace import SimpleTraceMonitor, SimpleWaitHelper

__all__ = ["SimpleTraceMonitor", "SimpleWaitHelper"]
