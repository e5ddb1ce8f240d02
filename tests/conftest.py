# SPDX-License-Identifier: MIT
"""What all tests in Python share: without a build there is nothing to test."""

import os
import shutil
import signal

import pytest

pytest_plugins = ["pytester"]  # only the outermost conftest.py may name plugins

# A job in the background of a shell ignores it, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    if not shutil.which("fusetrace") or "FUSETRACE_BUILD" not in os.environ:
        for item in items:
            item.add_marker(pytest.mark.skip(
                reason="run by script/test, which sets PATH and FUSETRACE_BUILD to a build"))
