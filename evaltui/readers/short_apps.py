"""Apps of a long report made small: what their results mean stays, what only people read goes."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import replace
from typing import TypeVar

from evaltui.readers import shape
from evaltui.readers.apps import REASON_LENGTH, App

_ISSUE_BEGIN = 40
"""Characters of an issue that tell which check failed."""

_MOST_SHARED = 10_000
_MOST_ALIKE = 1_000.0

_Value = TypeVar("_Value")
_Facts = TypeVar("_Facts", float | None, float | str | None)


class Shortener:
    """Shortens the apps of one report; equal parts of them are one object.

    Tens of thousands of apps take a third of the memory that way.

    Args:
        details: Characters at the begin of an app's details that tell what a result means.
    """

    def __init__(self, details: int = 0) -> None:
        self._details = details
        self._shared: dict[Hashable, object] = {}

    def __call__(self, app: App) -> App:
        """Return the app without its texts. Its checks and details must not be changed in place."""
        begins = {name: text.lstrip()[: self._details] for name, text in app.details.items()}
        return replace(
            app,
            checks=self._share(("checks", *app.checks.items()), app.checks),
            scores=self._numbers(app.scores),
            numbers=self._numbers(app.numbers),
            columns=self._numbers(app.columns),
            issues=tuple(line[:_ISSUE_BEGIN] for line in app.issues),
            details=self._share(("details", *begins.items()), begins),
            reason=None if app.reason is None else shape.cut(app.reason, REASON_LENGTH),
            short=True,
        )

    def _numbers(self, facts: dict[str, _Facts]) -> dict[str, _Facts]:
        return {name: self._number(value) for name, value in facts.items()}

    def _number(self, value: _Facts) -> _Facts:
        if not isinstance(value, float) or not 0 <= value <= _MOST_ALIKE:
            return value
        # 0.0 and -0.0 are equal, and are not the same
        return self._share((value, math.copysign(1.0, value)), value)

    def _share(self, key: Hashable, value: _Value) -> _Value:
        if len(self._shared) >= _MOST_SHARED and key not in self._shared:
            return value
        found: _Value = self._shared.setdefault(key, value)  # type: ignore[assignment]
        return found
