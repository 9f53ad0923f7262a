"""Counts the requests that a report and a poll cost a Databricks workspace, beside MLflow's client.

    python tests/benchmarks/workspace_requests.py

Counted in the log of a stand-in for a workspace, by personal token and by service principal, for a
report with two artifacts. The bare client is MLflow's fluent one as it is set by default: it does
not look whether the run arrived. Its poll asks the same three questions. Nothing here is part of
the test suite, which pins evaltui's counts (tests/system/test_databricks.py).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from second_look import own_report  # noqa: E402 - tests are no package
from stores import EXPERIMENT, quiet_environ  # noqa: E402
from waiting import wait_for  # noqa: E402
from workspace_session import Session  # noqa: E402
from workspaces import FakeWorkspace  # noqa: E402

from evaltui.domain.events import StoreState  # noqa: E402
from evaltui.engine.link import Verb  # noqa: E402

SIGN_IN = "well-known|oidc"
POLLS = 5
_BARE = """
import sys, mlflow
mlflow.set_experiment(sys.argv[1])
def report():
    with mlflow.start_run(run_name="bare"):
        mlflow.log_params({"mode": "manual"})
        mlflow.log_metrics({"accuracy": 0.5})
        mlflow.set_tags({"mode": "manual"})
        for path in sys.argv[2:]:
            mlflow.log_artifact(path)
client = mlflow.MlflowClient()
number = client.get_experiment_by_name(sys.argv[1]).experiment_id
def poll():
    for question in ("start_time > 1", "end_time > 1", "status = 'RUNNING'"):
        client.search_runs([number], "attributes." + question, max_results=50)
for work in (report, poll):
    work()
    print("warm", flush=True)
    sys.stdin.readline()
    work()
    print("done", flush=True)
    sys.stdin.readline()
"""


def bare(workspace: FakeWorkspace, environ: Mapping[str, str], folder: Path) -> list[int]:
    """Return all requests of a second report and of a second poll of the bare client."""
    paths = [folder / name for name in ("app_metrics.json", "report.json")]
    for path in paths:
        path.write_bytes(own_report())
    found = []
    with subprocess.Popen(
        [sys.executable, "-c", _BARE, EXPERIMENT, *map(str, paths)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env=quiet_environ(MLFLOW_TRACKING_URI="databricks", **environ),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            _read_until(process.stdout, "warm")
            workspace.tell("clear")
            process.stdin.write("\n")
            process.stdin.flush()
            _read_until(process.stdout, "done")
            found.append(workspace.count())
            process.stdin.write("\n")
            process.stdin.flush()
    return found


def _read_until(stream: object, word: str) -> None:
    while (line := stream.readline().strip()) != word:  # type: ignore[attr-defined]
        assert line, f"it ended before {word}"


def ours(workspace: FakeWorkspace, theirs: FakeWorkspace, way: str, folder: Path) -> list[float]:
    """Return evaltui's requests: to sign in, of a second report, of a poll."""
    workspace.tell("clear")
    session = Session(folder, workspace, theirs, way)
    with session.engine as engine:
        session.report(f"{way}-warm")
        session.until_stored(f"{way}-warm")
        engine.until(session.logged(f"{way}-warm"))
        sign_in = workspace.count(SIGN_IN)
        engine.ask(Verb.PAUSE, on=True)
        engine.until(lambda: engine.store.state is StoreState.PAUSED)
        workspace.tell("clear")
        session.report(f"{way}-counted")
        engine.until(session.logged(f"{way}-counted"))
        report = workspace.count()
        engine.ask(Verb.PAUSE, on=False)
        session.until_stored(f"{way}-counted")
        workspace.tell("clear")
        wait_for(lambda: workspace.count("runs/search") >= 3 * POLLS, "polls")
        searches = workspace.count("runs/search") // 3
        return [sign_in, report, workspace.count() / searches]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with FakeWorkspace(folder / "ours") as workspace, FakeWorkspace(folder / "no") as theirs:
            workspace.ready()
            theirs.ready()
            print(f"{'':8}{'evaltui: sign-in':>18}{'report':>8}{'poll':>6}", end="")
            print(f"{'bare: report':>15}{'poll':>6}")
            for way, environ in (
                ("token", workspace.by_token()),
                ("client", workspace.by_client()),
            ):
                (folder / way).mkdir()
                sign_in, report, poll = ours(workspace, theirs, way, folder / way)
                theirs_report, theirs_poll = bare(workspace, environ, folder / way)
                print(f"{way:8}{sign_in:>18.0f}{report:>8.0f}{poll:>6.1f}", end="")
                print(f"{theirs_report:>15}{theirs_poll:>6}", flush=True)
            assert theirs.count() == 0


if __name__ == "__main__":
    main()
