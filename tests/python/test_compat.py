# SPDX-License-Identifier: MIT
"""The modules of `lib`: what suites import from there is what the package has."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import fusetrace
from traced import DEADLINE

FOLDER = Path(fusetrace.__file__).parent / "compat"

NAMES = {
    "lib.timing_utils": {
        "FuseLogCapture": "timing", "FuseOperation": "timing", "FuseTraceMonitor": "trace_monitor",
        "OperationStatus": "operation", "OperationTiming": "timing",
        "SmartWaitHelper": "smart_wait", "TimingAnalyzer": "timing",
        "measure_mount_time": "timing", "wait_for_file_creation": "timing",
        "wait_for_operation": "polling", "wait_for_path_operation": "timing",
        "wait_for_sync_operations": "timing"},
    "lib.simple_trace": {
        "SimpleTraceMonitor": "simple_trace", "SimpleWaitHelper": "simple_trace"},
    "lib.fuse_manager": {
        "FileSystemState": "filesystem_state", "FuseConfig": "config", "FuseManager": "manager"},
}


@pytest.fixture
def lib(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in [name for name in sys.modules if name.partition(".")[0] == "lib"]:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "lib"]:
        del sys.modules[name]


@pytest.mark.parametrize("module", NAMES)
def test_names_are_those_of_the_package(lib, module):
    found = importlib.import_module(module)
    assert set(found.__all__) == set(NAMES[module])
    for name, home in NAMES[module].items():
        assert getattr(found, name) is getattr(importlib.import_module(f"fusetrace.{home}"), name)
    assert found.__doc__


@pytest.mark.parametrize("module", NAMES)
def test_star_import(lib, module):
    names = {}
    exec(f"from {module} import *", names)
    assert set(NAMES[module]) <= set(names)


def test_lib_is_not_importable_unasked(tmp_path):
    code = "import fusetrace, importlib.util\nassert importlib.util.find_spec('lib') is None\n"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=DEADLINE,
                   cwd=tmp_path)


def test_the_folder_has_nothing_else_at_the_top():
    """It is put on sys.path: any other name in it would hide a module of the user's."""
    found = {path.name for path in FOLDER.iterdir()} - {"__pycache__"}
    assert found == {"__init__.py", "lib"}
