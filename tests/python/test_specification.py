# SPDX-License-Identifier: MIT
"""Every code block of the specification, verbatim, on three filesystems, traced by default or not.

A block that holds tests becomes a test file as it is. Any other block runs inside a test whose
namespace supplies the names that it uses and does not define (fuse_process, trace_monitor, ...),
while a thread does to the filesystem what the block waits for.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from live import writers

SPECIFICATION = Path(__file__).parents[1] / "data/specification/fuse-trace-monitoring.md"
DEADLINE = 120  # seconds for one run of pytest

# What the blocks that are tests use without defining it.
PREAMBLE = """\
import time
import pytest

@pytest.fixture(autouse=True)
def _names(request):
    for name in ("mounted_fs_with_trace", "mounted_fs"):
        if name in request.fixturenames:
            globals()["mountpoint"] = request.getfixturevalue(name)[1]
            return

"""

HARNESS = '''\
import contextlib
import os
import pathlib
import threading

import pytest

BLOCKS = pathlib.Path(__file__).parent / "blocks"


def busy(mountpoint, stop):
    """Creates, writes, gives attributes and deletes, again and again."""
    while not stop.wait(0.01):
        for index in range(5):
            (mountpoint / f"busy{index}.txt").write_bytes(b"x" * 2048)
        (mountpoint / "test.txt").write_text("content")
        path = mountpoint / "comes-and-goes"
        path.write_text("content")
        os.setxattr(path, "user.fusetrace", b"1")
        stop.wait(0.05)
        (mountpoint / "test.txt").unlink()
        path.unlink()


@pytest.fixture
def names(fuse_manager, mounted_fs_with_trace):
    process, mountpoint, branches, trace_monitor = mounted_fs_with_trace
    (mountpoint / "file").write_text("content")
    (mountpoint / "directory").mkdir()
    stop = threading.Event()
    thread = threading.Thread(target=busy, args=(mountpoint, stop))
    thread.start()
    yield dict(fuse_process=process, trace_monitor=trace_monitor, fuse_manager=fuse_manager,
               mountpoint=mountpoint, branches=branches, filepath=mountpoint / "file",
               dirpath=mountpoint / "directory", path=mountpoint / "comes-and-goes",
               op=None)
    stop.set()
    thread.join()


@pytest.mark.parametrize("block", sorted(path.name for path in BLOCKS.glob("*.py")))
def test_block(names, block):
    from lib.fuse_manager import FuseConfig
    mine = names["trace_monitor"]
    names["FuseConfig"] = FuseConfig
    exec(compile((BLOCKS / block).read_text(), block, "exec"), names)
    assert not mine.last_reports
    if names["trace_monitor"] is not mine:
        assert not names["trace_monitor"].last_reports
        assert names["op"].path == "/test.txt"
        names["trace_monitor"].stop_capture()
    if "smart_wait" in names:
        assert names["smart_wait"].last_report is None
    if "ops" in names:
        assert [op.operation for op in names["ops"]] == ["create", "write", "release"]
    if "check_large_write" in names:
        assert names["op"].details["size"] > 1024
    if "all_ops" in names:
        assert names["op_counts"] and names["all_ops"]
    if "config" in names:
        assert names["config"].enable_trace is True
'''

FILESYSTEMS = ("branchfs", "mergerfs", "memfs")


def blocks(language):
    text = SPECIFICATION.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(params=FILESYSTEMS)
def command(request):
    """The ini value of fusetrace_command for each filesystem; memfs is tests/fixtures/rust."""
    if request.param == "memfs":
        if why := writers.build_rust():
            pytest.skip(why)
        return f"{writers.builds() / 'rust/debug/memfs'} {{mountpoint}}"
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is not installed")
    return request.param


def run_pytest(folder, command, environment):
    (folder / "pytest.ini").write_text(
        f"[pytest]\nfusetrace_lib_compat = true\nfusetrace_command = {command}\n")
    variables = {name: value for name, value in os.environ.items()
                 if name not in ("FUSE_TRACE", "FUSE_TRACE_SUMMARY", "RUST_LOG", "FUSE_BINARY")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=folder,
        env={**variables, **environment}, timeout=DEADLINE, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)


def passed(result):
    found = re.search(r"(\d+) passed", result.stdout)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("trace", (None, "1"), ids=("untraced", "FUSE_TRACE"))
def test_every_block(tmp_path, command, trace):
    tests = [block for block in blocks("python") if "def test_" in block]
    others = [block for block in blocks("python") if "def test_" not in block]
    assert (len(tests), len(others)) == (4, 6)
    for index, block in enumerate(tests):
        (tmp_path / f"test_block_{index}.py").write_text(PREAMBLE + block)
    (tmp_path / "blocks").mkdir()
    for index, block in enumerate(others):
        (tmp_path / "blocks" / f"{index}.py").write_text(block)
    (tmp_path / "test_others.py").write_text(HARNESS)
    result = run_pytest(tmp_path, command, {} if trace is None else {"FUSE_TRACE": trace})
    assert result.returncode == 0, result.stdout
    assert passed(result) == sum(block.count("def test_") for block in tests) + len(others)


def test_shell_block(tmp_path):
    shell = blocks("bash")
    assert shell == ["export FUSE_TRACE=1\npytest test_file.py\n"]
    (tmp_path / "test_file.py").write_text(
        PREAMBLE + next(block for block in blocks("python") if "def test_with_trace" in block))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    folder = Path(sys.executable).parent
    result = subprocess.run(["sh", "-ec", shell[0]], cwd=tmp_path, timeout=DEADLINE, text=True,
                            env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert result.returncode == 0, result.stdout
    assert passed(result) == 1
