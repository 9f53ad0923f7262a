"""evaltui's own report, `evaltui.report/1`: what any script can write.

One JSON object in UTF-8. Only `schema` is required:

    {
      "schema": "evaltui.report/1",
      "id": "nightly-2026-03-01",
      "name": "nightly",
      "mode": "mcp",
      "model": "claude-sonnet-4-5",
      "started_at": "2026-03-01T02:00:00Z",
      "ended_at": "2026-03-01T02:41:10Z",
      "status": "finished",
      "params": {"dataset": "v3", "temperature": 0.2},
      "tags": {"team": "search"},
      "metrics": [
        {"name": "accuracy", "value": 0.81, "direction": "higher", "unit": "rate",
         "stderr": 0.02, "n": 400}
      ],
      "cases": [
        {"id": "q-17", "group": "geography", "status": "fail", "scores": {"exact": 0, "f1": 0.4},
         "reason": "wrong capital", "output": "Sydney", "duration_s": 1.2, "cost_usd": 0.003}
      ]
    }

Two files with the same `id` are the same evaluation, the later one the newer version of it; without
an `id`, equal metrics and cases make the same evaluation. Without a `name` the run is called
`eval_{mode}_{started_at}`. Times are ISO 8601 or epoch seconds; one without a zone is taken as
local time. `status` is finished, partial, failed, cancelled or running; that of a case pass, fail,
error, skip or na.
`direction` is higher, lower or neutral; `unit` is rate (0 to 1), percent, score, count, s, usd,
tokens or raw. `null` and NaN mean "missing" and are never logged as 0. Comparisons join two runs on
the `id` of the cases. A report without metrics gets `pass_rate` and the mean of each score from its
cases. The first metric is the primary one. A report that is written to a temporary name and renamed
is logged the moment it appears.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from evaltui.domain.metric import Direction, Unit
from evaltui.domain.mode import normalise_mode
from evaltui.domain.report import (
    Case,
    CaseStatus,
    MetricValue,
    ModeSource,
    Report,
    ReportStatus,
    Source,
)
from evaltui.readers import shape
from evaltui.readers.app_metrics import standard_error
from evaltui.readers.apps import MAX_NAME, MAX_TEXT
from evaltui.readers.bounded_json import parse_streamed
from evaltui.readers.cases import CaseList, unique
from evaltui.readers.companions import mode_of_name
from evaltui.readers.document import Text, keeps_texts
from evaltui.readers.head import Head
from evaltui.readers.identity import canonical, content_id
from evaltui.readers.notes import Notes
from evaltui.readers.times import read_time

FORMAT = "evaltui_report"
SCHEMA = "evaltui.report/1"
_FAMILY = "evaltui.report/"
_RESERVED = ("evaltui.", "mlflow.")
_KEYS = frozenset(
    {
        *("schema", "id", "name", "mode", "model", "started_at", "ended_at", "status"),
        *("params", "tags", "metrics", "cases"),
    }
)

_Word = TypeVar("_Word", bound=StrEnum)


def matches(head: Head) -> bool:
    """Return whether the start of a file is such a report, of this version or another."""
    return head.texts.get("schema", "").startswith(_FAMILY)


def read(text: Text, source: Source, neighbours: Mapping[str, bytes], notes: Notes) -> Report:
    """Return the report in `text`.

    Raises:
        ReportError: The text is no such report.
    """
    del neighbours  # the report says all itself
    sink = _Cases(text)
    document = parse_streamed(text, "cases", sink, notes)
    if not isinstance(document, dict):
        raise shape.wrong("", "an object", document)
    if document.get("schema") != SCHEMA:
        raise shape.wrong("/schema", repr(SCHEMA), document.get("schema"))
    for key in sorted(document.keys() - _KEYS)[:10]:
        notes.add(f"{key}: not a key of {SCHEMA}, left out")
    shape.items(document, "cases", "")  # anything but a list is an error
    cases = unique(sink.cases, notes)
    metrics = _metrics(document, notes) or _metrics_of_cases(cases)
    own_id = None if document.get("id") is None else _name(document, "id", "")
    return Report(
        format=FORMAT,
        format_version="1",
        content_id=content_id(FORMAT, _identity(document, own_id, sink)),
        evaluation_id=own_id,
        name=shape.text(document, "name", "", limit=MAX_NAME),
        **_mode(document, source),
        model=shape.text(document, "model", "", limit=MAX_NAME),
        status=_word(document, "status", "", ReportStatus) or ReportStatus.FINISHED,
        started_at=read_time(document.get("started_at"), "started_at", notes),
        ended_at=read_time(document.get("ended_at"), "ended_at", notes),
        params=_texts(document, "params", notes),
        tags=_texts(document, "tags", notes),
        metrics=tuple(metrics),
        cases=cases,
        headline=next((item.name for item in metrics), None),
        notes=notes.lines(),
    )


def _identity(document: dict[str, Any], own_id: str | None, sink: _Cases) -> dict[str, Any]:
    if own_id is not None:
        return {"id": own_id}
    return {"metrics": document.get("metrics"), "cases": sink.digest()}


def _mode(document: dict[str, Any], source: Source) -> dict[str, Any]:
    label = shape.text(document, "mode", "", limit=MAX_NAME)
    if label is not None:
        return {
            "mode": normalise_mode(label),
            "mode_label": label,
            "mode_source": ModeSource.REPORT,
        }
    named = mode_of_name(source.path.name)
    return {} if named is None else {"mode": named, "mode_source": ModeSource.FILE_NAME}


def _texts(document: dict[str, Any], key: str, notes: Notes) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in shape.child(document, key, "").items():
        told = shape.plain(value, limit=MAX_TEXT)
        if key == "tags" and name.startswith(_RESERVED):
            notes.add(f"tags.{name}: names of this kind are not for reports, left out")
        elif told is not None and name.strip():
            texts[shape.cut(name, MAX_NAME)] = told
    return texts


# -- metrics -------------------------------------------------------------------------------------


def _metrics(document: dict[str, Any], notes: Notes) -> list[MetricValue]:
    found: dict[str, MetricValue] = {}
    for index, item in enumerate(shape.items(document, "metrics", "")):
        at = f"/metrics/{index}"
        raw = _object(item, at)
        name = _name(raw, "name", at)
        value = shape.number(raw, "value", at)
        if value is None:
            notes.add(f"metrics[{index}]: {name} has no value, left out")
            continue
        if name in found:
            notes.add(f"metrics[{index}]: {name} is there twice, the last one counts")
        n = shape.number(raw, "n", at)
        found[name] = MetricValue(
            name=name,
            value=value,
            direction=_word(raw, "direction", at, Direction),
            unit=_word(raw, "unit", at, Unit),
            stderr=shape.number(raw, "stderr", at),
            n=None if n is None else int(n),
        )
    return list(found.values())


def _metrics_of_cases(cases: Iterable[Case]) -> list[MetricValue]:
    """Return pass rate and means for a report that has cases only."""
    outcomes: Counter[CaseStatus] = Counter()
    scores: dict[str, array[float]] = {}
    for case in cases:
        outcomes[case.status] += 1
        for name, value in case.scores.items():
            values = scores.setdefault(name, array("d"))
            if value is not None:
                values.append(value)
    metrics: list[MetricValue] = []
    passed = outcomes[CaseStatus.PASS]
    if n := passed + outcomes[CaseStatus.FAIL]:
        metrics.append(MetricValue("pass_rate", passed / n, unit=Unit.RATE, n=n))
    for name, values in scores.items():
        mean = sum(values) / len(values) if values else math.inf
        if math.isfinite(mean):
            binary = all(value in _BINARY for value in values)
            stderr = None if binary else standard_error(values)
            metrics.append(MetricValue(f"{name}_mean", mean, stderr=stderr, n=len(values)))
    return metrics


_BINARY = (0.0, 1.0)


# -- cases ---------------------------------------------------------------------------------------


class _Cases:
    """Reads the cases one by one and hashes them as they come."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self.begin()

    def begin(self) -> None:
        """Start over."""
        self._digest = hashlib.sha256()
        self.cases = CaseList.of(self._text)

    def add(self, index: int, item: Any) -> None:
        """Read one case.

        Raises:
            ReportSchemaError: It is not what the schema says.
        """
        at = f"/cases/{index}"
        raw = _object(item, at)
        self._digest.update(canonical(raw) + b"\n")
        status = _word(raw, "status", at, CaseStatus)
        if status is None:
            raise shape.wrong(f"{at}/status", _one_of(CaseStatus), raw.get("status"))
        scores = shape.child(raw, "scores", at)
        case_id = _name(raw, "id", at)
        output = raw.get("output") if keeps_texts(self._text, case_id) else None
        self.cases.append(
            Case(
                case_id=case_id,
                status=status,
                scores={
                    shape.cut(name, MAX_NAME): _score(scores, name, f"{at}/scores")
                    for name in scores
                },
                group=shape.text(raw, "group", at, limit=MAX_NAME),
                reason=shape.text(raw, "reason", at, limit=MAX_TEXT),
                output=shape.plain(output, limit=MAX_TEXT),
                duration_s=shape.number(raw, "duration_s", at),
                cost_usd=shape.number(raw, "cost_usd", at),
            )
        )

    def digest(self) -> str:
        """Return the digest of all cases as they stand in the file."""
        return self._digest.hexdigest()


def _score(scores: dict[str, Any], name: str, at: str) -> float | None:
    value = scores[name]
    return float(value) if isinstance(value, bool) else shape.number(scores, name, at)


# -- values --------------------------------------------------------------------------------------


def _object(item: Any, at: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise shape.wrong(at, "an object", item)
    return item


def _name(raw: dict[str, Any], key: str, at: str) -> str:
    value = raw.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise shape.wrong(f"{at}/{key}", "a name", value)
    return shape.cut(value, MAX_NAME)


def _word(raw: dict[str, Any], key: str, at: str, words: type[_Word]) -> _Word | None:
    value = raw.get(key)
    if value is None:
        return None
    try:
        return words(value)
    except ValueError:
        raise shape.wrong(f"{at}/{key}", _one_of(words), value) from None


def _one_of(words: type[StrEnum]) -> str:
    *most, last = [word.value for word in words]
    return f"{', '.join(most)} or {last}"
