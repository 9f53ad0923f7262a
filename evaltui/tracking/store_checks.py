"""What a store of each kind answers the doctor: whether it is there, and with which experiment."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from importlib.metadata import version

from evaltui.domain.check import Check, CheckState
from evaltui.domain.run import Experiment
from evaltui.errors import (
    EvaltuiError,
    StoreAuthError,
    StoreBusyError,
    StoreRejectedError,
    StoreUnreachableError,
)
from evaltui.tracking import open_source
from evaltui.tracking.credential import CredentialKind
from evaltui.tracking.deadline import BoundedCalls, OverdueError
from evaltui.tracking.links import page_address
from evaltui.tracking.sqlite_database import KNOWN_SCHEMAS, Database
from evaltui.tracking.target import Target, TargetKind
from evaltui.tracking.transport import Transport
from evaltui.tracking.workspace_checks import check_workspace, folder_remedy, rate_check

_OPEN_S = 12.0
"""Longest wait for a store that only mlflow can open."""

_CLOCK_S = 60.0
_VERSION_BYTES = 200
_REACH = "check the address, the network and that the server runs"


class Found:
    """The experiment, or why there is none."""

    def __init__(self, experiment: Experiment | None, trouble: str = "", remedy: str = "") -> None:
        self.experiment = experiment
        self._trouble = trouble
        self._remedy = remedy

    @property
    def broken(self) -> bool:
        """Whether nothing can be logged to it."""
        return self.experiment is not None and not self.experiment.active

    def check(self, target: Target) -> Check:
        """Return the finding on it."""
        shown = f"{target.experiment_label} ({target.experiment_why})"
        if self.experiment is None:
            if not target.experiment:
                remedy = "correct MLFLOW_EXPERIMENT_ID, or name one with --experiment"
                return Check(
                    "experiment", CheckState.FAIL, f"there is no experiment {shown}", remedy
                )
            if self._trouble:
                detail = f"{shown} {self._trouble}"
                return Check("experiment", CheckState.WARN, detail, self._remedy)
            detail = f"{shown} does not exist yet: the first report makes it"
            return Check("experiment", CheckState.OK, detail)
        if not self.experiment.active:
            return Check(
                "experiment",
                CheckState.FAIL,
                f"{shown} is deleted",
                f"mlflow experiments restore -x {self.experiment.experiment_id}, or name another",
            )
        page = page_address(target, self.experiment.experiment_id)
        detail = f"{shown}, id {self.experiment.experiment_id}" + (f", {page}" if page else "")
        return Check("experiment", CheckState.OK, detail)


# -- servers and workspaces -----------------------------------------------------------------------


def ask_remote(target: Target) -> Generator[Check, None, Found | None]:
    """Yield what a server or workspace says; return the experiment, or None without an answer."""
    from evaltui.tracking.rest_source import RestSource  # noqa: PLC0415 - only for these

    source = RestSource(target, target.experiment, refuse_folders=False)
    try:
        try:
            release = _release(target, source.transport)
            experiment = source.experiment()
        except EvaltuiError as error:
            yield from _refusal(target, error)
            if isinstance(error, StoreBusyError):
                yield rate_check(source.transport)
            return None
        yield Check("reachable", CheckState.OK, f"{target.host} answers")
        if target.kind is TargetKind.DATABRICKS:
            yield from check_workspace(target, source.transport, experiment)
        else:
            yield Check("authorised", CheckState.OK, "experiments can be read")
        if release:
            yield _same_release(release)
        if source.transport.clock_ahead_s is not None:
            yield _clock(source.transport.clock_ahead_s)
        missing = experiment is None and target.kind is TargetKind.DATABRICKS
        return Found(experiment, *(folder_remedy(target, source.transport) if missing else ()))
    finally:
        source.close()


def _refusal(target: Target, error: EvaltuiError) -> Iterator[Check]:
    """Say whether the host, the credential or the answer is the trouble."""
    if isinstance(error, StoreAuthError):
        yield Check("reachable", CheckState.OK, f"{target.label} answers")
        remedy = f"renew or correct it ({target.credential.origin}), or ask for the permission"
        if target.credential.kind is CredentialKind.NONE:
            remedy = "set MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN"
        yield Check("authorised", CheckState.FAIL, error.message, remedy)
        return
    if isinstance(error, StoreBusyError):
        remedy = "wait a little; who else polls this workspace?"
        yield Check("reachable", CheckState.FAIL, f"it answers, but: {error.message}", remedy)
        return
    remedy = error.hint or _REACH
    if isinstance(error, StoreUnreachableError) and "evaltui doctor" in remedy:
        remedy = _REACH  # that is what is being asked
    if "No module named" in error.message:
        remedy = "install the driver of that database beside evaltui"
    yield Check("reachable", CheckState.FAIL, error.message, remedy)


def _release(target: Target, transport: Transport) -> str:
    """Return the version of an MLflow server, "" when it does not tell."""
    if target.kind is not TargetKind.SERVER:
        return ""
    try:
        data = transport.get_bytes(
            "/version", {}, max_bytes=_VERSION_BYTES, doing=f"reach {target.label}"
        )
    except StoreRejectedError:
        return ""
    text = data.decode("ascii", errors="replace").strip()
    return text if text[:1].isdigit() else ""


def _same_release(release: str) -> Check:
    ours = version("mlflow")
    if release.partition(".")[0] != ours.partition(".")[0]:
        return Check(
            "store-version",
            CheckState.WARN,
            f"the server runs MLflow {release}, here is {ours}",
            "use the same major version on both sides",
        )
    return Check("store-version", CheckState.OK, f"MLflow {release}, here {ours}")


def _clock(ahead_s: float) -> Check:
    if abs(ahead_s) > _CLOCK_S:
        return Check(
            "clock-skew",
            CheckState.WARN,
            f"the server's clock is {abs(ahead_s):.0f} s {'ahead' if ahead_s > 0 else 'behind'}",
            "set both clocks by NTP: runs are ordered by time",
        )
    return Check("clock-skew", CheckState.OK, "both clocks agree within a minute")


# -- databases and the rest -----------------------------------------------------------------------


def ask_database(target: Target) -> Generator[Check, None, Found | None]:
    """Yield how a SQLite database is; return the experiment, or None when it cannot be read."""
    assert target.database is not None
    if not target.database.exists():
        detail = f"{target.database} does not exist yet: the first report makes it"
        yield Check("reachable", CheckState.OK, detail)
        return Found(None)
    database = Database(target.database)
    source = open_source(target)
    try:
        schema, missing = database.schema_version(), database.missing()
        experiment = source.experiment()
    except EvaltuiError as error:
        yield Check("reachable", CheckState.FAIL, error.message, error.hint or _REACH)
        return None
    finally:
        source.close()
        database.close()
    yield Check("reachable", CheckState.OK, f"{target.database} can be read")
    yield _schema(target, schema, missing)
    return Found(experiment)


def _schema(target: Target, schema: str, missing: list[str]) -> Check:
    if not missing and schema in KNOWN_SCHEMAS:
        return Check("store-version", CheckState.OK, f"schema {schema} is read directly")
    detail = f"schema {schema or 'unknown'} is not the one of MLflow {version('mlflow')}"
    if missing:
        detail += f" (no {', '.join(missing[:3])}): it is read through MLflow, slowly"
    return Check(
        "store-version",
        CheckState.WARN,
        detail,
        f"back it up, then: mlflow db upgrade {target.uri}",
    )


def ask_other(target: Target) -> Generator[Check, None, Found | None]:
    """Yield whether mlflow can open a store; return the experiment, or None when it cannot."""
    source = open_source(target)
    try:
        experiment = BoundedCalls().run(source.experiment, limit_s=_OPEN_S)
    except OverdueError:
        detail = f"{target.label}: mlflow could not open it within {_OPEN_S:g} s"
        yield Check("reachable", CheckState.FAIL, detail, _REACH)
        return None
    except EvaltuiError as error:
        yield from _refusal(target, error)
        return None
    yield Check("reachable", CheckState.OK, f"{target.label} answers, through mlflow")
    return Found(experiment)
