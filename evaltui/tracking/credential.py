"""Which credential a target is reached with, decided before anything is asked or imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path

from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass
from evaltui.tracking.address import ServerAddress, databricks_host

HOST = "DATABRICKS_HOST"
PROFILE = "DATABRICKS_CONFIG_PROFILE"
WORKSPACE = "DATABRICKS_WORKSPACE_ID"
USERNAME = "MLFLOW_TRACKING_USERNAME"
PASSWORD = "MLFLOW_TRACKING_PASSWORD"  # noqa: S105 - the name of a variable
TOKEN = "MLFLOW_TRACKING_TOKEN"  # noqa: S105
_AUTH_TYPE = "DATABRICKS_AUTH_TYPE"
_DEFAULT = "DEFAULT"


class CredentialKind(StrEnum):
    """How requests are authenticated."""

    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"
    PAT = "pat"
    OAUTH = "oauth-m2m"
    SDK = "databricks-sdk"
    """Whatever the SDK's unified authentication finds (CLI login, Azure, OIDC, …)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential and where it came from.

    Attributes:
        kind: How it is used.
        origin: Where it was found, for people; never the value.
        name: User name, client id or authentication type, else "".
        secret: Password, token or client secret; not in the repr.
    """

    kind: CredentialKind = CredentialKind.NONE
    origin: str = ""
    name: str = ""
    secret: str = field(default="", repr=False)


_GROUPS: Mapping[CredentialKind, tuple[str, ...]] = {
    CredentialKind.PAT: ("DATABRICKS_TOKEN",),
    CredentialKind.OAUTH: ("DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"),
    CredentialKind.BASIC: ("DATABRICKS_USERNAME", "DATABRICKS_PASSWORD"),
}
_SELECTED_BY: Mapping[str, CredentialKind] = {
    "pat": CredentialKind.PAT,
    "oauth-m2m": CredentialKind.OAUTH,
    "basic": CredentialKind.BASIC,
}


def has_credential(environ: Mapping[str, str]) -> bool:
    """Return whether the variables hold a credential for Databricks (the host aside)."""
    return bool(environ.get(_AUTH_TYPE)) or bool(_complete(environ))


def from_variables(environ: Mapping[str, str]) -> Credential:
    """Return the Databricks credential of the variables; SDK when they hold none of ours.

    Raises:
        ConfigError: There are two and DATABRICKS_AUTH_TYPE does not choose.
    """
    asked = environ.get(_AUTH_TYPE, "")
    found = _complete(environ)
    if asked:
        kind = _SELECTED_BY.get(asked, CredentialKind.SDK)
        if kind is not CredentialKind.SDK and kind not in found:
            raise ConfigError(
                f"DATABRICKS_AUTH_TYPE is {asked}, but its variables are not all set",
                hint=f"set {' and '.join(_GROUPS[kind])}",
            )
        return _credential(kind, environ, f"DATABRICKS_AUTH_TYPE={asked}", asked)
    if len(found) > 1:
        names = " and ".join(_GROUPS[kind][0] for kind in found)
        raise ConfigError(
            f"two Databricks credentials at once: {names}",
            hint="unset one, or choose with DATABRICKS_AUTH_TYPE=pat or oauth-m2m",
        )
    if not found:
        return Credential(CredentialKind.SDK, "databricks-sdk")
    return _credential(found[0], environ, " and ".join(_GROUPS[found[0]]), "")


def _complete(environ: Mapping[str, str]) -> list[CredentialKind]:
    return [kind for kind, names in _GROUPS.items() if all(environ.get(name) for name in names)]


def _credential(
    kind: CredentialKind, environ: Mapping[str, str], origin: str, auth_type: str
) -> Credential:
    if kind is CredentialKind.SDK:
        return Credential(kind, origin, auth_type)
    names = _GROUPS[kind]
    name = environ[names[0]] if len(names) > 1 else ""
    return Credential(kind, origin, name, environ[names[-1]])


@dataclass(frozen=True, slots=True)
class Profile:
    """One section of `.databrickscfg`.

    Attributes:
        host: `https://NAME`.
        workspace_id: From the host or the section, else "".
    """

    host: str
    workspace_id: str
    credential: Credential


def config_file(environ: Mapping[str, str]) -> Path:
    """Return where Databricks profiles are kept, whether it exists or not."""
    asked = environ.get("DATABRICKS_CONFIG_FILE", "")
    if asked:
        return Path(asked).expanduser()
    home = environ.get("HOME", "")
    return (Path(home) if home else Path.home()) / ".databrickscfg"


def read_profile(name: str, environ: Mapping[str, str]) -> Profile:
    """Return a profile.

    Raises:
        ConfigError: There is no such file, profile or host in it, or it holds two credentials.
    """
    import configparser  # noqa: PLC0415 - for who has such a file

    path = config_file(environ)
    parser = configparser.RawConfigParser(default_section="\0", strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except OSError as error:
        raise ConfigError(
            f"Databricks profile {name}: {path} cannot be read: {error.strerror}",
            hint=f"databricks auth login --profile {name}",
        ) from error
    except (configparser.Error, UnicodeDecodeError):  # its text may hold a line with a token
        raise ConfigError(f"{path}: not a file of Databricks profiles") from None
    if not parser.has_section(name):
        raise _no_profile(name, path, parser.sections())
    values = {f"DATABRICKS_{key.upper()}": text for key, text in parser.items(name) if text}
    if not values.get(HOST):
        raise ConfigError(
            f"Databricks profile {name} in {path} has no host", hint="add: host = https://…"
        )
    host, workspace = databricks_host(values[HOST])
    found = from_variables(values)
    origin = f"profile {name} in {path}"
    credential = Credential(found.kind, origin, found.name, found.secret)
    return Profile(host, values.get(WORKSPACE, "") or workspace, credential)


def default_profile_exists(environ: Mapping[str, str]) -> bool:
    """Return whether `.databrickscfg` has a [DEFAULT] with a host."""
    try:
        read_profile(_DEFAULT, environ)
    except ConfigError:
        return False
    return True


def _no_profile(name: str, path: Path, known: list[str]) -> ConfigError:
    import difflib  # noqa: PLC0415 - for a mistake alone

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it has: {', '.join(known) or 'none'}"
    return ConfigError(f"there is no Databricks profile {name} in {path}", hint=hint)


def for_server(address: ServerAddress, environ: Mapping[str, str]) -> Credential:
    """Return the credential of an MLflow server: of the URL, else variables, else mlflow's file.

    Raises:
        ConfigError: The variables hold a user with password and a token.
    """
    if address.user or address.password:
        return Credential(CredentialKind.BASIC, "the tracking URI", address.user, address.password)
    user, password = environ.get(USERNAME, ""), environ.get(PASSWORD, "")
    token = environ.get(TOKEN, "")
    if token and user and password:
        raise ConfigError(
            f"two credentials at once: {USERNAME} and {TOKEN}", hint="unset one of them"
        )
    if token:
        return Credential(CredentialKind.BEARER, TOKEN, secret=token)
    if not (user and password):
        kept_user, kept_password = _mlflow_file(environ)
        user, password = user or kept_user, password or kept_password
        if not (user and password):
            return Credential()
        return Credential(CredentialKind.BASIC, "~/.mlflow/credentials", user, password)
    return Credential(CredentialKind.BASIC, USERNAME, user, password)


def _mlflow_file(environ: Mapping[str, str]) -> tuple[str, str]:
    import configparser  # noqa: PLC0415 - for who has such a file

    home = environ.get("HOME", "")
    path = (Path(home) if home else Path.home()) / ".mlflow" / "credentials"
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        section = parser["mlflow"]
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError):
        return "", ""
    return section.get(USERNAME.lower(), ""), section.get(PASSWORD.lower(), "")
