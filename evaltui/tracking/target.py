"""Which store is used, with which experiment, and why: decided without network and mlflow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path

import platformdirs

from evaltui import settings as setting_paths
from evaltui.domain.places import shown_path
from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass
from evaltui.settings import CONFIG_SOURCE, DEFAULT_EXPERIMENT, Settings
from evaltui.tracking import address, credential, process_variables
from evaltui.tracking.choice import DATABRICKS, Choice, choose
from evaltui.tracking.credential import Credential, CredentialKind
from evaltui.tracking.env_file import read_env_file

_EXPERIMENT_NAME = "MLFLOW_EXPERIMENT_NAME"
_EXPERIMENT_ID = "MLFLOW_EXPERIMENT_ID"
_LONGEST_EXPERIMENT = 500


class TargetKind(StrEnum):
    """What sort of store a target is."""

    EMBEDDED = "embedded"
    SQLITE = "sqlite"
    SERVER = "server"
    DATABRICKS = "databricks"
    OTHER = "other"
    """Anything else that mlflow knows: a database server, a directory, a plugin."""


POLL_INTERVAL_S: Mapping[TargetKind, float] = {
    TargetKind.EMBEDDED: 0.5,
    TargetKind.SQLITE: 0.5,
    TargetKind.SERVER: 5.0,
    TargetKind.DATABRICKS: 10.0,
    TargetKind.OTHER: 5.0,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A tracking store and one experiment in it.

    Attributes:
        kind: What sort of store it is.
        uri: Tracking URI as mlflow gets it: without user and password where they travel as
            variables (http), absolute for SQLite, plain `databricks` for Databricks.
        label: Safe to show: no credential in it.
        why: What chose it, such as `--tracking-uri` or `MLFLOW_TRACKING_URI`.
        experiment: Name of the experiment; "" while only `experiment_id` is known.
        experiment_why: What chose the experiment.
        key: Stable id of store and experiment for folder names; no secrets.
        poll_interval_s: Seconds between polls.
        data_dir: Directory of the embedded store; made only when that store is the target.
        experiment_id: Id of the experiment when the environment gave only that, else "".
        database: Absolute path of the SQLite database (EMBEDDED, SQLITE), else None.
        host: `https://NAME` of the workspace, or the server's URL; "" for others. For
            Databricks also "" when the SDK has to find it.
        workspace_id: Databricks workspace id, or "" when unknown.
        profile: Databricks profile that chose the host, or "".
        credential: How to authenticate.
        warning: One line that must be seen, or "".
        read_only: Nothing may be written.
        create_parents: Missing folders of a new experiment may be made (Databricks).
        variables: Variables of the env file; they go into the environment of mlflow.
        env_file: That file, or None.
    """

    kind: TargetKind
    uri: str = field(repr=False)
    label: str
    why: str
    experiment: str
    experiment_why: str
    key: str
    poll_interval_s: float
    data_dir: Path
    experiment_id: str = ""
    database: Path | None = None
    host: str = ""
    workspace_id: str = ""
    profile: str = ""
    credential: Credential = field(default_factory=Credential)
    warning: str = ""
    read_only: bool = False
    create_parents: bool = False
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    env_file: Path | None = None

    @property
    def experiment_label(self) -> str:
        """The experiment as it is shown: its name, or its id while only that is known."""
        return self.experiment or f"id {self.experiment_id}"

    @property
    def artifact_root(self) -> Path | None:
        """Where new experiments of a local store keep artifacts; None: the store decides.

        Without it mlflow would use the current directory.
        """
        if self.kind is TargetKind.EMBEDDED:
            return self.data_dir / "artifacts"
        return self.database.parent / "mlartifacts" if self.database else None

    def environment(self, environ: Mapping[str, str]) -> dict[str, str | None]:
        """Return the edits to make to `environ` before mlflow is imported; None is unset.

        They bound mlflow's own retries, keep it quiet, and leave exactly one credential and host
        for it to find. The tracking URI is not among them: hand `uri` to the client.
        """
        return process_variables.edits(
            self.credential,
            environ,
            databricks=self.kind is TargetKind.DATABRICKS,
            server=self.kind is TargetKind.SERVER,
            host=self.host,
            workspace_id=self.workspace_id,
            profile=self.profile,
            more=self.variables,
        )


def resolve_target(settings: Settings, environ: Mapping[str, str]) -> Target:
    """Choose store and experiment.

    The store, first match wins: `--tracking-uri` or `--profile` (or their EVALTUI_ variables),
    the variables of `--env-file`, MLFLOW_TRACKING_URI, the configuration file, DATABRICKS_HOST
    with a credential, DATABRICKS_CONFIG_PROFILE, the embedded store. Variables of the env file
    beat those of the environment, because the file was asked for. The experiment:
    `--experiment`, MLFLOW_EXPERIMENT_NAME, MLFLOW_EXPERIMENT_ID, the configuration file, the
    default.

    Raises:
        ConfigError: The choice makes no sense; the message says why, the hint what to do.
    """
    extra = read_env_file(settings.env_file) if settings.env_file else {}
    chosen = choose(settings, environ, extra)
    store = _store(chosen, settings)
    name, number, experiment_why = _experiment(settings, {**environ, **extra}, store.kind)
    return Target(
        kind=store.kind,
        uri=store.uri,
        label=store.label,
        why=chosen.why,
        warning=chosen.warning or store.warning,
        experiment=name,
        experiment_id=number,
        experiment_why=experiment_why,
        key=f"{store.identity}\n{name or 'id:' + number}",
        poll_interval_s=settings.poll_interval_s or POLL_INTERVAL_S[store.kind],
        data_dir=_data_dir(settings),
        database=store.database,
        host=store.host,
        workspace_id=store.workspace_id,
        profile=store.profile,
        credential=store.credential,
        read_only=settings.read_only,
        create_parents=settings.create_parents,
        variables=extra,
        env_file=settings.env_file.absolute() if settings.env_file else None,
    )


# -- what the choice means ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Store:
    kind: TargetKind
    uri: str
    label: str
    identity: str
    database: Path | None = None
    host: str = ""
    workspace_id: str = ""
    profile: str = ""
    credential: Credential = field(default_factory=Credential)
    warning: str = ""


def _store(chosen: Choice, settings: Settings) -> _Store:
    if chosen.profile:
        return _workspace(chosen.profile, chosen.environ)
    if not chosen.uri:
        path = setting_paths.data_dir(settings) / "mlflow.db"
        return _database(TargetKind.EMBEDDED, path.absolute(), f"sqlite:///{path.absolute()}")
    try:
        scheme = address.scheme_of(chosen.uri)
        return _by_scheme(scheme, chosen)
    except ConfigError as error:
        raise ConfigError(f"{error.message} ({chosen.why})", hint=error.hint) from None


def _by_scheme(scheme: str, chosen: Choice) -> _Store:
    uri = chosen.uri
    if scheme == "databricks-uc":
        raise ConfigError(
            f"tracking URI {uri}: names a model registry, not a tracking store",
            hint="use databricks",
        )
    if scheme == DATABRICKS:
        profile = uri.partition("://")[2].strip("/")
        if profile:
            return _workspace(profile, chosen.environ)
        return _ambient_workspace(chosen.environ)
    if scheme in {"http", "https"}:
        return _server(uri, chosen.environ)
    if scheme == "sqlite":
        path = address.sqlite_path(uri)
        query = uri.partition("?")[2]
        absolute = f"{uri.partition(':')[0]}:///{path}" + (f"?{query}" if query else "")
        return _database(TargetKind.SQLITE, path, absolute)
    if scheme == "":
        uri = Path(uri).absolute().as_uri()
    shown = address.without_password(uri)
    return _Store(TargetKind.OTHER, uri, shown, identity=f"other {shown}")


def _database(kind: TargetKind, path: Path, uri: str) -> _Store:
    try:
        shown = f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        shown = shown_path(str(path))
    return _Store(kind, uri, f"{kind.value} {shown}", identity=f"sqlite {path}", database=path)


def _server(uri: str, environ: Mapping[str, str]) -> _Store:
    server = address.server_address(uri)
    found = credential.for_server(server, environ)
    return _Store(
        TargetKind.SERVER,
        server.url,
        server.url,
        identity=f"server {server.url}",
        host=server.url,
        credential=found,
        warning=_open_wire(server.url, found),
    )


def _workspace(name: str, environ: Mapping[str, str]) -> _Store:
    profile = credential.read_profile(name, environ)
    return _databricks(profile.host, profile.workspace_id, profile.credential, name)


def _ambient_workspace(environ: Mapping[str, str]) -> _Store:
    """Follow the plain URI `databricks` to variables, a named profile, or [DEFAULT]."""
    if environ.get(credential.HOST):
        host, workspace = address.databricks_host(environ[credential.HOST])
        workspace = environ.get(credential.WORKSPACE, "") or workspace
        return _databricks(host, workspace, credential.from_variables(environ), "")
    if environ.get(credential.PROFILE):
        return _workspace(environ[credential.PROFILE], environ)
    if credential.default_profile_exists(environ):
        return _workspace("DEFAULT", environ)
    raise ConfigError(
        "Databricks is asked for, but there is no host: neither DATABRICKS_HOST nor a profile",
        hint="set DATABRICKS_HOST and DATABRICKS_TOKEN, or name a profile with --profile",
    )


def _databricks(host: str, workspace: str, found: Credential, profile: str) -> _Store:
    name = host.partition("://")[2]
    return _Store(
        TargetKind.DATABRICKS,
        DATABRICKS,
        f"databricks {name}" + (f" (profile {profile})" if profile else ""),
        identity=f"databricks {host.lower()}" + (f" {workspace}" if workspace else ""),
        host=host,
        workspace_id=workspace,
        profile=profile,
        credential=found,
        warning=_open_wire(host, found),
    )


def _open_wire(url: str, found: Credential) -> str:
    safe = found.kind is CredentialKind.NONE or url.startswith("https:")
    if safe or address.is_loopback(url):
        return ""
    return f"the credential ({found.origin}) travels unencrypted to {url}: use https"


def _data_dir(settings: Settings) -> Path:
    return (settings.data_dir or platformdirs.user_data_path("evaltui")).absolute()


# -- which experiment -----------------------------------------------------------------------------


def _experiment(
    settings: Settings, environ: Mapping[str, str], kind: TargetKind
) -> tuple[str, str, str]:
    """Return the name, or else the id, of the experiment and what chose it."""
    why = settings.sources.get("experiment", "experiment")
    if settings.experiment and why != CONFIG_SOURCE:
        return _legal(settings.experiment, why, kind), "", why
    if environ.get(_EXPERIMENT_NAME):
        return _legal(environ[_EXPERIMENT_NAME], _EXPERIMENT_NAME, kind), "", _EXPERIMENT_NAME
    number = environ.get(_EXPERIMENT_ID, "")
    if number:
        if not number.isalnum():
            raise ConfigError(f"{_EXPERIMENT_ID} is {number!r}: not an experiment id")
        return "", number, _EXPERIMENT_ID
    if settings.experiment:
        return _legal(settings.experiment, why, kind), "", why
    return DEFAULT_EXPERIMENT, "", "default"


def _legal(name: str, why: str, kind: TargetKind) -> str:
    """Check a name; on Databricks it is a workspace path, in the spelling that it keeps."""
    name = name.strip()
    if not name or len(name) > _LONGEST_EXPERIMENT or not name.isprintable():
        raise ConfigError(
            f"experiment {name!r} ({why}): a name is 1 to {_LONGEST_EXPERIMENT} printable "
            "characters"
        )
    if kind is not TargetKind.DATABRICKS:
        return name
    if not name.startswith("/") or not name.strip("/"):
        last = name.strip("/") or "evals"
        raise ConfigError(
            f"experiment {name} ({why}): on Databricks a name is a workspace path",
            hint=f"for example /Shared/{last} or /Users/YOU@EXAMPLE.COM/{last}",
        )
    # the workspace keeps it so, and does not find it by another spelling
    name = re.sub("/{2,}", "/", name).rstrip("/")
    return name.removeprefix("/Workspace") if name.startswith("/Workspace/") else name
