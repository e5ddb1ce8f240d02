# SPDX-License-Identifier: MIT
"""Tests of branchfs, the reference filesystem."""
