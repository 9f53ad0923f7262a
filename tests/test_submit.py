"""Named files: how they are read, in which order, and how long another process is waited for."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from report_documents import bulk, bulk_item, k1, k1_app, to_bytes
from second_look import own_report

from evaltui.domain.events import FileRole, FileState
from evaltui.domain.report import ModeSource
from evaltui.domain.stamp import FileStamp
from evaltui.engine.outcome import Outcome, ReportFile
from evaltui.errors import ConfigError
from evaltui.settings import CONFIG_SOURCE, Settings
from evaltui.submit import (
    Wish,
    absolute,
    evaluations_first,
    forced_mode,
    log_taken,
    role_of,
    take_named,
)

LIMIT = 1_000_000
PARSED = Outcome("/r/a.json", FileState.PARSED, content_ids=("c",))


@dataclass
class FakeIngest:
    """Says of its one file, at each look, what it is told to; the last word stays."""

    words: list[Outcome] = field(default_factory=list)
    works: list[bool] = field(default_factory=list)
    taken: list[ReportFile] = field(default_factory=list)
    given_up: list[tuple[Path, str, str]] = field(default_factory=list)
    outcome_of_take: Outcome = PARSED
    asked: list[tuple[int, Collection[str] | None]] = field(default_factory=list)

    def take(self, file: ReportFile) -> Outcome:
        self.taken.append(file)
        return self.outcome_of_take

    def quarantine(self, stamp: FileStamp, *, root: str, reason: str, hint: str = "") -> Outcome:
        self.given_up.append((stamp.path, reason, hint))
        return Outcome(str(stamp.path), FileState.QUARANTINED, reason=reason, hint=hint)

    def log_due(self, *, limit: int = 1, only: Collection[str] | None = None) -> list[Outcome]:
        self.asked.append((limit, only))
        return [PARSED] if self.works and self.works.pop(0) else []

    def outcome(self, path: str) -> Outcome | None:
        if len(self.words) > 1:
            return self.words.pop(0)
        return self.words[0] if self.words else None


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def last_word(ingest: FakeIngest, clock: Clock, **options: float) -> Outcome:
    (found,) = log_taken(ingest, [PARSED], monotonic=clock, sleep=clock.sleep, **options)
    return found


# -- waiting -------------------------------------------------------------------------------------


def test_a_report_is_written_and_its_last_word_is_given() -> None:
    ingest = FakeIngest([replace(PARSED, state=FileState.FINISHED, run_ids=("r",))], [True])
    clock = Clock()
    assert last_word(ingest, clock).run_ids == ("r",)
    assert clock.now == 0
    assert ingest.asked == [(1, ("c",))]


def test_a_store_that_fails_is_not_waited_for() -> None:
    waits = replace(PARSED, reason="down", retry_at_s=99.0)
    clock = Clock()
    assert last_word(FakeIngest([waits], [True]), clock).reason == "down"
    assert clock.now == 0


def test_another_process_that_has_the_report_in_hand_is_waited_for() -> None:
    words = [PARSED, replace(PARSED, state=FileState.CREATED)]
    words.append(replace(PARSED, state=FileState.DUPLICATE, run_ids=("theirs",)))
    clock = Clock()
    assert last_word(FakeIngest(words), clock).run_ids == ("theirs",)
    assert clock.now > 0


def test_the_wait_for_another_process_has_an_end() -> None:
    clock = Clock()
    assert last_word(FakeIngest([PARSED]), clock, patience_s=3.0).state is FileState.PARSED
    assert clock.now == pytest.approx(3.0, abs=0.2)


def test_a_reader_waits_for_nobody() -> None:
    clock = Clock()
    last_word(FakeIngest([replace(PARSED, reason="read-only")]), clock, patience_s=0.0)
    assert clock.now == 0


def test_what_needs_no_work_is_passed_on_untouched() -> None:
    known = replace(PARSED, state=FileState.DUPLICATE)
    ingest = FakeIngest()
    assert list(log_taken(ingest, [known])) == [known]
    assert ingest.asked == []


# -- reading -------------------------------------------------------------------------------------


def test_a_file_is_taken_as_named_with_what_was_given_for_it(tmp_path: Path) -> None:
    path = tmp_path / "evaluation_report.json"
    path.write_bytes(to_bytes(k1([k1_app("a", "b")])))
    (tmp_path / "EVALUATION_REPORT.md").write_bytes(b"# Report\n")
    wish = Wish(
        path,
        mode=("mcp", ModeSource.ARGUMENT),
        model="m",
        run_name="n",
        as_new=True,
        extra={"more.json": b"{}"},
    )
    ingest = FakeIngest()
    assert take_named(ingest, wish, max_held=LIMIT) is PARSED
    (file,) = ingest.taken
    assert file.named
    assert file.as_new
    assert (file.mode, file.model, file.run_name) == (("mcp", ModeSource.ARGUMENT), "m", "n")
    assert set(file.neighbours) == {"EVALUATION_REPORT.md", "more.json"}


def test_a_truncated_file_is_given_up_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(own_report()[:40])
    ingest = FakeIngest(outcome_of_take=Outcome(str(path), FileState.SETTLING))
    outcome = take_named(ingest, Wish(path), max_held=LIMIT)
    assert outcome.state is FileState.QUARANTINED
    assert "truncated" in outcome.reason
    assert outcome.hint


@pytest.mark.parametrize("kind", ["fifo", "large", "unreadable"])
def test_what_cannot_be_read_is_quarantined_with_its_reason(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.json"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "large":
        path = tmp_path / "evaluation_report.json"
        path.write_bytes(b"[" + b"1, " * 1_000 + b"1]")
    else:
        path.write_bytes(b"x" * 2_000)
    if kind == "unreadable":
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("root reads everything")
    ingest = FakeIngest()
    outcome = take_named(ingest, Wish(path), max_held=1_000 if kind == "large" else LIMIT)
    assert outcome.state is FileState.QUARANTINED
    assert outcome.reason
    assert ingest.taken == []
    assert [found[0] for found in ingest.given_up] == [path]


def test_a_missing_file_is_the_callers_matter(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        take_named(FakeIngest(), Wish(tmp_path / "no.json"), max_held=LIMIT)


def test_bulk_files_come_after_the_evaluations_that_may_join_them(tmp_path: Path) -> None:
    first = tmp_path / "bulk_run_results_20251103_100000.json"
    first.write_bytes(to_bytes(bulk("b7", [bulk_item("b7", "a")])))
    second = tmp_path / "evaluation_report.json"
    second.write_bytes(to_bytes(k1([k1_app("a", "b")])))
    assert [wish.path for wish in evaluations_first([Wish(first), Wish(second)])] == [second, first]
    assert role_of(first) is FileRole.GENERATION
    assert role_of(tmp_path / "not there") is FileRole.UNKNOWN


def test_bulk_files_are_looked_for_below_the_root_that_was_given(tmp_path: Path) -> None:
    path = tmp_path / "out" / "evaluation_report.json"
    (tmp_path / "gen").mkdir()
    path.parent.mkdir()
    path.write_bytes(to_bytes(k1([k1_app("a", "b")])))
    bulk_file = tmp_path / "gen" / "bulk_run_results_20251103_100000.json"
    bulk_file.write_bytes(to_bytes(bulk("b7", [bulk_item("b7", "a")])))
    ingest = FakeIngest()
    take_named(ingest, Wish(path), max_held=LIMIT)
    take_named(ingest, Wish(path, root=tmp_path), max_held=LIMIT)
    assert [len(file.generations) for file in ingest.taken] == [0, 1]


# -- names and modes -----------------------------------------------------------------------------


def test_paths_are_named_as_the_watcher_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert absolute("a.json") == tmp_path / "a.json"
    assert absolute("~/a.json") == tmp_path / "a.json"
    assert absolute("link/a.json") == tmp_path / "link" / "a.json"
    assert absolute("link/../a.json") == tmp_path / "real" / "a.json"
    with pytest.raises(ConfigError):
        absolute("~nobody-of-this-name/a.json")


@pytest.mark.parametrize(
    ("argument", "flag", "configured", "variable", "expected"),
    [
        ("arg", "flag", False, "env", ("arg", ModeSource.ARGUMENT)),
        (None, "flag", False, "env", ("flag", ModeSource.ARGUMENT)),
        (None, "file", True, "env", ("env", ModeSource.ENVIRONMENT)),
        (None, "file", True, " ", ("file", ModeSource.ARGUMENT)),
        (None, None, False, "env", ("env", ModeSource.ENVIRONMENT)),
        (None, None, False, "", None),
    ],
)
def test_the_mode_is_the_argument_then_the_flag_then_eval_mode_then_the_configuration(
    argument: str | None,
    flag: str | None,
    configured: bool,
    variable: str,
    expected: tuple[str, ModeSource] | None,
) -> None:
    sources = {"mode": CONFIG_SOURCE if configured else "--mode"} if flag else {}
    settings = Settings(mode=flag, sources=sources)
    assert forced_mode(settings, {"EVAL_MODE": variable}, argument) == expected
