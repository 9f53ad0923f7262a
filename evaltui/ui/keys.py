"""Every key of the screen in one table: bindings, the help screen and the rebinding all read it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from textual.binding import Binding

from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One binding.

    Attributes:
        id: Binding id `pane.verb`, the name it is rebound by in the configuration.
        keys: Textual key names, comma-separated; the first is the one that is shown.
        action: Textual action.
        label: Word for the footer, short.
        help: What it does, one line.
        footer: Rank in the footer (lower is shown sooner), or None to leave it out.
        show: How the keys are written for people, where that differs from their names.
    """

    id: str
    keys: str
    action: str
    label: str
    help: str
    footer: int | None = None
    show: str = ""

    @property
    def pane(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]


APP_KEYS: tuple[Key, ...] = (
    Key("app.help", "question_mark", "help", "help", "Help for this screen", 0, "?"),
    Key(
        "app.palette", "colon,ctrl+p", "command_palette", "commands", "Command palette", 90, ": ^p"
    ),
    Key("app.quit", "q", "back_or_quit", "quit", "Back; on the first screen quit", 95, "q"),
    Key("app.interrupt", "ctrl+c", "quit_now", "quit", "Quit from anywhere", None, "^c"),
    Key("app.suspend", "ctrl+z", "suspend_process", "suspend", "Suspend to the shell", None, "^z"),
    Key("app.refresh", "r", "refresh_store", "refresh", "Ask the store for news now", 60, "r"),
    Key("app.redraw", "ctrl+l", "redraw", "redraw", "Draw the whole screen again", None, "^l"),
    Key("app.log", "L", "show_log", "log", "What evaltui did: the end of its log", None, "L"),
    Key("app.pause", "p", "pause", "pause", "Pause and resume the live list", 65, "p"),
)
"""Keys that work on every screen."""

MAIN_KEYS: tuple[Key, ...] = (
    Key("runs.down", "j,down", "list_move(1)", "down", "Next run", None, "j ↓"),
    Key("runs.up", "k,up", "list_move(-1)", "up", "Previous run", None, "k ↑"),
    Key("runs.top", "g,home", "list_goto(0)", "top", "First run", None, "g home"),
    Key("runs.bottom", "G,end", "list_goto(-1)", "bottom", "Last run", None, "G end"),
    Key("runs.half_down", "ctrl+d", "list_page(0.5)", "half page", "Half a page down", None, "^d"),
    Key("runs.half_up", "ctrl+u", "list_page(-0.5)", "half page", "Half a page up", None, "^u"),
    Key("runs.page_down", "pagedown", "list_page(1)", "page", "Page down", None, "pgdn"),
    Key("runs.page_up", "pageup", "list_page(-1)", "page", "Page up", None, "pgup"),
    Key("runs.filter", "slash", "filter", "filter", "Filter: every word must match", 10, "/"),
    Key("runs.mark", "space", "mark", "mark", "Mark the run for comparison", 20, "spc"),
    Key("runs.range", "v", "mark_range", "range", "Mark from the last mark to here", None, "v"),
    Key("runs.unmark", "U", "unmark_all", "unmark", "Remove every mark", None, "U"),
    Key("runs.baseline", "b", "baseline", "baseline", "Make this run the baseline", 30, "b"),
    Key("runs.pick_baseline", "B", "pick_baseline", "pick baseline", "Pick a baseline", None, "B"),
    Key("runs.undo", "u", "undo", "undo", "Undo the last change of the baseline", None, "u"),
    Key("runs.compare", "c", "compare", "compare", "Compare with the baseline", 25, "c"),
    Key("runs.groups", "A", "groups", "A/B", "Compare groups of runs (A/B)", None, "A"),
    Key("runs.open", "enter", "open_run", "open", "Open the run", 35, "ret"),
    Key("runs.sort", "s", "sort_menu", "sort", "Choose the column to sort by", 50, "s"),
    Key(
        "runs.sort_up",
        "left_square_bracket",
        "sort_direction('ascending')",
        "ascending",
        "Sort ascending",
        None,
        "[",
    ),
    Key(
        "runs.sort_down",
        "right_square_bracket",
        "sort_direction('descending')",
        "descending",
        "Sort descending",
        None,
        "]",
    ),
    Key("runs.follow", "F", "follow", "follow", "Keep the cursor on the newest run", 70, "F"),
    Key("runs.copy", "y", "copy_id", "copy id", "Copy the run id", 55, "y"),
    Key("runs.copy_row", "Y", "copy_row", "copy row", "Copy the row as a table (TSV)", None, "Y"),
    Key("runs.page", "o", "open_page", "web page", "Web page of the run, or the diff", 57, "o"),
    Key("runs.experiment", "O", "open_experiment", "web", "Experiment's web page", None, "O"),
    Key("runs.folder", "M", "make_folder", "folder", "Make the experiment's folder", None, "M"),
    Key("runs.watch", "w", "watch", "watch", "Files on watch; starts watching", 40, "w"),
    Key("runs.close", "escape", "close", "close", "Close, or clear the filter", None, "esc"),
    Key("panes.next", "tab", "next_pane(1)", "next pane", "Next pane", None, "tab"),
    Key("panes.previous", "shift+tab", "next_pane(-1)", "pane", "Previous pane", None, "S-tab"),
    Key("panes.runs", "1", "pane('runs')", "runs", "Runs", None, "1"),
    Key("panes.diff", "2", "pane('diff')", "diff", "Differences to the baseline", None, "2"),
    Key("panes.trends", "3", "pane('trends')", "trends", "Trends of the metrics", None, "3"),
    Key("panes.cases", "4", "pane('cases')", "cases", "The run with its cases", None, "4"),
    Key("panes.watch", "5", "pane('watch')", "watch", "Files on watch", None, "5"),
    Key(
        "panes.artifacts", "6", "pane('artifacts')", "artifacts", "Artifacts of the run", None, "6"
    ),
)
"""Keys of the main screen."""

LIST_KEYS: tuple[Key, ...] = (
    Key("list.down", "j,down", "cursor_move(1)", "down", "Next line", None, "j ↓"),
    Key("list.up", "k,up", "cursor_move(-1)", "up", "Previous line", None, "k ↑"),
    Key("list.top", "g,home", "cursor_end(False)", "top", "First line", None, "g home"),
    Key("list.bottom", "G,end", "cursor_end(True)", "bottom", "Last line", None, "G end"),
    Key(
        "list.half_down", "ctrl+d", "cursor_page(0.5)", "half page", "Half a page down", None, "^d"
    ),
    Key("list.half_up", "ctrl+u", "cursor_page(-0.5)", "half page", "Half a page up", None, "^u"),
    Key("list.page_down", "pagedown", "cursor_page(1.0)", "page", "Page down", None, "pgdn"),
    Key("list.page_up", "pageup", "cursor_page(-1.0)", "page", "Page up", None, "pgup"),
    Key("list.choose", "enter", "choose", "open", "Open what the cursor is on", 35, "ret"),
)
"""Keys of every table but the run list."""

WATCH_KEYS: tuple[Key, ...] = (
    Key("watch.next_problem", "n", "problem(1)", "next problem", "Next problem", 20, "n"),
    Key("watch.previous_problem", "N", "problem(-1)", "problem", "Previous problem", None, "N"),
    Key("watch.retry", "R", "retry", "retry", "Try the file again", 25, "R"),
    Key("watch.ignore", "I", "ignore", "ignore", "Leave the file alone; R undoes it", 27, "I"),
    Key("watch.copy", "y", "copy_path", "copy path", "Copy the path", 55, "y"),
)
"""Keys of the watch list."""

RUN_KEYS: tuple[Key, ...] = (
    Key("run.next", "l,right", "section(1)", "section", "Next section of the run", 15, "l →"),
    Key("run.previous", "h,left", "section(-1)", "section", "Previous section", None, "h ←"),
    Key("run.sort", "s", "sort_menu", "sort", "Choose the column to sort the cases by", 50, "s"),
    Key("run.sort_up", "left_square_bracket", "sort(False)", "", "Cases ascending", None, "["),
    Key("run.sort_down", "right_square_bracket", "sort(True)", "", "Cases descending", None, "]"),
    Key(
        "run.columns_right",
        "greater_than_sign",
        "columns(1)",
        "",
        "Columns further right",
        None,
        ">",
    ),
    Key("run.columns_left", "less_than_sign", "columns(-1)", "", "Columns further left", None, "<"),
    Key("run.next_failure", "n", "failure(1)", "next failure", "Next failed case", 20, "n"),
    Key("run.previous_failure", "N", "failure(-1)", "failure", "Previous failed case", None, "N"),
    Key("run.copy", "y", "copy_line", "copy", "Copy what the cursor is on", 55, "y"),
)
"""Keys of the view of one run."""

DIFF_KEYS: tuple[Key, ...] = (
    Key(
        "diff.equal", "equals_sign", "toggle_equal", "equal", "Show or hide what is equal", 15, "="
    ),
    Key(
        "diff.scale",
        "percent_sign",
        "next_scale",
        "scale",
        "Differences in points, percent or units",
        17,
        "%",
    ),
    Key("diff.show", "f", "next_filter", "filter", "All, regressed, improved, missing", 16, "f"),
    Key("diff.next", "n", "regression(1)", "next regression", "Next regression", 18, "n"),
    Key("diff.previous", "N", "regression(-1)", "regression", "Previous regression", None, "N"),
    Key("diff.section", "l,right", "section(1)", "cases", "Metrics, then cases", 19, "l →"),
    Key("diff.back", "h,left", "section(-1)", "metrics", "Back to the metrics", None, "h ←"),
    Key(
        "diff.candidate",
        "greater_than_sign",
        "candidate(1)",
        "candidate",
        "Look closely at the next candidate",
        None,
        ">",
    ),
    Key(
        "diff.candidate_back",
        "less_than_sign",
        "candidate(-1)",
        "candidate",
        "Look closely at the candidate before",
        None,
        "<",
    ),
    Key("diff.statistics", "S", "statistics", "statistics", "The statistics in words", 21, "S"),
    Key("diff.texts", "d", "texts", "text diff", "What differs in a case's texts", 22, "d"),
    Key("diff.swap", "x", "swap", "swap", "Swap candidate and baseline", 23, "x"),
    Key("diff.direction", "m", "direction", "direction", "Say which way is better", 24, "m"),
    Key("diff.copy", "y", "copy_line", "copy", "Copy what the cursor is on", 55, "y"),
)
"""Keys of the diff."""

CASE_KEYS: tuple[Key, ...] = (
    Key("case.diff", "d", "toggle_diff", "diff", "Texts, or what differs in them", 10, "d"),
)
"""Keys of one case in two runs."""

GROUP_KEYS: tuple[Key, ...] = (
    Key("groups.next", "n", "regression(1)", "next worse", "Next group that is worse", 10, "n"),
    Key("groups.previous", "N", "regression(-1)", "worse", "Previous one", None, "N"),
    Key("groups.copy", "y", "copy_line", "copy", "Copy what the cursor is on", 55, "y"),
)
"""Keys of groups of runs against each other."""

ALL_KEYS: tuple[Key, ...] = (
    *APP_KEYS,
    *MAIN_KEYS,
    *DIFF_KEYS,
    *CASE_KEYS,
    *GROUP_KEYS,
    *LIST_KEYS,
    *WATCH_KEYS,
    *RUN_KEYS,
)


PRIORITY = frozenset({"app.interrupt", "app.suspend", "app.redraw"})
"""Bindings that come before whatever has the focus: an input would take ctrl+c for a copy."""


def bindings(keys: tuple[Key, ...]) -> list[Binding]:
    """Return Textual bindings, in order, with their ids and tooltips."""
    return [
        Binding(
            key.keys,
            key.action,
            key.label,
            id=key.id,
            tooltip=key.help,
            show=key.footer is not None,
            key_display=key.show.split(" ")[0] or None,
            system=key.id == "app.suspend",
            priority=key.id in PRIORITY,
        )
        for key in keys
    ]


def check_keymap(keymap: Mapping[str, str]) -> dict[str, str]:
    """Return the keymap when every id exists.

    Raises:
        ConfigError: An id is unknown; the nearest known one is named.
    """
    known = [key.id for key in ALL_KEYS]
    for name, value in keymap.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see the help screen for the ids"
            raise ConfigError(f"unknown key binding {name!r} in [keys]", hint=hint)
        if not value.strip():
            raise ConfigError(f"key binding {name} is empty", hint='give a key such as "c"')
    return dict(keymap)


def shown_keys(key: Key, keymap: Mapping[str, str]) -> str:
    """Return the keys as people write them, the configured ones where they differ."""
    custom = keymap.get(key.id)
    return custom.replace(",", " ") if custom else (key.show or key.keys)
