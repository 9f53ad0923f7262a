from __future__ import annotations

import json

from report_builders import make_context, make_report

from evaltui.domain.plan import RunPlan
from evaltui.domain.report import MetricValue
from evaltui.tracking.batches import MAX_BYTES, Batch, batches
from evaltui.tracking.mapping import plan_run


def plan_of(metrics: int, params: int, tags: int, text: str = "v") -> RunPlan:
    report = make_report(
        metrics=tuple(MetricValue(f"m{number:04}", 0.5) for number in range(metrics)),
        params={f"p{number:04}": text for number in range(params)},
        tags={f"t{number:04}": text for number in range(tags)},
        framework=None,
    )
    return plan_run(report, make_context())


def request_bytes(batch: Batch) -> int:
    """Size of the request as MLflow's client writes it, with room for a long id."""
    body = {
        "run_id": "0" * 64,
        "metrics": [
            {"key": key, "value": value, "timestamp": 2**52, "step": 0, "run_id": "0" * 32}
            for key, value in batch.metrics.items()
        ],
        "params": [{"key": key, "value": text} for key, text in batch.params.items()],
        "tags": [{"key": key, "value": text} for key, text in batch.tags.items()],
    }
    return len(json.dumps(body))


def test_an_ordinary_report_is_one_call() -> None:
    (batch,) = batches(plan_of(40, 8, 6))
    assert len(batch.metrics) == 40


def test_a_plan_without_values_is_no_call() -> None:
    plan = plan_run(make_report(), make_context())
    empty = RunPlan(plan.content_id, plan.name, 1, 1, 1, plan.status, plan.create_tags, {}, {}, {})
    assert list(batches(empty)) == []


def test_every_limit_is_kept_and_nothing_is_lost_or_sent_twice() -> None:
    plan = plan_of(2_500, 300, 250, text="🙂" * 2_000)
    parts = list(batches(plan))
    for batch in parts:
        assert len(batch.metrics) <= 1_000
        assert len(batch.params) <= 100
        assert len(batch.tags) <= 100
        assert len(batch.metrics) + len(batch.params) + len(batch.tags) <= 1_000
        assert request_bytes(batch) <= MAX_BYTES + 100_000  # the service takes 1 MB
    metrics = [item for batch in parts for item in batch.metrics.items()]
    params = [item for batch in parts for item in batch.params.items()]
    tags = [item for batch in parts for item in batch.tags.items()]
    assert metrics == list(plan.metrics.items())
    assert params == list(plan.params.items())
    assert tags == list(plan.tags.items())
