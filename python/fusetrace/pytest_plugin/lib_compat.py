# SPDX-License-Identifier: MIT
"""Makes `lib.timing_utils` and its like importable for suites that had them in their own folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def enable(config: pytest.Config) -> None:
    """Puts the package `lib` at the end of sys.path: a project's own comes first."""
    folder = str(Path(__file__).parent.parent / "compat")
    if folder not in sys.path:
        sys.path.append(folder)
    other = sys.modules.get("lib")
    if other is None or _is_ours(other, folder):
        return
    where = getattr(other, "__file__", None) or list(getattr(other, "__path__", ["?"]))[0]
    config.issue_config_time_warning(pytest.PytestConfigWarning(
        f"fusetrace_lib_compat: a package 'lib' has been imported already, from {where}: its "
        f"modules are used, not those of fusetrace. Delete that folder, or the ini key."), 2)


def _is_ours(module: object, folder: str) -> bool:
    return str(getattr(module, "__file__", None) or "").startswith(folder)
