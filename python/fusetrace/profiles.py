# SPDX-License-Identifier: MIT
"""Known daemons: how each is called, kept in the foreground, made to log, and told of branches.

The table is at the end. A profile is found by the program's name or by its own; a program that
nobody knows is called as `PROGRAM {args} {branches} {mountpoint}`. Arguments that make a daemon log
are for the log source only: for the kernel source it runs as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .config import DEFAULT_POLICY, FuseConfig

# ---- how branches are written ----


def _plain(name: str, mode: str, profile: str) -> str:
    if mode != "RW":
        raise ValueError(f"{profile} has no {'read-only' if mode == 'RO' else 'no-create'} "
                         f"branches: write them into the command")
    return name


def _branchfs(name: str, mode: str, profile: str) -> str:
    """A colon is written `\\:`, a backslash `\\\\`; a name may look as if it had a mode."""
    escaped = name.replace("\\", "\\\\").replace(":", "\\:")
    return f"{escaped}={mode}" if mode != "RW" or "=" in name else escaped


def _mergerfs(name: str, mode: str, profile: str) -> str:
    """It takes branches for patterns of glob(7), and can escape what is special in these only."""
    if ":" in name or "," in name:  # the comma is for its option fsname, made of the branches
        raise ValueError(f"branch {name!r}: {profile} cannot have : or , in a branch's name")
    escaped = re.sub(r"([*?\[\]{}~\\])", r"\\\1", name)
    return f"{escaped}={mode}" if mode != "RW" or "=" in name else escaped


def _mergerfs_rs(name: str, mode: str, profile: str) -> str:
    if "=" in name:
        raise ValueError(f"branch {name!r}: {profile} takes what follows the = for a mode")
    return name if mode == "RW" else f"{name}={mode}"


def _unionfs(name: str, mode: str, profile: str) -> str:
    if ":" in name or "=" in name:
        raise ValueError(f"branch {name!r}: {profile} cannot have : or = in a branch's name")
    return f"{name}={mode}" if mode != "NC" else _plain(name, mode, profile)


def _overlay(name: str, mode: str, profile: str) -> str:
    if "," in name or ":" in name or "\\" in name:
        raise ValueError(f"branch {name!r}: {profile} cannot have , : or \\ in a branch's name")
    return name if mode == "RO" else _plain(name, mode, profile)  # all but the first are so


# ---- profiles ----


@dataclass(frozen=True)
class Profile:
    """A kind of daemon.

    Its template is words: {program}, {foreground}, {trace}, {args}, {options} and {each_branch} are
    none, one or several words, {branches}, {branch}, {mountpoint} and {policy} may also be parts of
    one. A word that is a placeholder for nothing is left out.
    """

    name: str
    programs: tuple[str, ...] = ()
    """Names of executables that this is meant for; none: any, when it is asked for by name."""
    template: tuple[str, ...] = ("{program}", "{foreground}", "{trace}", "{args}", "{options}",
                                 "{branch}", "{mountpoint}")
    foreground: tuple[str, ...] = ()
    trace_arguments: tuple[str, ...] = ()
    """Make it print each operation."""
    trace_environment: Mapping[str, str] = field(default_factory=dict)
    subcommand: str = ""
    """Where it has one, arguments come behind it."""
    policy_option: str = ""
    """The value for -o that gives a policy; empty: it has none."""
    branch_kind: str = "directory"
    """"directory"; "file": an image that must exist; "remote": HOST:PATH and the like."""
    write_branch: Callable[[str, str, str], str] = _plain
    """Of name, mode ("RW", "RO", "NC") and the profile's name; ValueError for what it cannot."""
    is_overlay: bool = False
    needs_branch: bool = True


@dataclass
class Command:
    """What is to be started."""

    argv: list[str]
    directories: list[str] = field(default_factory=list)
    """Those that it needs besides, to be made before and removed after."""


_PLACEHOLDER = re.compile(r"\{(program|foreground|trace|args|options|each_branch|branches|branch"
                          r"|mountpoint|policy)\}")
_BRANCHES = ("{branches}", "{branch}", "{each_branch}")


class _Builder:
    """Fills a template in for one mount. The branches are as the daemon shall see them."""

    def __init__(self, profile: Profile, config: FuseConfig, branches: Sequence[str],
                 mountpoint: str, program: str, args: Sequence[str], is_logging: bool) -> None:
        self.profile = profile
        self.config = config
        self.branches = branches
        self.template = profile.template
        self.is_own_template = False
        self.directories: list[str] = []
        self.mountpoint = mountpoint
        logging = profile.trace_arguments if is_logging else ()
        self.words: dict[str, tuple[str, ...]] = {
            "program": (program,), "foreground": profile.foreground, "trace": logging,
            "args": tuple(args)}

    def use_template(self, template: Sequence[str]) -> None:
        """One that the user gave. What it has no place for goes behind the program, as far as we
        know the program, else to the end. It stays in the background unless it shall log."""
        self.is_own_template = True
        first = [template[0]]
        rest = list(template[1:])
        if rest and rest[0] == self.profile.subcommand:
            first.append(rest.pop(0))
        logging = [word for word in (*self.profile.foreground, *self.words["trace"])
                   if self.words["trace"] and word not in rest]
        self.words["foreground"], self.words["trace"] = (), tuple(logging)
        missing = [word for word in ("{trace}", "{args}", "{options}")
                   if word not in template]
        if self.profile.programs:
            self.template = (*first, *missing, *rest)
        else:
            self.template = (*first, *rest, *missing)

    def build(self) -> Command:
        self._check_branches()
        if self.profile.is_overlay and not self.is_own_template:
            options = self._layers()
            self._check_policy()
        else:
            self.words["each_branch"] = tuple(self._written())
            options = self._policy()
        options = [*options, *self.config.options]
        self.words["options"] = ("-o", ",".join(options)) if options else ()
        argv = [word for part in self.template for word in self._expand(part)]
        return Command(argv, self.directories)

    def _mentions(self, *placeholders: str) -> bool:
        return any(one in word for one in placeholders for word in self.template)

    def _check_branches(self) -> None:
        if self.branches:
            return
        is_needed = self._mentions(*_BRANCHES) if self.is_own_template else \
            self.profile.needs_branch
        if is_needed:
            raise ValueError(f"no branches are given: {self.profile.name} needs at least one")

    def _written(self) -> Iterator[str]:
        for index, branch in enumerate(self.branches):
            yield self.profile.write_branch(branch, self.config.mode_of(index), self.profile.name)

    def _check_policy(self) -> None:
        if self.config.policy != DEFAULT_POLICY:
            raise ValueError(f"policy {self.config.policy!r}: {self.profile.name} has no policies "
                             f"that are known here: write {{policy}} into the command")

    def _policy(self) -> list[str]:
        if self._mentions("{policy}"):
            return []
        if self.is_own_template and self.config.policy == DEFAULT_POLICY:
            return []
        if self.profile.policy_option:
            return [self.profile.policy_option.format(self.config.policy)]
        self._check_policy()
        return []

    def _layers(self) -> list[str]:
        """fuse-overlayfs: the first branch is the upper one, unless it is read-only."""
        self.words["each_branch"] = tuple(self._written())
        has_upper = self.config.mode_of(0) == "RW"
        lower = self.branches[1:] if has_upper else self.branches
        if not lower:
            raise ValueError(f"{self.profile.name} needs a lower branch besides the first")
        options = [f"lowerdir={':'.join(lower)}"]
        if has_upper:
            # Of the same filesystem as the upper one, as it is renamed from here to there.
            work = f"{self.branches[0]}.work"
            self.directories.append(work)
            options += [f"upperdir={self.branches[0]}", f"workdir={work}"]
        return options

    def _expand(self, word: str) -> list[str]:
        whole = _PLACEHOLDER.fullmatch(word)
        if whole and whole[1] in self.words:
            return list(self.words[whole[1]])
        if whole and whole[1] in ("branches", "branch") and not self.branches:
            return []
        return [_PLACEHOLDER.sub(lambda found: self._part(found[1]), word)]

    def _part(self, name: str) -> str:
        if name == "mountpoint":
            return self.mountpoint
        if name == "policy":
            return self.config.policy
        if name == "branches":
            return self._joined()
        if name == "branch":
            return self.branches[0]
        return " ".join(self.words[name])

    def _joined(self) -> str:
        written = self.words["each_branch"]
        if self.profile.write_branch is _plain and len(written) > 1 and \
                any(":" in branch for branch in written):
            raise ValueError(f"branches {', '.join(map(repr, written))}: a colon separates "
                             f"branches of {self.profile.name}, so none may be in a name")
        return ":".join(written)


def build_command(profile: Profile, config: FuseConfig, *, branches: Sequence[str],
                  mountpoint: str, program: str, template: Sequence[str] | None = None,
                  args: Sequence[str] = (), is_logging: bool = False) -> Command:
    """The command line that mounts.

    Args:
        profile: of the daemon.
        config: for policy, modes of branches and options.
        branches, mountpoint: as the daemon shall see them, absolute.
        program: the executable.
        template: one of the user's instead of the profile's.
        args: further arguments.
        is_logging: with the arguments that make it print its operations.

    Raises:
        ValueError: the daemon cannot have what the configuration asks for.

    Example:
        >>> config = FuseConfig(policy="mfs", branches=["/a", "/b"], readonly_branches=[1])
        >>> build_command(by_name("mergerfs"), config, branches=["/a", "/b"], mountpoint="/mnt",
        ...               program="mergerfs").argv
        ['mergerfs', '-f', '-o', 'category.create=mfs', '/a:/b=RO', '/mnt']
    """
    builder = _Builder(profile, config, branches, mountpoint, program, args, is_logging)
    if template is not None:
        builder.use_template(template)
    return builder.build()


# ---- the table ----

_JOINED = ("{program}", "{foreground}", "{trace}", "{args}", "{options}", "{branches}",
           "{mountpoint}")
_NO_BRANCH = ("{program}", "{foreground}", "{trace}", "{args}", "{options}", "{mountpoint}")
_DEBUG = ("-d",)
_FOREGROUND = ("-f",)


def _libfuse(name: str, *programs: str, foreground: tuple[str, ...] = _FOREGROUND,
             trace: tuple[str, ...] = _DEBUG, kind: str = "directory") -> Profile:
    return Profile(name, programs or (name,), foreground=foreground, trace_arguments=trace,
                   branch_kind=kind)


ANY = Profile("this program", template=_JOINED, needs_branch=False)
"""A program that nobody knows."""

# The arguments are those of cli/profile.c; of each, what docs and --help say of the version in
# Debian 12 or newer.
PROFILES: tuple[Profile, ...] = (
    Profile("branchfs", ("branchfs",), _JOINED, _FOREGROUND,
            trace_environment={"FUSE_TRACE": "1"}, policy_option="policy={}",
            write_branch=_branchfs),
    # not debug=true, which versions before 2.42 refuse
    Profile("mergerfs", ("mergerfs",), _JOINED, _FOREGROUND, _DEBUG,
            policy_option="category.create={}", write_branch=_mergerfs),
    # Its options come first, or are taken for branches.
    Profile("mergerfs-rs", ("mergerfs-rs",),
            ("{program}", "{options}", "{args}", "{mountpoint}", "{each_branch}"),
            trace_environment={"RUST_LOG": "trace"}, policy_option="func.create={}",
            write_branch=_mergerfs_rs),
    # Without cow it would not write to a file of a read-only branch.
    Profile("unionfs", ("unionfs", "unionfs-fuse"),
            ("{program}", "{foreground}", "{trace}", "-o", "cow", "{args}", "{options}",
             "{branches}", "{mountpoint}"), _FOREGROUND, _DEBUG, write_branch=_unionfs),
    Profile("fuse-overlayfs", ("fuse-overlayfs",), _NO_BRANCH, _FOREGROUND, ("-o", "debug"),
            write_branch=_overlay, is_overlay=True),
    Profile("rclone", ("rclone",),
            ("{program}", "mount", "{trace}", "{args}", "{options}", "{branch}", "{mountpoint}"),
            trace_arguments=("-vv", "--debug-fuse"), subcommand="mount", branch_kind="remote"),
    _libfuse("archivemount", kind="file"),
    _libfuse("bindfs"),
    _libfuse("cryfs", trace=()),
    _libfuse("disorderfs"),
    _libfuse("encfs"),
    _libfuse("fuse-zip", kind="file"),
    _libfuse("fuse2fs", trace=("-o", "debug"), kind="file"),
    _libfuse("gocryptfs", foreground=("-fg",), trace=("-fusedebug",)),
    _libfuse("ntfs-3g", "ntfs-3g", "lowntfs-3g", foreground=("-o", "no_detach"),
             trace=("-o", "debug"), kind="file"),
    _libfuse("s3fs", trace=("-d", "-d"), kind="remote"),
    _libfuse("squashfuse", "squashfuse", "squashfuse_ll", kind="file"),
    _libfuse("sshfs", kind="remote"),
    # Kinds of programs, by name only.
    Profile("libfuse", (), _JOINED, _FOREGROUND, _DEBUG, needs_branch=False),
    Profile("rust-tracing", (), _JOINED, trace_environment={"RUST_LOG": "trace"},
            needs_branch=False),
    # The examples of go-fuse are called so: loopback MOUNTPOINT ORIGINAL.
    Profile("go-fuse", (),
            ("{program}", "{trace}", "{args}", "{options}", "{mountpoint}", "{each_branch}"),
            trace_arguments=("-debug",), needs_branch=False),
    # What it logs is up to the program; Python must not keep it in a buffer.
    Profile("fusepy", (), trace_environment={"PYTHONUNBUFFERED": "1"}, needs_branch=False),
)

_BY_NAME = {profile.name: profile for profile in PROFILES}
_BY_PROGRAM = {program: profile for profile in PROFILES for program in profile.programs}


def by_name(name: str) -> Profile:
    """The profile of that name.

    Raises:
        ValueError: there is none; lists them.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise ValueError(f"there is no profile {name!r}: give one of "
                         f"{', '.join(sorted(_BY_NAME))}") from None


def is_profile(name: str) -> bool:
    """Whether there is a profile of that name."""
    return name in _BY_NAME


def of_program(program: str | os.PathLike[str]) -> Profile:
    """The profile of an executable by its name; ANY when it is not known.

    Example:
        >>> of_program("/usr/bin/unionfs-fuse").name
        'unionfs'
    """
    return _BY_PROGRAM.get(os.path.basename(program), ANY)
