"""Which resource was saturated first, when, and how long before the SLO broke (methodology §9). Pure.

A resource is named only if it was saturated when the SLO broke and nothing that it depends on was; when that is not
known, or two are left, the answer is *undetermined*.
"""

from __future__ import annotations

from harness.analysis.bottleneck.find import find_bottleneck

__all__ = ["find_bottleneck"]
