"""Counts the requests that a report and a poll cost a Databricks workspace, beside MLflow's client.

    python tests/benchmarks/workspace_requests.py [--json OUT.json]

Counted in the log of a stand-in for a workspace, by personal token and by service principal, for a
report with two artifacts. The bare client is MLflow's fluent one as it is set by default: it does
not look whether the run arrived. Its poll asks the same three questions. Nothing here is part of
the test suite, which pins evaltui's counts (tests/system/test_databricks.py).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from figures import NO_TARGET, Figure, options_of, report, scratch  # noqa: E402 - beside this file
from second_look import own_report  # noqa: E402
from stores import EXPERIMENT, quiet_environ  # noqa: E402
from waiting import wait_for  # noqa: E402
from workspace_session import Session  # noqa: E402
from workspaces import FakeWorkspace  # noqa: E402

from evaltui.domain.events import StoreState  # noqa: E402
from evaltui.engine.link import Verb  # noqa: E402

SIGN_IN = "well-known|oidc"
WAYS = {"token": "token", "service principal": "client"}
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


def figures(folder: Path) -> Iterator[Figure]:
    """Yield for each way of signing in what a report and a poll cost."""
    with FakeWorkspace(folder / "ours") as workspace, FakeWorkspace(folder / "no") as theirs:
        workspace.ready()
        theirs.ready()
        for way, environ in (
            ("token", workspace.by_token()),
            ("service principal", workspace.by_client()),
        ):
            place = folder / way
            place.mkdir()
            sign_in, *mine = ours(workspace, theirs, WAYS[way], place)
            yield Figure(f"by {way}: signing in", sign_in, "requests", NO_TARGET)
            bares = bare(workspace, environ, place)
            for what, count, plain in zip(("a report", "a poll"), mine, bares, strict=True):
                note = f"{count:.3g} requests beside {plain}"
                unit = "x MLflow's fluent client"
                yield Figure(f"by {way}: {what}", count / plain, unit, NO_TARGET, note)
        assert theirs.count() == 0


def main() -> int:
    """Count everything."""
    options = options_of(__doc__)
    with scratch() as folder:
        return report([figures(folder)], options.json)


if __name__ == "__main__":
    sys.exit(main())
