# SPDX-License-Identifier: MIT
"""Paths of a test against paths in the mount."""

import os
from pathlib import Path, PurePosixPath

import pytest

from conftest_core import daemon, kernel_monitor, mount  # noqa: F401
from daemons import DEADLINE
from fusetrace.paths import InMount, MountPaths


@pytest.fixture
def paths():
    found = MountPaths()
    found.add_root("/srv/mnt")
    return found


@pytest.mark.parametrize("given, inside", [
    ("/a.txt", "/a.txt"),
    ("a.txt", "/a.txt"),
    ("/", "/"),
    ("/srv/mnt", "/"),
    ("/srv/mnt/", "/"),
    ("/srv/mnt/a.txt", "/a.txt"),
    (b"/srv/mnt/a.txt", "/a.txt"),
    ("/srv/mnt2/a.txt", "/srv/mnt2/a.txt"),  # not under it
    ("/srv/mnt/d/../a.txt", "/a.txt"),
    ("/d/./../a.txt", "/a.txt"),
    ("//d//a.txt/", "/d/a.txt"),
    ("d/a.txt", "/d/a.txt"),
    ("*.txt", "*.txt"),
    ("/srv/mnt/*.txt", "/*.txt"),
    ("/d/**/a", "/d/**/a"),
    (Path("/srv/mnt/a.txt"), "/a.txt"),
    (PurePosixPath("/srv/mnt/d/a[1].txt"), "/d/a[1].txt"),
    (Path("/srv/mnt"), "/"),
    (InMount("/srv/mnt/a"), "/srv/mnt/a"),
])
def test_rule_11_inside(paths, given, inside):
    assert paths.inside(given) == inside


@pytest.mark.parametrize("given", [
    Path("/etc/passwd"), Path("/srv/mnt2/a"), Path("/srv"), Path("a.txt"),
    Path("/srv/mnt/../other"),
])
def test_a_path_object_elsewhere(paths, given):
    with pytest.raises(ValueError, match="is not in the mount at /srv/mnt"):
        paths.inside(given)


@pytest.mark.parametrize("given", ["", "a\0b", b""])
def test_what_is_no_path(paths, given):
    with pytest.raises(ValueError, match="no path"):
        paths.inside(given)


def test_before_anything_is_mounted():
    paths = MountPaths()
    assert paths.inside("/a") == "/a"
    with pytest.raises(ValueError, match="nothing is mounted yet"):
        paths.inside(Path("/srv/mnt/a"))
    with pytest.raises(ValueError, match="nothing is mounted yet"):
        paths.outside(InMount("/a"))


@pytest.mark.parametrize("given, inside", [
    ("/a[1]*.txt", "/a[1]*.txt"), ("a?", "/a?"), ("/srv/mnt/a[1]", "/a[1]"),
    (Path("/srv/mnt/a*"), "/a*"), ("/x/../a?", "/a?"),
])
def test_exact_takes_nothing_for_a_pattern(paths, given, inside):
    found = paths.exact(given)
    assert found == inside and isinstance(found, InMount)


def test_rule_11_outside(paths):
    assert paths.outside(InMount("/")) == "/srv/mnt"
    assert paths.outside(InMount("/d/a")) == "/srv/mnt/d/a"


def test_through_links(tmp_path):
    (tmp_path / "real/mnt").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "direct").symlink_to("real/mnt")
    (tmp_path / "into").symlink_to("real/mnt/sub")
    paths = MountPaths()
    paths.add_root(str(tmp_path / "real/mnt"))
    assert paths.inside(tmp_path / "link/mnt/a") == "/a"
    assert paths.inside(str(tmp_path / "link/mnt/d/a")) == "/d/a"
    assert paths.inside(tmp_path / "direct/a") == "/a"
    assert paths.inside(tmp_path / "direct") == "/"
    assert paths.inside(tmp_path / "into/a") == "/sub/a"
    with pytest.raises(ValueError):
        paths.inside(tmp_path / "link/other")


def test_a_mount_whose_paths_look_like_the_mountpoint(daemon, kernel_monitor):
    """The library takes the mountpoint off the paths that it is given, too."""
    twin = daemon.mountpoint / str(daemon.mountpoint).lstrip("/")
    twin.mkdir(parents=True)
    (twin / "a").write_text("x")
    inside = f"{daemon.mountpoint}/a"
    found = kernel_monitor.wait_for_operation("create", path=twin / "a", timeout=DEADLINE)
    assert found.path == inside
    assert kernel_monitor.wait_for_operation("create", path=daemon / "a", timeout=0) is None
    assert kernel_monitor.since(kernel_monitor._since).count("create", twin / "a") == 1


def test_a_mountpoint_with_odd_characters(mount):
    from fusetrace import FuseTraceMonitor

    daemon = mount(name="mnt of [a]\\b *\n")
    with FuseTraceMonitor(daemon.process) as monitor:
        assert monitor.mountpoint == daemon.mountpoint
        (daemon / "a").write_text("x")
        for path in (daemon / "a", str(daemon / "a"), "/a", os.fsencode(daemon / "a")):
            assert monitor.wait_for_operation("create", path=path, timeout=DEADLINE).path == "/a"


def test_globs_and_names_that_look_like_some(daemon, kernel_monitor):
    for name in ("a1", "a[1]", "b1", "a*"):
        (daemon / name).write_text("x")
    kernel_monitor.wait_for_operations(["release"] * 4, timeout=DEADLINE)

    def names(path):
        view = kernel_monitor.since(kernel_monitor._since)
        return sorted(one.path for one in view.matching("create", path))

    assert names("/a[1]") == ["/a1"]
    assert names(daemon / "a[1]") == ["/a[1]"]
    assert names("/a*") == ["/a*", "/a1", "/a[1]"]
    assert names(daemon / "a*") == ["/a*"]
    assert names("?1") == ["/a1", "/b1"]
    assert names(str(daemon / "*1")) == ["/a1", "/b1"]
