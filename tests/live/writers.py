# SPDX-License-Identifier: MIT
"""Filesystems under `fusetrace run --source log`: their operations are what they print.

A writer is one of filesystems.py, or of tests/fixtures, with the name of the format that it prints.
How its trace is switched on is not said here: that is the profile's business (cli/profile.c).
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from . import filesystems
from .filesystems import Filesystem, Fusepy
from .mounting import Deadline
from .tracing import Records, find_fusetrace

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
BUILD_SECONDS = 100
COMMAND_SECONDS = 20
END_SECONDS = 20
# What is not read before the end has room: nothing waits for us.
PIPE_SIZE = 1 << 20


# ---- programs that are built here ---------------------------------------------------------------


def builds() -> Path:
    return Path(os.environ["FUSETRACE_BUILD"]) / "fixtures"


def try_to_run(*command: str | Path, cwd: Path, **environment: str) -> str | None:
    """What a command complained of, or None when it succeeded."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=BUILD_SECONDS, check=False,
                          env={**os.environ, **environment})
    return done.stderr[-2000:] if done.returncode else None


@functools.cache
def build_rust() -> str | None:
    """Builds the filesystem in Rust; why that is not possible here, or None. A mistake fails."""
    source = FIXTURES / "rust"
    if not shutil.which("cargo"):
        return "cargo is not installed (Debian package cargo)"
    target = {"CARGO_TARGET_DIR": str(builds() / "rust")}
    complaint = try_to_run("cargo", "fetch", "--locked", "--quiet", cwd=source, **target)
    if complaint:
        return f"cargo cannot use the crates: {complaint}"
    complaint = try_to_run("cargo", "build", "--locked", "--offline", "--quiet", cwd=source,
                           **target)
    assert complaint is None, complaint
    return None


@functools.cache
def build_go() -> str | None:
    """Likewise the one in Go."""
    source = FIXTURES / "go"
    if not shutil.which("go"):
        return "go is not installed (Debian package golang-go)"
    complaint = try_to_run("go", "mod", "download", cwd=source)
    if complaint:
        return f"go cannot use the modules: {complaint}"
    complaint = try_to_run("go", "build", "-o", builds() / "go" / "loopback", ".", cwd=source)
    assert complaint is None, complaint
    return None


class Rust(Filesystem):
    """In memory, on fuser; events are those of its spans that become records."""

    def __init__(self, name: str, events: str, form: str):
        self.name = name
        self.arguments = ("--events", events, "--format", form)

    def missing(self) -> str | None:
        return build_rust()

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return [str(builds() / "rust" / "debug" / "memfs"), *self.arguments, str(mountpoint)]


class Go(Filesystem):
    """A loopback on go-fuse."""

    name = "go-fuse loopback"

    def missing(self) -> str | None:
        return build_go()

    def prepare(self, base: Path, content: Path | None) -> None:
        (base / "store").mkdir()

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return [str(builds() / "go" / "loopback"), "-debug", str(base / "store"), str(mountpoint)]


class Rclone(Filesystem):
    """The backend of local files."""

    name = package = "rclone"

    def prepare(self, base: Path, content: Path | None) -> None:
        (base / "store").mkdir()
        (base / "rclone.conf").touch()

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return self.argv("mount", "--config", base / "rclone.conf", "--cache-dir",
                         base / "cache", "--vfs-cache-mode", "writes", base / "store", mountpoint)


class FusepyLogged(Fusepy):
    name = "fusepy (log)"
    flags = ("--log",)


# ---- under the trace of their log ---------------------------------------------------------------


@functools.cache
def formats() -> dict[str, dict]:
    """What `fusetrace formats` says of each, by name."""
    done = subprocess.run([find_fusetrace(), "formats", "--format", "json"], check=True,
                          capture_output=True, timeout=COMMAND_SECONDS)
    return {each["format"]: each for each in map(json.loads, done.stdout.splitlines())}


@dataclass(frozen=True)
class Writer:
    recipe: Filesystem
    format: str  # as `fusetrace formats` calls it

    @property
    def name(self) -> str:
        return self.recipe.name

    def gives(self, what: str) -> bool:
        return what in formats()[self.format]["gives"]

    def missing(self) -> str | None:
        reason = self.recipe.missing()
        if reason or self.format in formats():
            return reason
        return f"the log format {self.format} is not one of `fusetrace formats`"


class Logged:
    """A writer as mounted() takes it, for one mount; records are what its log tells."""

    def __init__(self, writer: Writer):
        self.writer = writer
        self.name = writer.name
        self.records: Records | None = None

    def missing(self) -> str | None:
        return self.writer.missing()

    def prepare(self, base: Path, content: Path | None) -> None:
        self.writer.recipe.prepare(base, content)

    @contextlib.contextmanager
    def service(self, base: Path) -> Iterator[None]:
        """The pipe that the trace goes into."""
        os.mkfifo(base / "trace")
        pipe = os.open(base / "trace", os.O_RDONLY | os.O_NONBLOCK)
        try:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
            self.records = Records(pipe)
            with self.writer.recipe.service(base):
                yield
            self.records.read_to_end(Deadline(END_SECONDS))
        finally:
            os.close(pipe)

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return [find_fusetrace(), "run", "--source", "log", "--format", "json",
                "-o", str(base / "trace"), "--",
                *self.writer.recipe.command(base, mountpoint, options)]


def of(name: str) -> Filesystem:
    return filesystems.by_name(name)


LIBFUSE = tuple(Writer(of(name), "libfuse") for name in (
    "branchfs", "bindfs", "unionfs-fuse", "fuse-overlayfs", "fuse2fs", "ntfs-3g", "archivemount"))
# The crate's own lines, in each of the forms that tracing gives them.
RUST = tuple(Writer(Rust(f"memfs ({form})", "none", form), "fuser")
             for form in ("full", "compact", "pretty", "json"))
# The filesystem's spans beside them, which tell how each request ends.
SPANS = tuple(Writer(Rust(f"memfs (spans, {form})", "new,close", form), name)
              for form, name in (("full", "tracing"), ("compact", "tracing"),
                                 ("pretty", "tracing-pretty"), ("json", "tracing-json")))
ALL = (*LIBFUSE, Writer(of("mergerfs"), "mergerfs"), Writer(of("gocryptfs"), "go-fuse"),
       Writer(Go(), "go-fuse"), *RUST, *SPANS,
       Writer(FusepyLogged(), "fusepy"), Writer(Rclone(), "bazil"))
# Prints messages to its server and not requests, so that few operations can be told.
SSHFS = Writer(of("sshfs"), "sshfs")
