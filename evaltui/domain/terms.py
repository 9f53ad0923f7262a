"""On what terms runs are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from evaltui.domain.catalogue import Tolerance
from evaltui.domain.metric import Direction
from evaltui.late_dataclass import dataclass

ALPHA = 0.05
CORRECTIONS = ("bh", "holm", "none")


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms runs are compared.

    Attributes:
        overrides: Directions that people set, by metric.
        margins: Tolerances that people set, by metric.
        primaries: Metrics that the verdict of a run goes by; None: the reader's headline metric.
        correction: Of p-values: `bh` over all metrics, `holm` over the primary ones, or `none`.
        alpha: Two-sided error rate.
        seed: Seed of every draw.
    """

    overrides: Mapping[str, Direction] = field(default_factory=dict)
    margins: Mapping[str, Tolerance] = field(default_factory=dict)
    primaries: Sequence[str] | None = None
    correction: str = "bh"
    alpha: float = ALPHA
    seed: int = 0
