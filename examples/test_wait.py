# SPDX-License-Identifier: MIT
"""The smallest tests with pytest: `pytest examples/test_wait.py`.

They mount the reference filesystem; FUSE_BINARY=/path/to/yours, or one line of pytest.ini
(docs/python.md), makes it yours.
"""


def test_data_have_arrived(mounted_fs_with_trace, smart_wait):
    process, mountpoint, branches, trace_monitor = mounted_fs_with_trace
    note = mountpoint / "note.txt"
    note.write_text("hello")
    assert smart_wait.wait_for_write_complete(note)
    assert (branches[0] / "note.txt").read_text() == "hello"


def test_close_is_released(mounted_fs_with_trace):
    process, mountpoint, branches, monitor = mounted_fs_with_trace
    file = open(mountpoint / "note.txt", "w")
    with monitor.expect("release", path="/note.txt", timeout=5) as release:
        file.close()
    assert release.operation.errno == 0
