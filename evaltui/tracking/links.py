"""Where runs can be looked at in a browser: MLflow's own pages, at our own idea of the host."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from urllib.parse import quote

from evaltui.domain.places import is_in_demo
from evaltui.domain.web_page import WebPage
from evaltui.tracking.target import Target, TargetKind

LOCAL_PORT = 5000
"""Where a server that is started for looking listens: MLflow's own default."""


def web_page(target: Target, experiment_id: str, run_ids: Sequence[str] = ()) -> WebPage:
    """Return the page of an experiment, of one run, or of several runs side by side.

    Args:
        target: The store; its host is used, never what mlflow prints.
        experiment_id: Id of the experiment.
        run_ids: None for the page of the experiment, one for that of a run, more to compare.
    """
    if target.kind is TargetKind.SERVER:
        return WebPage(f"{target.host}/#/{_route(experiment_id, run_ids)}")
    if target.kind is TargetKind.DATABRICKS and not target.host:
        return WebPage(note="the address of the workspace is known to the Databricks SDK alone")
    if target.kind is TargetKind.DATABRICKS:
        return WebPage(_in_workspace(target, _route(experiment_id, run_ids)))
    if target.database is not None and is_in_demo(str(target.database)):
        return WebPage(note="the demo's store has no web page: it is gone with the screen")
    if target.database is not None:
        return WebPage(
            f"http://127.0.0.1:{LOCAL_PORT}/#/{_route(experiment_id, run_ids)}",
            f"mlflow server --backend-store-uri {shlex.quote(target.uri)} --port {LOCAL_PORT}",
            "no server shows this store: run the command, then open the address",
        )
    return WebPage(note=f"{target.label} has no web page")


def page_address(target: Target, experiment_id: str, run_ids: Sequence[str] = ()) -> str:
    """Return the address of a page that is there now, "" where something must be started first."""
    page = web_page(target, experiment_id, run_ids)
    return page.address if page.ready else ""


def _route(experiment_id: str, run_ids: Sequence[str]) -> str:
    """Return the path of a page within MLflow's web application, the same in every place."""
    if len(run_ids) > 1:
        runs, experiments = (
            quote(json.dumps(list(ids), separators=(",", ":")), safe=",")
            for ids in (run_ids, [experiment_id])
        )
        return f"compare-runs?runs={runs}&experiments={experiments}"
    path = f"experiments/{quote(experiment_id, safe='')}"
    return path + "".join(f"/runs/{quote(run_id, safe='')}" for run_id in run_ids)


def _in_workspace(target: Target, route: str) -> str:
    """Return the address within a workspace, which serves the application below `/ml`.

    The id of the workspace comes first: some hosts serve several workspaces.
    """
    path, _, query = route.partition("?")
    workspace = f"o={quote(target.workspace_id, safe='')}" if target.workspace_id else ""
    queries = "&".join(part for part in (workspace, query) if part)
    return f"{target.host}/ml/{path}" + (f"?{queries}" if queries else "")
