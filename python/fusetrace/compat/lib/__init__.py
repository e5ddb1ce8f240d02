# SPDX-License-Identifier: MIT
"""The package `lib` of suites that had the predecessors of fusetrace in a folder of their own.

Its modules give the names that such suites import; what these are is documented where they come
from.
"""
