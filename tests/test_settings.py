"""Settings: precedence, conversion, and errors that name the place."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest

from evaltui.cli.config import template
from evaltui.errors import ConfigError
from evaltui.setting_values import to_toml
from evaltui.settings import (
    CONFIG_SOURCE,
    Settings,
    config_path,
    data_dir,
    document,
    load_settings,
    state_dir,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "evaltui" / "config.toml"
    path.parent.mkdir()
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def test_without_anything_the_defaults_hold(environ: dict[str, str]) -> None:
    assert load_settings({}, environ) == Settings()


def test_flags_beat_variables_beat_the_file(config: Path, environ: dict[str, str]) -> None:
    config.write_text('mode = "file"\nmodel = "file"\nexperiment = "file"\n')
    environ |= {"EVALTUI_MODE": "env", "EVALTUI_MODEL": "env"}
    settings = load_settings({"mode": "flag", "model": None}, environ)
    assert (settings.mode, settings.model, settings.experiment) == ("flag", "env", "file")
    assert settings.sources == {
        "mode": "--mode",
        "model": "EVALTUI_MODEL",
        "experiment": CONFIG_SOURCE,
    }


def test_a_stronger_profile_drops_a_weaker_tracking_uri(
    config: Path, environ: dict[str, str]
) -> None:
    config.write_text('tracking_uri = "http://x"\n')
    settings = load_settings({"profile": "dev"}, environ)
    assert (settings.profile, settings.tracking_uri) == ("dev", None)
    assert "tracking_uri" not in settings.sources


def test_profile_and_tracking_uri_in_one_place_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="both set"):
        load_settings({"profile": "dev", "tracking_uri": "http://x"}, environ)


def test_lists_in_variables_are_split_and_empty_values_are_unset(environ: dict[str, str]) -> None:
    environ |= {"EVALTUI_WATCH": "mcp=/a:/b", "EVALTUI_COLUMNS": "x, y,", "EVALTUI_MODE": ""}
    settings = load_settings({}, environ)
    assert settings.watch == ("mcp=/a", "/b")
    assert settings.columns == ("x", "y")
    assert settings.mode is None


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("EVALTUI_READ_ONLY", "yes", "read_only", True),
        ("EVALTUI_MOUSE", "0", "mouse", False),
        ("EVALTUI_POLL_INTERVAL_S", "2.5", "poll_interval_s", 2.5),
        ("EVALTUI_MAX_REPORT_MB", "128", "max_report_mb", 128),
        ("EVALTUI_BACKLOG", "since=2d", "backlog", "since=2d"),
        ("EVALTUI_STATE_DIR", "/s", "state_dir", Path("/s")),
    ],
)
def test_variables_become_the_type_of_their_setting(
    environ: dict[str, str], variable: str, text: str, field: str, value: object
) -> None:
    assert getattr(load_settings({}, environ | {variable: text}), field) == value


@pytest.mark.parametrize(
    ("variable", "text", "allowed"),
    [
        ("EVALTUI_GLYPHS", "emoji", "auto, block, braille, ascii"),
        ("EVALTUI_THEME", "pink", "ansi-dark"),
        ("EVALTUI_READ_ONLY", "maybe", "true or false"),
        ("EVALTUI_POLL_INTERVAL_S", "0", "0.1 to 3600"),
        ("EVALTUI_POLL_INTERVAL_S", "nan", "a number"),
        ("EVALTUI_MAX_REPORT_MB", "1.5", "whole number"),
        ("EVALTUI_BACKLOG", "since=yesterday", "since=YYYY-MM-DD"),
        ("EVALTUI_EVENTS", "on", "auto, off"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_allowed(
    environ: dict[str, str], variable: str, text: str, allowed: str
) -> None:
    with pytest.raises(ConfigError, match=variable) as caught:
        load_settings({}, environ | {variable: text})
    assert allowed in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("read_only = 1", "read_only"),
        ('read_only = "yes"', "read_only"),
        ('max_report_mb = "64"', "max_report_mb"),
        ('watch = "/a"', "watch"),
        ("watch = [1]", "watch"),
        ('keys = "c"', "keys"),
        ("keys.x = 1", "keys.x"),
        ('mode = ""', "mode"),
        ("experiment = 3", "experiment"),
    ],
)
def test_a_wrong_value_in_the_file_names_file_and_key(
    config: Path, environ: dict[str, str], line: str, what: str
) -> None:
    config.write_text(line)
    with pytest.raises(ConfigError) as caught:
        load_settings({}, environ)
    assert str(config) in caught.value.message
    assert what in caught.value.message


def test_unknown_names_are_errors_that_name_the_nearest(
    config: Path, environ: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match="EVALTUI_EXPERMENT") as caught:
        load_settings({}, environ | {"EVALTUI_EXPERMENT": "x"})
    assert caught.value.hint == "did you mean EVALTUI_EXPERIMENT?"
    config.write_text('trackinguri = "x"')
    with pytest.raises(ConfigError, match="trackinguri") as caught:
        load_settings({}, environ)
    assert caught.value.hint == "did you mean tracking_uri?"


def test_sources_cannot_be_set_from_outside(config: Path, environ: dict[str, str]) -> None:
    config.write_text('[sources]\nmode = "x"')
    with pytest.raises(ConfigError, match="sources"):
        load_settings({}, environ)


def test_a_file_that_is_no_toml_or_no_utf8_is_named(config: Path, environ: dict[str, str]) -> None:
    for data in (b"mode = nope", b'mode = "\xff"'):
        config.write_bytes(data)
        with pytest.raises(ConfigError, match="not TOML"):
            load_settings({}, environ)


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="no such"):
        load_settings({}, environ, config_path=tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="no such"):
        load_settings({}, environ | {"EVALTUI_CONFIG": str(tmp_path / "none.toml")})


def test_paths_in_the_file_start_from_its_directory(config: Path, environ: dict[str, str]) -> None:
    config.write_text('state_dir = "state"\ndata_dir = "~/d"')
    settings = load_settings({}, environ)
    assert settings.state_dir == config.parent / "state"
    assert settings.data_dir == Path.home() / "d"


def test_nested_key_tables_are_flattened(config: Path, environ: dict[str, str]) -> None:
    config.write_text('[keys]\n"runs.compare" = "c"\n[keys.diff]\nhide = "="')
    assert load_settings({}, environ).keys == {"runs.compare": "c", "diff.hide": "="}


def test_settings_survive_json() -> None:
    settings = Settings(
        experiment="e",
        env_file=Path("/e"),
        watch=("a", "b"),
        read_only=True,
        poll_interval_s=2.0,
        keys={"a": "b"},
        sources={"experiment": "--experiment"},
    )
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    with pytest.raises(ConfigError, match="unknown"):
        Settings.from_json({"nonsense": 1})


def test_every_setting_is_documented_with_key_type_and_text() -> None:
    documented = document()
    assert [item.key for item in documented] == [
        item.name for item in dataclasses.fields(Settings) if item.name != "sources"
    ]
    assert all(item.text and item.type for item in documented)
    assert {item.env for item in documented if item.key == "tracking_uri"} == {
        "EVALTUI_TRACKING_URI"
    }


def test_the_template_is_toml_and_with_its_examples_on_still_loads(tmp_path: Path) -> None:
    text = template()
    assert tomllib.loads(text) == {}
    lines = [line.removeprefix("#") for line in text.splitlines() if line[:2] != "# "]
    path = tmp_path / "on.toml"
    path.write_text("\n".join(line for line in lines if '""' not in line))
    assert load_settings({}, {}, config_path=path).keys == {"runs.compare": "c"}


def test_toml_text_is_escaped() -> None:
    text = 'a"b\\c\n\x1b'
    assert tomllib.loads("x = " + to_toml(text))["x"] == text


def test_directories_are_made_for_the_owner_only(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path / "s", data_dir=tmp_path / "d")
    for path in (state_dir(settings), data_dir(settings)):
        assert path.stat().st_mode & 0o777 == 0o700


def test_a_directory_that_cannot_be_made_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made") as caught:
        state_dir(Settings(state_dir=tmp_path / "file" / "s"))
    assert "EVALTUI_STATE_DIR" in (caught.value.hint or "")


def test_the_config_path_obeys_the_variables(tmp_path: Path) -> None:
    assert config_path({"EVALTUI_CONFIG": "/x.toml"}) == Path("/x.toml")
    assert config_path({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "evaltui" / "config.toml"
    assert config_path({"XDG_CONFIG_HOME": "relative"}).is_absolute()
