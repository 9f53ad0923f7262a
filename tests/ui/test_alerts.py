"""The bell and the terminal's notification: opt-in, for what happens after the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from judged import Judged
from scripted import (
    NOW_S,
    conductor_of,
    link_of,
    make_app,
    run,
    runs,
    screen_text,
    session_of,
    store,
    until,
)

from evaltui.domain.events import FileRow, FileState
from evaltui.engine.link import FilesChanged, Verb
from evaltui.settings import Settings
from evaltui.ui.alerts import ring


def _settings(notify: str) -> Settings:
    return Settings(glyphs="block", theme="dark", notify=notify)


def _broken(file_id: int, *, updated_at_s: float) -> FilesChanged:
    row = FileRow(
        file_id,
        file_id,
        f"/data/broken-{file_id}.json",
        FileState.QUARANTINED,
        "not JSON",
        updated_at_s=updated_at_s,
    )
    return FilesChanged((row,))


def _app(judged: Judged, notify: str, known: int = 4) -> Any:
    rows = list(judged.runs.values())
    old = [row for row in rows if row.run_id != "worse"][:known]
    return make_app(
        store(baseline_run_id="base"),
        runs(*old),
        settings=_settings(notify),
        answers={Verb.COMPARE: judged.answer},
    )


def _heard(app: Any) -> list[str]:
    sent: list[str] = []
    conductor_of(app)._alerts._send = sent.append
    return sent


async def test_a_run_that_regressed_rings_when_it_arrives() -> None:
    judged = Judged()
    app = _app(judged, "bell")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: session_of(app).bench.total == 4)
        sent = _heard(app)
        link_of(app).say(runs(judged.runs["worse"]))
        await until(pilot, lambda: sent == ["\a"])
        assert "eval_worse regressed: tests_pass_rate: worse by" in screen_text(app)
        asked = [args for verb, args in link_of(app).asked if verb is Verb.COMPARE]
        assert asked == [{"baseline": "base", "candidates": ["worse"]}]


async def test_a_run_that_did_not_regress_is_quiet() -> None:
    judged = Judged()
    same = judged.runs.pop("same")
    app = _app(judged, "bell")
    async with app.run_test() as pilot:
        await until(pilot, lambda: session_of(app).bench.total == 3)
        sent = _heard(app)
        judged.runs["same"] = same
        link_of(app).say(runs(same))
        await until(pilot, lambda: any(v is Verb.COMPARE for v, _ in link_of(app).asked))
        await pilot.pause(0.05)
        assert sent == []


async def test_off_means_that_nothing_is_asked_or_rung() -> None:
    judged = Judged()
    app = _app(judged, "off")
    async with app.run_test() as pilot:
        await until(pilot, lambda: session_of(app).bench.total == 4)
        sent = _heard(app)
        link_of(app).say(runs(judged.runs["worse"]))
        link_of(app).say(_broken(1, updated_at_s=NOW_S + 1))
        await until(pilot, lambda: session_of(app).bench.total == 5)
        await pilot.pause(0.05)
        assert sent == []
        assert all(verb is not Verb.COMPARE for verb, _ in link_of(app).asked)


async def test_a_report_in_quarantine_rings_once_and_an_old_one_never() -> None:
    app = _app(Judged(), "osc9")
    async with app.run_test() as pilot:
        await until(pilot, lambda: session_of(app).bench.total == 4)
        sent = _heard(app)
        link_of(app).say(_broken(1, updated_at_s=NOW_S - 60))
        link_of(app).say(_broken(2, updated_at_s=NOW_S + 1))
        link_of(app).say(_broken(2, updated_at_s=NOW_S + 1))
        await until(pilot, lambda: sent != [])
        assert sent == ["\x1b]9;evaltui: broken-2.json is broken: not JSON\a"]


async def test_a_backlog_is_tested_from_its_newest_end_only() -> None:
    judged = Judged()
    app = _app(judged, "bell")
    async with app.run_test() as pilot:
        await until(pilot, lambda: session_of(app).bench.total == 4)
        _heard(app)
        many = [run(f"new-{at:02d}", hours_ago=at / 100, metrics={"x": 1.0}) for at in range(30)]
        link_of(app).answers[Verb.COMPARE] = _nothing
        link_of(app).say(runs(*many))
        await until(pilot, lambda: session_of(app).bench.total == 34)
        await until(pilot, lambda: len(_compared(app)) == 8)
        await pilot.pause(0.05)
        assert len(_compared(app)) == 8


def _nothing(args: Mapping[str, Any]) -> Mapping[str, Any]:
    del args
    return {"comparisons": []}


def _compared(app: Any) -> list[Mapping[str, Any]]:
    return [args for verb, args in link_of(app).asked if verb is Verb.COMPARE]


@pytest.mark.parametrize("environ", [{}, {"TMUX": "/run/tmux-0/default,1,0"}])
def test_a_hostile_text_cannot_leave_the_notification(environ: Mapping[str, str]) -> None:
    sent = ring("osc9", "\x1b[2J\x07;\x1b]0;owned\x07" + "x" * 5_000, environ)
    inside = sent.removeprefix("\x1bPtmux;\x1b").removeprefix("\x1b").removesuffix("\x1b\\")
    assert inside.startswith("]9;evaltui: ")
    assert inside.endswith("\a")
    assert not any(char in inside[:-1] for char in "\x1b\x07\x9b\x9c")
    assert len(sent) < 200


def test_the_bell_is_one_byte() -> None:
    assert ring("bell", "whatever", {}) == "\a"
