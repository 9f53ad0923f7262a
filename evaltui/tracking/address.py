"""Tracking URIs and Databricks hosts as people write them, checked and put into one form."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass

_DATABASES = ("postgresql", "postgres", "mysql", "mssql")
_KNOWN = ("http", "https", "sqlite", "databricks", "file", *_DATABASES)
_PORTS = range(1, 65_536)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """An http(s) address without the credential it was written with.

    Attributes:
        url: Scheme, host, port and path, no trailing slash.
        user: User name that stood in the URL, or "".
        password: Its password, or "".
    """

    url: str
    user: str = ""
    password: str = field(default="", repr=False)


def scheme_of(uri: str) -> str:
    """Return the scheme of a tracking URI without its driver; "" for a path.

    Raises:
        ConfigError: It looks like no store mlflow knows.
    """
    if uri != uri.strip() or any(ord(char) < 32 for char in uri):  # noqa: PLR2004 - controls
        raise ConfigError(f"tracking URI {uri!r}: holds blanks or control characters")
    if uri in {"databricks", "databricks-uc"}:
        return uri
    head, colon, _ = uri.partition(":")
    if not colon:
        return _path_scheme(uri)
    if re.fullmatch(r"[\w.-]+:\d+(/.*)?", uri):
        raise ConfigError(f"tracking URI {uri}: no scheme", hint=f"did you mean http://{uri}?")
    scheme = head.partition("+")[0].lower()
    if scheme in _KNOWN or scheme in _plugins():
        return scheme
    import difflib  # noqa: PLC0415 - for a mistake alone

    near = difflib.get_close_matches(scheme, _KNOWN, n=1)
    raise ConfigError(
        f"tracking URI {without_password(uri)}: unknown scheme {scheme}",
        hint=f"did you mean {near[0]}?" if near else f"one of {', '.join(_KNOWN)}",
    )


def _path_scheme(path: str) -> str:
    if Path(path).suffix in {".db", ".sqlite", ".sqlite3"}:
        raise ConfigError(
            f"tracking URI {path}: a database needs its scheme",
            hint=f"did you mean sqlite:///{Path(path).absolute()}?",
        )
    return "" if "/" in path or path.startswith(".") or Path(path).is_dir() else _no_scheme(path)


def _no_scheme(text: str) -> str:
    hint = f"did you mean http://{text}?" if "." in text else "for example http://127.0.0.1:5000"
    raise ConfigError(f"tracking URI {text}: no scheme", hint=hint)


def _plugins() -> Sequence[str]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - for foreign schemes alone

    return [item.name for item in entry_points(group="mlflow.tracking_store")]


def sqlite_path(uri: str) -> Path:
    """Return the absolute path of the database of an `sqlite:///` URI; it may not exist yet.

    Raises:
        ConfigError: No file is named, or it could not be there (missing directory, a directory).
    """
    rest = uri.partition(":")[2]
    name = rest[3:].partition("?")[0] if rest.startswith("///") else ""
    if not name or name == ":memory:":
        raise ConfigError(
            f"tracking URI {uri}: names no database file",
            hint="sqlite:////absolute/path/mlflow.db has four slashes",
        )
    path = Path(name).absolute()
    if path.is_dir():
        raise ConfigError(f"tracking URI {uri}: {path} is a directory, not a database")
    if not path.parent.is_dir():
        raise ConfigError(
            f"tracking URI {uri}: there is no directory {path.parent}",
            hint="correct the path, or make the directory first",
        )
    return path


def server_address(uri: str) -> ServerAddress:
    """Take an http(s) tracking URI apart.

    Raises:
        ConfigError: It is not the address of a server.
    """
    shown = without_password(uri)
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:  # its text may hold a piece of the password
        raise ConfigError(
            f"tracking URI {shown}: not an address",
            hint="characters such as / # ? @ in a password must be percent-encoded",
        ) from None
    if not parts.hostname or (port is not None and port not in _PORTS):
        raise ConfigError(
            f"tracking URI {shown}: no host", hint="for example http://127.0.0.1:5000"
        )
    if parts.fragment or parts.query or uri.endswith(("#", "?")):
        plain = urlunsplit(parts._replace(netloc=_place(parts.netloc), query="", fragment=""))
        raise ConfigError(
            f"tracking URI {shown}: this is the address of a page, not of the server",
            hint=f"did you mean {plain.rstrip('/')}?",
        )
    url = urlunsplit((parts.scheme, _place(parts.netloc), parts.path.rstrip("/"), "", ""))
    return ServerAddress(url, unquote(parts.username or ""), unquote(parts.password or ""))


def databricks_host(text: str) -> tuple[str, str]:
    """Return a Databricks host as `https://NAME` and the workspace id of a `?o=`, else "".

    Accepts what people paste: without scheme, with a path, with the query of a browser address.

    Raises:
        ConfigError: There is no host in it.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        named = bool(parts.hostname) and not re.search(r"\s|:$", parts.netloc)
        good = parts.scheme in {"http", "https"} and named and parts.port != 0
    except ValueError:
        good, parts = False, urlsplit("")
    if not good:
        raise ConfigError(
            f"Databricks host {without_password(text)!r}: not an address",
            hint="for example https://adb-1234567890123456.7.azuredatabricks.net",
        )
    workspace = parse_qs(parts.query).get("o", [""])[0]
    return f"{parts.scheme}://{_place(parts.netloc)}", workspace if workspace.isdigit() else ""


def without_password(uri: str) -> str:
    """Return the URI without user and password, whatever characters the password has."""
    return re.sub(r"(://).*@", r"\1", uri, flags=re.DOTALL)


def is_loopback(url: str) -> bool:
    """Return whether a URL names this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _place(netloc: str) -> str:
    return netloc.rpartition("@")[2]
