# SPDX-License-Identifier: MIT
"""As a new user does it: an empty environment, `pip install`, the README's test."""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEADLINE = 600  # seconds; pip fetches what the build needs, and builds


def run(*command, cwd, **environment):
    # Nothing of this environment: neither its programs nor its variables.
    path = ":".join(p for p in os.environ["PATH"].split(":")
                    if not p.startswith((str(ROOT), sys.prefix)))
    variables = {name: value for name, value in os.environ.items()
                 if not name.startswith(("FUSE", "PYTEST", "VIRTUAL_ENV", "RUST_LOG"))}
    return subprocess.run(command, cwd=cwd, env={**variables, "PATH": path, **environment},
                          text=True, timeout=DEADLINE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The folder of an environment in which the package is installed from a copy of the sources."""
    folder = tmp_path_factory.mktemp("installation")
    shutil.copytree(ROOT, folder / "fusetrace", symlinks=True, ignore=shutil.ignore_patterns(
        "build*", ".git", "target", "test-results", "__pycache__"))
    venv.create(folder / "environment", with_pip=True)
    pip = folder / "environment/bin/pip"
    reached = run(pip, "download", "--quiet", "--no-deps", "meson-python", cwd=folder)
    if reached.returncode:
        pytest.skip(f"PyPI cannot be reached: {reached.stdout.strip().splitlines()[-1]}")
    result = run(pip, "install", "--quiet", ".[pytest]", cwd=folder / "fusetrace")
    assert result.returncode == 0, result.stdout
    return folder / "environment"


def test_the_readme_works(environment, tmp_path):
    block = re.search(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(),
                      re.MULTILINE | re.DOTALL)[1]
    (tmp_path / "test_note.py").write_text(block)
    result = run(environment / "bin/pytest", "-q", cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout


def test_it_brings_command_and_filesystem(environment, tmp_path):
    for program in ("fusetrace", "branchfs"):
        result = run(environment / "bin" / program, "--version", cwd=tmp_path)
        assert result.returncode == 0, result.stdout


def test_import_needs_nothing(environment, tmp_path):
    result = run(environment / "bin/python", "-c",
                 "import sys, fusetrace; fusetrace.op('write')\n"
                 "assert 'asyncio' not in sys.modules and 'ctypes' not in sys.modules", cwd=tmp_path)
    assert result.returncode == 0, result.stdout


def test_no_build_files_are_left_among_the_sources(environment):
    copy = environment.parent / "fusetrace"
    assert not [path for path in copy.iterdir() if path.name.startswith("build-")]
