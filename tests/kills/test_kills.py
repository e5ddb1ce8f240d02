# SPDX-License-Identifier: MIT
"""Tests and daemons that are killed at any moment: nothing stays, and every wait says why. script/soak
does it a thousand times; FUSETRACE_KILLS says how often, FUSETRACE_SEED from where on."""

import os
import sys
from pathlib import Path

import pytest

from .kills import kill

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("FUSETRACE_KILLS", "30"))
SEED = int(os.environ.get("FUSETRACE_SEED", "1"))

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/fuse"),
                                reason="mounting and tracing need root and /dev/fuse")


@pytest.mark.parametrize("worker", ["c", "python"])
def test_nothing_stays_and_every_wait_says_why(worker):
    command = [sys.executable, str(HERE / "worker.py")]
    if worker == "c":
        command = [os.path.join(os.environ["FUSETRACE_BUILD"], "tests", "kills", "kills_worker")]
    figures = kill(command, ROUNDS, SEED, is_alone=False)
    if figures is None:
        pytest.skip("the kernel source cannot be used here")
    assert not figures.faults
    assert len(figures.stages) > 4, "it was killed at all kinds of moments"
