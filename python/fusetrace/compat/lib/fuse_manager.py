# SPDX-License-Identifier: MIT
"""`lib.fuse_manager`: mounting filesystems for tests, and looking at their branches."""

from __future__ import annotations

from fusetrace.config import FuseConfig
from fusetrace.filesystem_state import FileSystemState
from fusetrace.manager import FuseManager

__all__ = ["FileSystemState", "FuseConfig", "FuseManager"]
