"""Which store was asked for, and by what: flags, variables, files, in their order."""

from __future__ import annotations

from collections.abc import Mapping

from evaltui.late_dataclass import dataclass
from evaltui.settings import CONFIG_SOURCE, Settings
from evaltui.tracking import credential, process_variables

DATABRICKS = "databricks"
"""The tracking URI of the Databricks workspace that the variables name."""

_URI = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for.

    Attributes:
        uri: Tracking URI, or "".
        profile: Databricks profile, or ""; with neither the embedded store is meant.
        why: What chose it.
        environ: The variables that count.
        warning: One line that must be seen, or "".
    """

    uri: str
    profile: str
    why: str
    environ: Mapping[str, str]
    warning: str = ""


def choose(settings: Settings, environ: Mapping[str, str], extra: Mapping[str, str]) -> Choice:
    """Choose the store; the order is that of `target.resolve_target`.

    Args:
        settings: The settings, with where each came from.
        environ: The environment.
        extra: Variables of the env file; they win over the environment.
    """
    variables = _merged(environ, extra)
    flag, configured = _from_settings(settings, variables)
    if flag:
        return flag
    if extra:
        where = f" in {settings.env_file}"
        asked = _from_uri(extra, variables, where) or _from_databricks(extra, variables, where)
        if asked:
            return asked
    found = _from_uri(environ, variables, "") or configured
    found = found or _from_databricks(variables, variables, "")
    return found or Choice("", "", "default", variables, _lonely(variables))


def _merged(environ: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """Let the file win; its Databricks credential does not mix with one of the environment."""
    kept = dict(environ)
    if any(name in extra for name in process_variables.CREDENTIALS):
        for name in process_variables.CREDENTIALS:
            kept.pop(name, None)
    return kept | dict(extra)


def _from_settings(
    settings: Settings, variables: Mapping[str, str]
) -> tuple[Choice | None, Choice | None]:
    """Return what a flag chose and what the configuration file chose; at most one is there."""
    key = "profile" if settings.profile else "tracking_uri"
    if not (settings.profile or settings.tracking_uri):
        return None, None
    why = settings.sources.get(key, key)
    choice = Choice(settings.tracking_uri or "", settings.profile or "", why, variables)
    return (None, choice) if why == CONFIG_SOURCE else (choice, None)


def _from_uri(
    environ: Mapping[str, str], variables: Mapping[str, str], where: str
) -> Choice | None:
    uri = environ.get(_URI, "")
    return Choice(uri, "", _URI + where, variables) if uri else None


def _from_databricks(
    environ: Mapping[str, str], variables: Mapping[str, str], where: str
) -> Choice | None:
    mine = environ.get(credential.HOST) or credential.has_credential(environ)
    if mine and variables.get(credential.HOST) and credential.has_credential(variables):
        origin = credential.from_variables(variables).origin
        return Choice(DATABRICKS, "", f"{credential.HOST} and {origin}{where}", variables)
    profile = environ.get(credential.PROFILE, "")
    return Choice("", profile, credential.PROFILE + where, variables) if profile else None


def _lonely(variables: Mapping[str, str]) -> str:
    """Return the warning for half of a Databricks credential."""
    then = (
        "; runs go to the embedded store. To send these reports later, complete it and run "
        "`evaltui log` or `evaltui watch` on them again: each store keeps its own journal"
    )
    if variables.get(credential.HOST):
        return (
            f"{credential.HOST} is set without a credential (DATABRICKS_TOKEN, or "
            f"DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET){then}"
        )
    if credential.has_credential(variables):
        return f"a Databricks credential is set without {credential.HOST}{then}"
    return ""
