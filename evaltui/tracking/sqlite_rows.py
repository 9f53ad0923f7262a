"""Experiments and whole runs out of the tables of a SQLite store."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from evaltui.domain.run import Run, Tag
from evaltui.tracking.run_values import is_value, run_status
from evaltui.tracking.sqlite_database import Database, Row

_IDS = "IN (SELECT value FROM json_each(?))"
_RUN_COLUMNS = (
    "run_uuid, experiment_id, name, status, start_time, end_time, artifact_uri, lifecycle_stage"
)
_TABLES = ("experiments", "experiment_tags", "runs", "metrics", "latest_metrics", "params", "tags")


def has_tables(database: Database) -> bool:
    """Tell a store from a database that mlflow is still making."""
    rows = database.rows(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
        " AND name IN (SELECT value FROM json_each(?))",
        (json.dumps(_TABLES),),
    )
    return rows[0][0] == len(_TABLES)


def find_experiment(
    database: Database, name: str, experiment_id: str
) -> tuple[int, str, str, bool] | None:
    """Return id, name, artifact location and whether it is active; None when there is none.

    Args:
        database: Where to look.
        name: The name, or "" to look by id.
        experiment_id: The id, used when there is no name.
    """
    if not has_tables(database):
        return None
    rows = database.rows(
        "SELECT experiment_id, name, artifact_location, lifecycle_stage FROM experiments"
        " WHERE name = ? OR (? = '' AND experiment_id = ?) ORDER BY experiment_id LIMIT 1",
        (name, name, experiment_id),
    )
    if not rows:
        return None
    number, found, location, stage = rows[0]
    return int(str(number)), str(found), text_of(location), stage == "active"


def load_runs(database: Database, run_ids: Sequence[str]) -> list[Run]:
    """Return whole runs in the order of the ids; unknown ids are left out."""
    if not run_ids:
        return []
    ids = (json.dumps(list(run_ids)),)
    read = database.rows
    with database.snapshot():
        rows = read(f"SELECT {_RUN_COLUMNS} FROM runs WHERE run_uuid {_IDS}", ids)  # noqa: S608
        values = read(
            f"SELECT run_uuid, key, value FROM latest_metrics WHERE run_uuid {_IDS}"  # noqa: S608
            " AND is_nan = 0",
            ids,
        )
        params = read(f"SELECT run_uuid, key, value FROM params WHERE run_uuid {_IDS}", ids)  # noqa: S608
        tags = read(f"SELECT run_uuid, key, value FROM tags WHERE run_uuid {_IDS}", ids)  # noqa: S608
    return _assemble(run_ids, rows, values, params, tags)


def text_of(value: object) -> str:
    """Return a stored text, "" for NULL."""
    return "" if value is None else str(value)


def _assemble(
    run_ids: Sequence[str],
    rows: Collection[Row],
    values: Collection[Row],
    params: Collection[Row],
    tags: Collection[Row],
) -> list[Run]:
    metrics_of: dict[object, dict[str, float]] = {run_id: {} for run_id in run_ids}
    params_of: dict[object, dict[str, str]] = {run_id: {} for run_id in run_ids}
    tags_of: dict[object, dict[str, str]] = {run_id: {} for run_id in run_ids}
    for run_id, key, value in values:
        if isinstance(value, float | int) and is_value(value):
            metrics_of[run_id][str(key)] = float(value)
    for run_id, key, text in params:
        params_of[run_id][str(key)] = text_of(text)
    for run_id, key, text in tags:
        tags_of[run_id][str(key)] = text_of(text)
    found = {
        str(row[0]): _run(row, metrics_of[row[0]], params_of[row[0]], tags_of[row[0]])
        for row in rows
    }
    return [found[run_id] for run_id in run_ids if run_id in found]


def _run(row: Row, metrics: dict[str, float], params: dict[str, str], tags: dict[str, str]) -> Run:
    run_id, experiment_id, name, status, started_ms, ended_ms, artifact_uri, stage = row
    return Run(
        run_id=str(run_id),
        experiment_id=str(experiment_id),
        name=text_of(name) or tags.get(Tag.MLFLOW_RUN_NAME, ""),
        status=run_status(status),
        started_ms=_whole(started_ms),
        ended_ms=_whole(ended_ms),
        metrics=metrics,
        params=params,
        tags=tags,
        artifact_uri=text_of(artifact_uri),
        active=stage == "active",
    )


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None
