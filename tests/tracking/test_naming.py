from __future__ import annotations

import json
import posixpath
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.tracking.naming import (
    MAX_FILE_NAME_BYTES,
    MAX_KEY,
    MAX_PARAM_VALUE,
    MAX_RUN_NAME,
    Originals,
    legal_artifact_path,
    legal_key,
    legal_keys,
    legal_run_name,
    legal_value,
    vacant_path,
)

ANY_TEXT = st.text(st.characters(), max_size=300)  # lone surrogates included
ODD_TEXT = st.text(st.sampled_from("ab./_ @%[](),|^:-\n\x1b🙂é"), max_size=12)


def is_legal(key: str) -> bool:
    """MLflow's rule, and no newline at the end, which its pattern lets through."""
    return (
        re.fullmatch(r"[/\w.\- :]+", key) is not None
        and posixpath.normpath(key) == key
        and not key.startswith(("..", "/"))
        and key != "."
        and len(key) <= MAX_KEY
    )


@given(st.one_of(ANY_TEXT, ODD_TEXT))
def test_every_key_is_one_that_mlflow_takes(name: str) -> None:
    assert is_legal(legal_key(name))


@given(st.lists(st.one_of(ODD_TEXT, ANY_TEXT), max_size=30))
def test_no_two_names_share_a_key(names: list[str]) -> None:
    keys = legal_keys(names)
    assert keys.keys() == set(names)
    assert len(set(keys.values())) == len(keys)
    assert all(is_legal(key) for key in keys.values())


@given(st.lists(ODD_TEXT, max_size=12, unique=True), st.randoms())
def test_keys_do_not_depend_on_the_order_of_the_names(names: list[str], random: object) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert legal_keys(shuffled) == legal_keys(names)


@given(ODD_TEXT)
def test_a_legal_name_keeps_itself_and_a_key_is_its_own_key(name: str) -> None:
    key = legal_key(name)
    assert legal_key(key) == key
    if is_legal(name):
        assert key == name


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("accuracy", "accuracy"),
        ("mmlu/acc: total-1.5", "mmlu/acc: total-1.5"),
        ("précision/精度", "précision/精度"),
        ("maj@8", "maj_at_8"),
        ("win %", "win _pct_"),
        ("acc[0](x),y|z^", "acc_0__x__y_z_"),
        ("/abs//twice/", "abs/twice"),
        ("../../etc", "__/__/etc"),
        ("a/./b", "a/b"),
        ("a/../b", "a/__/b"),
        ("acc\n", "acc_"),
        ("\x1b[2J", "__2J"),
        ("🙂", "_"),
        ("", "_"),
        (".", "_"),
        ("/", "_"),
        ("\ud800", "_"),
    ],
)
def test_keys_by_example(name: str, key: str) -> None:
    assert legal_key(name) == key


def test_a_long_name_ends_in_a_hash_so_that_two_long_names_differ() -> None:
    one, two = legal_key("x" * 300 + "1"), legal_key("x" * 300 + "2")
    assert len(one) == len(two) == MAX_KEY
    assert one != two
    assert one[:200] == "x" * 200


def test_collisions_are_numbered_in_sorted_order_and_spare_the_legal_name() -> None:
    assert legal_keys(["a|b", "a_b", "a^b", "a_b_2"]) == {
        "a_b": "a_b",
        "a_b_2": "a_b_2",
        "a^b": "a_b_3",
        "a|b": "a_b_4",
    }


def test_a_numbered_key_of_full_length_stays_within_the_limit() -> None:
    names = ["y" * 249 + char for char in "|^,"]
    keys = set(legal_keys(names).values())
    assert len(keys) == 3
    assert max(map(len, keys)) == MAX_KEY


@given(ANY_TEXT, st.integers(min_value=40, max_value=200))
def test_a_value_fits_and_can_be_encoded(text: str, limit: int) -> None:
    value = legal_value(text, limit)
    assert len(value) <= limit
    assert "\x00" not in value
    value.encode("utf-8")


def test_a_long_value_says_how_long_it_was_and_a_fitting_one_stays() -> None:
    assert legal_value("x" * MAX_PARAM_VALUE, MAX_PARAM_VALUE) == "x" * MAX_PARAM_VALUE
    cut = legal_value("x" * 6_001, MAX_PARAM_VALUE)
    assert len(cut) == MAX_PARAM_VALUE
    assert cut.endswith("… [cut: 6001 characters]")
    assert legal_value("a\nb\x1b", 100) == "a\nb\x1b"  # cleaned where it is shown, kept as it is


@given(ANY_TEXT)
def test_a_run_name_is_one_short_harmless_line(text: str) -> None:
    name = legal_run_name(text)
    assert 1 <= len(name) <= MAX_RUN_NAME
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", name)


def test_a_blank_run_name_becomes_a_word() -> None:
    assert legal_run_name(" \n ") == "run"


@given(st.one_of(ANY_TEXT, ODD_TEXT))
def test_an_artifact_path_is_relative_and_its_names_fit_a_file_system(path: str) -> None:
    legal = legal_artifact_path(path)
    assert posixpath.normpath(legal) == legal
    assert not legal.startswith(("/", ".."))
    for part in legal.split("/"):
        assert 0 < len(part.encode("utf-8")) <= MAX_FILE_NAME_BYTES
        assert not set("#?%\\\n\x00") & set(part)


@pytest.mark.parametrize(
    ("path", "legal"),
    [
        ("evaluation_report.json", "evaluation_report.json"),
        ("sub dir/Bericht é (1).md", "sub dir/Bericht é (1).md"),
        ("a#b?c%41.json", "a_b_c_41.json"),
        ("../../etc/passwd", "_./_./etc/passwd"),
        ("/root\\x", "root/x"),
        (".artifact.uploading.x", "_artifact.uploading.x"),
        ("", "_"),
    ],
)
def test_artifact_paths_by_example(path: str, legal: str) -> None:
    assert legal_artifact_path(path) == legal


def test_a_long_file_name_keeps_its_suffix() -> None:
    name = legal_artifact_path("é" * 300 + ".json")
    assert name.endswith(".json")
    assert name != legal_artifact_path("é" * 301 + ".json")


def test_a_vacant_path_counts_before_the_suffix() -> None:
    assert vacant_path("a/b.json", []) == "a/b.json"
    assert vacant_path("a/b.json", ["a/b.json", "a/b_2.json"]) == "a/b_3.json"


def test_originals_keep_only_what_was_changed() -> None:
    originals = Originals()
    originals.note_names("metrics", {"acc": "acc", "maj@8": "maj_at_8"})
    originals.note_names("tags", {"same": "same"})
    originals.note_value("params", "prompt", "long \ud800")
    assert originals.count == 2
    assert json.loads(originals.to_json()) == {
        "schema": "evaltui.originals/1",
        "renamed": {"metrics": {"maj_at_8": "maj@8"}},
        "cut": {"params": {"prompt": "long \ud800"}},
    }
