# SPDX-License-Identifier: MIT
"""What `meson install` gives is complete and usable by somebody else's build."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE = 120  # seconds


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The build folder, installed below a fresh directory."""
    destination = tmp_path_factory.mktemp("installed")
    subprocess.run(["meson", "install", "--no-rebuild", "-C", os.environ["FUSETRACE_BUILD"],
                    "--destdir", destination], check=True, capture_output=True, timeout=DEADLINE)
    return destination / "usr/local"


def find(prefix, pattern):
    return sorted(str(path.relative_to(prefix)) for path in prefix.rglob(pattern))


def test_files(prefix):
    for pattern in ("include/fusetrace/fusetrace.h", "bin/fusetrace", "bin/branchfs",
                    "fusetrace.1*", "branchfs.1*", "libfusetrace.3*", "libfusetrace.a",
                    "libfusetrace.so.0", "fusetrace.pc", "fusetrace.fish", "_fusetrace",
                    "bash-completion/completions/fusetrace"):
        assert find(prefix, pattern.split("/")[-1]), pattern


def test_soname_and_symbols(prefix):
    (library,) = find(prefix, "libfusetrace.so.0.*")
    dynamic = subprocess.run(["readelf", "-dW", prefix / library], check=True, text=True,
                             capture_output=True, timeout=DEADLINE).stdout
    assert "Library soname: [libfusetrace.so.0]" in dynamic
    symbols = subprocess.run(["nm", "-D", "--defined-only", prefix / library], check=True,
                             text=True, capture_output=True, timeout=DEADLINE).stdout
    foreign = [line for line in symbols.splitlines()
               if not re.search(r" (T fusetrace_\w+(@@FUSETRACE_0\.1)?|A FUSETRACE_0\.1)$", line)]
    assert not foreign


@pytest.mark.parametrize("kind", ["shared", "static"])
def test_pkg_config_builds_the_example(prefix, tmp_path, kind):
    (pc_file,) = find(prefix, "fusetrace.pc")
    environment = {**os.environ, "PKG_CONFIG_PATH": str((prefix / pc_file).parent),
                   "PKG_CONFIG_SYSROOT_DIR": str(prefix.parents[1])}
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", *(["--static"] if kind == "static" else []),
         "fusetrace"], check=True, text=True, capture_output=True, timeout=DEADLINE,
        env=environment).stdout.split()
    if kind == "static":
        (archive,) = find(prefix, "libfusetrace.a")
        flags = [str(prefix / archive) if flag == "-lfusetrace" else flag for flag in flags]
    program = tmp_path / "example"
    subprocess.run(["cc", ROOT / "examples/wait_release.c", "-o", program, *flags], check=True,
                   timeout=DEADLINE)
    (library,) = find(prefix, "libfusetrace.so.0")
    result = subprocess.run([program], text=True, capture_output=True, timeout=DEADLINE,
                            env={**os.environ,
                                 "LD_LIBRARY_PATH": str((prefix / library).parent)}, check=False)
    assert result.returncode == 2 and "usage" in result.stderr
