"""Runs and experiments out of the JSON of MLflow's REST API."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from evaltui.domain.run import Experiment, Run, Tag
from evaltui.errors import StoreUnreachableError
from evaltui.tracking.run_values import is_value, run_status


def to_run(document: object) -> Run:
    """Return the run of a `run` object.

    Raises:
        StoreUnreachableError: It is none: the answer is damaged.
    """
    try:
        return _to_run(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreUnreachableError("the server's answer holds a damaged run") from error


def to_experiment(document: object) -> Experiment:
    """Return the experiment of an `experiment` object.

    Raises:
        StoreUnreachableError: It is none: the answer is damaged.
    """
    try:
        return _to_experiment(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreUnreachableError("the server's answer holds a damaged experiment") from error


def _to_run(document: Any) -> Run:
    info, data = document["info"], document.get("data", {})
    tags = _texts(data.get("tags", ()))
    return Run(
        run_id=str(info.get("run_id") or info["run_uuid"]),
        experiment_id=str(info["experiment_id"]),
        name=str(info.get("run_name") or tags.get(Tag.MLFLOW_RUN_NAME, "")),
        status=run_status(info.get("status")),
        started_ms=_whole(info.get("start_time")),
        ended_ms=_whole(info.get("end_time")),
        metrics=_numbers(data.get("metrics", ())),
        params=_texts(data.get("params", ())),
        tags=tags,
        artifact_uri=str(info.get("artifact_uri") or ""),
        active=info.get("lifecycle_stage", "active") == "active",
    )


def _to_experiment(document: Any) -> Experiment:
    return Experiment(
        experiment_id=str(document["experiment_id"]),
        name=str(document["name"]),
        artifact_location=str(document.get("artifact_location") or ""),
        tags=_texts(document.get("tags", ())),
        active=document.get("lifecycle_stage", "active") == "active",
    )


def _texts(items: Iterable[Any]) -> dict[str, str]:
    return {str(item["key"]): str(item.get("value", "")) for item in items}


def _numbers(items: Iterable[Any]) -> dict[str, float]:
    """Return the values; NaN and infinity stand there as texts and are left out."""
    values = ((str(item["key"]), float(item.get("value", math.nan))) for item in items)
    return {key: value for key, value in values if is_value(value)}


def _whole(value: object) -> int | None:
    """Return an int64, which JSON made by protobuf may hold as a text; 0 is not a time."""
    return int(str(value)) or None if value is not None else None
