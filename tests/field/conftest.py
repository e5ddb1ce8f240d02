# SPDX-License-Identifier: MIT
"""The fixtures of the field's tests: the mount of the module, and which turn this is.

Ten turns of each in the suite; FUSETRACE_FIELD_TURNS says how many. compare.py runs the same
functions without pytest, ten thousand times.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from live.conftest import why_not_here

from .deadline import TURN_SECONDS, abort_below

TURNS = int(os.environ.get("FUSETRACE_FIELD_TURNS", "10"))


def pytest_collection_modifyitems(items):
    reason = why_not_here()
    for item in items:
        if reason and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_generate_tests(metafunc):
    if "turn" in metafunc.fixturenames:
        metafunc.parametrize("turn", range(TURNS))


@pytest.fixture(scope="module")
def fs(request, tmp_path_factory):
    """What the module's mounted() gives: one mount for all its turns, or a manager of mounts."""
    if missing := getattr(request.module, "missing", lambda: None)():
        pytest.skip(missing)
    with request.module.mounted(tmp_path_factory.mktemp("field")) as mount:
        yield mount


@pytest.fixture(autouse=True)
def deadline(tmp_path_factory):
    """A test that hangs in a mount is freed."""
    timer = threading.Timer(TURN_SECONDS, abort_below, [tmp_path_factory.getbasetemp()])
    timer.daemon = True
    timer.start()
    yield
    timer.cancel()
    timer.join()
