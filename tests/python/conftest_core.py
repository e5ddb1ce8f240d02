# SPDX-License-Identifier: MIT
"""Fixtures of the tests of monitors and waits; each test module imports those that it uses."""

import contextlib
import os
import threading

import pytest

from daemons import DEADLINE, Daemon, need_mounts, wait_until
from fusetrace import FuseTraceMonitor, SmartWaitHelper

SOURCES = ("kernel", "log")


@pytest.fixture
def mount(tmp_path):
    """A function that starts a branchfs: mount("delay=release:300ms"), ended after the test. A test
    that takes too long has its mounts aborted, which ends every call that hangs in one."""
    daemons = []
    timer = threading.Timer(DEADLINE * 2, lambda: [one.abort() for one in daemons])
    timer.start()

    def start(*options, name="mnt", **keywords):
        daemons.append(Daemon(tmp_path, *options, name=name, **keywords))
        return daemons[-1]

    before = set(threading.enumerate())
    yield start
    timer.cancel()
    with contextlib.ExitStack() as stack:
        for daemon in daemons:
            stack.callback(daemon.finish)
    # Who reads the pipes of a daemon reads them to their end, and not longer.
    wait_until(lambda: not [one for one in threading.enumerate()
                            if one not in before and one.name == "fusetrace-drain"],
               "the drains to end")


@pytest.fixture
def daemon(mount):
    """A branchfs without faults."""
    return mount()


@pytest.fixture(params=SOURCES)
def source(request):
    """Where operations come from."""
    if request.param == "kernel" and os.geteuid() != 0:
        pytest.skip("the kernel source needs root")
    return request.param


@pytest.fixture
def watch(source):
    """A function that starts a monitor of a daemon: watch(daemon); stopped after the test."""
    monitors = []

    def start(daemon, **keywords):
        monitor = FuseTraceMonitor(daemon.process, source=source, **keywords)
        monitors.append(monitor)
        monitor.start_capture()
        assert monitor.source == source  # else the test would not test what it says
        return monitor

    yield start
    for monitor in monitors:
        monitor.stop_capture()


@pytest.fixture
def monitor(daemon, watch):
    """A monitor of `daemon`, once for each source."""
    return watch(daemon)


@pytest.fixture
def kernel_monitor(daemon):
    """A monitor of `daemon` by the kernel source only: for what does not depend on the source."""
    monitor = FuseTraceMonitor(daemon.process, source="kernel")
    with monitor:
        yield monitor


@pytest.fixture
def smart_wait(monitor):
    """Smart waits on `daemon`."""
    return SmartWaitHelper(monitor)


__all__ = ["daemon", "kernel_monitor", "monitor", "mount", "need_mounts", "smart_wait", "source",
           "watch"]
