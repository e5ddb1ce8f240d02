# SPDX-License-Identifier: MIT
"""The fixtures. Those of the specification are thin: a project that has its own `mounted_fs` loses
nothing, as the bases with the prefix stay.

One mount for a test: `mounted_fs`, `mounted_fs_with_trace`, `smart_wait`, `trace_monitor` and
`mountpoint` are views of the same `fusetrace_mount`, which is traced when one of them needs it,
when all are (FUSE_TRACE=1, --fusetrace=on), or when the test's mark says so. Further mounts come
from `fusetrace_mount_factory` and `fuse_manager`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fusetrace import (
        FileSystemState,
        FuseConfig,
        FuseManager,
        FuseTraceMonitor,
        MountedFilesystem,
        SmartWaitHelper,
    )

    from .mounting import MountFactory

_MOUNTS = ("mounted_fs_with_trace", "fusetrace_mount_with_trace", "mounted_fs_with_policy",
           "mounted_fs", "fusetrace_mount")
_TRACED = {"mounted_fs_with_trace", "fusetrace_mount_with_trace", "fusetrace_monitor",
           "trace_monitor"}
POLICIES = ("ff", "mfs", "lfs")


def _need_package(request: pytest.FixtureRequest) -> None:
    from .record import session_of

    if (missing := session_of(request.config).missing_for_package) is not None:
        pytest.skip(missing)


def _need_mounts(request: pytest.FixtureRequest) -> None:
    from .record import session_of

    if (missing := session_of(request.config).missing_for_mounts) is not None:
        pytest.skip(f"needs FUSE: {missing}")


# ---- what is mounted: override these ----


@pytest.fixture(scope="session")
def fusetrace_command(pytestconfig: pytest.Config) -> str | Sequence[str] | None:
    """The filesystem: a binary, the name of a profile ("mergerfs", "bindfs", ...), or a command
    with {mountpoint}, {branches}, {branch}, {policy}, {args}. By default FUSE_BINARY, else the ini
    key fusetrace_command, else branchfs (None).

    Example (conftest.py):
        @pytest.fixture(scope="session")
        def fusetrace_command():
            return ["target/debug/myfs", "-f", "{branch}", "{mountpoint}"]
    """
    from .record import session_of

    return session_of(pytestconfig).settings.command


@pytest.fixture(scope="session")
def fusetrace_mount_options() -> Mapping[str, Any] | Sequence[str]:
    """For all mounts of the fixtures: a list of values for -o, such as ["direct_io"], or fields of
    FuseConfig, such as {"policy": "mfs", "timeout": 30}; nothing by default."""
    return []


@pytest.fixture
def temp_branches(tmp_path: Path) -> list[Path]:
    """Three empty directories."""
    branches = [tmp_path / f"branch{number}" for number in range(3)]
    for branch in branches:
        branch.mkdir()
    return branches


@pytest.fixture
def temp_mountpoint(tmp_path: Path) -> Path:
    """An empty directory to mount on."""
    found = tmp_path / "mnt"
    found.mkdir()
    return found


@pytest.fixture(params=POLICIES)
def policy(request: pytest.FixtureRequest) -> str:
    """The test runs once with each policy for new files: "ff", "mfs", "lfs"; its mount has it."""
    return str(request.param)


@pytest.fixture
def fuse_config(request: pytest.FixtureRequest, temp_branches: list[Path], temp_mountpoint: Path,
                fusetrace_mount_options: Mapping[str, Any] | Sequence[str]) -> FuseConfig:
    """What `mounted_fs` mounts: temp_branches on temp_mountpoint, with fusetrace_mount_options, and
    the `policy` of a test that uses that fixture."""
    _need_package(request)
    from .mounting import make_config

    fields = {"branches": temp_branches, "mountpoint": temp_mountpoint}
    if "policy" in request.fixturenames:
        fields["policy"] = request.getfixturevalue("policy")
    return make_config(request, fusetrace_mount_options, fields)


@pytest.fixture
def tmpfs_branches(tmp_path: Path) -> Iterator[list[Path]]:
    """Three branches on tmpfs of their own, of 2, 4 and 8 MiB; needs root."""
    from .tmpfs import mounted_tmpfs, why_not

    if (reason := why_not()) is not None:
        pytest.skip(f"needs to mount tmpfs: {reason}")
    with mounted_tmpfs(tmp_path / "tmpfs") as branches:
        yield branches


# ---- mounts ----


@pytest.fixture
def fusetrace_manager(request: pytest.FixtureRequest, tmp_path: Path,
                      fusetrace_command: str | Sequence[str] | None) -> Iterator[FuseManager]:
    """A FuseManager for this test. What it has mounted is unmounted afterwards; an expectation that
    nobody waited for is then an error of the test."""
    _need_mounts(request)
    from .mounting import managing

    with managing(request, fusetrace_command, tmp_path) as manager:
        yield manager


@pytest.fixture
def fusetrace_mount_factory(request: pytest.FixtureRequest, fusetrace_manager: FuseManager,
                            fusetrace_mount_options: Mapping[str, Any] | Sequence[str]
                            ) -> Iterator[MountFactory]:
    """Mounts several filesystems: call it with fields of FuseConfig; branches and mountpoint are
    made when they are not given. Unmounted after the test, the last one first.

    Example:
        def test_copy(fusetrace_mount_factory):
            source = fusetrace_mount_factory()
            target = fusetrace_mount_factory(policy="mfs", enable_trace=True)
    """
    from .mounting import MountFactory

    with MountFactory(request, fusetrace_manager, fusetrace_mount_options) as factory:
        yield factory


@pytest.fixture
def fusetrace_mount(request: pytest.FixtureRequest, fusetrace_manager: FuseManager,
                    fuse_config: FuseConfig) -> Iterator[MountedFilesystem]:
    """The test's filesystem, mounted; unpacks to (process, mountpoint, branches)."""
    from .mounting import mounting

    must_trace = not _TRACED.isdisjoint(request.fixturenames)
    with mounting(request, fusetrace_manager, fuse_config, must_trace=must_trace) as mount:
        yield mount


@pytest.fixture
def fusetrace_mount_with_trace(fusetrace_mount: MountedFilesystem) -> MountedFilesystem:
    """The same, traced; unpacks to (process, mountpoint, branches, trace_monitor)."""
    from .mounting import shaped

    return shaped(fusetrace_mount, with_trace=True)


@pytest.fixture
def fusetrace_monitor(request: pytest.FixtureRequest) -> FuseTraceMonitor:
    """The monitor of the filesystem that the test asked for."""
    monitor: FuseTraceMonitor = _asked_for(request, "fusetrace_mount_with_trace").trace_monitor
    return monitor


@pytest.fixture
def fusetrace_mountpoint(request: pytest.FixtureRequest) -> Path:
    """Where the filesystem is mounted that the test asked for."""
    mount = _asked_for(request, "fusetrace_mount")
    found = getattr(mount, "mountpoint", None)
    return Path(mount[1] if found is None else found)


def _asked_for(request: pytest.FixtureRequest, default: str) -> Any:
    """The mount that the test asked for by any name: never a second one."""
    name = next((one for one in _MOUNTS if one in request.fixturenames), default)
    return request.getfixturevalue(name)


# ---- the names of the specification ----


@pytest.fixture
def fuse_manager(fusetrace_manager: FuseManager) -> FuseManager:
    """See fusetrace_manager."""
    return fusetrace_manager


@pytest.fixture
def mounted_fs(fusetrace_mount: MountedFilesystem) -> MountedFilesystem:
    """See fusetrace_mount; its `trace_monitor` is None when it is not traced."""
    return fusetrace_mount


@pytest.fixture
def mounted_fs_with_trace(fusetrace_mount_with_trace: MountedFilesystem) -> MountedFilesystem:
    """See fusetrace_mount_with_trace."""
    return fusetrace_mount_with_trace


@pytest.fixture
def mounted_fs_with_policy(request: pytest.FixtureRequest, fusetrace_manager: FuseManager,
                           fuse_config: FuseConfig) -> Iterator[MountedFilesystem]:
    """A filesystem of a policy, "ff" by default; unpacks to three as mounted_fs.

    Example:
        @pytest.mark.parametrize("mounted_fs_with_policy", ["mfs", "lfs"], indirect=True)
        def test_new_file(mounted_fs_with_policy): ...
    """
    from dataclasses import replace

    from .mounting import mounting

    config = replace(fuse_config, policy=getattr(request, "param", POLICIES[0]))
    with mounting(request, fusetrace_manager, config,
                  must_trace=not _TRACED.isdisjoint(request.fixturenames)) as mount:
        yield mount


@pytest.fixture
def smart_wait(request: pytest.FixtureRequest) -> SmartWaitHelper:
    """Waits on the filesystem that the test asked for, be it mounted_fs_with_trace,
    mounted_fs_with_policy or mounted_fs."""
    mount = _asked_for(request, "mounted_fs")
    from .mounting import helper_for

    return helper_for(mount)


@pytest.fixture
def trace_monitor(fusetrace_monitor: FuseTraceMonitor) -> FuseTraceMonitor:
    """The monitor of the test's filesystem, which is then traced."""
    return fusetrace_monitor


@pytest.fixture
def mountpoint(fusetrace_mountpoint: Path) -> Path:
    """See fusetrace_mountpoint."""
    return fusetrace_mountpoint


@pytest.fixture
def fs_state(request: pytest.FixtureRequest) -> FileSystemState:
    """Looks at the branches below a mount."""
    _need_package(request)
    from fusetrace import FileSystemState

    return FileSystemState()
