"""Results of generating apps in bulk (`bulk_run_results_*.json`), variants B0 to B9.

Such a file is no evaluation: alone it becomes a run of kind "generation", beside an evaluation of
the same apps it tells what they cost (see `generation`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import PurePath
from typing import Any

from evaltui.domain.metric import Unit
from evaltui.domain.report import (
    Case,
    CaseStatus,
    MetricValue,
    Report,
    ReportKind,
    Source,
)
from evaltui.readers import bounded_json, shape
from evaltui.readers.app_metrics import standard_error
from evaltui.readers.app_report import CASE_COLUMN, FRAMEWORK
from evaltui.readers.apps import GENERATION_NUMBERS, MAX_NAME, MAX_TEXT, read_numbers
from evaltui.readers.cases import CaseList, unique
from evaltui.readers.document import Text, begins_with, keeps_texts
from evaltui.readers.head import Head
from evaltui.readers.identity import canonical, content_id
from evaltui.readers.notes import Notes
from evaltui.readers.times import read_time, time_of_name

FORMAT = "app_bulk_run"
PREFIX = "generation/"
HEADLINE = f"{PREFIX}success_rate"

_ITEM_FACTS = ("backend", "model", "mcp_binary", "enable_mcp")
_BACKENDS = ("litellm", "opencode")
_LEFT_OUT = frozenset({"run_timestamp", "total_prompts", "successful_apps", "failed_apps"})
_LONGEST_PROMPT = 120
_SEVERAL = "several"
_TOTALS = {"cost_usd": "total_cost_usd", "input_tokens": "total_input_tokens"} | {
    "output_tokens": "total_output_tokens"
}
_MEANS = {"cost_usd": "avg_cost_usd", "turns": "avg_turns"} | {
    "generation_time_sec": "avg_generation_time_sec"
}


def matches(head: Head) -> bool:
    """Return whether the start of a file is one of these results."""
    if head.root == "[":
        named = head.has("[].app_name", "[].backend")
        return head.has("[].success") and (head.has("[].prompt") or named)
    return head.has("metadata.total_prompts", "results")


def read(text: Text, source: Source, neighbours: Mapping[str, bytes], notes: Notes) -> Report:
    """Return the report in `text`, of kind GENERATION.

    Raises:
        ReportError: The text is no such file.
    """
    del neighbours  # nothing belongs to it
    bare = begins_with(text, "[")
    sink = _Items(text, "" if bare else "/results")
    key = bounded_json.ROOT if bare else "results"
    document = bounded_json.parse_streamed(text, key, sink, notes)
    metadata = {} if bare else shape.child(document, "metadata", "")
    if not bare:
        shape.items(document, key, "")
    name = source.path.name
    cases = sink.cases(notes)
    metrics = _metrics(cases)
    started_at = _time(metadata, source, notes)
    return Report(
        format=FORMAT,
        format_version=_variant(sink.first, wrapped=not bare),
        kind=ReportKind.GENERATION,
        content_id=content_id(
            FORMAT, {"items": sink.digest(), "at": metadata.get("run_timestamp")}
        ),
        metrics=tuple(metrics),
        cases=cases,
        model=_single(sink.facts["model"]),
        started_at=started_at,
        params=_params(sink, metadata, name),
        case_column=CASE_COLUMN,
        headline=HEADLINE if any(metric.name == HEADLINE for metric in metrics) else None,
        framework=FRAMEWORK,
        notes=notes.lines(),
    )


class _Items:
    """Reads the items of a file one by one."""

    def __init__(self, text: Text, at: str) -> None:
        self._text = text
        self._at = at
        self.begin()

    def begin(self) -> None:
        """Start over."""
        self._digest = hashlib.sha256()
        self._cases = CaseList.of(self._text)
        self.first: dict[str, Any] = {}
        self.facts: dict[str, list[str]] = {name: [] for name in _ITEM_FACTS}

    def add(self, index: int, item: Any) -> None:
        """Read one item.

        Raises:
            ReportSchemaError: It is not what the format says.
        """
        at = f"{self._at}/{index}"
        if not isinstance(item, dict):
            raise shape.wrong(at, "an object", item)
        self._digest.update(canonical(item) + b"\n")
        self.first = self.first or item
        for name, values in self.facts.items():
            told = shape.plain(item.get(name), limit=MAX_NAME)
            if told is not None and told not in values:
                values.append(told)
        case = _case(item, at)
        wanted = keeps_texts(self._text, case.case_id)
        self._cases.append(case if wanted else replace(case, details={}))

    def digest(self) -> str:
        """Return the digest of all items as they stand in the file."""
        return self._digest.hexdigest()

    def cases(self, notes: Notes) -> Sequence[Case]:
        """Return the items as cases with unique ids."""
        return unique(self._cases, notes)


def _case(item: dict[str, Any], at: str) -> Case:
    success = shape.flag(item, "success", at)
    metrics = shape.child(item, "metrics", at)
    flat = "metrics" not in item
    numbers = read_numbers(item if flat else metrics, GENERATION_NUMBERS, at)
    if flat and "tokens" in item:
        numbers["input_tokens"] = shape.number(item, "tokens", at)  # all it counted
    prompt = shape.text(item, "prompt", at, limit=MAX_TEXT)
    error = shape.plain(item.get("error"), limit=MAX_TEXT)
    status = {True: CaseStatus.PASS, False: CaseStatus.FAIL, None: CaseStatus.NA}[success]
    columns: dict[str, float | str | None] = dict(numbers)
    columns |= {
        name: shape.plain(item[name], limit=MAX_NAME) for name in _ITEM_FACTS if name in item
    }
    return Case(
        case_id=_name(item, metrics, prompt) or f"item-{at.rpartition('/')[2]}",
        status=status,
        scores={"success": None if success is None else float(success)},
        reason=error.splitlines()[0] if error and status is not CaseStatus.PASS else None,
        cost_usd=shape.number(item if flat else metrics, "cost_usd", at),
        columns=columns,
        details={
            key: text for key, text in (("prompt", prompt), ("error", error)) if text is not None
        },
    )


def _name(item: dict[str, Any], metrics: dict[str, Any], prompt: str | None) -> str | None:
    """Return the app's name: as given, else of its directory, else the prompt (B0 has no other)."""
    for told in (item.get("app_name"), item.get("app_dir"), metrics.get("app_dir")):
        if isinstance(told, str) and (name := PurePath(told.strip()).name):
            return shape.cut(name, MAX_NAME)
    return None if prompt is None else " ".join(prompt.split())[:_LONGEST_PROMPT] or None


# -- metrics and params --------------------------------------------------------------------------


def _metrics(cases: Sequence[Case]) -> list[MetricValue]:
    metrics = [MetricValue("total_apps", float(len(cases)), unit=Unit.COUNT)]
    known = [case.scores["success"] for case in cases if case.scores["success"] is not None]
    if known:
        passed = math.fsum(known)
        metrics += [
            MetricValue(HEADLINE, passed / len(known), unit=Unit.RATE, n=len(known)),
            MetricValue(f"{PREFIX}successful_apps", passed, unit=Unit.COUNT),
            MetricValue(f"{PREFIX}failed_apps", len(known) - passed, unit=Unit.COUNT),
        ]
    numbers = {name: _values(cases, name) for name in ("cost_usd", *GENERATION_NUMBERS)}
    for name, values in numbers.items():
        metrics += _number_metrics(name, values)
    measured = max((len(values) for values in numbers.values()), default=0)
    metrics.append(MetricValue(f"{PREFIX}with_metrics", float(measured), unit=Unit.COUNT))
    return [metric for metric in metrics if math.isfinite(metric.value)]


def _number_metrics(name: str, values: Sequence[float]) -> list[MetricValue]:
    if not values:
        return []
    metrics = []
    if name in _TOTALS:
        metrics.append(MetricValue(f"{PREFIX}{_TOTALS[name]}", sum(values)))
    if name in _MEANS:
        mean = sum(values) / len(values)
        metrics.append(MetricValue(f"{PREFIX}{_MEANS[name]}", mean, n=len(values)))
    stderr = standard_error(values)
    if name in _MEANS and stderr is not None:
        metrics.append(MetricValue(f"{PREFIX}{_MEANS[name]}_stderr", stderr))
    return metrics


def _values(cases: Sequence[Case], name: str) -> list[float]:
    found = [case.cost_usd if name == "cost_usd" else case.columns.get(name) for case in cases]
    return [value for value in found if isinstance(value, float)]


def _params(sink: _Items, metadata: dict[str, Any], name: str) -> dict[str, str]:
    params = {
        key: text
        for key, value in metadata.items()
        if key not in _LEFT_OUT and (text := shape.plain(value, limit=MAX_NAME)) is not None
    }
    for fact, values in sink.facts.items():
        if fact != "model" and values:
            params[fact] = values[0] if len(values) == 1 else _SEVERAL
    if len(sink.facts["model"]) > 1:
        params["models"] = ", ".join(sink.facts["model"])
    told = next((backend for backend in _BACKENDS if f"_{backend}_" in name), None)
    if told is not None:
        params.setdefault("backend", told)
    return params


def _single(values: Sequence[str]) -> str | None:
    return values[0] if len(values) == 1 else None


def _time(metadata: dict[str, Any], source: Source, notes: Notes) -> datetime:
    told = read_time(metadata.get("run_timestamp"), "metadata.run_timestamp", notes)
    told = told or time_of_name(source.path.name, notes)
    if told is None:
        notes.add("no time in the file or its name: the time of the file is taken")
    return told or source.modified_at


def _variant(item: dict[str, Any], *, wrapped: bool) -> str:
    """Return which of the variants a file is, by its first item."""
    features = (
        ("b5", wrapped),
        ("b9", "app_name" in item and "metrics" in item),
        ("b8", "app_name" in item),
        ("b7", "backend" in item),
        ("b4", "enable_mcp" in item),
        ("b2", "screenshot_log" in item and "browser_logs_path" in item),
        ("b3", "browser_logs_path" in item),
        ("b1", "screenshot_path" in item),
        ("b6", "app_dir" in item),
    )
    return next((name for name, there in features if there), "b0")
