# SPDX-License-Identifier: MIT
"""Tests of public FUSE projects that are known to fail now and then, rewritten without a sleep."""
