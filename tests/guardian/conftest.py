# SPDX-License-Identifier: MIT
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from . import owners


def why_not():
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        return "needs root and /dev/fuse"
    if not owners.GUARDIAN or not os.path.exists(owners.GUARDIAN):
        return "fusetrace-guardian is neither in FUSETRACE_BUILD nor on the PATH"
    if not shutil.which("branchfs"):
        return "branchfs is not on the PATH"
    return None


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    reason = why_not()
    for item in items:
        if reason and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def folder():
    """A folder of the test's own; nothing may be left mounted in it."""
    path = Path(tempfile.mkdtemp(prefix="fusetrace-guardian-")).resolve()
    path.chmod(0o755)
    yield path
    owners.clean_up(path)


@pytest.fixture
def own(folder):
    """own(script): an owner that has come to its ready(), ended with the test."""
    made = []

    def make(script, **keywords):
        made.append(owners.Owner(keywords.pop("folder", folder), script, **keywords))
        return made[-1]

    yield make
    for owner in made:
        owner.close()
