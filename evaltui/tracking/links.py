"""Where runs can be looked at in a browser."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from urllib.parse import quote

from evaltui.domain.places import is_in_demo
from evaltui.tracking.target import Target, TargetKind


def run_link(target: Target, experiment_id: str, run_id: str) -> tuple[str, str]:
    """Return the address of a run's page and a note, or a command where there is no page.

    Args:
        target: The store; its host is used, never what mlflow prints.
        experiment_id: Id of the experiment.
        run_id: Id of the run.

    Returns:
        The address and ""; or a shell command (or "") and a sentence that says what it is for.
    """
    path = f"experiments/{quote(experiment_id, safe='')}/runs/{quote(run_id, safe='')}"
    if target.kind is TargetKind.SERVER:
        return f"{target.host}/#/{path}", ""
    if target.kind is TargetKind.DATABRICKS:
        return f"{target.host}/ml/{path}{_workspace(target)}", ""
    if target.database is not None and is_in_demo(str(target.database)):
        return "", "the demo's store has no web page: it is gone with the screen"
    if target.database is not None:
        command = f"mlflow ui --backend-store-uri {shlex.quote(target.uri)}"
        return command, "no server shows this store: run this command, then open the run there"
    return "", f"{target.label} has no web page"


def experiment_link(target: Target, experiment_id: str) -> str:
    """Return the address of an experiment's page, "" where no server shows the store."""
    path = f"experiments/{quote(experiment_id, safe='')}"
    if target.kind is TargetKind.SERVER:
        return f"{target.host}/#/{path}"
    if target.kind is TargetKind.DATABRICKS:
        return f"{target.host}/ml/{path}{_workspace(target)}"
    return ""


def compare_link(target: Target, experiment_id: str, run_ids: Sequence[str]) -> str:
    """Return the address of a page that compares runs, "" where there is none.

    A workspace's comparison has no address of its own: there it is the experiment's page.
    """
    if target.kind is not TargetKind.SERVER:
        return experiment_link(target, experiment_id)
    runs, experiments = (
        quote(json.dumps(list(ids), separators=(",", ":")), safe=",")
        for ids in (run_ids, [experiment_id])
    )
    return f"{target.host}/#/compare-runs?runs={runs}&experiments={experiments}"


def _workspace(target: Target) -> str:
    return f"?o={target.workspace_id}" if target.workspace_id else ""
