"""Files that belong to a report: companions beside it, bulk-run results below the same root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evaltui.domain.report import Report


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What was found around a report.

    Attributes:
        companions: Bytes of the report's companions by file name.
        generations: Bulk-run results the report may join, newest first.
    """

    companions: Mapping[str, bytes] = field(default_factory=dict)
    generations: tuple[Report, ...] = ()


def gather(path: Path, root: Path | None, *, max_bytes: int) -> Neighbours:
    """Return what belongs to the report at `path`; what cannot be read is left out.

    Args:
        path: The report.
        root: Watched root that is searched for bulk files; None searches its directory only.
        max_bytes: Files above this size are left out.
    """
    raise NotImplementedError
