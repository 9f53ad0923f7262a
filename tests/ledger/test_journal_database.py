from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from journal_kit import new_entry, stamp, with_artifacts

from evaltui.domain.events import FileState
from evaltui.domain.plan import ArtifactFile
from evaltui.errors import ExitCode, JournalError
from evaltui.ledger import database, entries
from evaltui.ledger.journal import Journal
from evaltui.ledger.schema import VERSION


def test_directory_and_file_are_private(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a" / "j")
    assert stat.S_IMODE(journal.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN)
    for path in journal.directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_journal_is_new_once_and_keeps_its_name_and_rows(tmp_path: Path) -> None:
    first = Journal(tmp_path / "j", scope="sqlite / evals")
    first.record(stamp("/r/a"), root="/r", state=FileState.SEEN)
    first.begin(new_entry())
    first.close()
    second = Journal(tmp_path / "j", scope="sqlite / evals")
    assert (first.is_new, second.is_new) == (True, False)
    assert first.journal_id == second.journal_id
    assert len(second.rows_since(0)) == 1
    assert second.open_count() == 1
    assert Journal(tmp_path / "other").journal_id != first.journal_id


def test_all_that_was_committed_survives_kill_9(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path\n"
        "from journal_kit import new_entry, stamp\n"
        "from evaltui.domain.events import FileState\n"
        "from evaltui.ledger.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "journal.begin(new_entry())\n"
        "journal.record(stamp('/r/a.json'), root='/r', state=FileState.PARSED, parts=('c',))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "j"), str(Path(__file__).parent)]
    assert subprocess.run([*command, *sys.path], check=False).returncode == -9
    journal = Journal(tmp_path / "j")
    assert journal.open_count() == 1
    assert [row.path for row in journal.rows_since(0)] == ["/r/a.json"]


def test_a_file_that_is_no_database_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "journal.db").write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(JournalError, match=r"journal\.db cannot be opened") as caught:
        Journal(tmp_path / "j")
    assert "move it aside" in str(caught.value.hint)
    assert caught.value.exit_code is ExitCode.USAGE


def test_damage_that_is_met_later_is_a_journal_error_too(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    for number in range(500):
        journal.record(stamp(f"/r/{number}"), root="/r", state=FileState.SEEN, reason="x" * 200)
    journal.close()
    path = tmp_path / "j" / "journal.db"
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xa5" * (len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(JournalError):  # noqa: PT012 - whichever meets it first
        damaged = Journal(tmp_path / "j")
        damaged.rows_since(0)
        damaged.record(stamp("/r/1"), root="/r", state=FileState.FINISHED)


def test_a_journal_of_a_newer_evaltui_is_refused_and_left_alone(tmp_path: Path) -> None:
    Journal(tmp_path / "j").close()
    with sqlite3.connect(tmp_path / "j" / "journal.db") as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(JournalError, match="newer evaltui") as caught:
        Journal(tmp_path / "j")
    assert "update evaltui" in str(caught.value.hint)
    with sqlite3.connect(tmp_path / "j" / "journal.db") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)


def test_a_directory_that_cannot_be_made_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be opened") as caught:
        Journal(tmp_path / "file" / "j")
    assert "EVALTUI_STATE_DIR" in str(caught.value.hint)


def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN)
    pages = journal._read("PRAGMA page_count")[0][0]
    journal._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(JournalError, match="full") as caught:  # noqa: PT012 - until it is full
        for number in range(1000):
            journal.record(stamp(f"/r/{number}"), root="/r", state=FileState.SEEN, reason="x" * 999)
    assert "free some disk space" in str(caught.value.hint)
    assert journal.file("/r/a") is not None
    journal._db.execute("PRAGMA max_page_count=1000000")
    journal.record(stamp("/r/b"), root="/r", state=FileState.SEEN)


def test_a_change_that_fails_half_way_is_taken_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    with pytest.raises(RuntimeError), journal._write() as db:  # noqa: PT012
        db.execute("INSERT INTO meta VALUES ('x', 'y')")
        raise RuntimeError
    assert journal._read("SELECT 1 FROM meta WHERE key='x'") == []
    journal.record(stamp("/r/b"), root="/r", state=FileState.SEEN)


def test_a_locked_journal_is_told_as_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    journal = Journal(tmp_path / "j")
    other = sqlite3.connect(journal.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked") as caught:
        journal.record(stamp("/r/b"), root="/r", state=FileState.SEEN)
    assert "another process" in str(caught.value.hint)
    other.execute("ROLLBACK")
    journal.record(stamp("/r/b"), root="/r", state=FileState.SEEN)


def test_many_writers_use_every_sequence_number_once(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[3:]\n"
        "from pathlib import Path\n"
        "from journal_kit import stamp\n"
        "from evaltui.domain.events import FileState\n"
        "from evaltui.ledger.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "for number in range(40):\n"
        "    journal.record(stamp(f'/r/{sys.argv[2]}/{number}'), root='/r', state=FileState.SEEN)\n"
    )
    arguments = [str(Path(__file__).parent), *sys.path]
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "j"), name, *arguments])
        for name in "abc"
    ]
    assert [writer.wait(180) for writer in writers] == [0, 0, 0]
    rows = Journal(tmp_path / "j").rows_since(0)
    assert sorted(row.seq for row in rows) == list(range(1, 121))


def test_one_journal_may_be_used_by_several_threads(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(50):
                journal.record(stamp(f"/r/{name}{number}"), root="/r", state=FileState.SEEN)
                journal.rows_since(0)
        except BaseException as error:  # noqa: BLE001 - told to the test's thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert journal.last_seq() == 200


def test_large_artifacts_are_files_for_as_long_as_an_entry_refers_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "LARGE_BYTES", 10)
    journal = Journal(tmp_path / "j")
    small, large = ArtifactFile("s", data=b"x" * 10), ArtifactFile("l", data=b"y" * 11)
    first = journal.begin(with_artifacts(small, large))
    assert first is not None
    assert journal.entry(first.entry_id) == first
    (kept,) = (tmp_path / "j" / "kept").iterdir()
    found = {file.path: (file.data, file.local_path) for file in first.plan.artifacts}
    assert found == {"s": (b"x" * 10, None), "l": (None, kept)}
    assert kept.read_bytes() == b"y" * 11
    assert kept.stat().st_mode & 0o777 == 0o600
    other = journal.begin(with_artifacts(large, content_id="other"))
    assert other is not None
    journal.deactivate(first.entry_id, FileState.SUPERSEDED)
    assert kept.exists()  # the other one has the same
    journal.deactivate(other.entry_id, FileState.SUPERSEDED)
    assert not kept.exists()
    (kept.parent / "orphan").write_bytes(b"of a process that died")
    journal.shrink()
    assert list(kept.parent.iterdir()) == []


def test_a_disk_that_takes_no_large_artifact_is_an_error_and_begins_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "LARGE_BYTES", 10)
    journal = Journal(tmp_path / "j")
    (tmp_path / "j" / "kept").write_text("in the way")
    with pytest.raises(JournalError, match="cannot be written"):
        journal.begin(with_artifacts(ArtifactFile("l", data=b"y" * 11)))
    assert journal.open_count() == 0


def test_the_space_of_finished_reports_is_given_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    files = [ArtifactFile(f"{n}.json", data=b"x" * 3_000_000) for n in range(6)]
    entry = journal.begin(with_artifacts(*files))
    assert entry is not None
    assert journal.claim(entry.entry_id)
    assert journal.advance(entry.entry_id, FileState.FINISHED)
    pages = journal._read("PRAGMA page_count")[0][0]
    journal.shrink()
    assert isinstance(pages, int)
    assert journal._read("PRAGMA page_count") < [(pages // 10,)]
    journal.shrink()
    journal.close()
    assert journal.path.stat().st_size < 1_000_000


def test_on_a_shared_file_system_the_journal_does_without_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "network_type", lambda _: "nfs4")
    journal = Journal(tmp_path / "j")
    assert journal.is_shared
    assert journal._read("PRAGMA journal_mode") == [("delete",)]
    journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN)
    assert [path.name for path in journal.directory.iterdir()] == ["journal.db"]


def test_a_journal_of_the_first_version_is_brought_up_to_date_and_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.begin(new_entry())
    journal.close()
    with sqlite3.connect(tmp_path / "j" / "journal.db") as db:
        db.execute("DROP INDEX entries_replacing")
        db.execute("PRAGMA user_version=1")
    again = Journal(tmp_path / "j")
    assert not again.is_new
    assert again.open_count() == 1
    assert again._read("PRAGMA user_version") == [(VERSION,)]
    assert again._read("SELECT 1 FROM sqlite_master WHERE name='entries_replacing'") == [(1,)]


@pytest.mark.parametrize(
    "ask",
    [
        lambda journal: journal.successors(7),
        lambda journal: journal.joined_entry("c"),
        lambda journal: journal.active_entry("c"),
        lambda journal: journal.latest_entry("c"),
        lambda journal: journal.entries_of("/r/a.json"),
        lambda journal: journal.entry_of_run("r"),
        lambda journal: journal.due(5.0),
        lambda journal: journal.file("/r/a.json"),
        lambda journal: journal.parts("/r/a.json"),
        lambda journal: journal.standing("/r/a.json", ["c"]),
        lambda journal: journal.next_due(),
        lambda journal: journal.open_count(),
    ],
)
def test_no_question_of_every_report_walks_through_all_of_them(
    tmp_path: Path, ask: Callable[[Journal], object]
) -> None:
    journal = Journal(tmp_path / "j")
    asked: list[str] = []
    journal._db.set_trace_callback(asked.append)
    ask(journal)
    journal._db.set_trace_callback(None)
    assert asked
    for sql in asked:
        for step in journal._db.execute(f"EXPLAIN QUERY PLAN {sql}"):
            assert not str(step[3]).startswith(("SCAN entries", "SCAN files")) or (
                "USING" in str(step[3])
            ), (sql, step)
