"""The engine's verdicts on comparisons: asked for when one is looked at, and kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any

from evaltui.domain.comparison import Comparison, Verdict
from evaltui.domain.comparison_json import from_document
from evaltui.engine.link import Verb
from evaltui.late_dataclass import dataclass
from evaltui.ui.difference import MOST_CANDIDATES, Difference, untested
from evaltui.ui.session import Session

_KEPT = 32
_SLOT = "compare"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about a comparison.

    Attributes:
        tested: One comparison per candidate, or None.
        problem: Why there is none (foreign text), or "".
    """

    tested: tuple[Comparison, ...] | None = None
    problem: str = ""


class VerdictKeeper:
    """Asks the engine for verdicts and remembers its answers.

    Args:
        session: Where to ask.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[object, Known] = {}
        self._asked: object = None

    def fill(self, difference: Difference, key: object) -> bool:
        """Tell a difference what is known of it; return whether something changed.

        Args:
            difference: What is shown.
            key: Changes with the runs and with what they are compared by.
        """
        known = self._known.get(key, Known())
        testing = self._asked == key
        before = (difference.tested, difference.testing, difference.problem)
        difference.tested, difference.problem = known.tested, known.problem
        difference.testing = testing
        return before != (known.tested, testing, known.problem)

    def wants(self, difference: Difference, key: object) -> bool:
        """Return whether the engine is still to be asked about a difference."""
        there = difference.baseline is not None and bool(difference.candidates)
        return there and key not in self._known and self._asked != key

    def retry(self) -> None:
        """Ask again about what had no answer."""
        for key in [key for key, known in self._known.items() if known.tested is None]:
            del self._known[key]

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return self._asked is not None

    def begin(self, difference: Difference, key: object) -> Awaitable[bool]:
        """Ask the engine about a difference; what was asked before is no longer waited for.

        Returns:
            Something to await: whether the answer is there, and nobody asked anew meanwhile.
        """
        self._asked = key  # now: who asks `wants` before the first await must not ask again
        return self._fetch(difference, key)

    async def _fetch(self, difference: Difference, key: object) -> bool:
        baseline = difference.baseline
        assert baseline is not None
        runs = difference.candidates[:MOST_CANDIDATES]
        args: dict[str, Any] = {
            "baseline": baseline.run_id,
            "candidates": [run.run_id for run in runs],
        }
        chosen = self._session.bench.session_directions
        if chosen:
            args["directions"] = {name: way.value for name, way in chosen.items()}
        reply = await self._session.ask(Verb.COMPARE, args, _SLOT)
        if self._asked != key:
            return False  # another question came after this one
        if reply is None:
            self._keep(key, Known(problem="the engine is not there"))
        elif reply.error:
            text = f"{reply.error}; {reply.hint}" if reply.hint else reply.error
            self._keep(key, Known(problem=text))
        else:
            self._keep(key, await asyncio.to_thread(_known, difference, reply.payload))
        if self._asked != key:
            return False
        self._asked = None
        return True

    def _keep(self, key: object, known: Known) -> None:
        self._known.pop(key, None)
        self._known[key] = known
        while len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]


def _known(difference: Difference, payload: Mapping[str, Any]) -> Known:
    """Read an answer; a candidate that is gone is incomparable."""
    try:
        found = {item.candidate.run_id: item for item in from_document(payload)}
    except (KeyError, TypeError, ValueError) as error:
        return Known(problem=f"the engine's answer makes no sense: {error!r}")
    baseline = difference.baseline
    assert baseline is not None
    runs = difference.candidates[:MOST_CANDIDATES]
    return Known(tuple(found.get(run.run_id) or _gone(untested(baseline, run)) for run in runs))


def _gone(comparison: Comparison) -> Comparison:
    reason = "the run is no longer there"
    metrics = (
        replace(delta, verdict=Verdict.INCOMPARABLE, reason=reason) for delta in comparison.metrics
    )
    return replace(comparison, metrics=tuple(metrics), verdict=Verdict.INCOMPARABLE, reason=reason)
