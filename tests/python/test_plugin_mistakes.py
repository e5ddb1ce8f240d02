# SPDX-License-Identifier: MIT
"""Mistakes of an earlier attempt that are the plugin's to avoid; the others are in test_mistakes.py,
and the twelfth, a bare directory that passes for a mount, in test_manager.py."""

import pytest

pytestmark = pytest.mark.needs_fuse

WORDS = (None, "", "0", "1", "yes", "OFF")


def set_trace(monkeypatch, word):
    if word is None:
        monkeypatch.delenv("FUSE_TRACE", raising=False)
    else:
        monkeypatch.setenv("FUSE_TRACE", word)


@pytest.mark.parametrize("word", WORDS)
def test_mistake_13_the_shape_does_not_depend_on_the_environment(suite, monkeypatch, word):
    set_trace(monkeypatch, word)
    suite.write("""
        def test_three(mounted_fs):
            process, mountpoint, branches = mounted_fs
            assert len(mounted_fs) == 3 and mounted_fs[1] == mountpoint

        def test_four(mounted_fs_with_trace):
            process, mountpoint, branches, trace_monitor = mounted_fs_with_trace
            assert len(mounted_fs_with_trace) == 4 and trace_monitor.state == "mounted"
    """).passes(2)


@pytest.mark.parametrize("word", WORDS)
def test_mistake_14_no_is_no_everywhere(suite, monkeypatch, word):
    set_trace(monkeypatch, word)
    suite.write(f"""
        from fusetrace import FuseConfig, FuseManager

        def test_it(mounted_fs, fuse_manager, fuse_config, tmp_path):
            is_traced = {word in ("1", "yes")}
            assert (mounted_fs.trace_monitor is not None) is is_traced
            assert fuse_manager.enable_trace is is_traced
            assert fuse_config.enable_trace is False
            with FuseManager() as manager:
                assert manager.enable_trace is is_traced
    """).passes(1)
