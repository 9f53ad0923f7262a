"""A run's values cut into pieces that one log-batch call may carry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import field

from evaltui.domain.plan import RunPlan
from evaltui.late_dataclass import dataclass

MAX_METRICS = 1_000
MAX_PARAMS = 100
MAX_TAGS = 100
MAX_ITEMS = 1_000
MAX_BYTES = 900_000
"""The service refuses more than 1 MB; this leaves room for what surrounds the values."""

_OVERHEAD = 160
"""Bytes of one metric with its field names, timestamp and step; enough for params and tags."""


@dataclass(slots=True)
class Batch:
    """Values of one call; see the limits above."""

    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    size: int = 0

    def takes(self, group: dict[str, str] | dict[str, float], limit: int, size: int) -> bool:
        """Return whether one more item of `size` bytes fits into `group`, one of the three."""
        items = len(self.metrics) + len(self.params) + len(self.tags)
        return len(group) < limit and items < MAX_ITEMS and self.size + size <= MAX_BYTES


def batches(plan: RunPlan) -> Iterator[Batch]:
    """Yield the plan's params, tags and metrics, in this order and in as few pieces as may be."""
    batch = Batch()
    for key, text in plan.params.items():
        size = item_bytes(key, text)
        if not batch.takes(batch.params, MAX_PARAMS, size):
            yield batch
            batch = Batch()
        batch.params[key] = text
        batch.size += size
    for key, text in plan.tags.items():
        size = item_bytes(key, text)
        if not batch.takes(batch.tags, MAX_TAGS, size):
            yield batch
            batch = Batch()
        batch.tags[key] = text
        batch.size += size
    for key, value in plan.metrics.items():
        size = item_bytes(key, "")
        if not batch.takes(batch.metrics, MAX_METRICS, size):
            yield batch
            batch = Batch()
        batch.metrics[key] = value
        batch.size += size
    if batch.size:
        yield batch


def item_bytes(key: str, text: str) -> int:
    """Return at least the bytes an item takes in the request, where JSON escapes non-ASCII."""
    return len(json.dumps(key)) + len(json.dumps(text)) + _OVERHEAD
