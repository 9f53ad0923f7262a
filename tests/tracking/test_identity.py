from __future__ import annotations

import pytest

from evaltui.settings import Settings
from evaltui.tracking.identity import named_by_credential, user_of
from evaltui.tracking.target import resolve_target

PRINCIPAL = "6f1c2d3e-0a1b-4c5d-8e9f-001122334455"


@pytest.mark.parametrize(
    ("me", "name"),
    [
        ({"userName": "ada@example.com", "displayName": "Ada"}, "ada@example.com"),
        ({"userName": PRINCIPAL, "displayName": "nightly"}, "nightly"),
        ({"userName": PRINCIPAL}, PRINCIPAL),
        ({"applicationId": PRINCIPAL, "displayName": "nightly"}, "nightly"),
        ({}, ""),
        ({"userName": None}, ""),
    ],
)
def test_people_go_by_their_login_and_principals_by_the_name_they_were_given(
    me: dict[str, str | None], name: str
) -> None:
    assert user_of(me) == name


def test_basic_credentials_name_their_user_and_tokens_none() -> None:
    environ = {"MLFLOW_TRACKING_URI": "http://h", "MLFLOW_TRACKING_USERNAME": "ada"}
    by_password = resolve_target(Settings(), environ | {"MLFLOW_TRACKING_PASSWORD": "pw"})
    assert named_by_credential(by_password) == "ada"
    token = {"MLFLOW_TRACKING_URI": "http://h", "MLFLOW_TRACKING_TOKEN": "secret"}
    assert named_by_credential(resolve_target(Settings(), token)) == ""
    assert named_by_credential(resolve_target(Settings(), {})) == ""
