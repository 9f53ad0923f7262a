"""The mirror of a target: found for the target it was kept for, unless it is switched off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evaltui.domain.events import StoreState
from evaltui.domain.recalled import Recalled
from evaltui.page_shelf import PageShelf
from evaltui.recall import TargetMirror, first_status, recall_shown, recall_target
from evaltui.settings import Settings
from evaltui.tracking.target import Target, resolve_target
from tests.domain.builders import make_run, make_table
from tests.domain.run_strategies import runs_of


@pytest.fixture(name="settings")
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Settings(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db", data_dir=tmp_path / "data")


def recall(settings: Settings, environ: dict[str, str]) -> Recalled | None:
    """Return what a start shows: as the program finds it."""
    shelf = PageShelf(settings, environ)
    shelf.take()
    return None if shelf.listed is None else recall_target(shelf.listed)


def kept(settings: Settings, *names: str) -> Target:
    target = resolve_target(settings, {})
    status = replace(
        first_status(target),
        experiment_id="7",
        baseline_run_id="b",
        directions={"cost": "lower"},
        data_at_s=1_000.0,
        state=StoreState.LIVE,
    )
    assert TargetMirror(target).keep(make_table(*(make_run(n) for n in names)), status)
    return target


def test_runs_and_what_people_set_come_back_as_of_when_the_store_said_so(
    settings: Settings,
) -> None:
    kept(settings, "a", "b")
    found = recall(settings, {})
    assert found is not None
    assert list(found.table.run_ids) == ["a", "b"]
    status = found.status
    assert (status.experiment_id, status.baseline_run_id) == ("7", "b")
    assert (status.directions, status.data_at_s) == ({"cost": "lower"}, 1_000.0)
    assert status.state is StoreState.CONNECTING
    assert status.target.startswith("sqlite ")


def test_a_listing_that_was_not_confirmed_keeps_its_age_and_when_it_was_asked_for_news(
    settings: Settings,
) -> None:
    target = resolve_target(settings, {})
    status = replace(first_status(target), data_at_s=2_000.0, unconfirmed_s=1_000.0)
    assert TargetMirror(target).keep(make_table(make_run("a")), status)
    found = recall(settings, {})
    assert found is not None
    assert (found.status.data_at_s, found.status.as_of_s) == (2_000.0, 1_000.0)


def test_nothing_is_recalled_where_it_is_switched_off_or_nothing_was_listed(
    settings: Settings,
) -> None:
    assert recall(settings, {}) is None
    kept(settings)
    assert recall(settings, {}) is None, "no runs: nothing to look at"
    kept(settings, "a")
    assert recall(settings, {}) is not None
    assert recall(replace(settings, mirror=False), {}) is None
    assert recall(replace(settings, experiment="another"), {}) is None
    assert recall(replace(settings, tracking_uri="sqlite:////elsewhere.db"), {}) is None


def test_whether_there_is_a_listing_is_told_of_the_very_target(settings: Settings) -> None:
    def has_list(wanted: Settings) -> bool:
        shelf = PageShelf(wanted, {})
        shelf.take()
        return shelf.listed is not None

    assert not has_list(settings)
    kept(settings, "a")
    assert has_list(settings)
    assert not has_list(replace(settings, mirror=False))
    assert not has_list(replace(settings, experiment="another"))
    assert not has_list(replace(settings, tracking_uri="nonsense://"))


def test_a_target_that_makes_no_sense_recalls_nothing(settings: Settings) -> None:
    assert recall(replace(settings, tracking_uri="ftp://nowhere"), {}) is None


def test_the_engine_takes_the_very_mirror_that_the_screen_shows(settings: Settings) -> None:
    target = kept(settings, "a")
    shown = recall(settings, {})
    assert shown is not None
    assert recall_shown(target, shown.token) is not None
    kept(settings, "a", "b")  # another process wrote meanwhile
    assert recall_shown(target, shown.token) is None


def test_what_was_kept_is_gone_on_with_as_it_lies_there(settings: Settings) -> None:
    target = resolve_target(settings, {})
    mirror, status = TargetMirror(target), first_status(target)
    assert mirror.kept() is None
    table = make_table(make_run("a", metrics={"score": 0.5}), make_run("b"))
    assert mirror.keep(table, status)
    found = mirror.kept()
    assert found is not None
    assert found is not table
    assert runs_of(found) == runs_of(table)


def test_what_another_process_kept_is_not_taken_for_our_own(settings: Settings) -> None:
    target = resolve_target(settings, {})
    ours, theirs = TargetMirror(target), TargetMirror(target)
    assert ours.keep(make_table(make_run("a")), first_status(target))
    assert theirs.keep(make_table(make_run("b")), first_status(target))
    assert ours.kept() is None
    assert theirs.kept() is not None


def test_where_other_machines_write_too_nothing_stays_mapped(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = resolve_target(settings, {})
    mirror = TargetMirror(target)
    assert mirror.keep(make_table(make_run("a")), first_status(target))
    monkeypatch.setattr("evaltui.recall.network_type", lambda _: "nfs4")
    assert mirror.kept() is None
