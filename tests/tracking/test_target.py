"""Which store and experiment are chosen, why, and what the process is told about it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evaltui.errors import ConfigError
from evaltui.settings import DEFAULT_EXPERIMENT, Settings, load_settings
from evaltui.tracking.credential import CredentialKind
from evaltui.tracking.target import Target, TargetKind, resolve_target

PAT = {"DATABRICKS_HOST": "https://env.example.com", "DATABRICKS_TOKEN": "dapi-env-secret"}
M2M = {
    "DATABRICKS_HOST": "https://env.example.com",
    "DATABRICKS_CLIENT_ID": "client",
    "DATABRICKS_CLIENT_SECRET": "client-secret",
}
PROFILES = """
[DEFAULT]
host = https://default.example.com
token = dapi-default-secret

[dev]
host = dev.example.com/?o=77
token = dapi-dev-secret

[robot]
host = https://robot.example.com
client_id = robot
client_secret = robot-secret

[person]
host = https://person.example.com
auth_type = databricks-cli

[both]
host = https://both.example.com
token = x
client_id = y
client_secret = z

[empty]
token = x
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".databrickscfg").write_text(PROFILES)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def resolve(home: Path, settings: Settings | None = None, **environ: str) -> Target:
    chosen = settings or Settings()
    return resolve_target(chosen, {"HOME": str(home), **environ})


def from_config(home: Path, text: str, **environ: str) -> Target:
    path = home / "config.toml"
    path.write_text(text)
    return resolve(home, load_settings({}, {}, config_path=path), **environ)


def env_file(home: Path, **variables: str) -> Settings:
    path = home / "wanted.env"
    path.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    path.chmod(0o600)
    return Settings(env_file=path)


# -- precedence -----------------------------------------------------------------------------------


def test_flags_beat_everything(home: Path) -> None:
    settings = load_settings({"tracking_uri": "http://flag"}, {})
    target = resolve(home, settings, MLFLOW_TRACKING_URI="http://env", **PAT)
    assert (target.label, target.why) == ("http://flag", "--tracking-uri")
    settings = load_settings({"profile": "dev"}, {})
    target = resolve(home, settings, MLFLOW_TRACKING_URI="http://env", **PAT)
    assert (target.host, target.why) == ("https://dev.example.com", "--profile")


def test_an_evaltui_variable_counts_as_a_flag(home: Path) -> None:
    settings = load_settings({}, {"EVALTUI_TRACKING_URI": "http://mine"})
    target = resolve(home, settings, MLFLOW_TRACKING_URI="http://env")
    assert (target.label, target.why) == ("http://mine", "EVALTUI_TRACKING_URI")


def test_mlflows_variable_beats_the_configuration_file(home: Path) -> None:
    text = 'tracking_uri = "http://config"\n'
    target = from_config(home, text, MLFLOW_TRACKING_URI="http://env", **PAT)
    assert (target.label, target.why) == ("http://env", "MLFLOW_TRACKING_URI")


def test_the_configuration_file_beats_databricks_variables(home: Path) -> None:
    target = from_config(home, 'tracking_uri = "http://config"\n', **PAT)
    assert (target.label, target.why) == ("http://config", "config.toml")
    assert from_config(home, 'profile = "dev"\n', **PAT).host == "https://dev.example.com"


def test_a_host_with_a_credential_beats_a_profile(home: Path) -> None:
    target = resolve(home, DATABRICKS_CONFIG_PROFILE="dev", **PAT)
    assert target.host == "https://env.example.com"
    assert target.why == "DATABRICKS_HOST and DATABRICKS_TOKEN"
    target = resolve(home, DATABRICKS_CONFIG_PROFILE="dev")
    assert (target.host, target.profile, target.workspace_id) == (
        "https://dev.example.com",
        "dev",
        "77",
    )


def test_without_anything_the_embedded_store_is_used(home: Path) -> None:
    target = resolve(home)
    assert target.kind is TargetKind.EMBEDDED
    assert target.why == "default"
    assert target.warning == ""
    assert target.database == home / "data" / "evaltui" / "mlflow.db"
    assert target.uri == f"sqlite:///{target.database}"
    assert target.artifact_root == home / "data" / "evaltui" / "artifacts"
    assert target.data_dir.stat().st_mode & 0o777 == 0o700
    assert not target.database.exists()


def test_a_default_profile_alone_chooses_nothing(home: Path) -> None:
    assert resolve(home).kind is TargetKind.EMBEDDED


@pytest.mark.parametrize(
    "half", [{"DATABRICKS_HOST": "https://x"}, {"DATABRICKS_TOKEN": "dapi-secret"}]
)
def test_half_a_credential_is_warned_of_with_a_way_to_send_reports_later(
    home: Path, half: dict[str, str]
) -> None:
    target = resolve(home, **half)
    assert target.kind is TargetKind.EMBEDDED
    assert "DATABRICKS_HOST" in target.warning
    assert "evaltui log" in target.warning
    assert "dapi-secret" not in target.warning


def test_databricks_by_uri_takes_variables_then_a_profile_then_the_default_one(
    home: Path,
) -> None:
    uri = {"MLFLOW_TRACKING_URI": "databricks"}
    assert resolve(home, **uri, **PAT).host == "https://env.example.com"
    named = resolve(home, **uri, DATABRICKS_CONFIG_PROFILE="dev")
    assert named.host == "https://dev.example.com"
    assert resolve(home, **uri).host == "https://default.example.com"
    named = resolve(home, MLFLOW_TRACKING_URI="databricks://dev")
    assert (named.host, named.uri) == ("https://dev.example.com", "databricks")


def test_databricks_by_uri_without_any_host_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no host"):
        resolve(tmp_path, MLFLOW_TRACKING_URI="databricks")


# -- the env file ---------------------------------------------------------------------------------


def test_an_env_file_was_asked_for_and_beats_the_environment(home: Path) -> None:
    settings = env_file(home, MLFLOW_TRACKING_URI="http://file")
    target = resolve(home, settings, MLFLOW_TRACKING_URI="http://env", **PAT)
    assert target.label == "http://file"
    assert target.why == f"MLFLOW_TRACKING_URI in {home}/wanted.env"


def test_databricks_in_an_env_file_beats_a_tracking_uri_of_the_environment(home: Path) -> None:
    settings = env_file(home, DATABRICKS_HOST="https://file", DATABRICKS_TOKEN="t-file")
    target = resolve(home, settings, MLFLOW_TRACKING_URI="http://env", **M2M)
    assert (target.host, target.credential.secret) == ("https://file", "t-file")
    assert target.why.endswith("wanted.env")


def test_variables_of_an_env_file_reach_mlflow(home: Path) -> None:
    settings = env_file(
        home, MLFLOW_TRACKING_INSECURE_TLS="true", MLFLOW_EXPERIMENT_NAME="from-file"
    )
    target = resolve(home, settings)
    assert target.experiment == "from-file"
    assert target.environment({})["MLFLOW_TRACKING_INSECURE_TLS"] == "true"


def test_an_env_file_that_others_can_read_is_refused_with_the_command(home: Path) -> None:
    settings = env_file(home, DATABRICKS_TOKEN="x")
    assert settings.env_file is not None
    settings.env_file.chmod(0o640)
    with pytest.raises(ConfigError) as caught:
        resolve(home, settings)
    assert caught.value.hint == f"chmod 600 {settings.env_file}"


# -- credentials ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "kind", "name", "secret"),
    [
        ("dev", CredentialKind.PAT, "", "dapi-dev-secret"),
        ("robot", CredentialKind.OAUTH, "robot", "robot-secret"),
        ("person", CredentialKind.SDK, "databricks-cli", ""),
    ],
)
def test_a_profile_brings_its_own_credential_only(
    home: Path, profile: str, kind: CredentialKind, name: str, secret: str
) -> None:
    found = resolve(home, Settings(profile=profile)).credential
    assert (found.kind, found.name, found.secret) == (kind, name, secret)
    assert profile in found.origin


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("both", "two Databricks credentials"),
        ("empty", "no host"),
        ("dve", "no Databricks profile"),
    ],
)
def test_a_profile_that_cannot_be_used_is_an_error(home: Path, profile: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        resolve(home, Settings(profile=profile))


def test_a_misspelt_profile_names_the_nearest(home: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(home, Settings(profile="dve"))
    assert caught.value.hint == "did you mean dev?"


def test_two_credentials_are_refused_unless_one_is_chosen(home: Path) -> None:
    with pytest.raises(ConfigError, match="two Databricks credentials"):
        resolve(home, **{**PAT, **M2M})
    target = resolve(home, **{**PAT, **M2M, "DATABRICKS_AUTH_TYPE": "pat"})
    assert target.credential.kind is CredentialKind.PAT
    with pytest.raises(ConfigError, match="two credentials"):
        resolve(
            home,
            MLFLOW_TRACKING_URI="http://h",
            MLFLOW_TRACKING_USERNAME="u",
            MLFLOW_TRACKING_PASSWORD="p",
            MLFLOW_TRACKING_TOKEN="t",
        )


def test_a_server_takes_the_credential_of_its_address_then_variables_then_mlflows_file(
    home: Path,
) -> None:
    (home / ".mlflow").mkdir()
    (home / ".mlflow" / "credentials").write_text(
        "[mlflow]\nmlflow_tracking_username = kept\nmlflow_tracking_password = k\n"
    )
    uri = "http://in%40url:p%2Fw@localhost"
    found = resolve(home, MLFLOW_TRACKING_URI=uri, MLFLOW_TRACKING_TOKEN="t").credential
    assert (found.kind, found.name, found.secret) == (CredentialKind.BASIC, "in@url", "p/w")
    found = resolve(
        home, MLFLOW_TRACKING_URI="http://localhost", MLFLOW_TRACKING_TOKEN="t"
    ).credential
    assert (found.kind, found.secret) == (CredentialKind.BEARER, "t")
    found = resolve(home, MLFLOW_TRACKING_URI="http://localhost").credential
    assert (found.name, found.secret) == ("kept", "k")


def test_no_secret_stands_in_what_is_shown_or_in_the_repr(home: Path) -> None:
    targets = [
        resolve(home, MLFLOW_TRACKING_URI="http://user:hunter22@h.example.com:5000/x"),
        resolve(home, MLFLOW_TRACKING_URI="postgresql://user:hunter22@h/db"),
        resolve(home, **{**PAT, "DATABRICKS_TOKEN": "hunter22"}),
    ]
    for target in targets:
        shown = f"{target!r} {target.label} {target.why} {target.key} {target.warning}"
        assert "hunter22" not in shown
    assert targets[0].uri == "http://h.example.com:5000/x"


def test_a_credential_over_plain_http_is_warned_of_unless_it_stays_here(home: Path) -> None:
    assert "unencrypted" in resolve(home, MLFLOW_TRACKING_URI="http://u:p@far.example.com").warning
    assert resolve(home, MLFLOW_TRACKING_URI="http://u:p@127.0.0.1:5000").warning == ""
    assert resolve(home, MLFLOW_TRACKING_URI="https://u:p@far.example.com").warning == ""
    assert resolve(home, MLFLOW_TRACKING_URI="http://far.example.com").warning == ""


# -- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "words", "hint"),
    [
        ("localhost:5000", "no scheme", "http://localhost:5000"),
        ("htp://x", "unknown scheme", "http"),
        ("http://", "no host", None),
        ("http://h:99999", "not an address", None),
        ("http://h/#/experiments/1", "page, not of the server", "http://h"),
        ("http://h?x=1", "page, not of the server", "http://h"),
        ("mlflow.db", "needs its scheme", "sqlite:///"),
        ("sqlite://", "names no database", "four slashes"),
        ("sqlite:///:memory:", "names no database", None),
        ("sqlite:////no/such/dir/x.db", "no directory /no/such/dir", "directory"),
        ("sqlite:////tmp", "is a directory", None),
        ("databricks-uc", "model registry", "databricks"),
        (" http://h", "blanks", None),
        ("server", "no scheme", "http"),
    ],
)
def test_a_wrong_address_is_one_line_with_what_to_do(
    home: Path, uri: str, words: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        resolve(home, MLFLOW_TRACKING_URI=uri)
    assert "MLFLOW_TRACKING_URI" in caught.value.message
    assert "\n" not in caught.value.message
    assert hint is None or hint in (caught.value.hint or "")
    assert not Path("/no").exists()


def test_a_password_that_breaks_the_address_is_not_told(home: Path) -> None:
    for uri in ("http://u:hunter/22@host", "http://u:hunter22@host:x", "httq://u:hunter22@h"):
        with pytest.raises(ConfigError) as caught:
            resolve(home, MLFLOW_TRACKING_URI=uri)
        assert "hunter" not in f"{caught.value.message} {caught.value.hint}"


def test_a_relative_database_is_made_absolute_and_keeps_its_options(home: Path) -> None:
    target = resolve(home, MLFLOW_TRACKING_URI="sqlite:///x.db?timeout=3")
    assert target.kind is TargetKind.SQLITE
    assert target.database == home / "x.db"
    assert target.uri == f"sqlite:///{home}/x.db?timeout=3"
    assert target.artifact_root == home / "mlartifacts"


@pytest.mark.parametrize("uri", ["./mlruns", "file:///srv/mlruns", "postgresql://h/db"])
def test_other_stores_are_left_to_mlflow(home: Path, uri: str) -> None:
    target = resolve(home, MLFLOW_TRACKING_URI=uri)
    assert target.kind is TargetKind.OTHER
    assert target.artifact_root is None
    assert "://" in target.uri


@pytest.mark.parametrize(
    ("text", "host", "workspace"),
    [
        ("x.example.com", "https://x.example.com", ""),
        ("https://x.example.com/", "https://x.example.com", ""),
        ("https://x.example.com/?o=123", "https://x.example.com", "123"),
        ("https://x.example.com/ml/experiments/4?o=123#x", "https://x.example.com", "123"),
        ("http://127.0.0.1:5700", "http://127.0.0.1:5700", ""),
    ],
)
def test_a_pasted_databricks_host_is_cleaned(
    home: Path, text: str, host: str, workspace: str
) -> None:
    target = resolve(home, DATABRICKS_HOST=text, DATABRICKS_TOKEN="t")
    assert (target.host, target.workspace_id) == (host, workspace)


@pytest.mark.parametrize(
    "text", ["htps:/x.example.com", "x y.example.com", "http://", "https://:0"]
)
def test_what_is_no_databricks_host_is_refused(home: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="not an address"):
        resolve(home, DATABRICKS_HOST=text, DATABRICKS_TOKEN="t")


# -- the experiment -------------------------------------------------------------------------------


def test_the_experiment_is_the_flag_then_name_then_id_then_configuration(home: Path) -> None:
    flag = load_settings({"experiment": "flag"}, {})
    names = {"MLFLOW_EXPERIMENT_NAME": "name", "MLFLOW_EXPERIMENT_ID": "7"}
    config = 'experiment = "config"\n'

    def chosen(target: Target) -> tuple[str, str, str]:
        return target.experiment, target.experiment_id, target.experiment_why

    assert chosen(resolve(home, flag, **names)) == ("flag", "", "--experiment")
    assert chosen(from_config(home, config, **names)) == ("name", "", "MLFLOW_EXPERIMENT_NAME")
    del names["MLFLOW_EXPERIMENT_NAME"]
    assert chosen(from_config(home, config, **names)) == ("", "7", "MLFLOW_EXPERIMENT_ID")
    assert chosen(from_config(home, config)) == ("config", "", "config.toml")
    assert chosen(resolve(home)) == (DEFAULT_EXPERIMENT, "", "default")


def test_names_of_databricks_experiments_are_workspace_paths(home: Path) -> None:
    def named(name: str) -> Target:
        return resolve(home, Settings(experiment=name), **PAT)

    for spelling in ("/Shared/x", "/Shared/x/", "//Shared//x", "/Workspace/Shared/x/"):
        assert named(spelling).experiment == "/Shared/x"
    with pytest.raises(ConfigError, match="is a workspace path"):
        named("//")
    with pytest.raises(ConfigError) as caught:
        named("x")
    assert "/Shared/x" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["  ", "a\nb", "x" * 501, "\x1b[31m"])
def test_names_that_no_store_should_have_are_refused(home: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="printable"):
        resolve(home, Settings(experiment=name))


def test_the_key_tells_stores_and_experiments_apart_and_no_credentials(home: Path) -> None:
    one = resolve(home, **PAT)
    assert one.key == resolve(home, **{**PAT, "DATABRICKS_TOKEN": "rotated"}).key
    assert one.key == resolve(home, **M2M).key
    assert one.key != resolve(home, Settings(experiment="/Shared/other"), **PAT).key
    embedded = resolve(home)
    same = resolve(home, Settings(tracking_uri=embedded.uri))
    assert embedded.key == same.key
    assert len({one.key, embedded.key, resolve(home, MLFLOW_TRACKING_URI="http://h").key}) == 3


def test_polls_are_as_frequent_as_the_store_allows_or_as_set(home: Path) -> None:
    assert resolve(home).poll_interval_s == 0.5
    assert resolve(home, MLFLOW_TRACKING_URI="http://h").poll_interval_s == 5
    assert resolve(home, **PAT).poll_interval_s == 10
    assert resolve(home, Settings(poll_interval_s=2.5), **PAT).poll_interval_s == 2.5


# -- what mlflow is told --------------------------------------------------------------------------


def applied(target: Target, environ: dict[str, str]) -> dict[str, str]:
    result = dict(environ)
    for name, value in target.environment(environ).items():
        if value is None:
            del result[name]
        else:
            result[name] = value
    return result


def test_mlflow_is_bounded_and_quiet_everywhere(home: Path) -> None:
    told = applied(resolve(home), {"MLFLOW_HTTP_REQUEST_TIMEOUT": "120"})
    assert told["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"
    assert told["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "5"
    assert told["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] == "true"
    assert told["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_telling_twice_changes_nothing_more(home: Path) -> None:
    target = resolve(home, **PAT)
    told = applied(target, {"HOME": str(home), **PAT})
    assert target.environment(told) == {}


def databricks_of(told: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in told.items() if name.startswith("DATABRICKS_")}


def test_a_profile_leaves_nothing_of_the_environments_workspace(home: Path) -> None:
    ambient = {**PAT, "DATABRICKS_CONFIG_PROFILE": "robot"}
    told = applied(resolve(home, Settings(profile="dev"), **ambient), ambient)
    assert databricks_of(told) == {
        "DATABRICKS_HOST": "https://dev.example.com",
        "DATABRICKS_TOKEN": "dapi-dev-secret",
        "DATABRICKS_WORKSPACE_ID": "77",
    }
    told = applied(resolve(home, Settings(profile="person"), **ambient), ambient)
    assert databricks_of(told) == {"DATABRICKS_CONFIG_PROFILE": "person"}


def test_variables_leave_nothing_of_a_profile(home: Path) -> None:
    ambient = {**M2M, "DATABRICKS_CONFIG_PROFILE": "dev"}
    assert databricks_of(applied(resolve(home, **ambient), ambient)) == M2M


def test_the_sdk_is_left_out_with_a_token_unless_the_host_is_a_unified_one(home: Path) -> None:
    def sdk(**environ: str) -> str:
        return applied(resolve(home, **environ), environ)["MLFLOW_ENABLE_DB_SDK"]

    assert sdk(**PAT) == "false"
    assert sdk(**M2M) == "true"
    assert sdk(**{**PAT, "DATABRICKS_HOST": "https://unified.example.com?o=5"}) == "true"


def test_the_credential_of_an_address_travels_as_variables(home: Path) -> None:
    environ = {"MLFLOW_TRACKING_URI": "http://u:p@localhost", "MLFLOW_TRACKING_TOKEN": "t"}
    told = applied(resolve(home, **environ), environ)
    assert told["MLFLOW_TRACKING_USERNAME"] == "u"
    assert told["MLFLOW_TRACKING_PASSWORD"] == "p"
    assert "MLFLOW_TRACKING_TOKEN" not in told


def test_choosing_a_target_imports_neither_mlflow_nor_a_network_library() -> None:
    code = (
        "import sys\n"
        "from evaltui.settings import Settings\n"
        "from evaltui.tracking.target import resolve_target\n"
        "resolve_target(Settings(tracking_uri='http://h'), {})\n"
        "heavy = {'mlflow', 'databricks', 'requests', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
