"""What file names tell: usual reports, and the companions that belong to one.

Reports are recognised by their content; names only pair companions with their report, and say
whether an unreadable file is worth a line on screen.
"""

from __future__ import annotations

import re

_REPORT = re.compile(
    r"""(?xi)
    evaluation_report(?:_\d{8}_\d{6})?\.json
    | (?:mcp|vanilla)_report\.json
    | eval_result\.json
    | eval_results(?:_\d+)?\.json
    | .*bulk(?:_run)?_results.*\.json
    """
)
_CASE = re.compile(r"(?i).+_eval\.json\Z")
_TRIO = re.compile(r"(evaluation_report|mcp_report|vanilla_report)(_\d{8}_\d{6})?\.json\Z")
_COMPANION = re.compile(
    r"""(?xi)
    evaluation_report(?:_\d{8}_\d{6})?\.(?:md|csv)
    | (?:mcp|vanilla)_report\.(?:md|csv)
    | run_metadata\.json | run_summary\.json | generation_metrics\.json
    | trajectory\.jsonl
    """
)
RUN_COMPANIONS = ("run_metadata.json", "run_summary.json", "generation_metrics.json")
_ABOUT_ONE_APP = ("generation_metrics.json",)


def companion_names(name: str) -> tuple[str, ...]:
    """Return the names that, in the same directory, belong to a report of this name.

    A renamed report (`evaluation_report_20251103_100713.json`) has the files that were renamed
    with it, not those of the report that came after it.
    """
    trio = _TRIO.match(name)
    if trio is not None:
        own, stamp = trio[1], trio[2] or ""
        written_with_it = (f"{own.upper()}{stamp}.md", f"{own}{stamp}.csv")
        return written_with_it if stamp else (*written_with_it, *RUN_COMPANIONS)
    if _CASE.match(name) or name == "eval_result.json":
        return _ABOUT_ONE_APP
    return ()


def markdown_name(name: str) -> str | None:
    """Return the name of the Markdown that was written with a report, or None."""
    return next((found for found in companion_names(name) if found.endswith(".md")), None)


def has_report_name(name: str) -> bool:
    """Return whether a file of this name is expected to be a report."""
    return bool(_REPORT.fullmatch(name) or _CASE.match(name))


def is_companion_name(name: str) -> bool:
    """Return whether a file of this name belongs to a report and is none itself."""
    return bool(_COMPANION.fullmatch(name))


def wants_dot(name: str) -> bool:
    """Return whether a file with this leading-dot name is read; no format here has one."""
    return name in _DOT_NAMES


_DOT_NAMES: frozenset[str] = frozenset()
