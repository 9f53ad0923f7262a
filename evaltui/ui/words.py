"""What the screen says in words: why there is nothing to see, what went wrong, what to do."""

from __future__ import annotations

import shlex

from textual.content import Content

from evaltui.domain.events import StoreState, StoreStatus, WatchRole, WatchStatus
from evaltui.domain.places import is_in_demo, shown_path
from evaltui.domain.text import clean
from evaltui.late_dataclass import dataclass
from evaltui.ui.instants import clock_text
from evaltui.ui.model import Workbench

_PATH_LIMIT = 400
FOLDER_LATER = "reports wait; M makes it, and so does --create-parents at the next start"
"""What to do about the missing folder of an experiment."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What lies below the current directory.

    Attributes:
        path: The directory.
        reports: Number of recognised reports.
        more: The walk was cut short; there may be more.
        env_file: A `.env` with variables of MLflow or Databricks, or "".
    """

    path: str
    reports: int = 0
    more: bool = False
    env_file: str = ""


@dataclass(frozen=True, slots=True)
class EngineTrouble:
    """The engine is not there.

    Attributes:
        reason: Why, foreign text.
        since_s: Epoch seconds when it went.
        next_try_s: Epoch seconds of the next start.
    """

    reason: str
    since_s: float
    next_try_s: float


def trouble_line(store: StoreStatus | None, trouble: EngineTrouble | None) -> tuple[str, str]:
    """Return one line on what is wrong and what still works, and its style; "" when all is well."""
    if trouble is not None:
        text = f"engine down since {clock_text(trouble.since_s)}: {trouble.reason}"
        again = f"; starts again at {clock_text(trouble.next_try_s)} (r: now)"
        return f"{text}{again}; the list shows what it last knew", "$warning"
    return _store_trouble(store) if store is not None else ("", "")


def _store_trouble(store: StoreStatus) -> tuple[str, str]:
    if store.state is StoreState.OFFLINE:
        return _offline_line(store), "$worse"
    if store.state is StoreState.BUSY:
        return _busy_line(store), "$warning"
    if store.state is StoreState.REFUSED:
        hint = f"; {store.hint}" if store.hint else ""
        age = f"; data of {clock_text(store.as_of_s)}" if store.as_of_s else ""
        error = _reason(store.error, store) or "the store does not accept us"
        return f"refused: {error}{hint}{age}", "$worse"
    if store.missing_folder and not store.read_only:
        return f"the folder {store.missing_folder} does not exist: {FOLDER_LATER}", "$warning"
    if store.write_error:
        hint = f"; {store.write_hint}" if store.write_hint else ""
        return f"reports wait: {_reason(store.write_error, store)}{hint}", "$worse"
    return "", ""


def _reason(error: str, store: StoreStatus) -> str:
    """Return an error without what was tried where: the header names the store already."""
    rest = error.partition(f"{store.target}: ")[2] if store.target else ""
    return rest or error


def _busy_line(store: StoreStatus) -> str:
    parts = [f"asked too often, by all who share the limit: {_reason(store.error, store)}"]
    if store.next_try_s:
        parts.append(f"next look {clock_text(store.next_try_s)} (r: now)")
    if store.as_of_s:
        parts.append(f"data of {clock_text(store.as_of_s)}")
    parts.append("new reports wait in the journal")
    return "; ".join(parts)


def _offline_line(store: StoreStatus) -> str:
    parts = [f"offline since {clock_text(store.since_s)}"]
    parts[0] += f": {_reason(store.error, store)}" if store.error else ""
    if store.hint:
        parts.append(store.hint)
    if store.next_try_s:
        parts.append(f"next try {clock_text(store.next_try_s)} (r: now)")
    if store.as_of_s:
        parts.append(f"data of {clock_text(store.as_of_s)}")
    parts.append("new reports wait in the journal")
    return "; ".join(parts)


def centre_words(
    bench: Workbench, survey: Survey | None, *, cwd: str, trouble: EngineTrouble | None
) -> list[Content]:
    """Return what stands in place of the run list, or nothing when there are runs to list.

    Args:
        bench: The state of the screen.
        survey: What lies below `cwd`, or None before it was looked at.
        cwd: Directory that `w` would watch, or "" to offer none.
        trouble: Why there is no engine, or None.
    """
    if len(bench.order):
        return []
    if bench.total:
        return [
            Content.assemble("no run matches ", (clean(bench.filter_text), "bold")),
            Content.styled("esc clears the filter", "$quiet"),
        ]
    store = bench.store
    if bench.loading or store is None:
        return _waiting_words(store, trouble)
    return _empty_words(bench, store, survey, cwd)


def _waiting_words(store: StoreStatus | None, trouble: EngineTrouble | None) -> list[Content]:
    if trouble is not None:
        return [
            Content.styled("the engine did not start", "bold"),
            Content.styled(clean(trouble.reason), "$worse"),
            Content.styled("r tries again now, q quits; `evaltui doctor` looks closer", "$quiet"),
        ]
    if store is None:
        return [Content.styled("connecting", "$quiet")]
    target = clean(store.target)
    if store.state in {StoreState.OFFLINE, StoreState.REFUSED, StoreState.BUSY}:
        return [
            Content.styled(f"no runs from {target} yet" if target else "no store is open", "bold"),
            Content.styled(clean(store.error), "$worse"),
            *([Content(clean(store.hint))] if store.hint else []),
            Content.styled("`evaltui doctor` looks closer; new reports are kept", "$quiet"),
        ]
    return [Content.styled(f"connecting to {target}", "$quiet")]


def _empty_words(
    bench: Workbench, store: StoreStatus, survey: Survey | None, cwd: str
) -> list[Content]:
    lines = [
        Content.assemble(
            "no runs in ", (clean(store.experiment) or "this experiment", "bold"), " yet"
        )
    ]
    watch = bench.watch
    if watch is not None and watch.roots and watch.role is not WatchRole.NONE:
        where = ", ".join(clean(shown_path(root), limit=_PATH_LIMIT) for root in watch.roots)
        lines.append(Content(f"watching {where}"))
        lines.append(Content.styled("the next report that appears there becomes a run", "$quiet"))
    elif cwd:
        lines += _start_words(survey, cwd)
    lines += [
        Content(""),
        _key_line("evaltui log REPORT", "logs one report"),
        _key_line("evaltui demo", "shows the whole job on made-up reports"),
    ]
    if survey is not None and survey.env_file:
        env_file = clean(survey.env_file, limit=_PATH_LIMIT)
        lines += [
            Content(""),
            _key_line(f"evaltui --env-file {shlex.quote(env_file)}", "uses the store it names"),
        ]
    return lines


def _start_words(survey: Survey | None, cwd: str) -> list[Content]:
    where = clean(cwd, limit=_PATH_LIMIT)
    if survey is None:
        return [Content(""), _key_line("w", f"watches {where}")]
    count = f"{survey.reports}{'+' if survey.more else ''}"
    found = f"{count} report{'s' if survey.reports != 1 else ''} below {where}"
    if not survey.reports:
        found = f"no report below {where} yet"
    return [Content(found), Content(""), _key_line("w", "watches it: every report becomes a run")]


def _key_line(key: str, text: str) -> Content:
    return Content.assemble((key, "bold $primary"), f"  {text}")


def headless_command(watch: WatchStatus | None) -> str:
    """Return the command that would go on watching, or "" when this process watches nothing."""
    if watch is None or watch.role is not WatchRole.WATCHER or not watch.roots:
        return ""
    if any(map(is_in_demo, watch.roots)):
        return ""  # gone with the screen
    return "evaltui watch " + " ".join(shlex.quote(root) for root in watch.roots)


def leaving_line(watch: WatchStatus | None) -> str:
    """Return what goes unwatched when the screen is left, or "" when nothing does."""
    command = headless_command(watch)
    if watch is None or not command:
        return ""
    files = "1 file on its way" if watch.pending == 1 else f"{watch.pending} files on their way"
    waiting = f" with {files}" if watch.pending else ""
    return f"q again quits and stops the watch{waiting}; to go on: {command}"


def farewell(watch: WatchStatus | None, *, finishing: int | None = None) -> str:
    """Return what is printed after the screen is gone, or "" when nothing goes unwatched.

    Args:
        watch: The watch as it was.
        finishing: Process that finishes the report at hand, or None.
    """
    command = headless_command(watch)
    if watch is None or not command:
        return ""
    roots = ", ".join(clean(root, limit=_PATH_LIMIT) for root in watch.roots)
    text = clean(command, limit=_PATH_LIMIT * 4)
    last = f"\n  pid {finishing} finishes the report at hand" if finishing else ""
    return f"evaltui: no longer watching {roots}{last}\n  to go on without a screen: {text}"
