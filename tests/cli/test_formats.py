# SPDX-License-Identifier: MIT
"""Logs of real daemons: every operation that they tell, compared with what is known of them."""

import json

import pytest

from .support import DATA, run

LOGS = sorted(DATA.glob("formats/*.log"))


def read(path):
    """The operations, as dictionaries without what only counts."""
    result = run("read", "--format", "json", path)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_operations(path, golden):
    golden(f"formats/{path.stem}.jsonl", read(path))


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_names_forge_nothing(path):
    """The workload made files whose names imitate records; none of these is an operation."""
    for line in read(path).splitlines():
        operation = json.loads(line)
        if operation.get("suspect"):
            continue
        assert operation.get("unique") != 99999
        assert operation.get("pid") != 1
