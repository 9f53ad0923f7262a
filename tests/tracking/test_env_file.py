"""The `.env` parser: few things are accepted, nothing is executed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evaltui.errors import ConfigError
from evaltui.tracking.env_file import read_env_file


def write(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / ".env"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_only_variables_of_stores_are_taken(tmp_path: Path) -> None:
    text = (
        "\ufeff# comment\n"
        "export DATABRICKS_HOST=https://x/?o=1#frag\n"
        "  MLFLOW_TRACKING_URI = 'http://h # no comment'\n"
        'MLFLOW_EXPERIMENT_NAME="/Shared/x y" # comment\n'
        "DATABRICKS_TOKEN=dapi$(touch x)$HOME # a comment\n"
        "MLFLOW_TRACKING_TOKEN=\n"
        "PATH=/evil\nLD_PRELOAD='open quote\nmlflow_lower=x\nnot a line\n"
    )
    assert read_env_file(write(tmp_path, text)) == {
        "DATABRICKS_HOST": "https://x/?o=1#frag",
        "MLFLOW_TRACKING_URI": "http://h # no comment",
        "MLFLOW_EXPERIMENT_NAME": "/Shared/x y",
        "DATABRICKS_TOKEN": "dapi$(touch x)$HOME",
    }


def test_the_last_of_two_lines_counts(tmp_path: Path) -> None:
    path = write(tmp_path, "MLFLOW_A=1\nMLFLOW_A=2\nMLFLOW_B=1\nMLFLOW_B=\n")
    assert read_env_file(path) == {"MLFLOW_A": "2"}


@pytest.mark.parametrize("value", ["'open", '"a" b', "'it's'"])
def test_quotes_that_do_not_match_are_an_error_without_the_value(
    tmp_path: Path, value: str
) -> None:
    with pytest.raises(ConfigError, match="line 2: DATABRICKS_TOKEN: the quotes") as caught:
        read_env_file(write(tmp_path, f"# x\nDATABRICKS_TOKEN={value}\n"))
    assert value not in caught.value.message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_of_others_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="read by others"):
        read_env_file(write(tmp_path, "", mode))


def test_what_is_no_small_text_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(ConfigError, match="not a regular file"):
        read_env_file(pipe)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_env_file(tmp_path / "none")
    with pytest.raises(ConfigError, match="too large"):
        read_env_file(write(tmp_path, "x" * 70_000))
    path = write(tmp_path, "")
    path.write_bytes(b"MLFLOW_X=\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_env_file(path)
