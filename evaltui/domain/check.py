"""One finding of the doctor."""

from __future__ import annotations

from enum import StrEnum

from evaltui.late_dataclass import dataclass


class CheckState(StrEnum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Stable kebab-case id, such as `target` or `journal-writable`; documented in README.
        state: ok, warn or fail.
        detail: One line: what was found.
        remedy: One line: what to do, or "" when ok.
    """

    name: str
    state: CheckState
    detail: str
    remedy: str = ""
