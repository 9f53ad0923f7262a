"""Where a run can be looked at in a browser."""

from __future__ import annotations

import shlex
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
        where = f"?o={target.workspace_id}" if target.workspace_id else ""
        return f"{target.host}/ml/{path}{where}", ""
    if target.database is not None and is_in_demo(str(target.database)):
        return "", "the demo's store has no web page: it is gone with the screen"
    if target.database is not None:
        command = f"mlflow ui --backend-store-uri {shlex.quote(target.uri)}"
        return command, "no server shows this store: run this command, then open the run there"
    return "", f"{target.label} has no web page"
