# SPDX-License-Identifier: MIT
"""Known daemons: command lines, and that the real programs take them."""

import contextlib
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from fusetrace import profiles, programs
from fusetrace.config import FuseConfig
from fusetrace.manager import FuseManager
from fusetrace.profiles import build_command
from live import filesystems

ROOT = Path(__file__).parents[2]
WEIRD = ["a b", "new\nline", "c:o:l:o:n", "back\\slash", "end\\", "x=RO", "tab\t", "-f", "{branch}",
         os.fsdecode(b"\xff\xfe")]


def argv(name, branches=("/a", "/b"), *, template=None, args=(), is_logging=False, program=None,
         profile=None, **fields):
    config = FuseConfig(branches=list(branches), **fields)
    return build_command(profile or profiles.by_name(name), config, branches=branches,
                         mountpoint="/m", program=program or name, template=template, args=args,
                         is_logging=is_logging).argv


# ---- the table ----


def test_names_and_programs_are_unique():
    names = [profile.name for profile in profiles.PROFILES]
    known = [program for profile in profiles.PROFILES for program in profile.programs]
    assert len(set(names)) == len(names) and len(set(known)) == len(known)


def test_all_that_were_asked_for_are_there():
    for name in ("branchfs", "mergerfs", "mergerfs-rs", "bindfs", "sshfs", "gocryptfs", "rclone",
                 "unionfs", "fuse-overlayfs", "libfuse", "rust-tracing", "go-fuse", "fusepy"):
        assert profiles.by_name(name).name == name


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="no profile 'mergefs'.*mergerfs"):
        profiles.by_name("mergefs")


def rows_of_the_command():
    text = (ROOT / "cli/profile.c").read_text(encoding="utf-8")
    table = text.split("profiles[] = {")[1].split("};")[0]
    for program, words in re.findall(r'\{"([^"]+)", "[^"]+", \{([^}]*)\}', table):
        yield program, re.findall(r'"([^"]+)"', words)


def flags(words):
    return {flag for word in words for flag in word.split(",")} - {"-o"}


@pytest.mark.parametrize("program, words", [
    pytest.param(*row, id=row[0]) for row in rows_of_the_command()])
def test_the_command_knows_the_same_daemons(program, words):
    """cli/profile.c is the same table in C."""
    profile = profiles.of_program(f"/usr/bin/{program}")
    assert profile is not profiles.ANY
    if program == "branchfs":  # its JSON lines say more than -d
        assert profile.trace_environment == {"FUSE_TRACE": "1"}
        return
    ours = flags((*profile.foreground, *profile.trace_arguments))
    if program == "cryfs":
        assert ours == flags(words)
    assert flags(words) <= ours
    assert bool(profile.subcommand) == (program == "rclone")


# ---- command lines ----


@pytest.mark.parametrize("name, expected", [
    ("branchfs", "-f -o policy=mfs /a:/b /m"),
    ("mergerfs", "-f -o category.create=mfs /a:/b /m"),
    ("mergerfs-rs", "-o func.create=mfs /m /a /b"),
])
def test_with_policies(name, expected):
    assert argv(name, policy="mfs") == [name, *expected.split()]


@pytest.mark.parametrize("name, expected", [
    ("bindfs", "-f /a /m"),
    ("sshfs", "-f /a /m"),
    ("gocryptfs", "-fg /a /m"),
    ("rclone", "mount /a /m"),
    ("unionfs", "-f -o cow /a=RW:/b=RW /m"),
    ("fuse-overlayfs", "-f -o lowerdir=/b,upperdir=/a,workdir=/a.work /m"),
    ("squashfuse", "-f /a /m"),
    ("ntfs-3g", "-o no_detach /a /m"),
    ("libfuse", "-f /a:/b /m"),
    ("rust-tracing", "/a:/b /m"),
    ("go-fuse", "/m /a /b"),
    ("fusepy", "/a /m"),
])
def test_without_policies(name, expected):
    assert argv(name) == [name, *expected.split()]
    with pytest.raises(ValueError, match="no policies"):
        argv(name, policy="mfs")


@pytest.mark.parametrize("name, expected", [
    ("branchfs", "-f -o policy=ff /a:/b /m"),
    ("mergerfs", "-f -d -o category.create=ff /a:/b /m"),
    ("gocryptfs", "-fg -fusedebug /a /m"),
    ("rclone", "mount -vv --debug-fuse /a /m"),
    ("fuse-overlayfs", "-f -o debug -o lowerdir=/b,upperdir=/a,workdir=/a.work /m"),
    ("go-fuse", "-debug /m /a /b"),
    ("libfuse", "-f -d /a:/b /m"),
])
def test_made_to_log(name, expected):
    assert argv(name, is_logging=True) == [name, *expected.split()]


def test_options_and_arguments():
    assert argv("branchfs", options=["ro", "max_threads=2"], args=["-s"]) == [
        "branchfs", "-f", "-s", "-o", "policy=ff,ro,max_threads=2", "/a:/b", "/m"]
    assert argv("bindfs", options=["ro"]) == ["bindfs", "-f", "-o", "ro", "/a", "/m"]


def test_an_unknown_program():
    unknown = dict(profile=profiles.ANY, program="/x/myfs")
    assert argv("", args=["-v"], **unknown) == ["/x/myfs", "-v", "/a:/b", "/m"]
    assert argv("", (), **unknown) == ["/x/myfs", "/m"]
    assert argv("", is_logging=True, **unknown) == ["/x/myfs", "/a:/b", "/m"]
    with pytest.raises(ValueError, match="this program has no policies"):
        argv("", policy="mfs", **unknown)


@pytest.mark.parametrize("name", [profile.name for profile in profiles.PROFILES
                                  if profile.needs_branch])
def test_no_branches(name):
    with pytest.raises(ValueError, match="no branches are given"):
        argv(name, ())


def test_overlay_layers():
    assert argv("fuse-overlayfs", readonly_branches=[0, 1])[3] == "lowerdir=/a:/b"
    assert argv("fuse-overlayfs", ("/a", "/b", "/c"))[3] == \
        "lowerdir=/b:/c,upperdir=/a,workdir=/a.work"
    with pytest.raises(ValueError, match="lower branch"):
        argv("fuse-overlayfs", ("/a",))
    for name in WEIRD[2], WEIRD[3]:
        with pytest.raises(ValueError, match="cannot have"):
            argv("fuse-overlayfs", ("/a", name))


# ---- modes and names of branches ----


@pytest.mark.parametrize("name, expected", [
    ("branchfs", "/a=RO:/b=NC:/c"), ("mergerfs", "/a=RO:/b=NC:/c")])
def test_modes(name, expected):
    found = argv(name, ("/a", "/b", "/c"), readonly_branches=[0], nocreate_branches=[1])
    assert found[-2] == expected


def test_modes_of_mergerfs_rs():
    found = argv("mergerfs-rs", ("/a", "/b", "/c"), readonly_branches=[0], nocreate_branches=[1])
    assert found[-4:] == ["/m", "/a=RO", "/b=NC", "/c"]


def test_modes_of_unionfs():
    assert argv("unionfs", readonly_branches=[1])[-2] == "/a=RW:/b=RO"
    with pytest.raises(ValueError, match="unionfs has no no-create branches"):
        argv("unionfs", nocreate_branches=[1])


@pytest.mark.parametrize("name", ["bindfs", "gocryptfs", "libfuse", "rust-tracing", "go-fuse"])
@pytest.mark.parametrize("field", ["readonly_branches", "nocreate_branches"])
def test_modes_that_a_filesystem_does_not_have(name, field):
    with pytest.raises(ValueError, match=f"{name} has no (read-only|no-create) branches"):
        argv(name, **{field: [0]})


def test_names_for_branchfs():
    assert argv("branchfs", ["/a:b", "/c\\", "/d=RO", "/e=RO"], readonly_branches=[3])[-2] == \
        "/a\\:b:/c\\\\:/d=RO=RW:/e=RO=RO"


def test_names_for_mergerfs():
    assert argv("mergerfs", ["/a[1]*", "/b?=x"])[-2] == "/a\\[1\\]\\*:/b\\?=x=RW"
    with pytest.raises(ValueError, match="cannot have : or ,"):
        argv("mergerfs", ["/a:b"])
    with pytest.raises(ValueError, match="/a,b"):
        argv("mergerfs", ["/a,b"])


def test_names_that_would_be_taken_for_something_else():
    with pytest.raises(ValueError, match="for a mode"):
        argv("mergerfs-rs", ["/a=b"])
    with pytest.raises(ValueError, match="colon separates"):
        argv("libfuse", ["/a:b", "/c"])
    assert argv("libfuse", ["/a:b"])[-2] == "/a:b"
    assert argv("bindfs", ["/a:b", "/c"])[-2] == "/a:b"


# ---- templates of the user ----


def template(*words, program="/x/myfs", profile=profiles.ANY, **more):
    return argv("", template=["{program}", *words], program=program, profile=profile, **more)


def test_placeholders():
    assert template("--from={branches}", "--first={branch}", "{mountpoint}", "{policy}",
                    policy="mfs") == ["/x/myfs", "--from=/a:/b", "--first=/a", "/m", "mfs"]
    assert template("{each_branch}", "--", "{mountpoint}") == ["/x/myfs", "/a", "/b", "--", "/m"]


def test_other_braces_stay():
    assert template("{", "}", "{}", "{x}", '{"a": {}}', "{mountpoint}") == [
        "/x/myfs", "{", "}", "{}", "{x}", '{"a": {}}', "/m"]


def test_what_is_put_in_is_not_looked_at_again():
    assert template("{branch}", "{mountpoint}", branches=["/{mountpoint}"])[1] == "/{mountpoint}"


def test_args_and_options_where_the_user_wants_them():
    assert template("{options}", "{mountpoint}", "{args}", args=["-v", "-w"], options=["ro"]) == [
        "/x/myfs", "-o", "ro", "/m", "-v", "-w"]


def test_args_and_options_without_a_place_go_to_the_end_of_an_unknown_program():
    assert template("my.py", "{mountpoint}", args=["-v"], options=["ro"], program="python3") == [
        "python3", "my.py", "/m", "-v", "-o", "ro"]


def test_args_and_options_without_a_place_go_behind_a_known_program():
    known = dict(args=["-v"], options=["ro"], is_logging=True)
    assert template("{branch}", "{mountpoint}", program="bindfs",
                    profile=profiles.by_name("bindfs"), **known) == [
        "bindfs", "-f", "-d", "-v", "-o", "ro", "/a", "/m"]
    assert template("mount", "r:", "{mountpoint}", program="rclone",
                    profile=profiles.by_name("rclone"), **known) == [
        "rclone", "mount", "-vv", "--debug-fuse", "-v", "-o", "ro", "r:", "/m"]


def test_what_makes_it_log_is_not_said_twice():
    assert template("-f", "{branch}", "{mountpoint}", program="bindfs", is_logging=True,
                    profile=profiles.by_name("bindfs")) == ["bindfs", "-d", "-f", "/a", "/m"]


def test_a_template_stays_as_it_is_without_the_log_source():
    assert template("{branch}", "{mountpoint}", program="bindfs",
                    profile=profiles.by_name("bindfs")) == ["bindfs", "/a", "/m"]


def test_a_policy_that_would_be_lost():
    with pytest.raises(ValueError, match="policy"):
        template("{mountpoint}", policy="mfs")
    assert template("{branches}", "{mountpoint}", policy="mfs", program="mergerfs",
                    profile=profiles.by_name("mergerfs")) == [
        "mergerfs", "-o", "category.create=mfs", "/a:/b", "/m"]


def test_branches_that_are_needed_and_not_there():
    with pytest.raises(ValueError, match="no branches"):
        template("--from={branch}", "{mountpoint}", branches=[])
    assert template("{mountpoint}", branches=[]) == ["/x/myfs", "/m"]


def test_the_format_of_branches_is_that_of_the_program():
    assert template("{branches}", "{mountpoint}", program="branchfs", branches=["/a:b", "/c"],
                    readonly_branches=[1], profile=profiles.by_name("branchfs"))[1] == \
        "/a\\:b:/c=RO"


# ---- which program ----


@pytest.fixture
def bin_directory(tmp_path, monkeypatch):
    """The only directory on PATH, with some programs."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("branchfs", "mergerfs", "unionfs-fuse", "my fs", "named"):
        (directory / name).write_text("#!/bin/sh\n")
        (directory / name).chmod(0o755)
    (directory / "not-executable").write_text("")
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setattr(programs, "_SBIN", "")
    monkeypatch.delenv("FUSE_BINARY", raising=False)
    return directory


def test_the_order(bin_directory, monkeypatch):
    found = programs.Finder(bin_directory / "named", "mergerfs")
    assert found.binary() == str(bin_directory / "named")
    monkeypatch.setenv("FUSE_BINARY", str(bin_directory / "my fs"))
    assert found.binary() == str(bin_directory / "named")
    assert programs.Finder(None, "mergerfs").binary() == str(bin_directory / "my fs")
    monkeypatch.setenv("FUSE_BINARY", "named")
    assert programs.Finder().binary() == str(bin_directory / "named")
    monkeypatch.setenv("FUSE_BINARY", "")
    assert programs.Finder(None, "mergerfs").binary() == str(bin_directory / "mergerfs")
    assert programs.Finder().binary() == str(bin_directory / "branchfs")


def test_branchfs_beside_the_running_python(bin_directory, tmp_path, monkeypatch):
    (tmp_path / "prefix").mkdir()
    shutil.move(bin_directory, tmp_path / "prefix/bin")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    assert programs.Finder().binary() == str(tmp_path / "prefix/bin/branchfs")


def test_not_found_says_where_it_was_looked_for(bin_directory, tmp_path, monkeypatch):
    (bin_directory / "branchfs").unlink()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    with pytest.raises(FileNotFoundError) as caught:
        programs.Finder().binary()
    for part in ("binary_path", "FUSE_BINARY", "fusetrace_command", str(bin_directory),
                 str(tmp_path / "prefix/bin/branchfs")):
        assert part in str(caught.value)


def test_what_was_named_and_is_missing_is_never_replaced(bin_directory, monkeypatch):
    with pytest.raises(FileNotFoundError, match="binary_path: '/nope/x' does not exist"):
        programs.Finder("/nope/x")
    with pytest.raises(FileNotFoundError, match="is not executable"):
        programs.Finder(bin_directory / "not-executable")
    monkeypatch.setenv("FUSE_BINARY", "/nope/y")
    with pytest.raises(FileNotFoundError, match="FUSE_BINARY: '/nope/y' does not exist"):
        programs.Finder().find(None)
    with pytest.raises(FileNotFoundError, match="command: there is no program 'nope'"):
        programs.Finder().find(["nope", "{mountpoint}"])
    monkeypatch.delenv("FUSE_BINARY")
    with pytest.raises(FileNotFoundError, match="no rclone in"):
        programs.Finder().find("rclone")


def test_command_words(bin_directory):
    finder = programs.Finder()
    found = finder.find(["named", "{mountpoint}"])
    assert found == programs.Program(str(bin_directory / "named"), profiles.ANY,
                                     ("{program}", "{mountpoint}"))
    assert finder.find("named '{mountpoint}' -x") == programs.Program(
        str(bin_directory / "named"), profiles.ANY, ("{program}", "{mountpoint}", "-x"))
    assert finder.find("named").template is None
    assert finder.find(str(bin_directory / "my fs")).path == str(bin_directory / "my fs")
    assert finder.find(["{program}", "x"]).path == str(bin_directory / "branchfs")
    assert finder.find(["unionfs-fuse", "x"]).profile.name == "unionfs"
    assert finder.find("unionfs").path == str(bin_directory / "unionfs-fuse")


def test_profiles_by_name_and_binaries(bin_directory, monkeypatch):
    """A binary that was named by the argument goes by any profile; one of the environment by those
    for any program, or for its name."""
    named = str(bin_directory / "named")
    assert programs.Finder(named).find("mergerfs") == programs.Program(
        named, profiles.by_name("mergerfs"))
    monkeypatch.setenv("FUSE_BINARY", named)
    assert programs.Finder().find("mergerfs").path == str(bin_directory / "mergerfs")
    assert programs.Finder().find("libfuse").path == named
    monkeypatch.delenv("FUSE_BINARY")
    with pytest.raises(FileNotFoundError, match="for any program"):
        programs.Finder().find("libfuse")


# ---- the real ones ----


def recipe(name):
    found = filesystems.by_name(name)
    if reason := found.missing():
        pytest.skip(reason)
    return found


def mount_and_use(config, args=(), binary=None, is_read_only=False):
    pytest.importorskip("fusetrace._core", reason="the extension is not built")
    with FuseManager(binary) as manager, manager.mounted_fs_with_args(config, args) as mounted:
        if not is_read_only:
            (mounted.mountpoint / "new").write_text("hello")
        names = os.listdir(mounted.mountpoint)
        assert mounted.process.poll() is None
    assert mounted.process.poll() is not None
    return names


@pytest.mark.parametrize("name", ["branchfs", "mergerfs", "unionfs"])
def test_real_unions(name, tmp_path):
    if not any(programs.find_program(one) for one in profiles.by_name(name).programs):
        pytest.skip(f"{name} is not installed")
    branches = [tmp_path / "a", tmp_path / "b"]
    config = FuseConfig(branches=branches, readonly_branches=[1], command=name)
    branches[1].mkdir()
    (branches[1] / "old").touch()
    assert sorted(one for one in mount_and_use(config) if not one.startswith(".")) == \
        ["new", "old"]
    assert (branches[0] / "new").read_text() == "hello" and not (branches[1] / "new").exists()


@pytest.mark.parametrize("name", ["branchfs", "mergerfs"])
def test_real_branches_with_weird_names(name, tmp_path):
    if not programs.find_program(name):
        pytest.skip(f"{name} is not installed")
    for weird in [*WEIRD, "[x]*?{ab}~"]:
        if name == "mergerfs" and ":" in weird:
            continue
        branches = [tmp_path / weird, tmp_path / "other" / weird]
        for index, branch in enumerate(branches):
            branch.mkdir(parents=True)
            (branch / f"of {index}").touch()
        # A pattern would find these instead.
        (tmp_path / "x").mkdir(exist_ok=True)
        assert sorted(one for one in mount_and_use(FuseConfig(branches=branches, command=name))
                      if not one.startswith(".")) == ["new", "of 0", "of 1"], weird
        assert (branches[0] / "new").exists()


def test_real_overlay(tmp_path):
    recipe("fuse-overlayfs")
    branches = [tmp_path / "upper", tmp_path / "lower"]
    branches[1].mkdir()
    (branches[1] / "old").touch()
    names = mount_and_use(FuseConfig(branches=branches, command="fuse-overlayfs"))
    assert sorted(names) == ["new", "old"]
    assert (branches[0] / "new").exists()
    assert sorted(os.listdir(tmp_path)) == ["lower", "upper"]


def test_real_bindfs_with_several_branches_shows_the_first(tmp_path):
    recipe("bindfs")
    branches = [tmp_path / "a", tmp_path / "b"]
    assert mount_and_use(FuseConfig(branches=branches, command="bindfs")) == ["new"]


@pytest.mark.parametrize("name, args, image", [
    ("gocryptfs", ["-q", "-passfile", "{base}/password"], "store"),
    ("squashfuse", [], "image"),
    ("fuse2fs", [], "image"),
    ("ntfs-3g", [], "image"),
    ("archivemount", ["-o", "nobackup"], "archive.tar"),
])
def test_real_images(name, args, image, tmp_path):
    found = recipe(name)
    content = tmp_path / "content"
    content.mkdir()
    (content / "old").touch()
    base = tmp_path / "base"
    base.mkdir()
    found.prepare(base, content)
    config = FuseConfig(branches=[base / image], command=name)
    names = mount_and_use(config, [word.format(base=base) for word in args],
                          is_read_only=found.is_read_only)
    assert ("old" if found.is_read_only else "new") in names


def test_real_image_that_is_missing(tmp_path):
    recipe("squashfuse")
    config = FuseConfig(branches=[tmp_path / "nope"], command="squashfuse")
    with pytest.raises(ValueError, match="nope' does not exist"):
        mount_and_use(config)


def test_real_rclone(tmp_path):
    if not programs.find_program("rclone"):
        pytest.skip("rclone is not installed")
    store = tmp_path / "store"
    store.mkdir()
    (store / "old").touch()
    config = FuseConfig(branches=[store], command="rclone", timeout=60,
                        environment={"RCLONE_CONFIG": str(tmp_path / "rclone.conf")})
    assert "old" in mount_and_use(config, is_read_only=True)


def test_real_sshfs(tmp_path):
    found = recipe("sshfs")
    found.prepare(tmp_path, None)
    with contextlib.ExitStack() as stack:
        stack.enter_context(found.service(tmp_path))
        # [sshfs, -f, HOST:PATH, MOUNTPOINT, -o, OPTIONS]
        words = found.command(tmp_path, tmp_path / "m")
        config = FuseConfig(branches=[words[2]], command="sshfs", options=words[5].split(","),
                            timeout=60)
        assert mount_and_use(config) == ["new"]
    assert (tmp_path / "store/new").read_text() == "hello"


def test_real_fusepy(tmp_path):
    found = recipe("fusepy")
    (tmp_path / "store").mkdir()
    words = found.command(tmp_path, tmp_path / "m")
    config = FuseConfig(branches=[tmp_path / "store"],
                        command=[*words[:-2], "{branch}", "{mountpoint}"])
    assert mount_and_use(config) == ["new"]
