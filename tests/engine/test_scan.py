from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from evaltui.domain.stamp import FileStamp
from evaltui.engine.roots import WatchRoot
from evaltui.engine.scan import Gone, Scanner, ScanResult
from evaltui.engine.walk import pack, unpack


def root(path: Path, pattern: str | None = None, mode: str | None = None) -> WatchRoot:
    return WatchRoot(path, pattern, mode)


def names(result: ScanResult, base: Path) -> list[str]:
    return sorted(str(s.path.relative_to(base)) for s in result.new_or_changed)


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_files_at_any_depth_are_new_once(tmp_path: Path) -> None:
    write(tmp_path / "a.json")
    write(tmp_path / "x/y/z/b.json")
    scanner = Scanner([root(tmp_path)])
    first = scanner.scan()
    assert names(first, tmp_path) == ["a.json", "x/y/z/b.json"]
    assert first.total_files == 2
    second = scanner.scan()
    assert (second.new_or_changed, second.vanished, second.renamed) == ([], [], [])


def test_a_stamp_is_what_stat_says(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json")
    scanner = Scanner([root(tmp_path)])
    expected = FileStamp.of(path, path.stat())
    assert scanner.scan().new_or_changed == [expected]
    assert scanner.stamp(path) == expected
    assert scanner.stamp(tmp_path / "b.json") is None


def test_changed_bytes_times_and_modes_are_changes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", "1")
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    write(path, "22")
    assert names(scanner.scan(), tmp_path) == ["a.json"]
    os.utime(path, (0, 0))
    assert names(scanner.scan(), tmp_path) == ["a.json"]
    path.chmod(0o600 if path.stat().st_mode & 0o777 != 0o600 else 0o644)
    assert names(scanner.scan(), tmp_path) == ["a.json"]


def test_a_copy_with_an_older_time_replaces_and_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "in/a.json", "1")
    old = write(tmp_path / "old.json", "2")
    os.utime(old, (1_000, 1_000))
    scanner = Scanner([root(tmp_path / "in")])
    scanner.scan()
    shutil.copy2(old, path)
    found = scanner.scan()
    assert names(found, tmp_path) == ["in/a.json"]
    assert found.new_or_changed[0].mtime_ns == 1_000 * 10**9


def test_a_file_put_in_place_whole_is_told_from_one_being_written(tmp_path: Path) -> None:
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    written = write(tmp_path / "written.json")
    moved = write(tmp_path / "moved.json.tmp")
    os.utime(moved, (1_000, 1_000))
    moved.rename(tmp_path / "moved.json")
    found = scanner.scan()
    assert names(found, tmp_path) == ["moved.json", "written.json"]
    assert found.placed == {tmp_path / "moved.json"}
    written.chmod(0o640)  # a later change of permissions puts nothing in place
    assert scanner.scan().placed == frozenset()


def test_an_atomic_replacement_is_one_change_in_place(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", "old")
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    other = write(tmp_path / "a.json.tmp", "new")
    os.utime(other, (1_000, 1_000))
    other.replace(path)
    found = scanner.scan()
    assert (names(found, tmp_path), found.vanished, found.renamed) == (["a.json"], [], [])
    assert found.placed == {path}


def test_a_vanished_file_is_told_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json")
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    path.unlink()
    assert scanner.scan().vanished == [path]
    assert scanner.scan().vanished == []


def test_a_rename_is_followed_not_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json")
    write(tmp_path / "sub/keep.json")
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    path.rename(tmp_path / "sub/b.json")
    found = scanner.scan()
    assert found.renamed == [(path, tmp_path / "sub/b.json")]
    assert (found.new_or_changed, found.vanished) == ([], [])


def test_a_chain_of_renames_comes_in_an_order_that_frees_each_name(tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path / f"{name}.json", name * 3 + name)
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    (tmp_path / "c.json").rename(tmp_path / "d.json")
    (tmp_path / "b.json").rename(tmp_path / "c.json")
    (tmp_path / "a.json").rename(tmp_path / "b.json")
    write(tmp_path / "a.json", "new")
    found = scanner.scan()
    moves = [(old.name, new.name) for old, new in found.renamed]
    assert moves == [("c.json", "d.json"), ("b.json", "c.json"), ("a.json", "b.json")]
    assert names(found, tmp_path) == ["a.json"]
    assert found.vanished == []


def test_two_files_that_swap_names_are_read_again(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a.json", "a"), write(tmp_path / "b.json", "b")
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    a.rename(tmp_path / "t.json")
    b.rename(a)
    (tmp_path / "t.json").rename(b)
    found = scanner.scan()
    assert names(found, tmp_path) == ["a.json", "b.json"]
    assert found.vanished == []


def test_a_renamed_folder_moves_all_its_files(tmp_path: Path) -> None:
    for n in range(20):
        write(tmp_path / f"run.new/{n}.json", str(n))
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    (tmp_path / "run.new").rename(tmp_path / "run")
    found = scanner.scan()
    assert len(found.renamed) == 20
    assert all(old.name == new.name for old, new in found.renamed)


def test_a_file_moved_out_of_the_root_has_vanished(tmp_path: Path) -> None:
    path = write(tmp_path / "in/a.json")
    scanner = Scanner([root(tmp_path / "in")])
    scanner.scan()
    path.rename(tmp_path / "a.json")
    assert scanner.scan().vanished == [path]


def test_hard_links_are_two_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json")
    (tmp_path / "b.json").hardlink_to(path)
    assert names(Scanner([root(tmp_path)]).scan(), tmp_path) == ["a.json", "b.json"]


def test_temporary_dotted_and_skipped_names_do_not_count(tmp_path: Path) -> None:
    for name in ("a.tmp", "a~", ".hidden.json", ".dir/a.json", "node_modules/a.json", "mlruns/x/m"):
        write(tmp_path / name)
    write(tmp_path / "keep.json")
    found = Scanner([root(tmp_path)]).scan()
    assert names(found, tmp_path) == ["keep.json"]
    assert found.total_files == 1


def test_dotted_names_count_where_a_reader_wants_them(tmp_path: Path) -> None:
    write(tmp_path / ".latest_test_run.json")
    write(tmp_path / ".deepeval/.latest_test_run.json")
    write(tmp_path / ".other")
    scanner = Scanner(
        [root(tmp_path)], wants_dot=lambda name: name in {".latest_test_run.json", ".deepeval"}
    )
    assert names(scanner.scan(), tmp_path) == [
        ".deepeval/.latest_test_run.json",
        ".latest_test_run.json",
    ]


def test_a_root_with_a_skipped_name_is_watched_all_the_same(tmp_path: Path) -> None:
    write(tmp_path / "mlruns/a.json")
    write(tmp_path / ".venv/x/b.json")
    scanner = Scanner([root(tmp_path / "mlruns"), root(tmp_path / ".venv/x"), root(tmp_path)])
    assert names(scanner.scan(), tmp_path) == [".venv/x/b.json", "mlruns/a.json"]


def test_globs_keep_to_their_files_and_dead_branches_are_not_walked(tmp_path: Path) -> None:
    for name in ("2026-01/r.json", "2026-01/r.txt", "2025-01/r.json", "r.json"):
        write(tmp_path / name)
    (tmp_path / "2025-01").chmod(0)
    try:
        found = Scanner([root(tmp_path, "2026-*/*.json")]).scan()
    finally:
        (tmp_path / "2025-01").chmod(0o755)
    assert names(found, tmp_path) == ["2026-01/r.json"]
    assert found.problems == []


def test_overlapping_roots_report_a_file_once(tmp_path: Path) -> None:
    write(tmp_path / "a/b/r.json")
    scanner = Scanner([root(tmp_path), root(tmp_path / "a", "b/*"), root(tmp_path / "a/b")])
    assert names(scanner.scan(), tmp_path) == ["a/b/r.json"]


def test_special_files_are_counted_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "report.json")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.json"))
        found = Scanner([root(tmp_path)]).scan()
    assert (found.special_files, found.new_or_changed) == (2, [])


def test_a_directory_with_a_files_name_is_noted_and_walked(tmp_path: Path) -> None:
    write(tmp_path / "evaluation_report.json/evaluation_report.json")
    scanner = Scanner([root(tmp_path)], file_name=lambda name: name == "evaluation_report.json")
    found = scanner.scan()
    assert found.disguised == [tmp_path / "evaluation_report.json"]
    assert names(found, tmp_path) == ["evaluation_report.json/evaluation_report.json"]


def test_links_are_followed_inside_the_root_and_not_out_of_it(tmp_path: Path) -> None:
    write(tmp_path / "out/secret.json")
    write(tmp_path / "in/node_modules/pkg/r.json")
    (tmp_path / "in/leak.json").symlink_to(tmp_path / "out/secret.json")
    (tmp_path / "in/leaks").symlink_to(tmp_path / "out")
    (tmp_path / "in/linked").symlink_to("node_modules/pkg")
    found = Scanner([root(tmp_path / "in")]).scan()
    assert names(found, tmp_path) == ["in/linked/r.json"]
    assert found.leaks == [tmp_path / "in/leaks"]


def test_a_link_to_a_file_that_is_watched_itself_is_no_second_file(tmp_path: Path) -> None:
    write(tmp_path / "runs/r1.json")
    (tmp_path / "latest.json").symlink_to("runs/r1.json")
    scanner = Scanner([root(tmp_path)])
    assert names(scanner.scan(), tmp_path) == ["runs/r1.json"]
    assert names(scanner.look([str(tmp_path / "latest.json")]), tmp_path) == []


def test_loops_of_links_end(tmp_path: Path) -> None:
    write(tmp_path / "a/b/r.json")
    (tmp_path / "a/b/up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "gone").symlink_to("nothing")
    found = Scanner([root(tmp_path)]).scan()
    assert names(found, tmp_path) == ["a/b/r.json"]
    assert found.problems == []


def test_a_root_that_is_a_link_is_watched_under_its_own_name(tmp_path: Path) -> None:
    write(tmp_path / "real/r.json")
    (tmp_path / "link").symlink_to("real")
    scanner = Scanner([root(tmp_path / "link")])
    assert names(scanner.scan(), tmp_path) == ["link/r.json"]
    write(tmp_path / "real/s.json")
    assert names(scanner.look([str(tmp_path / "link/s.json")]), tmp_path) == ["link/s.json"]


def test_a_link_to_a_folder_that_comes_while_watched_names_no_report_twice(tmp_path: Path) -> None:
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    (tmp_path / "loop").symlink_to(".")
    path = write(tmp_path / "r.json")
    found = scanner.look([str(tmp_path / "loop"), str(path)])
    assert names(found, tmp_path) == ["r.json"]
    assert names(scanner.scan(), tmp_path) == []


def test_a_missing_root_is_told_and_found_when_it_appears(tmp_path: Path) -> None:
    scanner = Scanner([root(tmp_path / "later")])
    assert scanner.scan().missing_roots == [tmp_path / "later"]
    write(tmp_path / "later/r.json")
    found = scanner.scan()
    assert (names(found, tmp_path), found.missing_roots) == (["later/r.json"], [])


def test_a_root_deleted_and_made_again_is_new(tmp_path: Path) -> None:
    path = write(tmp_path / "in/r.json")
    scanner = Scanner([root(tmp_path / "in")])
    scanner.scan()
    shutil.rmtree(tmp_path / "in")
    assert scanner.scan().vanished == [path]
    write(path)
    assert names(scanner.scan(), tmp_path) == ["in/r.json"]


def test_a_root_that_became_a_file_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path / "in")
    assert Scanner([root(tmp_path / "in")]).scan().problems == [
        (tmp_path / "in", "is a file, not a directory")
    ]


def test_what_lies_below_an_unreadable_folder_is_neither_gone_nor_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "x/deep/r.json")
    write(tmp_path / "r.json")
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    real = os.scandir

    def scandir(path: str) -> object:
        if path == str(tmp_path / "x"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = scanner.scan()
    assert found.problems == [(tmp_path / "x", "Permission denied")]
    assert (found.vanished, found.new_or_changed) == ([], [])
    monkeypatch.undo()
    assert scanner.scan().new_or_changed == []


def test_names_that_are_not_utf8_are_problems(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"r\xff.json")).write_text("x")
        (tmp_path / os.fsdecode(b"d\xff")).mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    found = Scanner([root(tmp_path)]).scan()
    assert {why for _, why in found.problems} == {"its name is not UTF-8"}
    assert len(found.problems) == 2
    assert found.new_or_changed == []


def test_remembered_versions_are_not_new(tmp_path: Path) -> None:
    known, changed = write(tmp_path / "a.json"), write(tmp_path / "b.json")
    stamps = [FileStamp.of(p, p.stat()) for p in (known, changed)]
    write(changed, "longer")
    scanner = Scanner([root(tmp_path)])
    scanner.remember(stamps)
    assert names(scanner.scan(), tmp_path) == ["b.json"]
    scanner.forget([known])
    assert names(scanner.scan(), tmp_path) == ["a.json"]


def test_remembered_versions_outside_of_the_roots_are_left(tmp_path: Path) -> None:
    outside = write(tmp_path / "out/a.json")
    (tmp_path / "in").mkdir()
    scanner = Scanner([root(tmp_path / "in")])
    scanner.remember([FileStamp.of(outside, outside.stat())])
    outside.unlink()
    assert scanner.scan().vanished == []


def test_a_look_sees_what_a_scan_would_see_of_these_paths(tmp_path: Path) -> None:
    old = write(tmp_path / "old.json")
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    old.unlink()
    write(tmp_path / "new/deep/r.json")
    write(tmp_path / "unseen.json")
    found = scanner.look([str(tmp_path / "new"), str(old), str(tmp_path / "never")])
    assert (names(found, tmp_path), found.vanished) == (["new/deep/r.json"], [old])
    assert names(scanner.scan(), tmp_path) == ["unseen.json"]


def test_a_look_follows_a_rename(tmp_path: Path) -> None:
    old, new = write(tmp_path / "a.json"), tmp_path / "b.json"
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    old.rename(new)
    found = scanner.look([str(old), str(new)])
    assert (found.renamed, found.new_or_changed, found.vanished) == ([(old, new)], [], [])
    assert scanner.scan().renamed == []


def test_a_look_minds_globs_skips_links_and_roots(tmp_path: Path) -> None:
    write(tmp_path / "in/x/r.json")
    write(tmp_path / "in/node_modules/r.json")
    write(tmp_path / "in/x/r.txt")
    write(tmp_path / "out/r.json")
    (tmp_path / "in/alias").symlink_to("x")
    scanner = Scanner([root(tmp_path / "in", "**/*.json")])
    paths = ("x/r.txt", "node_modules/r.json", "alias/r.json", "../out/r.json", ".")
    assert scanner.look([str(tmp_path / "in" / p) for p in paths]).new_or_changed == []
    assert scanner.look([str(tmp_path / "out/r.json")]).new_or_changed == []
    assert names(scanner.look([str(tmp_path / "in/x/r.json")]), tmp_path) == ["in/x/r.json"]


class _Odd:
    """A stat() answer with numbers as some network file systems and broken clocks give them."""

    st_size, st_mtime_ns, st_ctime_ns, st_ino, st_dev = 1, 10**20, -(10**20), 2**64 - 5, 3


def test_numbers_beyond_63_bits_have_the_same_stamp_everywhere() -> None:
    stamp = FileStamp.of(Path("/w/a"), _Odd())  # type: ignore[arg-type]
    assert unpack("/w/a", pack(_Odd())) == stamp  # type: ignore[arg-type]
    assert (stamp.mtime_ns, stamp.ctime_ns, stamp.ino) == (2**63 - 1, -(2**63), -5)


def test_a_file_of_another_age_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json")
    for seconds in (10**12, 15_000_000_000, -(10**10)):
        try:
            os.utime(path, (seconds, seconds))
        except OSError:
            continue
        assert names(Scanner([root(tmp_path)]).scan(), tmp_path) == ["a.json"]


def test_restat_tells_present_versions_and_what_is_gone(tmp_path: Path) -> None:
    here, gone = write(tmp_path / "a.json", "1"), write(tmp_path / "b.json")
    folder = write(tmp_path / "c.json")
    scanner = Scanner([root(tmp_path)])
    scanner.scan()
    write(here, "22")
    gone.unlink()
    folder.unlink()
    folder.mkdir()
    assert scanner.restat([here, gone, folder]) == [
        FileStamp.of(here, here.stat()),
        Gone(gone),
        Gone(folder),
    ]
    after = scanner.scan()
    assert (after.new_or_changed, after.vanished) == ([], [gone, folder])


def test_other_roots_keep_what_is_known_of_the_common_files(tmp_path: Path) -> None:
    write(tmp_path / "a/r.json")
    write(tmp_path / "b/r.json")
    scanner = Scanner([root(tmp_path / "a"), root(tmp_path / "b")])
    scanner.scan()
    scanner.set_roots([root(tmp_path / "a")])
    assert scanner.scan().vanished == []
    scanner.set_roots([root(tmp_path)])
    assert names(scanner.scan(), tmp_path) == ["b/r.json"]


class ScansAgreeWithTheFileSystem(RuleBasedStateMachine):
    """What the scans have told, added up, is what is there."""

    NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "e/c", "e/f/c"])

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.base = Path(self.folder.name)
        self.scanner = Scanner([root(self.base)])
        self.told: dict[Path, FileStamp] = {}
        self.number = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(name=NAMES, size=st.integers(0, 3))
    def write(self, name: str, size: int) -> None:
        self.number += 1
        write(self.base / name, f"{self.number}" + "x" * size)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        (self.base / name).unlink(missing_ok=True)

    @rule(old=NAMES, new=NAMES)
    def rename(self, old: str, new: str) -> None:
        if (self.base / old).exists():
            (self.base / new).parent.mkdir(parents=True, exist_ok=True)
            (self.base / old).rename(self.base / new)

    @rule(old=st.sampled_from("de"), new=st.sampled_from("xy"))
    def move_folder(self, old: str, new: str) -> None:
        if (self.base / old).exists() and not (self.base / new).exists():
            (self.base / old).rename(self.base / new)

    @rule(names=st.lists(NAMES, max_size=3))
    def look(self, names: list[str]) -> None:
        self.apply(self.scanner.look([str(self.base / name) for name in names]))

    @rule()
    def scan(self) -> None:
        self.apply(self.scanner.scan())
        there = {
            path: FileStamp.of(path, path.stat()) for path in self.base.rglob("*") if path.is_file()
        }
        assert self.told.keys() == there.keys()
        assert {p: s.ino for p, s in self.told.items()} == {p: s.ino for p, s in there.items()}
        assert {p: s.size for p, s in self.told.items()} == {p: s.size for p, s in there.items()}

    def apply(self, result: ScanResult) -> None:
        for old, new in result.renamed:
            assert new not in self.told
            stamp = self.scanner.stamp(new)
            assert stamp is not None
            assert self.told.pop(old).ino == stamp.ino
            self.told[new] = stamp
        for path in result.vanished:
            del self.told[path]
        for stamp in result.new_or_changed:
            self.told[stamp.path] = stamp

    @precondition(lambda self: self.number > 0)
    @invariant()
    def what_was_told_has_a_known_version(self) -> None:
        assert all(self.scanner.stamp(path) is not None for path in self.told)


TestScansAgreeWithTheFileSystem = ScansAgreeWithTheFileSystem.TestCase
TestScansAgreeWithTheFileSystem.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None
)
