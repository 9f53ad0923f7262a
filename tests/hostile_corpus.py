"""Files that are broken, oversized or malicious, by name, with what has to become of each."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from report_documents import k1, k1_app, to_bytes

LOGGED, WAITING, QUARANTINED, IGNORED = "logged", "waiting", "quarantined", "ignored"
ESCAPES = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\x00\u202e\u200b\U000e0041[/b]"
"""Writes the clipboard, clears the screen, turns the text round, breaks markup."""


@dataclass(frozen=True)
class Hostile:
    """One file.

    Attributes:
        data: Makes the bytes.
        ends: LOGGED, WAITING (it may be written on: quarantined in time), QUARANTINED or IGNORED.
        reason: Part of the reason, where it does not end LOGGED.
        name: File name; one that every report has by default.
        metrics, params, tags: What the run holds among others; None: not there.
        notes: Part of the notes that the run carries.
        cut: Kinds of which something was renamed or cut, which `originals.json` holds whole.
    """

    data: Callable[[], bytes]
    ends: str
    reason: str = ""
    name: str = "evaluation_report.json"
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    params: Mapping[str, str | None] = field(default_factory=dict)
    tags: Mapping[str, str | None] = field(default_factory=dict)
    notes: str = ""
    cut: tuple[str, ...] = ()


def own(**fields: Any) -> bytes:
    """Return a report of our own format, with one metric and an id of its own unless told."""
    document = {
        "schema": "evaltui.report/1",
        "id": hashlib.sha256(repr(fields).encode("utf-8", "surrogatepass")).hexdigest(),
        "started_at": "2026-03-01T02:00:00Z",
        "metrics": [{"name": "accuracy", "value": 0.5}],
        **fields,
    }
    return json.dumps(document).encode()


def raw(text: str) -> Callable[[], bytes]:
    """Return a maker of a report with this JSON text after its schema."""
    own_id = hashlib.sha256(text.encode()).hexdigest()
    return ('{"schema": "evaltui.report/1", "id": "' + own_id + '", ' + text + "}").encode


def value(text: str) -> Callable[[], bytes]:
    """Return a maker of a report whose metric `odd` has this JSON text for a value."""
    return raw('"metrics": [{"name": "good", "value": 1}, {"name": "odd", "value": ' + text + "}]")


@lru_cache
def zip_bomb() -> bytes:
    """Return a small archive of 300 MB of zeros."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("report.json", "w", force_zip64=True) as file,
    ):
        for _ in range(300):
            file.write(bytes(1_000_000))
    return out.getvalue()


BILLION_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(
        f'<!ENTITY lol{n} "{f"&lol{n - 1 if n > 1 else str()};" * 10}">' for n in range(1, 10)
    )
    + "]><testsuites>&lol9;</testsuites>"
).encode()
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
YAML_BOMB = b"a: &a [x, x]\n" + b"".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n".encode() for n in range(20)
)

LONG = "long/" + "n" * 395
MANY_METRICS = [{"name": f"m{number:04d}", "value": number} for number in range(1_500)]
MANY_PARAMS = {f"p{number:03d}": "v" * 20 for number in range(300)}
REFUSED = ["a@b", "a%b", "a[0]", "a(0)", "\U0001f600", "../up", "//x", "/root", "end/", "a..b", " "]

HOSTILE: Mapping[str, Hostile] = {
    # -- half written
    "cut-after-a-brace": Hostile(lambda: own()[:40], WAITING, "truncated"),
    "cut-in-a-text": Hostile(raw('"name": "half'), WAITING, "truncated"),
    "cut-in-an-escape": Hostile(
        lambda: b'{"schema": "evaltui.report/1", "name": "\\u00', WAITING, "truncated"
    ),
    "cut-in-a-character": Hostile(
        lambda: b'{"schema": "evaltui.report/1", "name": "\xe7\xb2', WAITING, "not UTF-8 at byte"
    ),
    "cut-in-a-number": Hostile(
        raw('"metrics": [{"name": "a", "value": 1.'), QUARANTINED, "not JSON"
    ),
    "empty": Hostile(lambda: b"", WAITING, "the file is empty"),
    "blanks-only": Hostile(lambda: b" \r\n\t" * 1_000, WAITING, "the file is empty"),
    "zeros-only": Hostile(lambda: bytes(4_096), WAITING, "NUL byte"),
    "zeros-at-the-end": Hostile(lambda: own() + bytes(512), WAITING, "NUL byte"),
    "zeros-inside": Hostile(
        lambda: own().replace(b"accuracy", b"accu\0acy"), QUARANTINED, "NUL byte"
    ),
    # -- other encodings
    "byte-order-mark": Hostile(
        lambda: b"\xef\xbb\xbf" + own(id="bom"), LOGGED, metrics={"accuracy": 0.5}
    ),
    "utf-16": Hostile(lambda: own().decode().encode("utf-16"), QUARANTINED, "UTF-16"),
    "utf-16-without-mark": Hostile(
        lambda: own().decode().encode("utf-16-be"), QUARANTINED, "UTF-16"
    ),
    "utf-32": Hostile(lambda: own().decode().encode("utf-32"), QUARANTINED, "UTF-16 or UTF-32"),
    "latin-1": Hostile(
        lambda: b'{"schema": "evaltui.report/1", "name": "caf\xe9"}', QUARANTINED, "not UTF-8"
    ),
    "wild-bytes": Hostile(
        lambda: b'{"schema": "evaltui.report/1", "name": "\xff\xfe\xc0\x80"}',
        QUARANTINED,
        "not UTF-8",
    ),
    # -- structure
    "nested-a-thousand-deep": Hostile(
        raw('"params": {"a": ' + "[" * 1_000 + "]" * 1_000 + "}"), QUARANTINED, "nested deeper"
    ),
    "nested-a-million-deep": Hostile(
        raw('"params": {"a": ' + "[" * 1_000_000), QUARANTINED, "nested deeper"
    ),
    "nested-just-too-deep": Hostile(
        raw('"tags": {"a": ' + '{"b":' * 63 + "1" + "}" * 64), QUARANTINED, "nested deeper"
    ),
    "a-key-twice": Hostile(
        raw('"name": "one", "name": "two", "metrics": [{"name": "a", "value": 1, "value": 2}]'),
        LOGGED,
        metrics={"a": 2.0},
        tags={"mlflow.runName": "two"},
        notes="key given twice",
    ),
    "two-documents": Hostile(lambda: own() + own(), QUARANTINED, "something follows"),
    "a-list-of-numbers": Hostile(lambda: b"[1, 2, 3]", IGNORED, "not a report"),
    "a-text": Hostile(lambda: b'"evaltui.report/1"', IGNORED, "not a report"),
    "nothing-but-null": Hostile(lambda: b"null", IGNORED, "not a report"),
    "control-characters-in-a-text": Hostile(
        lambda: b'{"schema": "evaltui.report/1", "name": "a\x1b[2J"}', QUARANTINED, "not JSON"
    ),
    "wrong-type": Hostile(raw('"metrics": "three"'), QUARANTINED, "expected a list"),
    "wrong-type-deep-inside": Hostile(
        raw('"cases": [{"id": "a", "status": "pass", "scores": {"f1": "high"}}]'),
        QUARANTINED,
        "cases[0].scores.f1",
    ),
    "wrong-type-of-a-batch": Hostile(
        lambda: to_bytes({**k1([k1_app("a", "b")]), "apps": [{"app_name": "a", "metrics": 7}]}),
        QUARANTINED,
        "apps[0].metrics",
    ),
    "another-version": Hostile(
        lambda: own(schema="evaltui.report/99"), QUARANTINED, "evaltui.report/1"
    ),
    "unknown-keys": Hostile(
        lambda: own(surprise={"a": [1] * 50}), LOGGED, notes="surprise: not a key"
    ),
    # -- numbers
    "nan": Hostile(value("NaN"), LOGGED, metrics={"good": 1.0, "odd": None}, notes="no number"),
    "infinity": Hostile(value("-Infinity"), LOGGED, metrics={"odd": None}, notes="no number"),
    "ten-to-the-999": Hostile(value("1e999"), LOGGED, metrics={"odd": None}, notes="no number"),
    "ten-to-the-400": Hostile(
        value("1" + "0" * 400), LOGGED, metrics={"odd": None}, notes="no number"
    ),
    "five-thousand-digits": Hostile(
        value("9" * 5_000), LOGGED, metrics={"odd": None}, notes="no number"
    ),
    "the-largest-double": Hostile(value("1e308"), LOGGED, metrics={"odd": 1e308}),
    "true-for-a-number": Hostile(value("true"), QUARANTINED, "metrics[1].value"),
    # -- texts
    "half-a-character": Hostile(
        raw('"name": "\\ud800x", "params": {"\\udfff": "\\ud83d"}'),
        LOGGED,
        params={"_": "\ufffd"},
        notes="half a character",
        cut=("params",),
    ),
    "escape-sequences-everywhere": Hostile(
        lambda: own(
            name=ESCAPES,
            mode=ESCAPES,
            model=ESCAPES,
            params={ESCAPES: ESCAPES},
            tags={ESCAPES: ESCAPES},
            metrics=[{"name": ESCAPES, "value": 1}],
            cases=[{"id": ESCAPES, "status": "fail", "reason": ESCAPES, "output": ESCAPES}],
        ),
        LOGGED,
        cut=("metrics", "params", "tags"),
    ),
    "a-text-of-five-megabytes": Hostile(
        lambda: own(params={"prompt": "x" * 5_000_000}), LOGGED, cut=("params",)
    ),
    "a-run-name-of-ten-thousand": Hostile(
        lambda: own(name="n" * 10_000), LOGGED, cut=("run_name",)
    ),
    "times-of-no-calendar": Hostile(
        lambda: own(started_at="9999-12-31T23:59:59-14:00", ended_at="0001-01-01T00:00:00"),
        LOGGED,
        notes="is no time",
    ),
    # -- over MLflow's limits
    "1500-metrics": Hostile(
        lambda: own(metrics=MANY_METRICS), LOGGED, metrics={"m0000": 0.0, "m1499": 1_499.0}
    ),
    "300-params": Hostile(
        lambda: own(params=MANY_PARAMS), LOGGED, params={"p000": "v" * 20, "p299": "v" * 20}
    ),
    "keys-of-four-hundred": Hostile(
        lambda: own(
            metrics=[{"name": LONG, "value": 1}, {"name": LONG + "x", "value": 2}],
            params={LONG: "a"},
            tags={LONG: "b"},
        ),
        LOGGED,
        cut=("metrics", "params", "tags"),
    ),
    "values-of-ten-thousand": Hostile(
        lambda: own(params={"long": "p" * 10_000}, tags={"long": "t" * 10_000}),
        LOGGED,
        cut=("params", "tags"),
    ),
    "names-that-mlflow-refuses": Hostile(
        lambda: own(
            metrics=[{"name": name, "value": n} for n, name in enumerate(REFUSED[:-1])],
            params={name: str(n) for n, name in enumerate(REFUSED)},
        ),
        LOGGED,
        metrics={"a_at_b": 0.0, "a_pct_b": 1.0, "a..b": 9.0},
        cut=("metrics", "params"),
    ),
    "names-that-become-one": Hostile(
        lambda: own(
            metrics=[{"name": name, "value": n} for n, name in enumerate(("a?", "a!", "a_"))]
        ),
        LOGGED,
        metrics={"a_": 2.0, "a__2": 1.0, "a__3": 0.0},
        cut=("metrics",),
    ),
    "names-that-differ-by-case": Hostile(
        lambda: own(metrics=[{"name": "acc", "value": 1}, {"name": "Acc", "value": 2}]),
        LOGGED,
        metrics={"acc": 1.0, "Acc": 2.0},
    ),
    "names-of-our-own-tags": Hostile(
        lambda: own(tags={"evaltui.content_id": "x", "mlflow.runName": "x", "mode": "x"}),
        LOGGED,
        notes="names of this kind are not for reports",
    ),
    "cases-of-one-id": Hostile(
        lambda: own(cases=[{"id": "a", "status": "pass"}] * 1_000), LOGGED, notes="a"
    ),
    # -- not JSON at all
    "zip-bomb": Hostile(zip_bomb, IGNORED, "not a report", name="report.zip"),
    "zip-bomb-in-disguise": Hostile(zip_bomb, IGNORED, "not a report"),
    "gzip": Hostile(lambda: gzip.compress(own()), IGNORED, "not a report", name="report.json.gz"),
    "xml-entities": Hostile(lambda: BILLION_LAUGHS, IGNORED, "not a report", name="junit.xml"),
    "xml-of-a-file-outside": Hostile(lambda: OUTSIDE, IGNORED, "not a report", name="results.xml"),
    "yaml-bomb": Hostile(lambda: YAML_BOMB, IGNORED, "not a report", name="results.yaml"),
    "binary": Hostile(lambda: bytes(range(256)) * 64, IGNORED, "not a report", name="report.bin"),
    # -- names
    "a-name-of-escapes": Hostile(
        lambda: own(id="escapes"), LOGGED, name="a\x1b]0;evil\x07\u202e.json", cut=("artifacts",)
    ),
    "a-name-of-250-bytes": Hostile(lambda: own(id="long"), LOGGED, name="n" * 245 + ".json"),
}
"""By a name of its own."""
