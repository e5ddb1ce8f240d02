# SPDX-License-Identifier: MIT
"""The package's types are checked strictly, as those who use it check theirs."""

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "python/fusetrace"
SCRIPTS = Path(sys.executable).parent
DEADLINE = 300  # seconds; the first run of pyright fetches it

USER = """\
from pathlib import Path
from fusetrace import FuseTraceMonitor, Operation, OperationStatus, SmartWaitHelper, op

def use(monitor: FuseTraceMonitor, wait: SmartWaitHelper, file: Path) -> list[str]:
    found: Operation | None = monitor.wait_for_operation(op("write", path=file, min_size=1))
    if found is None or found.status is not OperationStatus.COMPLETED:
        return []
    with monitor.expect("release", path=file, timeout=1.0) as release:
        file.write_text("hello")
    size: int = release.operation.details["size"]
    ok: bool = wait.wait_for_write_complete(file)
    return [one.operation for one in monitor.completed_operations if ok and size]
"""


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, text=True, timeout=DEADLINE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def test_mypy_is_content_with_the_package(tmp_path):
    result = run(SCRIPTS / "mypy", "--strict", "--cache-dir", tmp_path, PACKAGE,
                 cwd=PACKAGE.parents[1])
    assert result.returncode == 0, result.stdout


def test_pyright_is_content_with_the_package():
    result = run(SCRIPTS / "pyright", "--pythonpath", sys.executable, PACKAGE,
                 cwd=PACKAGE.parents[1])
    if "Error: " in result.stdout and "errors" not in result.stdout:
        pytest.skip(f"pyright cannot be had here: {result.stdout.strip().splitlines()[-1]}")
    assert result.returncode == 0, result.stdout


def test_mypy_is_content_with_a_user(tmp_path):
    (tmp_path / "user.py").write_text(USER)
    result = run(SCRIPTS / "mypy", "--strict", "--cache-dir", tmp_path / "cache", "user.py",
                 cwd=tmp_path)
    assert result.returncode == 0, result.stdout
