# SPDX-License-Identifier: MIT
"""The fixtures: what they give, in which shape, and that a test has one mount."""

import pytest

pytestmark = pytest.mark.needs_fuse

SHAPES = """
    def test_three(mounted_fs):
        process, mountpoint, branches = mounted_fs
        assert process.poll() is None and mountpoint.is_mount() and len(branches) == 3
        assert (process, mountpoint, branches) == tuple(mounted_fs)
        assert mounted_fs.process is process and mounted_fs.mountpoint == mountpoint
        assert mounted_fs.branches == branches and len(mounted_fs) == 3
        assert (mounted_fs.trace_monitor is not None) == TRACED

    def test_four(mounted_fs_with_trace):
        process, mountpoint, branches, trace_monitor = mounted_fs_with_trace
        assert mounted_fs_with_trace.trace_monitor is trace_monitor
        assert len(mounted_fs_with_trace) == 4
        (mountpoint / "a").write_text("hello")
        assert trace_monitor.wait_for_operation("create", path="/a").path == "/a"
        assert (branches[0] / "a").read_text() == "hello"
"""


@pytest.mark.parametrize("value", [None, "", "0", "false", "1", "TRUE", "yes", "on"])
def test_shapes_do_not_depend_on_the_environment(suite, monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("FUSE_TRACE", value)
    is_traced = value not in (None, "", "0", "false")
    suite.write(f"TRACED = {is_traced}\n" + SHAPES.replace("\n    ", "\n")).passes(2)


def test_all_names_mean_one_mount(suite):
    suite.write("""
        from pathlib import Path

        def test_one(mounted_fs, mounted_fs_with_trace, smart_wait, trace_monitor, mountpoint,
                     fusetrace_mount, fusetrace_monitor, fuse_manager, tmp_path):
            assert len(fuse_manager.active_mounts) == 1
            assert tuple(mounted_fs) == tuple(mounted_fs_with_trace)[:3]
            assert len(mounted_fs) == 3 and len(mounted_fs_with_trace) == 4
            assert mounted_fs.trace_monitor is trace_monitor is fusetrace_monitor
            assert smart_wait.trace_monitor is trace_monitor
            assert mountpoint == mounted_fs.mountpoint == fusetrace_mount.mountpoint
    """).passes()


@pytest.mark.parametrize("fixture, is_traced", [("mounted_fs", False),
                                                ("mounted_fs_with_trace", True),
                                                ("mounted_fs_with_policy", False)])
def test_smart_wait_belongs_to_the_mount_of_the_test(suite, fixture, is_traced):
    suite.write(f"""
        def test_one(smart_wait, fuse_manager, {fixture}):
            assert len(fuse_manager.active_mounts) == 1
            assert smart_wait.trace_monitor is {fixture}.trace_monitor
            assert (smart_wait.trace_monitor is not None) == {is_traced}
            path = {fixture}.mountpoint / "a"
            path.write_text("hello")
            assert smart_wait.wait_for_file_visible(path)
            assert smart_wait.wait_for_write_complete(path)
            assert smart_wait.last_report is None

        def test_alone(smart_wait, fuse_manager):
            assert len(fuse_manager.active_mounts) == 1
    """).passes(2)


def test_smart_wait_of_a_mount_of_the_project(suite):
    suite.conftest("""
        import pytest

        @pytest.fixture
        def mounted_fs(fusetrace_mount):
            process, mountpoint, branches = fusetrace_mount
            return process, mountpoint, branches
    """).write("""
        def test_one(mounted_fs, smart_wait, fuse_manager, mountpoint):
            (mounted_fs[1] / "a").write_text("hello")
            assert smart_wait.wait_for_file_visible(mounted_fs[1] / "a")
            assert mountpoint == mounted_fs[1]
            assert len(fuse_manager.active_mounts) == 1
    """).passes()


def test_trace_begins_behind_the_mount(suite):
    suite.write("""
        import pytest

        @pytest.mark.parametrize("number", range(30))
        def test_nothing_yet(trace_monitor, number):
            assert trace_monitor.completed_operations == [] and trace_monitor.in_flight == []
    """).passes(30)


def test_trace_begins_with_the_test(suite):
    suite.conftest("""
        def pytest_fusetrace_mount(config, mount):
            (mount.mountpoint / "from_the_hook").mkdir()
            assert mount.branches[0].joinpath("from_the_hook").is_dir()
    """).write("""
        def test_nothing_yet(mounted_fs_with_trace, trace_monitor):
            assert trace_monitor.completed_operations == []
            assert trace_monitor.get_operation_count() == 0
            assert trace_monitor.wait_for_operation("mkdir", timeout=0) is None
            assert (mounted_fs_with_trace.mountpoint / "from_the_hook").is_dir()
    """).passes()


def test_trace_of_a_plain_mount_when_its_monitor_is_asked_for(suite):
    suite.write("""
        def test_one(mounted_fs, trace_monitor):
            process, mountpoint, branches = mounted_fs
            (mountpoint / "d").mkdir()
            assert mounted_fs.trace_monitor is trace_monitor
            assert trace_monitor.get_operation_count("mkdir") == 1
    """).passes()


def test_several_mounts(suite):
    suite.write("""
        def test_two(fusetrace_mount_factory, fuse_manager, temp_branches):
            plain = fusetrace_mount_factory()
            traced = fusetrace_mount_factory(branches=temp_branches, enable_trace=True)
            process, mountpoint, branches = plain
            process, mountpoint, branches, trace_monitor = traced
            assert len(fuse_manager.active_mounts) == 2
            with trace_monitor.expect("mkdir", path="/d"):
                (mountpoint / "d").mkdir()
            (plain.mountpoint / "e").mkdir()
            trace_monitor.expect_none("mkdir", path="/e")

        def test_afterwards(fuse_manager):
            assert not fuse_manager.active_mounts
    """).passes(2)


def test_manager_of_the_specification(suite):
    suite.write("""
        from fusetrace import FuseConfig

        def test_code(fuse_manager, temp_branches, temp_mountpoint):
            config = FuseConfig(branches=temp_branches, mountpoint=temp_mountpoint,
                                enable_trace=True)
            with fuse_manager.mounted_fs(config) as mount:
                process, mountpoint, branches, trace_monitor = mount
                smart_wait = fuse_manager.get_smart_wait_helper(mountpoint)
                (mountpoint / "a").write_text("hello")
                assert smart_wait.wait_for_write_complete(mountpoint / "a")
            assert not temp_mountpoint.is_mount()

        def test_left_mounted(fuse_manager, fuse_config):
            fuse_manager.mount(fuse_config)
            assert fuse_config.mountpoint.is_mount()
    """).passes(2)


# ---- policies, branches ----


def test_policy_runs_with_each(suite):
    suite.write("""
        seen = []

        def test_policy(policy, mounted_fs, fuse_config):
            assert fuse_config.policy == policy
            seen.append(policy)

        def test_all():
            assert seen == ["ff", "mfs", "lfs"]
    """).passes(4)


def test_mount_of_a_policy(suite):
    suite.write("""
        import pytest

        SIZES = {"ff": 0, "mfs": 2, "lfs": 0}

        @pytest.fixture
        def temp_branches(tmpfs_branches):
            return tmpfs_branches

        @pytest.mark.parametrize("mounted_fs_with_policy", ["mfs", "lfs"], indirect=True)
        def test_named(mounted_fs_with_policy, request):
            policy = request.node.callspec.params["mounted_fs_with_policy"]
            process, mountpoint, branches = mounted_fs_with_policy
            (mountpoint / "a").write_text("hello")
            assert (branches[SIZES[policy]] / "a").exists()

        def test_default(mounted_fs_with_policy):
            process, mountpoint, branches = mounted_fs_with_policy
            (mountpoint / "a").write_text("hello")
            assert (branches[0] / "a").exists()

        def test_traced(mounted_fs_with_policy, trace_monitor, smart_wait):
            (mounted_fs_with_policy.mountpoint / "d").mkdir()
            assert trace_monitor.get_operation_count("mkdir") == 1
            assert smart_wait.trace_monitor is trace_monitor
    """).passes(4)


def test_branches_of_different_size_are_always_unmounted(suite):
    result = suite.write("""
        import os

        def test_sizes(tmpfs_branches):
            sizes = [os.statvfs(path).f_blocks for path in tmpfs_branches]
            assert sizes == sorted(set(sizes)) and len(sizes) == 3
            assert all(path.is_mount() for path in tmpfs_branches)
            print("at", tmpfs_branches[0])
            assert not "a failure"

        def test_busy(tmpfs_branches):
            test_busy.file = open(tmpfs_branches[0] / "a", "w")
    """).run()
    result.assert_outcomes(failed=1, passed=1)


def test_branches_of_different_size_need_root(suite):
    suite.conftest("""
        import os
        os.geteuid = lambda: 1000
    """).write("""
        def test_one(tmpfs_branches): pass
    """)
    result = suite.run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*needs to mount tmpfs: you are not root"])


def test_directories_and_state(suite):
    suite.write("""
        def test_one(temp_branches, temp_mountpoint, fuse_config, fs_state, mounted_fs):
            assert len(temp_branches) == 3 and mounted_fs.branches == temp_branches
            assert mounted_fs.mountpoint == temp_mountpoint == fuse_config.mountpoint
            (temp_mountpoint / "a").write_text("hello")
            assert fs_state.get_file_locations(temp_branches, "a") == [0]
    """).passes()


# ---- what is mounted ----


def test_command_and_options_can_be_overridden(suite):
    suite.conftest("""
        import shutil
        import sys
        import pytest

        @pytest.fixture(scope="session")
        def fusetrace_command():
            return [shutil.which("branchfs", path=sys.prefix + "/bin") or "branchfs", "-f",
                    "{branch}", "{mountpoint}"]

        @pytest.fixture(scope="session")
        def fusetrace_mount_options():
            return {"timeout": 20.0}
    """).write("""
        def test_one(mounted_fs, fuse_config):
            assert fuse_config.timeout == 20.0
            (mounted_fs.mountpoint / "a").write_text("hello")
            assert (mounted_fs.branches[0] / "a").exists()
            arguments = open(f"/proc/{mounted_fs.process.pid}/cmdline").read().split("\\0")
            assert str(mounted_fs.branches[0]) in arguments  # one branch alone
    """).passes()


def test_options_as_a_list(suite):
    suite.conftest("""
        import pytest

        @pytest.fixture(scope="session")
        def fusetrace_mount_options():
            return ["policy=lfs", "fsname=of-the-project"]
    """).write("""
        def test_one(mounted_fs, fusetrace_mount_factory):
            assert "of-the-project" in open("/proc/self/mountinfo").read()
            for mount in (mounted_fs, fusetrace_mount_factory()):
                arguments = open(f"/proc/{mount.process.pid}/cmdline").read()
                assert "fsname=of-the-project" in arguments
            other = fusetrace_mount_factory(options=["fsname=other"])
            assert "of-the-project" not in open(f"/proc/{other.process.pid}/cmdline").read()
    """).passes()


def test_options_that_are_no_list(suite):
    suite.conftest("""
        import pytest

        @pytest.fixture(scope="session")
        def fusetrace_mount_options():
            return "direct_io"
    """).write("def test_one(mounted_fs): pass")
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*TypeError: options must be a list of strings, not 'direct_io'"])


def test_options_that_do_not_exist(suite):
    suite.conftest("""
        import pytest

        @pytest.fixture(scope="session")
        def fusetrace_mount_options():
            return {"polcy": "mfs"}
    """).write("def test_one(mounted_fs): pass")
    result = suite.run()
    result.stdout.fnmatch_lines(["*FuseConfig has no 'polcy'; it has *policy*"])
    result.assert_outcomes(errors=1)


def test_binary_that_is_not_there(suite):
    suite.ini("fusetrace_command = /nonexistent/fs").write("def test_one(mounted_fs): pass")
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*/nonexistent/fs*"])


def test_profile_by_name(suite):
    suite.ini("fusetrace_command = bindfs").write("""
        def test_one(mounted_fs_with_trace):
            (mounted_fs_with_trace.mountpoint / "d").mkdir()
            assert "bindfs" in open(f"/proc/{mounted_fs_with_trace.process.pid}/cmdline").read()
            assert mounted_fs_with_trace.trace_monitor.get_operation_count("mkdir") == 1
    """).passes()


def test_nothing_is_automatic(suite):
    """A project without our fixtures gets nothing: no fixture, no import of the extension."""
    suite.write("""
        import sys

        def test_one(request):
            assert not [name for name in request.fixturenames if "fuse" in name]
            assert "fusetrace._core" not in sys.modules
            assert "fusetrace.monitor" not in sys.modules
    """)
    result = suite.passes()
    assert "fusetrace" not in str(result.stdout).replace("fusetrace-", "")
    result = suite.run("--collect-only", "-q")
    assert result.ret == 0
