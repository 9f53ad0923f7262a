from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.engine.roots import (
    WatchRoot,
    by_specificity,
    is_temporary,
    merge_roots,
    owner_of,
    parse_root,
)
from evaltui.errors import ConfigError


def test_a_word_is_a_directory_below_the_current_one(tmp_path: Path) -> None:
    assert parse_root("runs", tmp_path) == WatchRoot(tmp_path / "runs", None, None)


def test_a_trailing_slash_and_dots_do_not_make_another_root(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    for text in ("runs/", "./runs", "runs/../runs", str(tmp_path / "runs")):
        assert parse_root(text, tmp_path) == WatchRoot(tmp_path / "runs", None, None)


def test_dots_after_a_link_lead_where_the_kernel_leads(tmp_path: Path) -> None:
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away")
    assert parse_root("link/..", tmp_path).path == tmp_path / "far"


def test_a_mode_stands_before_the_equals_sign(tmp_path: Path) -> None:
    assert parse_root("mcp=runs", tmp_path) == WatchRoot(tmp_path / "runs", None, "mcp")
    assert parse_root("vanilla sdk=/x", tmp_path) == WatchRoot(Path("/x"), None, "vanilla sdk")


def test_an_existing_directory_wins_over_mode_and_glob(tmp_path: Path) -> None:
    for name in ("mcp=runs", "a*b", "[x]"):
        (tmp_path / name).mkdir()
        assert parse_root(name, tmp_path) == WatchRoot(tmp_path / name, None, None)


def test_an_equals_sign_after_a_slash_is_part_of_the_path(tmp_path: Path) -> None:
    assert parse_root("./mcp=runs", tmp_path) == WatchRoot(tmp_path / "mcp=runs", None, None)


def test_a_glob_starts_at_its_last_plain_directory(tmp_path: Path) -> None:
    root = parse_root("mcp=a/b/*/report*.json", tmp_path)
    assert root == WatchRoot(tmp_path / "a" / "b", "*/report*.json", "mcp")
    assert str(root) == str(tmp_path / "a" / "b" / "*" / "report*.json")


def test_the_home_directory_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse_root("~/runs", Path("/")).path == tmp_path / "runs"
    assert parse_root("mcp=~/runs", Path("/")).path == tmp_path / "runs"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("a\0b", "NUL"),
        ("mcp=", "names no directory"),
        ("-x=runs", "no mode name"),
        ("/", "whole file system"),
        ("~nobody-here/x", "no such user"),
        ("a/*/../b", "cannot follow a glob"),
        ("bad\udcff", "UTF-8"),
    ],
)
def test_what_cannot_be_watched_is_refused_with_a_hint(
    text: str, part: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=part) as caught:
        parse_root(text, tmp_path)
    assert caught.value.hint or "NUL" in part or "empty" in part


def test_a_file_is_refused_with_both_ways_out(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(ConfigError, match="is a file") as caught:
        parse_root("report.json", tmp_path)
    assert "evaltui log report.json" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("pattern", "path", "accepted"),
    [
        ("*.json", "a.json", True),
        ("*.json", "x/a.json", False),
        ("**/*.json", "a.json", True),
        ("**/*.json", "x/y/a.json", True),
        ("x/**/r.json", "x/r.json", True),
        ("x/**/r.json", "x/1/2/r.json", True),
        ("x/**/r.json", "y/1/r.json", False),
        ("run-*", "run-1/deep/r.json", True),
        ("run-*", "walk-1/r.json", False),
        ("r?.json", "r1.json", True),
        ("r?.json", "r.json", False),
        ("r[0-3].json", "r2.json", True),
        ("r[!0-3].json", "r2.json", False),
        ("r[!0-3].json", "r7.json", True),
        ("r[]].json", "r].json", True),
        ("r[z-a].json", "r[z-a].json", True),
        ("r[.json", "r[.json", True),
        ("r[^a].json", "r^.json", True),
        ("a&&b*", "a&&bc", True),
        ("*.JSON", "a.json", False),
        ("*\n*", "a\nb", True),
    ],
)
def test_a_glob_accepts_what_it_matches_and_all_below(
    pattern: str, path: str, accepted: bool
) -> None:
    assert WatchRoot(Path("/w"), pattern, None).accepts(Path("/w") / path) is accepted


def test_a_root_accepts_what_is_below_it_only() -> None:
    root = WatchRoot(Path("/w/a"), None, None)
    assert root.accepts(Path("/w/a/x/y.json"))
    assert not root.accepts(Path("/w/ab/y.json"))
    assert not root.accepts(Path("/w/a"))


@given(st.text(alphabet="ab[]!*?-^&|~\\.", min_size=1, max_size=12))
def test_any_text_is_a_glob(pattern: str) -> None:
    assert WatchRoot(Path("/w"), pattern, None).accepts(Path("/w/ab")) in {True, False}


def test_a_glob_of_many_stars_matches_in_no_time() -> None:
    root = WatchRoot(Path("/w"), "*a" * 12 + "/" + "/".join(["**"] * 12) + "/x", None)
    assert not root.accepts(Path("/w") / ("a" * 40) / "/".join("y" * 30))


def test_the_most_specific_root_owns_a_path() -> None:
    outer = WatchRoot(Path("/w"), None, "vanilla")
    inner = WatchRoot(Path("/w/mcp"), None, "mcp")
    glob = WatchRoot(Path("/w/mcp"), "*.json", "agent")
    roots = (outer, inner, glob)
    assert owner_of(Path("/w/a.json"), roots) is outer
    assert owner_of(Path("/w/mcp/a.json"), roots) is glob
    assert owner_of(Path("/w/mcp/x/a.json"), roots) is inner
    assert owner_of(Path("/other/a.json"), roots) is None
    assert by_specificity(roots) == [glob, inner, outer]


def test_the_same_root_twice_is_one_and_keeps_the_mode() -> None:
    plain, moded = WatchRoot(Path("/w"), None, None), WatchRoot(Path("/w"), None, "mcp")
    assert merge_roots([plain, moded, plain]) == (moded,)


def test_two_modes_for_one_root_are_refused() -> None:
    with pytest.raises(ConfigError, match="two modes: mcp and agent"):
        merge_roots([WatchRoot(Path("/w"), None, m) for m in ("mcp", "agent")])


@pytest.mark.parametrize("name", ["a.json.part", "a~", "#a#", ".#a", ".~lock.a#", "a.tmp", "a.swp"])
def test_names_of_unfinished_files_are_known(name: str) -> None:
    assert is_temporary(name)


@pytest.mark.parametrize("name", ["report.json", "part.json", "tmp", "#a", "partial"])
def test_ordinary_names_are_not_temporary(name: str) -> None:
    assert not is_temporary(name)
