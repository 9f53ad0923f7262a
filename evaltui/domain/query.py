"""Which runs a filter text means."""

from __future__ import annotations

import numpy as np

from evaltui.domain.name_search import named_so
from evaltui.domain.run import Tag
from evaltui.domain.table import BoolArray, RunTable
from evaltui.domain.text_column import TextColumn

_OWN_PREFIXES = ("evaltui.", "mlflow.")
_SEARCHED_OWN_TAGS = frozenset({Tag.MODE_LABEL, Tag.NOTES, Tag.FORMAT, Tag.KIND, Tag.STATUS})


def match_words(table: RunTable, text: str) -> BoolArray:
    """Return which rows match every word of `text`, case-blind.

    A word matches where it stands anywhere in the run's name, its id's beginning, its mode, any
    param, or any tag that is not bookkeeping of MLflow or evaltui. Different words may match in
    different places. No words match every row; rows that are no longer alive are not looked at.

    Args:
        table: The runs.
        text: Words separated by blanks.
    """
    matched = table.alive.copy()
    if not text.split():
        return matched
    columns = [table.param_column(name) for name in table.param_names()]
    columns += [table.tag_column(name) for name in table.tag_names() if _is_searched(name)]
    for word in text.casefold().split():
        _keep_matches(table, word, [c for c in columns if c is not None], matched)
        if not matched.any():
            break
    return matched


def _keep_matches(
    table: RunTable, word: str, columns: list[TextColumn], matched: BoolArray
) -> None:
    """Clear the rows of `matched` in which `word` stands nowhere; each text is looked at once."""
    found = np.zeros(table.size, dtype=np.bool_)
    for column in columns:
        hits = [word in text.casefold() for text in column.values]
        if any(hits):
            lookup = np.array([*hits, False], dtype=np.bool_)  # code -1, missing, finds the last
            found |= lookup[column.codes[: table.size]]
    matched &= found | named_so(table, word)


def _is_searched(tag: str) -> bool:
    return tag in _SEARCHED_OWN_TAGS or not tag.startswith(_OWN_PREFIXES)
