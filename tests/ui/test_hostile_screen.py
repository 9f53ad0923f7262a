"""Text of others draws itself and nothing else, wherever the screen shows it."""

from __future__ import annotations

import unicodedata

import pytest
from judged import Judged
from rich.cells import cell_len
from scripted import (
    batch,
    link_of,
    main_of,
    make_app,
    run,
    runs,
    screen_text,
    session_of,
    store,
    until,
    watching,
)

from evaltui.domain.events import FileRow, FileState, Notice, StoreState
from evaltui.engine.link import FilesChanged, Noticed, Verb
from evaltui.ui.app import EvaltuiApp
from evaltui.ui.client import EngineDown

HOSTILE = [
    "[/x] [bold red]eval[/] [@click=app.quit]",
    "\x1b[2J\x1b]0;owned\x07\x1b[31mred",
    "\u202egnp.exe\u2066 \u200bzero\u200d width",
    "line\nbreak\ttab\r\x9b31m",
    "日本語の実行 👩‍👩‍👧 e\u0301\u0301\u0301\u0301\u0301\u0301",
    "",
    "{0} %s $primary",
    "x" * 5_000,
]
SIZES = [(80, 24), (120, 40), (180, 50)]


def _script(text: str) -> list[object]:
    metrics = {"overall_quality_score": 0.5, f"m{text[:40]}": 1.0}
    rows = [
        run(
            f"id{number}{text[:20]}",
            name=f"{text}{number}",
            mode=text[:60] or None,
            hours_ago=number + 1,
            metrics=metrics | {"overall_quality_score": 0.5 + number / 10},
            params={f"p{text[:40]}": f"{text}{number}", "model": text},
            tags={"evaltui.notes": text, "framework": text},
        )
        for number in range(3)
    ]
    status = store(experiment=text, target=text, why=text, warning=text)
    return [status, watching(roots=(f"/reports/{text[:200]}",)), runs(*rows)]


def _check(app: EvaltuiApp, size: tuple[int, int]) -> None:
    text = screen_text(app)
    bad = [
        char
        for char in text
        if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]
    assert bad == []
    assert {cell_len(line) for line in text.splitlines()} == {size[0]}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_names_break_nothing_in_any_pane(text: str, size: tuple[int, int]) -> None:
    detail = {
        "params": [[text, text]],
        "tags": [[text, text]],
        "metrics": [[text, 1.0]],
        "artifacts": [[text, 5]],
        "case_columns": ["app", text],
        "case_rows": [[text, text]],
        "cases_note": text,
        "link": text,
        "link_note": text,
    }
    app = make_app(*_script(text), answers={Verb.DETAIL: detail, Verb.BASELINE: text or "no"})
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: session_of(app).bench.total == 3)
        main = main_of(app)
        link_of(app).say(
            FilesChanged((FileRow(1, 1, f"/reports/{text}", FileState.QUARANTINED, text, text),))
        )
        for key in ("space", "j", "2", "3", "4", "5", "6", "1", "slash", "a", "escape", "b", "y"):
            await pilot.press(key)
            await until(pilot, lambda: main.follows)
            await pilot.pause()
            _check(app, size)
        for opener in ("s", "B", "colon", "question_mark"):
            await pilot.press(opener)
            await pilot.pause()
            assert app.screen is not main
            _check(app, size)
            await pilot.press("escape")
        for event in (
            Noticed(Notice("error", text, text)),
            store(state=StoreState.OFFLINE, error=text, hint=text),
            EngineDown(text, 4.0),
        ):
            link_of(app).say(event)
            for _ in range(3):
                await pilot.pause()
            _check(app, size)


@pytest.mark.parametrize("size", [(40, 12), *SIZES], ids=str)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_comparisons_break_nothing(text: str, size: tuple[int, int]) -> None:
    judged = Judged(text)
    answers = {Verb.COMPARE: judged.answer, Verb.CASE: judged.case, Verb.DIRECTION: text or "no"}
    script = (store(baseline_run_id="base"), runs(*judged.runs.values()))
    app = make_app(*script, answers=answers)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: session_of(app).bench.total == len(judged.runs))
        main = main_of(app)
        keys = "c G k f f f f % % equals_sign n N x x l j f f f f f d escape enter d escape h S"
        for key in [*keys.replace("%", "percent_sign").split(), "escape", "m", "enter", "y"]:
            await pilot.press(key)
            await until(pilot, lambda: main.follows)
            await pilot.pause()
            _check(app, size)
        await pilot.press("escape", "space", "space", "space", "space", "c", "greater_than_sign")
        await until(pilot, lambda: not main.comparing)
        await pilot.pause()
        _check(app, size)
    assert app.crash is None


async def test_markup_is_shown_as_it_stands() -> None:
    name = "[/x][red]eval[/]"
    app = make_app(store(), runs(run("a", name=name), *batch()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: name in screen_text(app))


async def test_an_empty_experiment_of_hostile_names_breaks_nothing() -> None:
    text = HOSTILE[0] + HOSTILE[1]
    survey = {"path": text, "reports": 3, "more": True, "env_file": text}
    app = make_app(
        store(experiment=text, target=text), runs(), answers={Verb.SURVEY: survey}, cwd=text
    )
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: session_of(app).survey is not None)
        await pilot.pause()
        _check(app, (100, 30))
        assert "[bold red]eval[/]" in screen_text(app)
