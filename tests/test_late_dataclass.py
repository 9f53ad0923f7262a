"""What the late dataclass makes is what the standard library makes."""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import math
import pickle
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evaltui
from evaltui.late_dataclass import dataclass as late

OPTIONS = [
    {"frozen": frozen, "slots": slots, "eq": eq}
    for frozen in (False, True)
    for slots in (False, True)
    for eq in (False, True)
]


def made_by(make: Callable[..., Any], **options: bool) -> Any:
    class Score:
        """A score."""

        LIMIT: ClassVar[int] = 3
        name: str
        value: float | None = None
        tags: dict[str, str] = field(default_factory=dict)
        token: str = field(default="", repr=False)
        seen: int = field(default=0, compare=False, kw_only=True)

        def __post_init__(self) -> None:
            if self.name == "bad":
                raise ValueError(self.name)

    return make(**options)(Score)


@late(frozen=True, slots=True)
class Point:
    """A point; at module level, so that it can be pickled."""

    x: int
    y: int = 0


@late(frozen=True, slots=True)
class Farther(Point):
    """A point that has more."""

    z: int = 0


def outcome(call: Callable[[], object]) -> object:
    """Return what a call gives, or what it raises."""
    try:
        return call()
    except (TypeError, AttributeError, ValueError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(
    "act",
    [
        lambda kind: repr(kind("a", 1.0, {"k": "v"}, "secret", seen=2)),
        lambda kind: repr(kind(name="a")),
        lambda kind: kind(),
        lambda kind: kind("a", 1.0, {}, "t", 5),
        lambda kind: kind("a", wrong=1),
        lambda kind: kind("bad"),
        lambda kind: kind("a").tags is kind("a").tags,
        lambda kind: kind("a") == kind("a", seen=4),
        lambda kind: kind("a") == kind("a", token="t"),
        lambda kind: kind("a") == ("a", None, {}, "", 0),
        lambda kind: kind("a", math.nan) == kind("a", math.nan),
        lambda kind: len({hash(one) for one in (kind("a", tags=()), kind("a", tags=(), seen=9))}),
        lambda kind: setattr(kind("a"), "name", "b"),
        lambda kind: delattr(kind("a"), "name"),
        lambda kind: dataclasses.asdict(kind("a", 2.0, {"k": "v"})),
        lambda kind: repr(dataclasses.replace(kind("a"), value=3.0, seen=1)),
        lambda kind: [item.name for item in dataclasses.fields(kind)],
        lambda kind: repr(copy.copy(kind("a", 1.0))),
        lambda kind: repr(copy.deepcopy(kind("a", 1.0, {"k": "v"}))),
        lambda kind: kind.__match_args__,
        lambda kind: list(inspect.signature(kind).parameters),
        lambda kind: str(inspect.signature(kind).parameters["value"].default),
        lambda kind: kind.__hash__ is None,
        lambda kind: hasattr(kind("a"), "__dict__"),
        lambda kind: (kind.__name__, kind.__doc__, kind.LIMIT),
    ],
)  # fmt: skip
def test_it_behaves_as_the_one_of_the_standard_library(
    options: dict[str, bool], act: Callable[[Any], object]
) -> None:
    ours, theirs = made_by(late, **options), made_by(dataclasses.dataclass, **options)
    assert outcome(lambda: act(ours)) == outcome(lambda: act(theirs))


@given(st.integers(), st.integers(), st.integers(), st.integers())
def test_equal_values_are_equal_objects_with_equal_hashes(a: int, b: int, c: int, d: int) -> None:
    first, second = Point(a, b), Point(c, d)
    assert (first == second) == ((a, b) == (c, d))
    assert first != second or hash(first) == hash(second)


def test_a_frozen_object_takes_no_attribute_beside_its_fields() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'other'"):
        Point(1).other = 2  # type: ignore[attr-defined]


def test_methods_of_the_class_itself_stay() -> None:
    @late(frozen=True, slots=True)
    class Named:
        """Compared by hand."""

        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Named)

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "named"

    assert Named("a") == Named("b")
    assert (hash(Named("a")), repr(Named("a"))) == (7, "named")


def test_a_class_without_fields_and_one_with_a_single_field_compare() -> None:
    @late(frozen=True, slots=True)
    class Nothing:
        """No fields."""

    @late(frozen=True, slots=True)
    class One:
        """A single field."""

        value: float

    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    assert One(math.nan) == One(math.nan)  # the same object, as in a tuple
    assert hash(One(1.0)) == hash(One(1.0))


def test_what_inherits_has_all_fields_and_pickles_come_back() -> None:
    far = Farther(1, z=3)
    assert (far, Point(1, 2)) == pickle.loads(pickle.dumps((far, Point(1, 2))))
    assert repr(far) == "Farther(x=1, y=0, z=3)"
    assert far != Point(1)


def test_init_is_made_with_the_first_object() -> None:
    @late
    class Counted:
        """Counts nothing."""

        value: int = 0

    stub = Counted.__init__
    assert Counted(4).value == 4
    assert Counted.__init__ is not stub
    assert Counted(value=5).value == 5


def test_every_module_takes_it() -> None:
    root = Path(evaltui.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "dataclasses":
                names = {alias.name for alias in node.names}
                assert path.name == "late_dataclass.py" or "dataclass" not in names, path
