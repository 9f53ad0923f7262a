from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watching import Watched, app_report, report

from evaltui import readers
from evaltui.domain.events import FileRole, FileState
from evaltui.engine import intake
from evaltui.engine.filebytes import FileBytes, read_file
from evaltui.readers import Recognition

CASE = {"id": "a", "status": "pass", "output": "some text"}


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.close()


# -- settling ------------------------------------------------------------------------------------


def test_a_file_that_grows_is_taken_once_and_whole(watched: Watched) -> None:
    text = app_report({f"app{n}": "t" for n in range(40)})
    path = watched.write("evaluation_report.json", text[:1])
    watcher = watched.watch()
    for end in range(2, len(text), 500):
        path.write_text(text[:end])
        watched.run(watcher, 0.3)
        assert watched.state("evaluation_report.json") is FileState.SETTLING
    path.write_text(text)
    watched.run(watcher, 1.0)
    assert watched.ingestor.taken == ["evaluation_report.json"]
    assert watched.ingestor.files[0].file.data.decode() == text


def test_a_file_written_to_without_end_is_not_taken(watched: Watched) -> None:
    watcher = watched.watch()
    for number in range(30):
        watched.write("r.json", report(number, padding="x" * number))
        watched.run(watcher, 0.1)
    assert watched.ingestor.taken == []
    watched.run(watcher, 0.6)
    assert watched.ingestor.taken == ["r.json"]


def test_a_file_renamed_into_place_is_taken_at_once(watched: Watched) -> None:
    watcher = watched.watch()
    watched.run(watcher)
    part = watched.write("r.json.tmp", report(1))
    os.utime(part, (1_000, 1_000))  # a write is not the last thing done to it
    part.rename(watched.root / "r.json")
    watched.mono.now += 1
    watched.run(watcher)
    assert watched.ingestor.taken == ["r.json"]


LINE = '{"role": "user", "tool_calls": [], "timestamp": "2026-01-01T00:00:00Z"}\n'


def test_json_lines_that_grow_are_taken_after_a_second_of_rest(watched: Watched) -> None:
    watcher = watched.watch()
    watched.run(watcher)
    path = watched.write("trajectory.jsonl", LINE)
    for _ in range(5):  # every beginning of it is whole
        watched.run(watcher, 0.8)
        assert watched.ingestor.taken == []
        with path.open("a") as file:
            file.write(LINE)
    watched.run(watcher, 0.8)
    assert watched.ingestor.taken == []
    watched.run(watcher, 1.0)
    assert watched.ingestor.taken == ["trajectory.jsonl"]
    assert watched.ingestor.files[0].file.data.decode() == LINE * 6


@pytest.mark.parametrize("placed", [True, False])
def test_a_format_without_an_end_rests_for_a_second_even_when_renamed_into_place(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, *, placed: bool
) -> None:
    slow = Recognition("some_yaml", FileRole.REPORT, slow=True)
    monkeypatch.setattr(intake.readers, "recognise", lambda _head, _name: slow)
    watcher = watched.watch()
    watched.run(watcher)
    part = watched.write("r.yaml.tmp" if placed else "r.yaml", report(1))
    if placed:
        os.utime(part, (1_000, 1_000))
        part.rename(watched.root / "r.yaml")
    watched.run(watcher, 0.9)
    assert watched.ingestor.taken == []
    watched.run(watcher, 1.2)
    assert watched.ingestor.taken == ["r.yaml"]


def test_an_atomic_replacement_is_taken_at_once(watched: Watched) -> None:
    watched.write("r.json", report(1))
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    part = watched.write("r.json.tmp", report(22))
    os.utime(part, (1_000, 1_000))
    part.replace(watched.root / "r.json")
    watched.mono.now += 1
    watched.run(watcher)
    assert watched.ingestor.taken == ["r.json", "r.json"]


def test_an_incomplete_file_is_tried_again_and_given_up_after_five_minutes(
    watched: Watched,
) -> None:
    path = watched.write("evaluation_report.json", report(1)[:-10])
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    row = watched.row(path.name)
    assert (row.state, row.retry_at_s is not None) == (FileState.SETTLING, True)
    assert row.reason
    assert watched.run(watcher, 290) == []
    [outcome] = watched.run(watcher, 15)
    assert outcome.state is FileState.QUARANTINED
    assert outcome.reason.startswith("truncated?")
    assert watched.run(watcher, 60) == []
    assert watcher.idle
    path.write_text(report(1))
    watched.run(watcher, 2)
    assert watched.state(path.name) is FileState.PARSED


def test_an_incomplete_file_is_taken_as_soon_as_it_is_completed(watched: Watched) -> None:
    path = watched.write("r.json", report(1)[:-10])
    watcher = watched.watch()
    watched.run(watcher, 40)
    path.write_text(report(1))
    watched.run(watcher, 0.6)  # though the next try was up to 30 s away
    assert watched.ingestor.taken == ["r.json"]


def test_a_file_cut_long_ago_is_quarantined_at_once(watched: Watched) -> None:
    watched.write("evaluation_report.json", report(1)[:-10])
    watched.wall.now += 3_600
    [outcome] = watched.run(watched.watch())
    assert (outcome.state, outcome.reason[:10]) == (FileState.QUARANTINED, "truncated?")
    assert "it is read again when it changes" in outcome.hint


def test_patience_can_be_short(watched: Watched) -> None:
    watched.write("r.json", report(1)[:-10])
    watcher = watched.watch(patience_s=3.0)
    watched.run(watcher, 4.0)
    assert watched.state("r.json") is FileState.QUARANTINED
    assert watcher.idle


def test_an_empty_file_with_a_reports_name_is_shown_and_given_up(watched: Watched) -> None:
    path = watched.root / "evaluation_report.json"
    path.touch()
    watcher = watched.watch()
    watched.run(watcher)
    assert watched.state(path.name) is FileState.SETTLING
    watched.run(watcher, 303)
    assert watched.state(path.name) is FileState.QUARANTINED


def test_a_change_while_it_is_read_is_waited_for(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = watched.write("r.json", report(1))
    watched.wall.now += 3_600

    def read_and_change(*args: object, **kwargs: object) -> FileBytes:
        monkeypatch.undo()
        path.write_text(report(22))
        return read_file(*args, **kwargs)  # type: ignore[arg-type]

    watcher = watched.watch()
    monkeypatch.setattr(intake, "read_file", read_and_change)
    assert watched.run(watcher) == []
    watched.run(watcher, 0.5)
    assert watched.ingestor.taken == ["r.json"]
    assert b"eval-22" in watched.ingestor.files[0].file.data


# -- what is no report ---------------------------------------------------------------------------


def test_other_files_are_counted_and_not_listed(watched: Watched) -> None:
    watched.write("notes.txt", "x")
    watched.write("data.json", '{"some": "thing"}')
    watched.write("image.png", "\x89PNG")
    watcher = watched.watch()
    assert watched.run(watcher, 2) == []
    status = watcher.status()
    assert (status.ignored, status.pending, status.failed) == (3, 0, 0)
    assert watched.journal.rows_since(0) == []
    assert watched.ingestor.taken == []


def test_a_report_that_was_no_report_before_is_taken(watched: Watched) -> None:
    watched.write("r.json", "{")
    watcher = watched.watch()
    watched.run(watcher, 1)
    assert watched.state("r.json") is FileState.IGNORED
    watched.write("r.json", report(1))
    watched.run(watcher, 2)
    assert watched.ingestor.taken == ["r.json"]


def test_a_report_name_without_a_report_is_handed_over_to_be_listed(watched: Watched) -> None:
    watched.write("evaluation_report.json", '{"some": "thing"}')
    watched.run(watched.watch(), 2)
    assert watched.ingestor.taken == ["evaluation_report.json"]


def test_a_directory_with_a_reports_name_has_one_line_and_its_files_are_taken(
    watched: Watched,
) -> None:
    watched.write("evaluation_report.json/evaluation_report.json", app_report({"a": "t"}))
    watcher = watched.watch()
    outcomes = watched.run(watcher, 3)
    row = watched.row("evaluation_report.json")
    assert (row.state, row.reason) == (
        FileState.QUARANTINED,
        "a directory bears a report's name",
    )
    assert [o.state for o in outcomes] == [FileState.QUARANTINED, FileState.PARSED]
    (watched.root / "evaluation_report.json").rename(watched.root / "run")
    watched.run(watcher, 2)
    assert watched.state("evaluation_report.json") is None
    assert watched.state("run/evaluation_report.json") is FileState.PARSED


def test_a_fifo_with_a_reports_name_blocks_nothing(watched: Watched) -> None:
    os.mkfifo(watched.root / "evaluation_report.json")
    watched.write("r.json")
    watcher = watched.watch()
    watched.run(watcher, 1)
    assert watched.ingestor.taken == ["r.json"]
    assert watched.state("evaluation_report.json") is None


def test_a_file_that_turns_into_a_fifo_blocks_nothing(watched: Watched) -> None:
    path = watched.write("evaluation_report.json", report(1)[:-5])
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    path.unlink()
    os.mkfifo(path)
    watched.run(watcher, 5)
    assert watched.state(path.name) is FileState.VANISHED
    assert watcher.idle


def test_links_out_of_the_root_are_not_read(watched: Watched) -> None:
    secret = watched.base / "secret.json"
    secret.write_text(report(1))
    (watched.root / "evaluation_report.json").symlink_to(secret)
    watched.run(watched.watch(), 2)
    assert watched.ingestor.taken == []


def test_a_report_over_the_limit_is_handed_over_without_its_bytes(watched: Watched) -> None:
    path = watched.write("r.json", report(1, cases=[CASE] * 2_000))
    [outcome] = watched.run(watched.watch(max_report_bytes=10_000), 5)
    assert outcome.state is FileState.PARSED
    (taken,) = watched.ingestor.files
    assert not taken.file.held
    assert len(taken.file.data) == readers.HEAD_BYTES < path.stat().st_size
    assert taken.file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["r.json", "evaluation_report.json"])
def test_what_cannot_be_read_in_pieces_is_quarantined_with_its_size(
    watched: Watched, name: str
) -> None:
    long = "x" * 2_000_000
    watched.write(name, report(1, padding=long) if name == "r.json" else json.dumps([long]))
    [outcome] = watched.run(watched.watch(max_report_bytes=1_000_000), 5)
    assert outcome.state is FileState.QUARANTINED
    assert "the limit is 1.0 MB" in outcome.reason
    assert watched.state(name) is FileState.QUARANTINED


@pytest.mark.parametrize("change", ["rewritten", "gone"])
def test_a_large_report_that_changes_between_its_two_readings_is_read_anew(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = watched.write("r.json", report(1, cases=[CASE] * 2_000))
    watcher = watched.watch(max_report_bytes=10_000)

    def hash_and_change(*args: object, **kwargs: object) -> FileBytes:
        found = read_file(*args, **kwargs)  # type: ignore[arg-type]
        monkeypatch.setattr(intake, "read_file", read_file)
        if change == "gone":
            path.unlink()
        else:
            watched.write("r.json", report(2, cases=[CASE] * 2_000))
        return found

    monkeypatch.setattr(intake, "read_file", hash_and_change)
    outcomes = watched.run(watcher, 5)
    if change == "gone":
        assert [outcome.state for outcome in outcomes] == [FileState.VANISHED]
        assert watched.ingestor.taken == []
    else:
        assert [outcome.state for outcome in outcomes] == [FileState.PARSED]
        assert (
            watched.ingestor.files[0].file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        )


def test_a_large_report_that_is_cut_off_settles_on_as_a_small_one_does(watched: Watched) -> None:
    whole = report(1, cases=[CASE] * 2_000)
    watched.write("r.json", whole[:-2])
    watcher = watched.watch(max_report_bytes=10_000)
    assert watched.run(watcher, 3) == []
    row = watched.row("r.json")
    assert row.state is FileState.SETTLING
    assert row.reason.startswith("truncated: ")
    watched.write("r.json", whole)
    assert [outcome.state for outcome in watched.run(watcher, 5)] == [FileState.PARSED]


def test_companions_are_handed_over_while_young_and_never_listed(watched: Watched) -> None:
    watched.write("evaluation_report.json", app_report({"a": "t"}))
    watcher = watched.watch()
    watched.run(watcher, 1)
    watched.write("EVALUATION_REPORT.md", "# late")
    watched.run(watcher, 2)
    assert watched.ingestor.taken == ["evaluation_report.json", "EVALUATION_REPORT.md"]
    assert [row.path for row in watched.journal.rows_since(0)] == [
        str(watched.root / "evaluation_report.json")
    ]


def test_companions_that_are_there_go_with_the_report(watched: Watched) -> None:
    watched.write("evaluation_report.json", app_report({"a": "t"}))
    watched.write("EVALUATION_REPORT.md", "# here")
    watched.wall.now += 3_600
    watched.run(watched.watch())
    [file] = watched.ingestor.files
    assert dict(file.neighbours) == {"EVALUATION_REPORT.md": b"# here"}
    assert watched.row("EVALUATION_REPORT.md").role is FileRole.COMPANION


def test_a_file_that_trips_the_program_up_stops_the_watch_once_only(watched: Watched) -> None:
    watched.write("bad.json", report(1))
    watched.write("good.json", report(2))
    watched.wall.now += 3_600
    watcher = watched.watch()
    watched.ingestor.fail_with = [RecursionError("too deep")]
    with pytest.raises(RecursionError):
        watcher.step()
    watched.run(watcher, 2)
    [taken] = watched.ingestor.taken
    bad = next(name for name in ("bad.json", "good.json") if name != taken)
    row = watched.row(bad)
    assert (row.state, row.reason) == (FileState.QUARANTINED, "internal error: RecursionError")
    assert watcher.idle


_PIECES = st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"schema": "evaltui.report/1"', b'"metrics":', b"[]", b"null", b",",
     b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"a"', b":", b"1e999", b"NaN", b"9" * 400, b"\n",
     b"<x>"]
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(_PIECES, max_size=12).map(b"".join), min_size=1, max_size=6))
def test_whatever_bytes_come_every_file_ends_somewhere(contents: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        watched = Watched(Path(folder))
        names = [f"evaluation_report_2026010{n}_000000.json" for n in range(len(contents))]
        for name, data in zip(names, contents, strict=True):
            (watched.root / name).write_bytes(data)
        watcher = watched.watch(patience_s=1.0)
        watched.run(watcher, 4)
        assert watcher.idle
        ends = {FileState.PARSED, FileState.QUARANTINED, FileState.IGNORED}
        assert all(watched.state(name) in ends for name in names)
        watched.close()


# -- what cannot be read -------------------------------------------------------------------------


def failing(number: int) -> Callable[..., bytes]:
    def read(*_: object, **__: object) -> bytes:
        raise OSError(number, os.strerror(number))

    return read


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
@pytest.mark.parametrize("functions", [("read_head", "read_file"), ("read_file",)])
def test_an_unreadable_report_is_tried_for_ten_minutes(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, number: int, functions: tuple[str, ...]
) -> None:
    for function in functions:
        monkeypatch.setattr(intake, function, failing(number))
    path = watched.write("evaluation_report.json", app_report({"a": "t"}))
    watcher = watched.watch()
    watched.run(watcher, 1)
    row = watched.row(path.name)
    assert row.state is FileState.SETTLING
    assert row.reason == f"cannot be read: {os.strerror(number)}"
    assert row.retry_at_s is not None
    watched.run(watcher, 590)
    assert watched.state(path.name) is FileState.SETTLING
    [outcome] = watched.run(watcher, 15)
    assert outcome.state is FileState.QUARANTINED
    assert "permissions" in outcome.hint
    monkeypatch.undo()
    path.chmod(0o600 if path.stat().st_mode & 0o777 != 0o600 else 0o644)
    watched.run(watcher, 2)
    assert watched.state(path.name) is FileState.PARSED


def test_an_unreadable_file_that_becomes_readable_is_taken(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "read_head", failing(errno.EIO))
    monkeypatch.setattr(intake, "read_file", failing(errno.EIO))
    watched.write("r.json", report(1))
    watcher = watched.watch()
    watched.run(watcher, 5)
    assert watched.state("r.json") is FileState.SETTLING
    monkeypatch.undo()
    watched.run(watcher, 31)
    assert watched.ingestor.taken == ["r.json"]


def test_an_unreadable_file_of_another_kind_has_no_line(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "read_head", failing(errno.EACCES))
    watched.write("key.pem", "secret")
    watcher = watched.watch()
    watched.run(watcher, 1)
    assert watched.journal.rows_since(0) == []
    assert watched.state("key.pem") is FileState.IGNORED
    assert watcher.idle


# -- what goes away or gets another name ---------------------------------------------------------


def test_a_report_that_vanishes_before_it_was_read_says_so(watched: Watched) -> None:
    path = watched.write("r.json", report(1))
    watcher = watched.watch()
    watched.run(watcher)
    path.unlink()
    [outcome] = watched.run(watcher, 1)
    assert outcome.state is FileState.VANISHED
    assert watched.row("r.json").reason == "vanished before it could be read"
    assert watcher.idle
    watched.write("r.json", report(1))
    watched.run(watcher, 2)
    assert watched.state("r.json") is FileState.PARSED


def test_a_report_that_vanishes_after_it_was_read_keeps_its_row(watched: Watched) -> None:
    path = watched.write("r.json", report(1))
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    path.unlink()
    assert watched.run(watcher, 2) == []
    assert watched.state("r.json") is FileState.PARSED


def test_a_quarantined_or_ignored_file_that_is_gone_leaves_no_row(watched: Watched) -> None:
    cut = watched.write("evaluation_report.json", report(1)[:-5])
    note = watched.write("notes.txt", "x")
    watched.wall.now += 3_600
    watcher = watched.watch()
    watched.run(watcher)
    assert watched.state(cut.name) is FileState.QUARANTINED
    cut.unlink()
    note.unlink()
    watched.run(watcher, 2)
    assert (watched.state(cut.name), watched.state(note.name)) == (None, None)


def test_a_renamed_report_keeps_its_row_and_is_not_read_again(watched: Watched) -> None:
    path = watched.write("evaluation_report.json", app_report({"a": "t"}))
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    before = watched.row(path.name)
    path.rename(watched.root / "evaluation_report_20260101_000000.json")
    watched.run(watcher, 2)
    after = watched.row("evaluation_report_20260101_000000.json")
    assert (after.file_id, after.state) == (before.file_id, before.state)
    assert watched.ingestor.taken == [path.name]
    assert watched.state(path.name) is None


def test_a_report_renamed_while_it_settles_is_taken_under_its_new_name(
    watched: Watched,
) -> None:
    path = watched.write("r.json", report(1))
    watcher = watched.watch()
    watched.run(watcher)
    path.rename(watched.root / "s.json")
    outcomes = watched.run(watcher, 1)
    assert [(Path(o.path).name, o.state) for o in outcomes] == [("s.json", FileState.PARSED)]
    assert watched.state("r.json") is None


def test_a_file_whose_new_name_makes_it_a_report_is_looked_at_again(watched: Watched) -> None:
    path = watched.write("draft.json", '{"some": "thing"}')
    watcher = watched.watch()
    watched.run(watcher, 1)
    path.rename(watched.root / "evaluation_report.json")
    watched.run(watcher, 2)
    assert watched.ingestor.taken == ["evaluation_report.json"]
    assert watched.state("draft.json") is None


def test_a_report_moved_over_another_is_read_there(watched: Watched) -> None:
    a = watched.write("a.json", report(1))
    watched.write("b.json", report(22))
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    a.replace(watched.root / "b.json")
    watched.run(watcher, 2)
    assert sorted(watched.ingestor.taken) == ["a.json", "b.json", "b.json"]
    assert watched.ingestor.files[-1].file.data == report(1).encode()


def test_a_copy_with_an_older_time_is_read(watched: Watched) -> None:
    path = watched.write("r.json", report(1))
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    path.write_text(report(22))
    os.utime(path, (1_000, 1_000))
    watched.run(watcher, 2)
    assert b"eval-22" in watched.ingestor.files[-1].file.data
