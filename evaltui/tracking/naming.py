"""Names and texts that MLflow takes, made from any names and texts, always the same way.

MLflow refuses many characters in the keys of metrics, params and tags, refuses keys that are not
normal paths, and cuts long values without a word. So everything is fitted before it is sent; what
was changed is kept in an Originals and goes along with the run as an artifact.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import field

from evaltui.domain.text import clean
from evaltui.late_dataclass import dataclass

MAX_KEY = 250
MAX_PARAM_VALUE = 6_000
MAX_TAG_VALUE = 8_000
MAX_RUN_NAME = 200
MAX_FILE_NAME_BYTES = 200
"""File systems take 255; MLflow and the stores behind it add prefixes of their own."""

ORIGINALS_PATH = "evaltui/originals.json"
ORIGINALS_SCHEMA = "evaltui.originals/1"

_ILLEGAL_KEY = re.compile(r"[^\w/.\- :]")
_ILLEGAL_FILE = re.compile(r"[^\w .\-+=@,()~!]")  # `#`, `?`, `%` and `\` break URLs on the way
_SPOKEN = {"@": "_at_", "%": "_pct_"}
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_HASH_DIGITS = 8


def legal_key(name: str) -> str:
    """Return a key for a metric, param or tag that MLflow takes, the same for the same name.

    A legal name stays as it is. Other characters than letters, digits and `_ - . / : space` become
    `_` (`@` becomes `_at_`, `%` becomes `_pct_`), path steps that lead nowhere are dropped, and a
    long name ends in a hash of the whole. Two names may become one key: see `legal_keys`.
    """
    if _is_legal_key(name):
        return name
    text = _ILLEGAL_KEY.sub(lambda found: _SPOKEN.get(found[0], "_"), name)
    key = "/".join(_step(part) for part in text.split("/") if part not in ("", ".")) or "_"
    return key if len(key) <= MAX_KEY else _shorten(key, name, MAX_KEY)


def legal_keys(names: Iterable[str]) -> dict[str, str]:
    """Return the key of each name; no two names share one.

    Legal names keep themselves. Where others become the same key, the first in sorted order gets
    it and the next ones end in `_2`, `_3`, …: the result does not depend on the order given.
    """
    wanted = sorted(set(names))
    keys = {name: name for name in wanted if legal_key(name) == name}
    taken = set(keys.values())
    for name in wanted:
        if name not in keys:
            keys[name] = _vacant(legal_key(name), taken, MAX_KEY)
            taken.add(keys[name])
    return keys


def legal_value(text: str, limit: int) -> str:
    """Return a param or tag value MLflow keeps whole: at most `limit` long, encodable, no NUL.

    A longer text ends in a mark that says how long it was.
    """
    value = _UNSENDABLE.sub("\ufffd", text)
    if len(value) <= limit:
        return value
    mark = f"… [cut: {len(text)} characters]"
    return value[: limit - len(mark)] + mark


def legal_run_name(text: str) -> str:
    """Return `text` as a run name: one line, no control characters, at most 200 long."""
    return clean(text, limit=MAX_RUN_NAME).strip() or "run"


def legal_artifact_path(path: str) -> str:
    """Return a path for an artifact that every store takes: relative, no odd characters."""
    steps = [
        _file_name(part) for part in path.replace("\\", "/").split("/") if part not in ("", ".")
    ]
    return "/".join(steps) or "_"


def vacant_path(path: str, taken: Iterable[str]) -> str:
    """Return `path`, or the next one with `_2`, `_3`, … before its suffix that is not taken."""
    used = set(taken)
    stem, suffix = posixpath.splitext(path)
    number, result = 2, path
    while result in used:
        result = f"{stem}_{number}{suffix}"
        number += 1
    return result


@dataclass(slots=True)
class Originals:
    """What was renamed or cut to fit, by kind (`metrics`, `params`, `tags`, `artifacts`).

    Attributes:
        renamed: By kind: original name by key.
        cut: By kind: whole value by key.
    """

    renamed: dict[str, dict[str, str]] = field(default_factory=dict)
    cut: dict[str, dict[str, str]] = field(default_factory=dict)

    def note_names(self, kind: str, keys: Mapping[str, str]) -> None:
        """Note the keys that differ from their names; `keys` is by original name."""
        changed = {key: name for name, key in keys.items() if key != name}
        if changed:
            self.renamed.setdefault(kind, {}).update(changed)

    def note_value(self, kind: str, key: str, whole: str) -> None:
        """Note a value that did not fit."""
        self.cut.setdefault(kind, {})[key] = whole

    @property
    def count(self) -> int:
        """Number of names and values that were changed."""
        return sum(len(part) for group in (self.renamed, self.cut) for part in group.values())

    def to_json(self) -> bytes:
        """Return the artifact's bytes: `{"schema", "renamed": {kind: {key: name}}, "cut": …}`."""
        document = {"schema": ORIGINALS_SCHEMA, "renamed": self.renamed, "cut": self.cut}
        return json.dumps(document, indent=1, sort_keys=True).encode("ascii")


def _is_legal_key(name: str) -> bool:
    return (
        0 < len(name) <= MAX_KEY
        and _ILLEGAL_KEY.search(name) is None
        and posixpath.normpath(name) == name
        and not name.startswith(("/", ".."))
        and name != "."
    )


def _step(part: str) -> str:
    """Return one step of a key without a leading `..`, which MLflow takes for the parent."""
    return "__" + part[2:] if part.startswith("..") else part


def _shorten(key: str, name: str, limit: int) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{key[: limit - _HASH_DIGITS - 1]}_{digest}"


def _vacant(key: str, taken: set[str], limit: int) -> str:
    number, result = 2, key
    while result in taken:
        suffix = f"_{number}"
        result = key[: limit - len(suffix)] + suffix
        number += 1
    return result


def _file_name(part: str) -> str:
    name = _ILLEGAL_FILE.sub("_", part)
    if name.startswith((".artifact.uploading.", "..")) or not name.strip(" "):
        name = "_" + name[1:]
    data = name.encode("utf-8")
    if len(data) <= MAX_FILE_NAME_BYTES:
        return name
    stem, suffix = posixpath.splitext(name)
    digest = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    room = MAX_FILE_NAME_BYTES - _HASH_DIGITS - 1 - len(suffix.encode("utf-8"))
    if room < 1:
        return digest
    return f"{stem.encode('utf-8')[:room].decode('utf-8', 'ignore')}_{digest}{suffix}"
