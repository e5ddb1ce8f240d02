# SPDX-License-Identifier: MIT
"""FileSystemState: what the branches below a mount hold."""

import os
from pathlib import Path

import pytest

from fusetrace.filesystem_state import FileSystemState

WEIRD = ["with space", "new\nline", "colon:name", "-f", os.fsdecode(b"\xff\xfe")]


@pytest.fixture
def state():
    return FileSystemState()


@pytest.fixture
def branches(tmp_path):
    found = [tmp_path / f"branch{index}" for index in range(3)]
    for branch in found:
        branch.mkdir()
    return found


def test_locations(state, branches):
    (branches[0] / "a").touch()
    (branches[2] / "a").mkdir()
    assert state.get_file_locations(branches, "a") == [0, 2]
    assert state.get_file_locations(branches, "b") == []
    assert state.get_file_locations([], "a") == []


def test_locations_below_directories_and_as_in_the_mount(state, branches):
    (branches[1] / "d").mkdir()
    (branches[1] / "d/f").touch()
    for name in ("d/f", "/d/f", Path("d/f"), "d//f", "./d/f"):
        assert state.get_file_locations(branches, name) == [1]


def test_a_dangling_link_is_there(state, branches):
    (branches[1] / "link").symlink_to("nowhere")
    assert state.get_file_locations(branches, "link") == [1]


@pytest.mark.parametrize("name", ["..", "../branch1/a", "d/../../x"])
def test_a_name_that_leads_out_is_an_error(state, branches, name):
    with pytest.raises(ValueError, match="leads out"):
        state.get_file_locations(branches, name)


@pytest.mark.parametrize("name", WEIRD)
def test_weird_names(state, branches, name):
    (branches[1] / name).write_text("12345")
    assert state.get_file_locations([str(branch) for branch in branches], name) == [1]
    assert state.file_exists_in_branch(branches[1], name)
    assert not state.file_exists_in_branch(branches[0], name)
    assert state.get_branch_sizes(branches) == [0, 5, 0]


def test_without_an_instance(branches):
    assert FileSystemState.get_file_locations(branches, "a") == []
    assert FileSystemState.file_exists_in_branch(branches[0], "") is True


def test_sizes_of_files_below(state, branches):
    (branches[0] / "a").write_bytes(b"x" * 100)
    (branches[0] / "d/e").mkdir(parents=True)
    (branches[0] / "d/e/b").write_bytes(b"x" * 23)
    assert state.get_branch_sizes(branches) == [123, 0, 0]


def test_sizes_count_inodes_once_and_follow_no_links(state, branches):
    (branches[0] / "a").write_bytes(b"x" * 100)
    os.link(branches[0] / "a", branches[0] / "b")
    (branches[1] / "link").symlink_to(branches[0] / "a")
    (branches[1] / "directory").symlink_to(branches[0])
    os.mkfifo(branches[2] / "fifo")
    assert state.get_branch_sizes(branches) == [100, 0, 0]


def test_sizes_of_a_branch_that_is_missing(state, tmp_path):
    assert state.get_branch_sizes([tmp_path / "missing"]) == [0]


@pytest.mark.parametrize("size", [0, 1, 7, 4096, (1 << 20) + 3, 3 << 20])
def test_files_have_the_size_asked_for(state, tmp_path, size):
    state.create_file_with_size(tmp_path / "f", size)
    assert (tmp_path / "f").read_bytes() == b"x" * size


@pytest.mark.parametrize("content, expected", [(b"abc", b"abcabcab"), ("é", "é".encode() * 4),
                                               (b"0123456789", b"01234567")])
def test_content_is_repeated(state, tmp_path, content, expected):
    state.create_file_with_size(tmp_path / "f", 8, content)
    assert (tmp_path / "f").read_bytes() == expected


def test_content_longer_than_a_piece(state, tmp_path):
    content = os.urandom((1 << 20) + 5)
    state.create_file_with_size(tmp_path / "f", 2 << 20, content)
    assert (tmp_path / "f").read_bytes() == (content + content)[:2 << 20]


def test_parents_are_made_and_files_replaced(state, tmp_path):
    path = tmp_path / "a/b/c"
    state.create_file_with_size(str(path), 10)
    state.create_file_with_size(path, 3)
    assert path.read_bytes() == b"xxx"


def test_files_have_no_holes(state, tmp_path):
    state.create_file_with_size(tmp_path / "f", 1 << 20, b"\0")
    assert os.stat(tmp_path / "f").st_blocks * 512 >= 1 << 20


def test_bad_sizes_and_contents(state, tmp_path):
    with pytest.raises(ValueError, match="negative"):
        state.create_file_with_size(tmp_path / "f", -1)
    with pytest.raises(ValueError, match="empty"):
        state.create_file_with_size(tmp_path / "f", 1, b"")
    assert not (tmp_path / "f").exists()
    state.create_file_with_size(tmp_path / "f", 0, b"")
