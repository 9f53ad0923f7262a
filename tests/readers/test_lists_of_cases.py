"""A list of cases that is something else is told, never passed over."""

from __future__ import annotations

from typing import Any

import pytest
from report_documents import (
    OWN,
    bulk,
    bulk_item,
    k1,
    k1_app,
    k2,
    k2_app,
    k3,
    k3_app,
    k5,
    k5_app,
    read,
)

from evaltui.errors import ReportSchemaError

DOCUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "own": ("cases", OWN),
    "k1": ("apps", k1([k1_app("a", "b")])),
    "k2": ("apps", k2([k2_app("a")])),
    "k3": ("apps", k3([k3_app("a")])),
    "k5": ("per_app", k5([k5_app("a", "b")])),
    "bulk": ("results", bulk("b5", [bulk_item("b5", "a")])),
}


@pytest.mark.parametrize("value", [7, "many", {"a": 1}, True])
@pytest.mark.parametrize("family", sorted(DOCUMENTS))
def test_something_else_than_a_list_is_wrong(family: str, value: object) -> None:
    key, document = DOCUMENTS[family]
    if family == "k3" and isinstance(value, dict):
        pytest.skip("apps by name are known of this format")
    with pytest.raises(ReportSchemaError, match=key):
        read({**document, key: value})
