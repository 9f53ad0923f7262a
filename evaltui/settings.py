"""Settings: flags win over `EVALTUI_*` variables, these over one TOML file, that over defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_EXPERIMENT = "/Shared/klaudbiusz-evaluations"


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
    read_only: bool = False
    """Write nothing to the store."""
    poll_interval_s: float | None = None
    """Seconds between polls; default by store: 0.5 SQLite, 5 server, 10 Databricks."""
    events: str = "auto"
    """`auto`, or `off` to scan only (network file systems)."""
    max_report_mb: int = 64
    """Largest report in MB that is read as a whole."""
    glyphs: str = "auto"
    """`auto`, `block`, `braille` or `ascii`."""
    theme: str = "auto"
    """`auto`, `dark`, `light`, `ansi-dark` or `ansi-light`."""
    mouse: bool = True
    """Take the mouse; off leaves selection to the terminal."""
    columns: tuple[str, ...] = ()
    """Metrics shown first in the run list, before the default ones."""
    state_dir: Path | None = None
    """Journal, spool, log and locks; default: XDG state."""
    data_dir: Path | None = None
    """Embedded store and its artifacts; default: XDG data."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Key per binding id, such as `runs.compare = "c"`."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each changed setting came from ("--mode", "EVALTUI_MODE", "config.toml")."""
