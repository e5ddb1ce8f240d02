# SPDX-License-Identifier: MIT
"""One recipe for each filesystem that the live tests run on.

A recipe says which program of which package it is, how its backing store is made, and how it is
mounted in the foreground. What is traced on it is in workload.py, what differs from one to the
other in differences.py. To add a filesystem: a class here, a row there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Iterator

from .mounting import MountError, end_process, wait_for_exit

HERE = Path(__file__).resolve().parent
SETUP_SECONDS = 60
SBIN = "/usr/sbin:/sbin"


def find_program(name: str) -> str | None:
    """The program of that name; the variable FUSETRACE_<NAME> names another one."""
    variable = "FUSETRACE_" + name.upper().replace("-", "_")
    return os.environ.get(variable) or shutil.which(
        name, path=os.environ.get("PATH", os.defpath) + os.pathsep + SBIN)


def run(*command: str | Path) -> str:
    """Runs a program of the preparation to its end and returns what it printed."""
    program = find_program(str(command[0])) or str(command[0])
    result = subprocess.run([program, *map(str, command[1:])], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=SETUP_SECONDS, check=False)
    if result.returncode:
        raise MountError(f"{command[0]} failed: {result.stdout}{result.stderr}")
    return result.stdout


def make_image(path: Path, size: int) -> Path:
    with open(path, "wb") as image:
        image.truncate(size)
    return path


class Filesystem:
    """A recipe. Directories are those of one mount: base holds whatever the recipe makes."""

    name = ""
    package = ""  # of Debian
    program = ""  # if not the name
    helpers: tuple[str, ...] = ()  # further programs that it needs
    is_read_only = False

    def missing(self) -> str | None:
        """Why it cannot be tried here, or None."""
        for program in (self.program or self.name, *self.helpers):
            if not find_program(program):
                return f"{program} is not installed (Debian package {self.package})"
        return None

    def version(self) -> str:
        query = subprocess.run(["dpkg-query", "-W", "-f=${Version}", self.package],
                               capture_output=True, text=True, timeout=SETUP_SECONDS, check=False)
        return query.stdout.strip() or "?"

    def prepare(self, base: Path, content: Path | None) -> None:
        """Makes the backing store; content is a tree that a read-only filesystem shows."""

    @contextlib.contextmanager
    def service(self, base: Path) -> Iterator[None]:
        """What has to run besides the daemon."""
        yield

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        """The daemon's command line; options are values for -o."""
        raise NotImplementedError

    def argv(self, *words: str | Path, options: tuple[str, ...] = ()) -> list[str]:
        """The program, its words and its options."""
        more = ["-o", ",".join(options)] if options else []
        return [find_program(self.program or self.name), *map(str, words), *more]


class Branchfs(Filesystem):
    name = "branchfs"
    package = "fusetrace"

    def version(self) -> str:
        return run(self.name, "--version").split("\n")[0].split()[-1]

    def prepare(self, base: Path, content: Path | None) -> None:
        (base / "one").mkdir()
        (base / "two").mkdir()

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return self.argv("-f", f"{base}/one:{base}/two", mountpoint, options=options)


class Mergerfs(Filesystem):
    name = package = "mergerfs"

    def prepare(self, base: Path, content: Path | None) -> None:
        (base / "one").mkdir()
        (base / "two").mkdir()

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        # The default looks for free space, which other programs may change at any time.
        return self.argv("-f", f"{base}/one:{base}/two", mountpoint,
                         options=("category.create=ff", *options))


class Bindfs(Filesystem):
    name = package = "bindfs"

    def prepare(self, base: Path, content: Path | None) -> None:
        (base / "store").mkdir()

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return self.argv("-f", base / "store", mountpoint, options=options)


class Unionfs(Filesystem):
    name = "unionfs-fuse"
    package = "unionfs-fuse"
    program = "unionfs"

    def prepare(self, base: Path, content: Path | None) -> None:
        (base / "upper").mkdir()
        (base / "lower").mkdir()

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return self.argv("-f", f"{base}/upper=RW:{base}/lower=RO", mountpoint,
                         options=("cow", *options))


class Gocryptfs(Filesystem):
    name = package = "gocryptfs"

    def prepare(self, base: Path, content: Path | None) -> None:
        (base / "store").mkdir()
        (base / "password").write_text("a password of a test\n")
        run(self.name, "-init", "-q", "-scryptn", "10", "-passfile", base / "password",
            base / "store")

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return self.argv("-fg", "-q", "-passfile", base / "password", *options, base / "store",
                         mountpoint)


class FuseOverlayfs(Filesystem):
    name = package = "fuse-overlayfs"

    def prepare(self, base: Path, content: Path | None) -> None:
        for directory in ("lower", "upper", "work"):
            (base / directory).mkdir()

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        layers = f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work"
        return self.argv("-f", mountpoint, options=(layers, *options))


class Squashfuse(Filesystem):
    name = package = "squashfuse"
    helpers = ("mksquashfs",)
    is_read_only = True

    def prepare(self, base: Path, content: Path | None) -> None:
        run("mksquashfs", content, base / "image", "-quiet", "-no-progress", "-noappend")

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return self.argv("-f", base / "image", mountpoint, options=options)


class Fuse2fs(Filesystem):
    name = package = "fuse2fs"
    helpers = ("mke2fs",)

    def prepare(self, base: Path, content: Path | None) -> None:
        run("mke2fs", "-q", "-t", "ext4", make_image(base / "image", 32 << 20))

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return self.argv("-f", base / "image", mountpoint, options=options)


class Ntfs3g(Filesystem):
    name = package = "ntfs-3g"
    helpers = ("mkntfs",)

    def prepare(self, base: Path, content: Path | None) -> None:
        # It would take a partition's geometry for granted that a file does not have.
        run("mkntfs", "-F", "-q", "-f", "-s", "512", "-p", "0", "-H", "1", "-S", "1",
            make_image(base / "image", 16 << 20))

    def device(self, base: Path) -> str | Path:
        return base / "image"

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return self.argv(self.device(base), mountpoint, options=("no_detach", *options))


class Ntfs3gBlock(Ntfs3g):
    """On a loop device, where the mount is of type fuseblk and its connection the device's."""

    name = "ntfs-3g (fuseblk)"
    program = "ntfs-3g"
    helpers = ("mkntfs", "losetup")

    def missing(self) -> str | None:
        if not os.path.exists("/dev/loop-control"):
            return "there are no loop devices here"
        return super().missing()

    @contextlib.contextmanager
    def service(self, base: Path) -> Iterator[None]:
        device = run("losetup", "--find", "--show", base / "image").strip()
        (base / "device").write_text(device)
        try:
            yield
        finally:
            run("losetup", "--detach", device)

    def device(self, base: Path) -> str | Path:
        return (base / "device").read_text()


class Archivemount(Filesystem):
    name = package = "archivemount"
    helpers = ("tar",)

    def prepare(self, base: Path, content: Path | None) -> None:
        (base / "store").mkdir()
        run("tar", "-C", base / "store", "-cf", base / "archive.tar", ".")

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return self.argv("-f", base / "archive.tar", mountpoint,
                         options=("nobackup", *options))


class Fusepy(Filesystem):
    """The program loopback.py beside this file, on Debian's own Python."""

    name = "fusepy"
    package = "python3-fusepy"
    python = "/usr/bin/python3"
    flags: tuple[str, ...] = ()

    def missing(self) -> str | None:
        if Path(self.python).exists() and subprocess.run(
                [self.python, "-c", "import fusepy"], capture_output=True, timeout=SETUP_SECONDS,
                check=False).returncode == 0:
            return None
        return f"the module fusepy is not installed (Debian package {self.package})"

    def prepare(self, base: Path, content: Path | None) -> None:
        (base / "store").mkdir()

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        return [self.python, str(HERE / "loopback.py"), *self.flags, str(base / "store"),
                str(mountpoint)]


class FusepyBare(Fusepy):
    """Without the calls that a filesystem can do without."""

    name = "fusepy (bare)"
    flags = ("--bare",)


class Sshfs(Filesystem):
    """Through an sshd of its own on 127.0.0.1, with keys and settings of its own."""

    name = package = "sshfs"
    helpers = ("sshd", "ssh-keygen")
    SETTINGS = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {base}/host_key
AuthorizedKeysFile {base}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""

    def prepare(self, base: Path, content: Path | None) -> None:
        (base / "store").mkdir()
        for key in ("host_key", "user_key"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", base / key)

    def make_separation_directory(self) -> None:
        """What sshd, started by root, wants and the system's own service makes. It stays, as another
        test's sshd may need it meanwhile; sshfs mounts before it connects."""
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)

    @contextlib.contextmanager
    def service(self, base: Path) -> Iterator[None]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        (base / "port").write_text(str(port))
        (base / "sshd_config").write_text(self.SETTINGS.format(base=base, port=port))
        self.make_separation_directory()
        # -D -e: in the foreground, and the line "Server listening" on stderr.
        server = subprocess.Popen([find_program("sshd"), "-D", "-e", "-f", base / "sshd_config"],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            self.wait_until_listening(server)
            yield
        finally:
            end_process(server)
            server.stderr.close()

    def wait_until_listening(self, server: subprocess.Popen) -> None:
        said = ""
        for line in server.stderr:
            said += line
            if "Server listening" in line:
                return
        wait_for_exit(server, SETUP_SECONDS)
        raise MountError(f"sshd did not start:\n{said}")

    def command(self, base: Path, mountpoint: Path, options: tuple[str, ...] = ()) -> list[str]:
        ssh = (f"port={(base / 'port').read_text()}", f"IdentityFile={base}/user_key",
               "IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null",
               "BatchMode=yes", "LogLevel=ERROR")
        user = os.environ.get("USER") or "root"
        return self.argv("-f", f"{user}@127.0.0.1:{base}/store", mountpoint,
                         options=(*ssh, *options))


ALL = (Branchfs(), Mergerfs(), Bindfs(), Unionfs(), Gocryptfs(), FuseOverlayfs(), Squashfuse(),
       Fuse2fs(), Ntfs3g(), Ntfs3gBlock(), Archivemount(), Fusepy(), FusepyBare(), Sshfs())


def by_name(name: str) -> Filesystem:
    return next(filesystem for filesystem in ALL if filesystem.name == name)
