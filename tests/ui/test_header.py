"""What the header line says of store, user and reason, at every width."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from scripted import NOW_S, main_of, make_app, runs, store, until

from evaltui.domain.events import StoreState
from evaltui.ui.widgets.header import Header, left_texts, store_text

WORKSPACE = (
    "/Shared/klaudbiusz-evaluations",
    "databricks adb-1234567890123456.7.azuredatabricks.net",
    "maria.garcia@example.com",
    "DATABRICKS_HOST and DATABRICKS_TOKEN",
)


async def _line(width: int, **fields: object) -> str:
    app = make_app(store(**fields), runs())
    async with app.run_test(size=(width, 24)) as pilot:
        await until(pilot, lambda: main_of(app).session.bench.store is not None)
        await pilot.pause()
        return main_of(app).query_one(Header).render().plain


async def test_a_wide_header_names_store_user_and_reason_in_full() -> None:
    experiment, target, user, why = WORKSPACE
    line = await _line(200, experiment=experiment, target=target, user=user, why=why)
    assert f"{experiment}  {target} as {user} ({why})" in line


async def test_eighty_columns_show_who_and_why_in_short() -> None:
    experiment, target, user, why = WORKSPACE
    line = await _line(80, experiment=experiment, target=target, user=user, why=why)
    assert "databricks as maria.garcia (DATABRICKS_HOST)" in line
    assert "LIVE" in line
    assert cell_len(line) <= 80


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
async def test_the_header_fits_whatever_the_store_calls_us(width: int) -> None:
    for user in ("", "\x1b[31mroot\x1b]8;;http://evil\x07", "名" * 80, "[bold]x[/]" * 20):
        line = await _line(
            width, experiment="/Shared/x", target="databricks [/b]\x9b2Jh", user=user, why="w" * 90
        )
        assert cell_len(line) <= width
        assert "LIVE" in line
        assert not set(line) & {"\x1b", "\x9b", "\x07"}


def test_the_left_part_gets_shorter_and_never_repeats_a_user_that_is_not_known() -> None:
    texts = list(left_texts(*WORKSPACE))
    assert texts[0].startswith("evaltui  ")
    assert cell_len(texts[-1]) < cell_len(texts[0])
    assert not any(" as " in text for text in left_texts("exp", "sqlite ~/x.db", "", "default"))


def test_a_slow_or_refused_poll_shows_the_age_of_the_data() -> None:
    busy = store(state=StoreState.BUSY, poll_interval_s=40.0, data_at_s=NOW_S - 60).status
    assert store_text(busy, engine_down="") == ("BUSY 40s, as of 14:21", "$warning")
    slow = store(poll_interval_s=70.0, data_at_s=NOW_S - 60).status
    assert store_text(slow, engine_down="")[0] == "LIVE 70s, as of 14:21"
    assert store_text(store(poll_interval_s=10.0).status, engine_down="")[0] == "LIVE 10s"
