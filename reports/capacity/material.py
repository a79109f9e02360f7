"""What every section of a search's report is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.trials import JudgedTrial
from harness.model.exploration import CapacityEvidence, CapacityVerdict


@dataclass(frozen=True, slots=True)
class CapacityMaterial:
    """The arguments of every section's ``build``. judged: each trial with its verdict, None where its evidence is
    gone."""

    found: CapacityEvidence
    judged: Sequence[JudgedTrial | None]
    verdict: CapacityVerdict
