# SPDX-License-Identifier: MIT
"""FuseConfig, and what is checked and made before a mount."""

import dataclasses
import os
from pathlib import Path

import pytest

from fusetrace.config import FuseConfig, Made, prepare_branches, prepare_mountpoint


def test_defaults():
    config = FuseConfig()
    assert (config.policy, config.branches, config.mountpoint) == ("ff", [], None)
    assert (config.readonly_branches, config.nocreate_branches) == ([], [])
    assert (config.timeout, config.enable_trace, config.source) == (10.0, False, "auto")
    assert (config.command, config.environment, config.options) == (None, None, [])


def test_the_order_of_existing_suites():
    config = FuseConfig("mfs", [Path("/a"), Path("/b")], Path("/m"), [0], [1], 3, True)
    assert (config.policy, config.mountpoint, config.timeout) == ("mfs", Path("/m"), 3)
    assert [config.mode_of(index) for index in (0, 1)] == ["RO", "NC"]
    assert config.enable_trace is True


def test_none_for_branches():
    assert FuseConfig(branches=None).branches == []


def test_read_only_wins():
    config = FuseConfig(branches=["/a"], readonly_branches=[0], nocreate_branches=[0])
    assert config.mode_of(0) == "RO"


def test_paths_are_brought_into_form():
    config = FuseConfig(branches=("/a", b"/\xff", Path("/c")), mountpoint="/m")
    assert config.branches == [Path("/a"), Path(os.fsdecode(b"/\xff")), Path("/c")]
    assert config.mountpoint == Path("/m")


def test_check_sees_later_changes():
    config = FuseConfig()
    config.branches = ["/a"]
    config.mountpoint = "/m"
    config.check()
    assert config.branches == [Path("/a")] and config.mountpoint == Path("/m")
    config.timeout = "10"
    with pytest.raises(TypeError):
        config.check()


def test_replace():
    config = dataclasses.replace(FuseConfig(branches=["/a"]), policy="mfs")
    assert (config.policy, config.branches) == ("mfs", [Path("/a")])


def test_lists_are_not_shared():
    branches = [Path("/a")]
    FuseConfig(branches=branches).branches.append(Path("/b"))
    assert branches == [Path("/a")] and FuseConfig().options is not FuseConfig().options


@pytest.mark.parametrize("field, value", [
    ("branches", "/a"), ("branches", Path("/a")), ("branches", [1]), ("branches", {"/a"}),
    ("mountpoint", 3), ("timeout", "10"), ("timeout", None), ("policy", 1), ("options", "ro"),
    ("readonly_branches", "0"), ("readonly_branches", ["0"]), ("nocreate_branches", [True]),
    ("command", 3),
])
def test_wrong_types(field, value):
    with pytest.raises(TypeError, match=field):
        FuseConfig(**{field: value})


@pytest.mark.parametrize("field, value", [
    ("timeout", -1), ("timeout", float("nan")), ("source", "ebpf"), ("command", ""),
    ("command", []), ("readonly_branches", [0]), ("nocreate_branches", [-1]),
])
def test_wrong_values(field, value):
    with pytest.raises(ValueError, match=field):
        FuseConfig(**{field: value})


def test_an_index_beyond_the_branches_says_how_many_there_are():
    with pytest.raises(ValueError, match="no branch 2, only 2"):
        FuseConfig(branches=["/a", "/b"], readonly_branches=[2])


# ---- branches and mountpoint ----


@pytest.fixture
def base(tmp_path):
    (tmp_path / "mnt").mkdir()
    return tmp_path


def prepare(base, *branches):
    made = Made()
    prepare_branches([str(branch) for branch in branches], str(base / "mnt"), made)
    return made


def test_missing_branches_are_made(base):
    prepare(base, base / "a", base / "deep/er/b")
    assert (base / "a").is_dir() and (base / "deep/er/b").is_dir()


def test_what_was_made_can_be_removed(base):
    (base / "deep").mkdir()
    made = prepare(base, base / "deep/er/b", base / "used")
    (base / "used/file").touch()
    made.remove()
    assert os.listdir(base / "deep") == []
    assert (base / "used/file").exists()


def test_a_branch_that_is_a_file(base):
    (base / "file").touch()
    with pytest.raises(ValueError, match="file.*not a directory"):
        prepare(base, base / "other", base / "file")
    assert not (base / "other").exists()


def test_a_branch_that_is_a_dangling_link(base):
    (base / "link").symlink_to("nowhere")
    with pytest.raises(ValueError, match="not a directory"):
        prepare(base, base / "link")


@pytest.mark.parametrize("name", ["mnt", "mnt/below", "link/below"])
def test_a_branch_in_the_mountpoint(base, name):
    (base / "link").symlink_to("mnt")
    with pytest.raises(ValueError, match="lies in the mountpoint"):
        prepare(base, base / name)
    assert os.listdir(base / "mnt") == []


def test_a_branch_that_holds_the_mountpoint(base):
    (base.parent / f"link-{base.name}").symlink_to(base)
    for branch in (base, base.parent / f"link-{base.name}", "/"):
        with pytest.raises(ValueError, match="holds the mountpoint"):
            prepare(base, branch)


def test_a_branch_whose_name_begins_as_the_mountpoint_is_fine(base):
    prepare(base, base / "mnt2", base / "mn")


def test_a_mountpoint_that_is_missing_is_made(base):
    made = Made()
    prepare_mountpoint(str(base / "x/y"), made)
    assert (base / "x/y").is_dir()
    made.remove()
    assert not (base / "x").exists()


def test_a_mountpoint_that_is_not_empty_names_what_is_in_it(base):
    for name in "gfedcba":
        (base / "mnt" / name).touch()
    with pytest.raises(ValueError) as caught:
        prepare_mountpoint(str(base / "mnt"), Made())
    assert "'a', 'b', 'c', 'd', 'e' and 2 more" in str(caught.value)


def test_a_mountpoint_that_is_a_file(base):
    (base / "file").touch()
    with pytest.raises(ValueError, match="not a directory"):
        prepare_mountpoint(str(base / "file"), Made())
