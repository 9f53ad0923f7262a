"""A credential that is rotated in its file is taken over, and only for the host it was for."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaltui.settings import Settings
from evaltui.tracking.authorisation import authoriser_for
from evaltui.tracking.renewal import Renewal
from evaltui.tracking.target import Target, resolve_target

HOST = "https://dev.example.com"


def profile_target(path: Path) -> tuple[Target, dict[str, str]]:
    path.write_text(f"[dev]\nhost = {HOST}\ntoken = old\n")
    environ = {"DATABRICKS_CONFIG_FILE": str(path), "DATABRICKS_CONFIG_PROFILE": "dev"}
    return resolve_target(Settings(), environ), environ


def test_a_rotated_profile_gives_the_new_token(tmp_path: Path) -> None:
    path = tmp_path / "cfg"
    target, environ = profile_target(path)
    renewal = Renewal(target, environ)
    assert renewal.credential().secret == "old"
    path.write_text(f"[dev]\nhost = {HOST}\ntoken = rotated\n")
    assert renewal.credential().secret == "rotated"
    assert renewal.target().credential.origin == target.credential.origin


@pytest.mark.parametrize(
    "text",
    [
        "[dev]\nhost = https://other.example.com\ntoken = rotated\n",
        "[other]\nhost = https://dev.example.com\ntoken = rotated\n",
        "[dev]\nhost = https://dev.example.com\nclient_id = a\nclient_secret = b\n",
        "[dev\n",
        "",
    ],
    ids=["another host", "no such profile", "another kind", "half written", "empty"],
)
def test_a_file_that_says_something_else_changes_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cfg"
    target, environ = profile_target(path)
    renewal = Renewal(target, environ)
    path.write_text(text)
    assert renewal.credential().secret == "old"
    path.unlink()
    assert renewal.credential().secret == "old"
    path.write_text(f"[dev]\nhost = {HOST}\ntoken = in the end\n")
    assert renewal.credential().secret == "in the end"


def test_an_env_file_is_read_again_by_the_next_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"
    path.touch(0o600)
    path.write_text(f"DATABRICKS_HOST={HOST}\nDATABRICKS_TOKEN=old\n")
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    authoriser = authoriser_for(resolve_target(Settings(env_file=path), {"HOME": str(tmp_path)}))
    assert authoriser.headers()["Authorization"] == "Bearer old"
    path.write_text(f"DATABRICKS_HOST={HOST}\nDATABRICKS_TOKEN=rotated\n")
    assert authoriser.headers()["Authorization"] == "Bearer rotated"
