# SPDX-License-Identifier: MIT
"""The pages about Python: every block of code runs, every block of settings is known.

A block with tests in it becomes a test file as it is, and all of a page run together; any other
block in Python is a test without a fixture.
"""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs" / name for name in (
    "python.md", "migration.md", "troubleshooting.md")), *(ROOT / "docs/how-to").glob("*.md")])
DEADLINE = 120  # seconds for the blocks of one page
SETTINGS = "[pytest]\nfusetrace_lib_compat = true\nasyncio_mode = strict\n"


def blocks(page, language):
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def run_pytest(folder, *arguments):
    variables = {name: value for name, value in os.environ.items()
                 if not name.startswith(("FUSE_TRACE", "FUSE_BINARY", "RUST_LOG"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers",
         "--strict-config", *arguments], cwd=folder, env=variables, timeout=DEADLINE, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def names(pages, language):
    return [pytest.param(page, id=page.name) for page in pages if blocks(page, language)]


@pytest.mark.parametrize("page", names(PAGES, "python"))
def test_blocks_in_python_run(tmp_path, page):
    for index, block in enumerate(blocks(page, "python")):
        if "def test_" not in block:
            block = "def test_block():\n" + textwrap.indent(block, "    ")
        (tmp_path / f"test_block_{index}.py").write_text(block)
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    result = run_pytest(tmp_path)
    assert result.returncode == 0, result.stdout
    assert " skipped" not in result.stdout, result.stdout


def test_the_example_runs(tmp_path):
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    (tmp_path / "test_wait.py").write_text((ROOT / "examples/test_wait.py").read_text())
    result = run_pytest(tmp_path)
    assert result.returncode == 0 and "2 passed" in result.stdout, result.stdout


@pytest.mark.parametrize("page", names(PAGES, "ini"))
def test_settings_are_known(tmp_path, page):
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass\n")
    for block in blocks(page, "ini"):
        (tmp_path / "pytest.ini").write_text(block)
        result = run_pytest(tmp_path)
        assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("page", names(PAGES, "sh"))
def test_blocks_in_shell_are_well_formed(page):
    for block in blocks(page, "sh"):
        subprocess.run(["sh", "-n"], input=block, text=True, check=True, timeout=DEADLINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target
