# SPDX-License-Identifier: MIT
"""Files that a test leaves behind: its trace, a file for each traced mount."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest

from .record import TestRecord, session_of

_NAME_LENGTH_MAX = 120


def directory_name(nodeid: str, attempt: int = 1) -> str:
    """The name of a test's directory: readable, and no other test's.

    >>> directory_name("tests/test_a.py::TestB::test_c")
    'tests-test_a.py-TestB-test_c'
    """
    plain = nodeid.replace("/", "-").replace("::", "-")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.")
    if name != plain or len(name) > _NAME_LENGTH_MAX:
        name = f"{name[:_NAME_LENGTH_MAX]}-{zlib.crc32(nodeid.encode(errors='replace')):08x}"
    return name if attempt <= 1 else f"{name}-attempt{attempt}"


def attempt_of(item: pytest.Item) -> int:
    """1, or more where pytest-rerunfailures tries again."""
    return int(getattr(item, "execution_count", 1) or 1)


def path_of(record: TestRecord, number: int) -> Path:
    """Where the trace of a test's traced mount is saved, if it is; number counts from 1."""
    settings = session_of(record.item.config).settings
    directory = settings.output / directory_name(record.item.nodeid, attempt_of(record.item))
    return directory / ("trace.jsonl" if number == 1 else f"trace-{number}.jsonl")


def save_traces(record: TestRecord) -> list[str]:
    """Writes the traces of a test; returns lines that say where they are, or why not."""
    lines = []
    for number, monitor in enumerate(record.monitors(), 1):
        path = path_of(record, number)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            monitor.save(path)
        except Exception as error:
            lines.append(f"trace: {_shown(path, record)} cannot be written: {error}")
        else:
            lines.append(f"trace: {_shown(path, record)} (fusetrace read, Monitor.replay())")
    record.has_saved = bool(lines)
    return lines


def _shown(path: Path, record: TestRecord) -> str:
    try:
        return str(path.relative_to(record.item.config.invocation_params.dir))
    except ValueError:
        return str(path)
