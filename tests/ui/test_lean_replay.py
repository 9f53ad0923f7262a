"""The lean display shows what Textual would have shown, cell by cell, on every screen.

The same frames go to two terminals. What may differ cannot be seen: the colour of letters on a
blank, a colour's number where its three parts are the same, addresses behind links, and where the
hidden cursor stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from judged import Judged
from scripted import (
    batch,
    link_of,
    main_of,
    make_app,
    run,
    runs,
    session_of,
    store,
    until,
    watching,
)
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from two_terminals import TwoTerminals

from evaltui.domain.events import FileRow, FileState, Notice, StoreState
from evaltui.engine.link import FilesChanged, Noticed, Verb
from evaltui.settings import Settings
from evaltui.ui.app import EvaltuiApp

ODD = ("日本語の実行", "e\u0301a\u0308o\u0302", "run 👍🎉", "ต้นไม้", "zero\u200bwidth")
"""Wide, combining and zero-width characters."""
SIZES = ((60, 18), (170, 30), (30, 8))
ABOUT = "1 j G 2 l 3 4 j"
"""A walk that shows every kind of pane."""
PANES = "1 j pagedown g ctrl+d space j v 2 j l equals_sign f S escape h 3 j 4 l l j h 5 j 6 j 1"
MODALS = "slash e v enter escape s j escape B escape question_mark escape colon d i escape L escape"
MORE = "A j escape U b u w escape 1 enter l l enter d escape escape 1"
DETAIL = {
    "params": [["model", ODD[0]], ["prompt", "v3"]],
    "tags": [["team", ODD[3]]],
    "metrics": [["tests_pass_rate", 0.5], [ODD[1], 1.0]],
    "artifacts": [[f"{ODD[2]}.json", 5], ["a/b.csv", None]],
    "case_columns": ["app", "status", ODD[0]],
    "case_rows": [
        [f"app-{at} {ODD[at % 5]}", "pass" if at % 3 else "fail", "x"] for at in range(30)
    ],
    "cases_note": "",
    "link": "https://example.org/run",
    "link_note": "",
}


def _app(theme: str, glyphs: str) -> EvaltuiApp:
    judged = Judged()
    odd = [
        run(f"odd{at}", name=f"{name} {at}", hours_ago=at + 0.5, metrics={"tests_pass_rate": 0.5})
        for at, name in enumerate(ODD)
    ]

    def compare(args: Mapping[str, Any]) -> Mapping[str, Any]:
        known = [name for name in args["candidates"] if name in judged.runs]
        return judged.answer({"baseline": "base", "candidates": known or ["worse"]})

    answers: dict[Verb, Any] = {
        Verb.COMPARE: compare,
        Verb.CASE: judged.case,
        Verb.DETAIL: DETAIL,
    }
    files = [
        FileRow(at, at, f"/reports/{name}/report.json", FileState.QUARANTINED, name, "broken")
        for at, name in enumerate(ODD)
    ]
    script = (
        store(baseline_run_id="base"),
        watching(),
        runs(*odd, *judged.runs.values(), *batch()),
        FilesChanged(tuple(files)),
    )
    return make_app(
        *script, settings=Settings(glyphs=glyphs, theme=theme, display="lean"), answers=answers
    )


async def _press(pilot: Pilot[Any], keys: Sequence[str]) -> None:
    """Type without waiting for idleness after each key, as the pilot would: frames are wanted."""
    app = pilot.app
    assert isinstance(app, EvaltuiApp)
    assert app._driver is not None
    for key in keys:
        name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
        app._driver.send_message(events.Key(name, key if len(key) == 1 else None))
        await pilot._wait_for_screen()
        await asyncio.sleep(0.01)  # a frame is painted every 16 ms at most
    await until(pilot, lambda: main_of(app).follows)
    await pilot.pause()  # the last key is dealt with


@pytest.mark.parametrize(
    ("theme", "glyphs", "colours", "sizes"),
    [
        ("dark", "block", "truecolor", SIZES),
        ("light", "braille", "256", SIZES[1:2]),
        ("ansi-dark", "ascii", "standard", SIZES[:1]),
    ],
    ids=["dark", "light", "ascii"],
)
async def test_every_screen_is_what_textual_would_show(
    theme: str, glyphs: str, colours: str, sizes: Sequence[tuple[int, int]]
) -> None:
    app = _app(theme, glyphs)
    both = TwoTerminals(app, colours=colours)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: session_of(app).bench.total > 20)
        for size in sizes:
            await pilot.resize_terminal(*size)
            await _press(pilot, ABOUT.split())
            both.assert_same()
        for keys in (PANES, MODALS, MORE) if len(sizes) > 1 else (MODALS,):
            await _press(pilot, keys.split())
            both.assert_same()
        for event in (
            Noticed(Notice("error", ODD[0], ODD[1])),
            store(state=StoreState.OFFLINE, error=ODD[2], hint=ODD[3]),
            store(),
            runs(run("new", name=ODD[0], hours_ago=0.1, metrics={"tests_pass_rate": 0.9})),
        ):
            link_of(app).say(event)
            await _press(pilot, ["j", "k"])
        both.assert_same()
    assert app.crash is None
    assert both.frames > 25
    assert both.lean_bytes * 3 < both.textual_bytes


@pytest.mark.parametrize("opener", ["1", "question_mark"])
async def test_what_others_wrote_is_gone_after_drawing_again(opener: str) -> None:
    app = _app("dark", "block")
    both = TwoTerminals(app)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: session_of(app).bench.total > 20)
        await _press(pilot, [opener])
        both.spoil("\x1b[5;5H\x1b[41mmake: *** [all] Error 1\r\n\x1b[20;1H日本語\x1b[1;31mwall")
        assert "Error 1" in both.text
        await _press(pilot, ["ctrl+l"])
        await until(pilot, lambda: "Error 1" not in both.text and "wall" not in both.text)
        both.assert_same()
