# SPDX-License-Identifier: MIT
"""The documentation does not rot: its examples run, its lists are complete."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = ROOT / "include/fusetrace/fusetrace.h"
DEADLINE = 60  # seconds, for every command


def blocks(path, language):
    """The code blocks of a Markdown file in one language."""
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def exported():
    """The functions of the public header."""
    return sorted(set(re.findall(r"\b(fusetrace_\w+)\(", re.sub(
        r"/\*.*?\*/", "", HEADER.read_text(encoding="utf-8"), flags=re.DOTALL)))
        - {"fusetrace_op_fn", "fusetrace_log_fn", "fusetrace_line_fn",
           "fusetrace_unparsed_fn", "fusetrace_holder_fn", "fusetrace_wait_fn"})


def formatter():
    """Why clang-format cannot judge here, or None: releases differ in what they make of a line."""
    try:
        version = subprocess.run(["clang-format", "--version"], check=True, text=True,
                                 capture_output=True, timeout=DEADLINE).stdout
    except FileNotFoundError:
        return "clang-format is not installed"
    return None if "version 14." in version else f"another {version.strip()}"


def test_code_is_formatted():
    if why := formatter():
        pytest.skip(why)
    sources = [path for folder in ("bench", "bpf", "cli", "examples", "fs", "fuzz", "include",
                                   "lib", "python", "tests")
               for path in (ROOT / folder).rglob("*.[ch]")]
    assert sources
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *sources], text=True,
                            capture_output=True, timeout=DEADLINE)
    assert not result.stderr


def test_every_function_is_in_the_manual():
    manual = (ROOT / "man/libfusetrace.3").read_text(encoding="utf-8")
    missing = [name for name in exported() if name not in manual]
    assert not missing


def test_every_function_is_exported():
    library = pathlib.Path(os.environ["FUSETRACE_BUILD"], "lib/libfusetrace.so")
    symbols = subprocess.run(["nm", "-D", "--defined-only", library], check=True, text=True,
                             capture_output=True, timeout=DEADLINE).stdout
    found = sorted(set(re.findall(r" T (fusetrace_\w+)", symbols)))
    assert found == exported()


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "man").glob("*.[0-9]")))
def test_manual_pages_are_well_formed(page):
    result = subprocess.run(["man", "--warnings", "-l", ROOT / "man" / page], text=True,
                            capture_output=True, timeout=DEADLINE, check=True,
                            env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
    assert not result.stderr


def test_json_examples_are_records(tmp_path):
    lines = [line for block in blocks(ROOT / "docs/json.md", "json")
             for line in block.splitlines() if line.strip()]
    assert lines
    for number, line in enumerate(lines):
        path = tmp_path / f"{number}.jsonl"
        path.write_text(line + "\n", encoding="utf-8")
        subprocess.run(["fusetrace", "read", "--quiet", path], check=True, capture_output=True,
                       timeout=DEADLINE)


def test_c_example_of_the_readme_compiles(tmp_path):
    (body,) = blocks(ROOT / "README.md", "c")
    source = tmp_path / "readme.c"
    source.write_text(
        "#include <fusetrace/fusetrace.h>\n#include <unistd.h>\n"
        "void example(struct fusetrace_monitor *monitor, int fd);\n"
        "void example(struct fusetrace_monitor *monitor, int fd)\n{\n"
        "\tstruct fusetrace_mark mark;\n\tstruct fusetrace_report *report = NULL;\n\n"
        f"{body}}}\n", encoding="utf-8")
    subprocess.run(["cc", "-Wall", "-Werror", "-fsyntax-only", f"-I{ROOT / 'include'}", source],
                   check=True, timeout=DEADLINE)


def run_shell(script, cwd):
    return subprocess.run(["sh", "-eu", "-c", script], cwd=cwd, text=True, capture_output=True,
                          timeout=DEADLINE, check=False)


def test_shell_example_of_the_readme_runs(branchfs_mount, tmp_path):
    (script,) = blocks(ROOT / "README.md", "sh")
    result = run_shell(script.replace("/mnt", str(branchfs_mount.mountpoint)), tmp_path)
    assert result.returncode == 0, result.stderr


def test_console_example_of_the_readme_runs(branchfs_mount, tmp_path):
    """Each command is one that the parser takes; those that trace are ended after a moment's work."""
    (console,) = blocks(ROOT / "README.md", "console")
    data, other = tmp_path / "data", tmp_path / "other"
    data.mkdir()
    other.mkdir()
    for line in console.splitlines():
        command = line.removeprefix("$ ").split("#")[0].strip()
        if command.startswith("fusetrace run"):
            command = command.replace("/srv/data", str(data)).replace("/mnt", str(other))
        command = command.replace("/mnt", str(branchfs_mount.mountpoint))
        assert branchfs_mount.trace_briefly(command, tmp_path), command


def test_shell_example_runs(branchfs_mount):
    subprocess.run([ROOT / "examples/wait.sh", branchfs_mount.mountpoint, branchfs_mount.branch],
                   check=True, timeout=DEADLINE)


def test_c_examples_run(branchfs_mount):
    build = pathlib.Path(os.environ["FUSETRACE_BUILD"], "examples")
    path = branchfs_mount.mountpoint / "file"
    output = subprocess.run([build / "example_wait_release", path], check=True, text=True,
                            capture_output=True, timeout=DEADLINE).stdout
    assert output.startswith("release of /file was answered after ")
    subprocess.run([build / "example_cmocka"], check=True, timeout=DEADLINE, capture_output=True,
                   env={**os.environ, "FUSE_MOUNT": str(branchfs_mount.mountpoint)})


def test_links_of_the_pages_exist():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [page.name for page in (ROOT / "docs").glob("*.md")
               if f"](docs/{page.name})" not in readme]
    assert not missing


def test_rust_lines_are_those_of_the_filesystem():
    sources = "".join(path.read_text(encoding="utf-8")
                      for path in (ROOT / "tests/fixtures/rust/src").glob("*.rs"))
    lines = [line for block in blocks(ROOT / "docs/rust.md", "rust")
             for line in block.splitlines()]
    assert len(lines) == 3
    for line in lines:
        assert line in sources, line
