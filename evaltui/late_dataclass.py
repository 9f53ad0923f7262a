"""The standard library's `dataclass`, whose methods are made when they are first called.

The standard library writes and compiles up to six functions for a class, which for a frozen one
takes as long as importing five modules. A start meets a hundred such classes and makes objects of
a third. Here a class gets its fields and slots at once, its `__init__` with the first object, and
shares the rest with all others. What comes out is the same: fields, `replace`, `asdict`, equality,
hashes, frozen instances, copies.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["dataclass"]

if TYPE_CHECKING:
    import inspect
    from dataclasses import dataclass
else:

    def dataclass(
        plain: type | None = None,
        /,
        *,
        frozen: bool = False,
        slots: bool = False,
        eq: bool = True,
        kw_only: bool = False,
    ) -> type | Callable[[type], type]:
        """Make a dataclass; see `dataclasses.dataclass`, whose other options are not offered."""
        options = {"frozen": frozen, "slots": slots, "eq": eq, "kw_only": kw_only}

        def make(plain: type) -> type:
            if any(map(dataclasses.is_dataclass, plain.__bases__)):  # rules of its own, and rare
                return dataclasses.dataclass(plain, **options)
            return _made(plain, **options)

        return make if plain is None else make(plain)


def _made(plain: type, *, frozen: bool, slots: bool, eq: bool, kw_only: bool) -> type:
    own = vars(plain)
    methods: dict[str, object] = {"__repr__": _repr}
    if eq:
        methods |= {"__eq__": _late_eq, "__hash__": _late_hash if frozen else None}
    if frozen:
        methods |= {"__setattr__": _no_setattr, "__delattr__": _no_delattr}
        if slots:
            methods |= {"__getstate__": _getstate, "__setstate__": _setstate}
    methods = {name: method for name, method in methods.items() if name not in own}
    only_fields = dataclasses.dataclass(
        init=False, repr=False, eq=False, slots=slots, kw_only=kw_only
    )
    made: Any = only_fields(plain)
    params = made.__dataclass_params__
    params.init, params.repr, params.eq, params.frozen = True, True, eq, frozen
    made._values_ = _LateValues()
    if "__init__" not in own:
        made.__init__ = _late_init(made)
        made.__signature__ = _LateSignature()
    for name, method in methods.items():
        setattr(made, name, method)
    return made  # type: ignore[no-any-return]


def _late_init(made: Any) -> Callable[..., None]:
    """Return what makes the real `__init__` of a class, and calls it."""

    def __init__(self: object, *args: object, **kwargs: object) -> None:  # noqa: N807
        _complete(made)
        made.__init__(self, *args, **kwargs)

    return __init__


def _complete(made: Any) -> Callable[..., None]:
    """Give a class its `__init__`."""
    frozen = made.__dataclass_params__.frozen
    names: dict[str, object] = {"_set": object.__setattr__, "_LACKS": MISSING}
    plain, keywords, body = ["self"], list[str](), list[str]()
    for item in dataclasses.fields(made):
        name, default, value = item.name, "", item.name
        if item.default is not MISSING:
            default, names[f"_d_{name}"] = f"=_d_{name}", item.default
        elif item.default_factory is not MISSING:
            default, names[f"_f_{name}"] = "=_LACKS", item.default_factory
            value = f"_f_{name}() if {name} is _LACKS else {name}"
        (keywords if item.kw_only else plain).append(f"{name}{default}")
        body.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(made, "__post_init__"):
        body.append("self.__post_init__()")
    taken = ", ".join([*plain, *(["*", *keywords] if keywords else [])])
    text = f"def __init__({taken}):\n " + "\n ".join(body or ["pass"])
    exec(text, names)  # noqa: S102 - names of fields, as the standard library does it
    init: Any = names["__init__"]
    init.__qualname__, init.__module__ = f"{made.__qualname__}.__init__", made.__module__
    made.__init__ = init
    return init  # type: ignore[no-any-return]


class _LateSignature:
    """Tells `inspect.signature`, and thereby `help`, how a class is called."""

    def __get__(self, _object: object, made: Any) -> inspect.Signature:
        import inspect  # noqa: PLC0415 - only for who asks

        whole = inspect.signature(_complete(made))
        return whole.replace(parameters=list(whole.parameters.values())[1:])


class _LateValues:
    """Finds what is compared of the objects of a class: a function that returns their values."""

    def __get__(self, _object: object, made: Any) -> Callable[[object], tuple[object, ...]]:
        names = [item.name for item in dataclasses.fields(made) if item.compare]
        found: Any = operator.attrgetter(*names) if len(names) > 1 else _few(names)
        made._values_ = staticmethod(found)
        return found  # type: ignore[no-any-return]


def _few(names: list[str]) -> Callable[[object], tuple[object, ...]]:
    return lambda self: tuple(getattr(self, name) for name in names)


def _late_eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    values = self._values_
    return values(self) == values(other)


def _late_hash(self: Any) -> int:
    return hash(self._values_(self))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = [item.name for item in dataclasses.fields(self) if item.repr]
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
    return f"{self.__class__.__qualname__}({values})"


def _no_setattr(_self: object, name: str, _value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_delattr(_self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[object]:
    return [getattr(self, item.name) for item in dataclasses.fields(self)]


def _setstate(self: Any, state: list[object]) -> None:
    for item, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, item.name, value)
