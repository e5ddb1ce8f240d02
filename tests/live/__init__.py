# SPDX-License-Identifier: MIT
"""Live tests: fusetrace on real filesystems."""
