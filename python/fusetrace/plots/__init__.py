# SPDX-License-Identifier: MIT
"""Pictures of a trace: what ran when, and how long each kind of operation took.

Needs matplotlib, the extra `plot`. Figures are drawn without pyplot, so they need no display and
leave no global state behind.
"""

from .latency import plot_latency
from .timeline import plot_timeline

__all__ = ["plot_latency", "plot_timeline"]
