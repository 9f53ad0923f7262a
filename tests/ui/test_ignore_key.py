"""The key that leaves a file alone, on the whole screen."""

from __future__ import annotations

from scripted import (
    batch,
    link_of,
    make_app,
    runs,
    screen_text,
    session_of,
    store,
    until,
    watching,
)

from evaltui.domain.events import BY_HAND, FileRow, FileState
from evaltui.engine.link import FilesChanged, Verb

PATH = "/home/ada/evals/broken {0}.json"


async def test_a_file_is_ignored_and_taken_back_by_keys() -> None:
    answers = {Verb.IGNORE: {"ok": True}}
    app = make_app(store(), watching(), runs(*batch()), answers=answers)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.conductor is not None and bool(session_of(app).bench.total))
        link = link_of(app)
        await pilot.press("5")
        link.say(FilesChanged((FileRow(1, 1, PATH, FileState.QUARANTINED, "not JSON"),)))
        await until(pilot, lambda: "broken" in screen_text(app))
        await pilot.press("I")
        await until(pilot, lambda: (Verb.IGNORE, {"path": PATH}) in link.asked)
        await until(pilot, lambda: "R undoes it" in screen_text(app))
        link.say(FilesChanged((FileRow(1, 2, PATH, FileState.IGNORED, BY_HAND),)))
        await until(pilot, lambda: BY_HAND in screen_text(app))
        await pilot.press("R")
        await until(pilot, lambda: (Verb.RETRY, {"path": PATH}) in link.asked)
