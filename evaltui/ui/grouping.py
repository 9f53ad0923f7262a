"""Asks by what to group the runs, and shows the groups held against each other."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App
from textual.content import Content

from evaltui.domain.contrast import contrast
from evaltui.domain.groups import Choice, Grouping, choices
from evaltui.domain.terms import Terms
from evaltui.domain.text import clean
from evaltui.ui.fitting import shorten
from evaltui.ui.group_lines import group_name
from evaltui.ui.screens.groups_view import GroupsView
from evaltui.ui.screens.picker import Picker
from evaltui.ui.session import Session

_GROUPS_NAMED, _GROUP_NAME = 3, 18


def ask_for_groups(app: App[int], session: Session, say: Callable[[str], None]) -> str:
    """Ask by what to group the finished runs; the answer shows the groups.

    Args:
        app: Shows the question, and the groups.
        session: What is shown.
        say: Shows a line.

    Returns:
        Why there is nothing to ask, or "".
    """
    found = choices(session.bench.table)
    if not found:
        return "no mode, model, param or tag makes 2 to 12 groups of the finished runs"
    options = [(choice.grouping.text, _choice_words(choice)) for choice in found]

    def picked(text: str | None) -> None:
        if text is not None and not _show_groups(app, session, text):
            say(f"by {clean(text, limit=60)} there is only one group left")

    app.push_screen(Picker("Compare groups of runs by", options), picked)
    return ""


def _show_groups(app: App[int], session: Session, text: str) -> bool:
    """Show the groups; False where only one is left."""
    grouping, bench = Grouping.parse(text), session.bench
    assert grouping is not None
    fixed = bench.fixed_baseline_id
    found = contrast(
        bench.table,
        grouping,
        Terms(overrides=bench.directions),
        baseline_row=bench.table.row_of(fixed) if fixed else None,
    )
    if found is None:
        return False
    app.push_screen(GroupsView(found, text, session.glyphs))
    return True


def _choice_words(choice: Choice) -> Content:
    """Return what makes the groups, and the largest ones with their numbers of runs."""
    told = [
        f"{shorten(group_name(name), _GROUP_NAME)} {count:,}"
        for name, count in choice.sizes[:_GROUPS_NAMED]
    ]
    more = len(choice.sizes) - len(told)
    words = ", ".join(told) + (f" and {more} more" if more else "")
    return Content.assemble(clean(choice.grouping.text, limit=40), (f"  {words}", "$quiet"))
