"""Settings: flags win over `EVALTUI_*` variables, these over one TOML file, that over defaults."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path

import platformdirs

from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass
from evaltui.setting_values import TYPE_WORDS, choices, convert, plain, to_toml

DEFAULT_EXPERIMENT = "/Shared/klaudbiusz-evaluations"
CONFIG_SOURCE = "config.toml"
"""Value in `Settings.sources` for whatever the TOML file set, wherever that file lies."""

_PREFIX = "EVALTUI_"
_CONFIG_VARIABLE = "EVALTUI_CONFIG"
_OTHER_VARIABLES = frozenset({_CONFIG_VARIABLE, "EVALTUI_SAMPLES"})  # the latter is for the tests


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of evaltui. The text under a field is its documentation."""

    tracking_uri: str | None = None
    """MLflow tracking URI; beats `MLFLOW_TRACKING_URI`."""
    profile: str | None = None
    """Databricks profile of `.databrickscfg`; excludes `tracking_uri`."""
    experiment: str | None = None
    """Experiment name; beats `MLFLOW_EXPERIMENT_NAME` and `MLFLOW_EXPERIMENT_ID` as a flag."""
    env_file: Path | None = None
    """A `.env` file whose DATABRICKS_ and MLFLOW_ variables are used; never read unasked."""
    watch: tuple[str, ...] = ()
    """Directories or globs to watch, each optionally `MODE=PATH`."""
    mode: str | None = None
    """Mode of every report of this process; beats what the report says."""
    model: str | None = None
    """Model of every report of this process; beats what the report says."""
    backlog: str = "log"
    """Reports that are there at the start: `log`, `skip`, or `since=2026-11-01` / `since=2d`."""
    create_parents: bool = False
    """Make the missing folders of a new experiment in a Databricks workspace."""
    read_only: bool = False
    """Write nothing to the store."""
    poll_interval_s: float | None = None
    """Seconds between polls; default by store: 0.5 SQLite, 5 server, 10 Databricks."""
    events: str = "auto"
    """`auto`, or `off` to scan only (network file systems)."""
    max_report_mb: int = 64
    """Report in MB above which it is read in pieces and not copied into the journal; limit 4 GB."""
    mirror: bool = True
    """Keep the run list in the XDG cache: the next start shows it before the store answers."""
    glyphs: str = "auto"
    """`auto`, `block`, `braille` or `ascii`."""
    theme: str = "auto"
    """`auto`, `dark`, `light`, `ansi-dark` or `ansi-light`."""
    display: str = "auto"
    """`lean` sends only what changed, `textual` all; `auto`: lean where the terminal is known."""
    notify: str = "off"
    """`bell`, or `osc9` for a notification of the terminal: a run regressed, a report is broken."""
    mouse: bool = True
    """Take the mouse; off leaves selection to the terminal."""
    columns: tuple[str, ...] = ()
    """Metrics shown first in the run list, before the default ones."""
    metrics: Mapping[str, str] = field(default_factory=dict)
    """Which way metrics get better, such as `my_score = "lower"`: `higher`, `lower`, `neutral`."""
    state_dir: Path | None = None
    """Journal, spool, log and locks; default: XDG state."""
    data_dir: Path | None = None
    """Embedded store and its artifacts; default: XDG data."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Key per binding id, such as `runs.compare = "c"`."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each changed setting came from ("--mode", "EVALTUI_MODE", "config.toml")."""

    def to_json(self) -> dict[str, object]:
        """Return the settings as a JSON object; `from_json` is its inverse."""
        return {item.name: plain(getattr(self, item.name)) for item in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> Settings:
        """Return the settings `to_json` made the object of.

        Raises:
            ConfigError: A key is unknown or a value is not what the setting takes.
        """
        values: dict[str, object] = {}
        for name, value in document.items():
            if name not in _TYPES:
                raise _unknown(name, _TYPES, "settings")
            if value is not None:
                values[name] = convert(name, _TYPES[name], value, f"settings.{name}", base=None)
        return cls(**values)  # type: ignore[arg-type]  # convert checked each against its field


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting as the documentation lists it.

    Attributes:
        key: Key in the TOML file.
        env: Environment variable, or "" where there is none (tables).
        type: What it takes, in words.
        default: The default as TOML, or "" where unset is the default.
        text: What it is for.
    """

    key: str
    env: str
    type: str
    default: str
    text: str


_TYPES: Mapping[str, str] = {
    item.name: str(item.type).removesuffix(" | None") for item in dataclasses.fields(Settings)
}
_KEYS = tuple(name for name in _TYPES if name != "sources")
_TABLES = frozenset({"keys", "metrics"})
"""Keys that only the TOML file has."""

_SEPARATORS = {"watch": os.pathsep, "columns": ","}


def load_settings(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    config_path: Path | None = None,
) -> Settings:
    """Put the settings together: flags, then `EVALTUI_*`, then the TOML file, then defaults.

    In variables, `watch` is separated as PATH is (`:`), `columns` by commas, and an empty value
    counts as not set.

    Args:
        flags: Values by field name; None means not given.
        environ: The environment.
        config_path: The TOML file (`--config`), which then must exist; default: EVALTUI_CONFIG,
            which must exist too, else the XDG one, which may be missing.

    Raises:
        ConfigError: A value or a name is wrong, or the file cannot be read.
    """
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for found, origin in (
        (_from_file(environ, config_path), lambda _: CONFIG_SOURCE),
        (_from_environ(environ), lambda name: _PREFIX + name.upper()),
        (_from_flags(flags), flag_name),
    ):
        _drop_rival(found, values, sources)
        values.update(found)
        sources.update((name, origin(name)) for name in found)
    return Settings(**values, sources=sources)  # type: ignore[arg-type]  # checked by convert


def flag_name(name: str) -> str:
    """Return the command line flag of a setting, such as `--tracking-uri`."""
    special = {"mouse": "--no-mouse", "poll_interval_s": "--poll-interval"}
    return special.get(name, "--" + name.replace("_", "-"))


def config_path(environ: Mapping[str, str]) -> Path:
    """Return where the TOML file is looked for, whether it exists or not."""
    asked = environ.get(_CONFIG_VARIABLE)
    if asked:
        return Path(asked).expanduser()
    base = environ.get("XDG_CONFIG_HOME", "")
    if os.path.isabs(base):  # noqa: PTH117 - a relative value is to be ignored (XDG), no Path yet
        return Path(base, "evaltui", "config.toml")
    return platformdirs.user_config_path("evaltui") / "config.toml"


def state_dir(settings: Settings) -> Path:
    """Return the directory of journal, spool, log and locks, made (0700) when it is missing.

    Raises:
        ConfigError: It cannot be made.
    """
    default = platformdirs.user_state_path("evaltui")
    return _private_directory(settings.state_dir or default, "state_dir")


def data_dir(settings: Settings) -> Path:
    """Return the directory of the embedded store, made (0700) when it is missing.

    Raises:
        ConfigError: It cannot be made.
    """
    default = platformdirs.user_data_path("evaltui")
    return _private_directory(settings.data_dir or default, "data_dir")


def document() -> list[SettingDoc]:
    """Return every setting with its documentation, in the order of the fields."""
    import ast  # noqa: PLC0415 - for a list of all settings alone
    import inspect  # noqa: PLC0415

    tree = ast.parse(inspect.getsource(Settings)).body[0]
    assert isinstance(tree, ast.ClassDef)
    texts: dict[str, str] = {}
    for node, after in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(after, ast.Expr):
            assert isinstance(node.target, ast.Name)
            texts[node.target.id] = str(ast.literal_eval(after.value))
    defaults = Settings()
    return [
        SettingDoc(
            key=name,
            env="" if name in _TABLES else _PREFIX + name.upper(),
            type=" | ".join(choices(name)) or TYPE_WORDS[_TYPES[name]],
            default=to_toml(getattr(defaults, name)),
            text=texts[name],
        )
        for name in _KEYS
    ]


# -- sources -------------------------------------------------------------------------------------


def _from_flags(flags: Mapping[str, object]) -> dict[str, object]:
    given = {name: value for name, value in flags.items() if value is not None}
    return {
        name: convert(name, _TYPES[name], value, flag_name(name), base=None)
        for name, value in given.items()
    }


def _from_environ(environ: Mapping[str, str]) -> dict[str, object]:
    known = {_PREFIX + name.upper(): name for name in _KEYS if name not in _TABLES}
    found: dict[str, object] = {}
    for variable in sorted(environ):
        if not variable.startswith(_PREFIX) or variable in _OTHER_VARIABLES:
            continue
        if variable not in known:
            raise _unknown(variable, [*known, _CONFIG_VARIABLE], "environment")
        if environ[variable]:
            name = known[variable]
            found[name] = convert(
                name, _TYPES[name], _split(name, environ[variable]), variable, base=None
            )
    return found


def _split(name: str, text: str) -> object:
    if name in _SEPARATORS:
        return [part.strip() for part in text.split(_SEPARATORS[name]) if part.strip()]
    return text


def _from_file(environ: Mapping[str, str], asked: Path | None) -> dict[str, object]:
    path = asked or config_path(environ)
    must_exist = asked is not None or bool(environ.get(_CONFIG_VARIABLE))
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if must_exist:
            raise ConfigError(
                f"{path}: no such configuration file",
                hint="`evaltui config --template` prints one",
            ) from None
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    import tomllib  # noqa: PLC0415 - most people have no such file

    try:
        raw = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: not TOML: {error}", hint="texts need quotes; see `evaltui config --template`"
        ) from error
    for name in raw:
        if name not in _KEYS:
            raise _unknown(name, _KEYS, str(path))
    return {
        name: convert(name, _TYPES[name], value, f"{path}: {name}", base=path.parent, strict=True)
        for name, value in raw.items()
    }


def _drop_rival(
    found: Mapping[str, object], values: dict[str, object], sources: dict[str, str]
) -> None:
    """Let a profile beat a tracking URI of a weaker source, and the other way round."""
    rivals = {"tracking_uri": "profile", "profile": "tracking_uri"}
    if all(name in found for name in rivals):
        raise ConfigError(
            "tracking_uri and profile are both set in one place",
            hint="keep one: a profile means the tracking URI databricks://PROFILE",
        )
    for name, rival in rivals.items():
        if name in found:
            values.pop(rival, None)
            sources.pop(rival, None)


def _unknown(name: str, known: Iterable[str], where: str) -> ConfigError:
    import difflib  # noqa: PLC0415 - for a mistake alone

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else "`evaltui config --template` lists all settings"
    return ConfigError(f"{where}: unknown setting {name}", hint=hint)


def _private_directory(path: Path, key: str) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be made: {error.strerror}",
            hint=f"set {_PREFIX}{key.upper()} to a directory of yours",
        ) from error
    return path
