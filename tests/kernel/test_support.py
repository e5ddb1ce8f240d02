# SPDX-License-Identifier: MIT
"""A kernel or a user that cannot trace: the command says what is missing, exits 77 and leaves
nothing half-started. The kernel without the tracepoints is this one behind a type description that
does not have them, which is where the library looks first."""

import os
import pathlib
import shutil
import subprocess

import pytest

DEADLINE = 30  # seconds
BTF = pathlib.Path("/sys/kernel/btf/vmlinux")


@pytest.fixture
def mountpoint(tmp_path):
    """A FUSE mount, by bindfs."""
    if os.geteuid() != 0 or not shutil.which("bindfs"):
        pytest.skip("needs root and bindfs")
    source, mount = tmp_path / "source", tmp_path / "mount"
    source.mkdir()
    mount.mkdir()
    subprocess.run(["bindfs", source, mount], check=True, timeout=DEADLINE)
    yield mount
    subprocess.run(["umount", mount], check=True, timeout=DEADLINE)


@pytest.fixture
def other_kernel(tmp_path):
    """A type description of a kernel that knows nothing of FUSE."""
    if not BTF.exists() or not shutil.which("clang") or not shutil.which("llvm-objcopy"):
        pytest.skip("needs a kernel with BTF, clang and llvm-objcopy")
    source, described = tmp_path / "kernel.c", tmp_path / "vmlinux"
    source.write_text("struct task_struct { int pid; } task;\n", encoding="ascii")
    subprocess.run(["clang", "-g", "-target", "bpf", "-c", source, "-o", tmp_path / "kernel.o"],
                   check=True, timeout=DEADLINE)
    subprocess.run(["llvm-objcopy", "--dump-section", f".BTF={described}", tmp_path / "kernel.o"],
                   check=True, timeout=DEADLINE)
    return described


def run(command):
    return subprocess.run(command, text=True, capture_output=True, timeout=DEADLINE, check=False)


def test_kernel_without_tracepoints(mountpoint, other_kernel):
    script = 'mount --bind "$1" "$2" && exec fusetrace attach "$3"'
    result = run(["unshare", "-m", "sh", "-c", script, "sh", other_kernel, BTF, mountpoint])
    assert result.returncode == 77, result.stderr
    assert "tracepoints" in result.stderr and "Linux 6.11" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not result.stdout


def test_doctor_names_the_missing_tracepoints(other_kernel):
    script = 'mount --bind "$1" "$2" && exec fusetrace doctor'
    result = run(["unshare", "-m", "sh", "-c", script, "sh", other_kernel, BTF])
    assert result.returncode == 77, result.stdout
    assert "6.11" in result.stdout


def test_run_without_rights_starts_nothing(mountpoint, tmp_path):
    """The daemon must not run when the trace cannot: it would be a mount that nobody asked for."""
    started = tmp_path / "started"
    tmp_path.chmod(0o777)
    result = run(["setpriv", "--reuid", "65534", "--clear-groups", shutil.which("fusetrace"), "run",
                  "--source", "kernel", "--", "touch", started])
    assert result.returncode == 77, result.stderr
    assert "CAP_BPF" in result.stderr
    assert not started.exists()
