"""What the doctor finds out about a target, one question after another, none without an end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from evaltui.domain.check import Check, CheckState
from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.run import Experiment, RunStatus, Tag
from evaltui.errors import EvaltuiError, StoreRejectedError
from evaltui.tracking import open_source, open_writer
from evaltui.tracking.credential import CredentialKind
from evaltui.tracking.local_artifacts import local_root
from evaltui.tracking.store_checks import ask_database, ask_other, ask_remote
from evaltui.tracking.target import Target, TargetKind

CHECKS = (
    "target",
    "credentials",
    "reachable",
    "authorised",
    "token-expiry",
    "rights",
    "rate-limit",
    "store-version",
    "clock-skew",
    "experiment",
    "artifacts",
    "permissions",
    "write",
)
"""Names of all findings `diagnose` can give, in their order."""

_PROBE, _PROBE_DATA = "evaltui/probe.txt", b"written by evaltui doctor\n"
_REMOTE = frozenset({TargetKind.SERVER, TargetKind.DATABRICKS})


def diagnose(target: Target, *, write: bool) -> Iterator[Check]:
    """Yield the findings on a target: what it is, whether it answers, what may be done there.

    A store that does not answer ends the questions; a host that hangs takes at most 11 s.

    Args:
        target: The store and experiment.
        write: Also make a run with an artifact, read that and delete the run again.
            It makes the experiment when that is missing.
    """
    yield _target(target)
    yield _credentials(target)
    if target.kind in _REMOTE:
        found = yield from ask_remote(target)
    elif target.database is not None:
        found = yield from ask_database(target)
    else:
        found = yield from ask_other(target)
    if found is None:
        return
    yield found.check(target)
    if found.broken:
        return
    yield _artifacts(target, found.experiment)
    if target.database is not None and not target.read_only:
        yield _permissions(target.database)
    if write:
        yield _write(target)


def _target(target: Target) -> Check:
    detail = f"{target.label} (chosen by {target.why})"
    if target.warning:
        remedy = "complete the credential, or name the store with --tracking-uri"
        if target.kind is not TargetKind.EMBEDDED:
            remedy = "use https"
        return Check("target", CheckState.WARN, f"{detail}: {target.warning}", remedy)
    return Check("target", CheckState.OK, detail)


def _credentials(target: Target) -> Check:
    found = target.credential
    if target.kind not in _REMOTE:
        return Check("credentials", CheckState.OK, "none needed")
    if found.kind is CredentialKind.NONE:
        return Check("credentials", CheckState.OK, "none set; the server may not want any")
    who = f" for {found.name}" if found.name else ""
    return Check("credentials", CheckState.OK, f"{found.kind.value}{who}, from {found.origin}")


def _artifacts(target: Target, experiment: Experiment | None) -> Check:
    """Look whether the place of the artifacts can be written, where it is on this machine."""
    if experiment is None:
        root = target.artifact_root
        if root is None:
            return Check("artifacts", CheckState.OK, "the store decides where they go")
    else:
        root = local_root(experiment.artifact_location)
        if root is None:
            return Check("artifacts", CheckState.OK, f"at {experiment.artifact_location}")
    there = next(path for path in (root, *root.parents) if _exists(path))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        state = CheckState.WARN if target.read_only else CheckState.FAIL
        return Check("artifacts", state, f"{root} cannot be written", f"chmod u+rwx {there}")
    if target.kind is TargetKind.SERVER:
        detail = f"at {root}: this machine writes there itself, not through the server"
        return Check(
            "artifacts", CheckState.WARN, detail, "start the server with --serve-artifacts"
        )
    return Check("artifacts", CheckState.OK, f"at {root}")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # below a directory that is closed to us


def _permissions(path: Path) -> Check:
    for needed in (path, path.parent) if _exists(path) else (path.parent,):
        if not os.access(needed, os.W_OK):
            return Check(
                "permissions",
                CheckState.FAIL,
                f"{needed} cannot be written",
                f"chmod u+w {needed}, or use --read-only",
            )
    return Check("permissions", CheckState.OK, f"{path} can be written")


# -- writing --------------------------------------------------------------------------------------


def _write(target: Target) -> Check:
    now = int(time.time() * 1000)
    plan = RunPlan(
        content_id="",
        name="evaltui-doctor",
        started_ms=now,
        ended_ms=now,
        metric_ms=now,
        status=RunStatus.FINISHED,
        create_tags={Tag.KIND: "probe"},
        tags={},
        params={},
        metrics={},
    )
    try:
        writer = open_writer(target)
        experiment = writer.ensure_experiment(target.experiment)
        run_id = writer.create_run(experiment.experiment_id, plan)
        try:
            writer.log_artifacts(run_id, (ArtifactFile(_PROBE, data=_PROBE_DATA),))
            writer.finish_run(run_id, plan.status, now)
            _read_probe(target, run_id)
        finally:
            writer.delete_run(run_id)
    except EvaltuiError as error:
        remedy = error.hint or "ask for the right to write, or use --read-only"
        return Check("write", CheckState.FAIL, error.message, remedy)
    detail = f"a run with an artifact was made, read and deleted again ({run_id})"
    return Check("write", CheckState.OK, detail)


def _read_probe(target: Target, run_id: str) -> None:
    """Read the artifact of the probe.

    Raises:
        StoreError: It cannot be read, or is not what was written.
    """
    source = open_source(target)
    try:
        if source.read_artifact(run_id, _PROBE, max_bytes=1_000) != _PROBE_DATA:
            raise StoreRejectedError(f"{target.label}: the artifact came back changed")
    finally:
        source.close()
