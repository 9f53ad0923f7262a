"""The log can be read on the screen."""

from __future__ import annotations

from pathlib import Path

from scripted import make_app, runs, screen_text, store, until

from evaltui.settings import Settings
from evaltui.ui.screens.log_view import TAIL_BYTES
from evaltui.ui.screens.text_view import TextView


async def show(settings: Settings) -> list[str]:
    app = make_app(store(), runs(), settings=settings)
    async with app.run_test(size=(100, 20)) as pilot:
        await until(pilot, lambda: app.conductor is not None and app.conductor.main.is_current)
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, TextView))
        await pilot.pause()
        await pilot.pause()
        return screen_text(app).splitlines()


async def test_the_end_of_the_log_is_shown(tmp_path: Path) -> None:
    lines = [f"line {at} {'x' * 60}" for at in range(TAIL_BYTES // 60)]
    (tmp_path / "evaltui.log").write_text(
        "\n".join([*lines, "the last \x1b[2Jline\x9b [/b]"]) + "\n"
    )
    text = "\n".join(await show(Settings(state_dir=tmp_path)))
    assert "the last line\ufffd [/b]" in text
    assert "line 0 " not in text


async def test_a_short_log_is_shown_whole(tmp_path: Path) -> None:
    (tmp_path / "evaltui.log").write_text("first\nsecond\n")
    lines = [line.strip("│ ") for line in await show(Settings(state_dir=tmp_path))]
    assert [line for line in lines if line in {"first", "second"}] == ["first", "second"]


async def test_a_log_that_is_not_there_says_so(tmp_path: Path) -> None:
    assert "cannot be read" in "\n".join(await show(Settings(state_dir=tmp_path / "none")))


async def test_an_empty_log_says_so(tmp_path: Path) -> None:
    (tmp_path / "evaltui.log").touch()
    assert "nothing is in it yet" in "\n".join(await show(Settings(state_dir=tmp_path)))
