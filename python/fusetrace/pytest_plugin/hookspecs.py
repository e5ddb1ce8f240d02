# SPDX-License-Identifier: MIT
"""Hooks of the plugin that a conftest.py or another plugin may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fusetrace import MountedFilesystem
    from fusetrace.trace_monitor import WaitReport


@pytest.hookspec
def pytest_fusetrace_mount(config: pytest.Config, mount: MountedFilesystem) -> None:
    """A fixture has mounted a filesystem; its test has not begun.

    Example: fill it with what all tests need. The trace begins anew afterwards.
    """


@pytest.hookspec
def pytest_fusetrace_diagnose(report: WaitReport) -> str | list[str] | None:
    """A wait was in vain, or raised: what else should its test's report say?

    Called while the mount is still there. The lines go below the wait's own report.
    """
