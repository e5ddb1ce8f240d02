# SPDX-License-Identifier: MIT
"""A folder for `sys.path`, so that suites which import from `lib` find this package there.

The pytest plugin puts it there when the ini key `fusetrace_lib_compat` is true, never unasked.
"""
