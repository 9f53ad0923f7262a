"""Errors as MLflow, requests, SQLAlchemy and the Databricks SDK raise them, by their real classes.

Only requests is imported; the classes of the heavy libraries are stood in for by name, and met for
real in test_writer.
"""

from __future__ import annotations

import errno
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from evaltui.errors import StoreAuthError, StoreError, StoreRejectedError, StoreUnreachableError
from evaltui.tracking.deadline import OverdueError
from evaltui.tracking.mlflow_faults import MAX_REASON, translate


class MlflowException(Exception):  # noqa: N818 - the name is what the seam goes by
    def __init__(self, message: str, error_code: str = "INTERNAL_ERROR") -> None:
        super().__init__(message)
        self.error_code = error_code


class SQLAlchemyError(Exception):
    pass


class DatabricksError(OSError):
    def __init__(self, message: str, error_code: str) -> None:
        super().__init__(message)
        self.error_code = error_code


def told(error: BaseException) -> StoreError:
    return translate(error, "http://h:5000: creating the run")


def unreachable(error: BaseException) -> StoreUnreachableError:
    found = told(error)
    assert isinstance(found, StoreUnreachableError)
    return found


def request_failed(inner: Exception) -> MlflowException:
    """What mlflow's http_request makes of an error of requests."""
    try:
        try:
            raise inner  # noqa: TRY301 - as requests does
        except Exception as error:  # noqa: BLE001 - as mlflow does
            text = f"API request to http://h:5000/api/2.0/x failed with exception {error}"
            raise MlflowException(text)  # noqa: B904 - as mlflow does
    except MlflowException as error:
        return error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("PERMISSION_DENIED", StoreAuthError),
        ("UNAUTHENTICATED", StoreAuthError),
        ("CUSTOMER_UNAUTHORIZED", StoreAuthError),
        ("RESOURCE_DOES_NOT_EXIST", StoreRejectedError),
        ("INVALID_PARAMETER_VALUE", StoreRejectedError),
        ("RESOURCE_ALREADY_EXISTS", StoreRejectedError),
        ("ENDPOINT_NOT_FOUND", StoreUnreachableError),
        ("REQUEST_LIMIT_EXCEEDED", StoreUnreachableError),
        ("TEMPORARILY_UNAVAILABLE", StoreUnreachableError),
        ("INTERNAL_ERROR", StoreUnreachableError),
        ("", StoreUnreachableError),
    ],
)
def test_mlflow_codes_have_a_meaning(code: str, kind: type[StoreError]) -> None:
    found = told(MlflowException(f"{code}: it said so", code))
    assert type(found) is kind
    assert found.message == f"http://h:5000: creating the run: {code}: it said so"


def test_a_wrong_token_and_a_missing_permission_get_different_hints() -> None:
    token = told(MlflowException("403: Invalid access token", "PERMISSION_DENIED"))
    right = told(MlflowException("PERMISSION_DENIED: no CAN_EDIT", "PERMISSION_DENIED"))
    assert "credential" in str(token.hint)
    assert "permission" in str(right.hint)
    assert isinstance(told(MlflowException("401: expired", "INTERNAL_ERROR")), StoreAuthError)


@pytest.mark.parametrize(
    ("inner", "unclear", "word"),
    [
        (requests.ConnectionError("[Errno 111] Connection refused"), False, "refused"),
        (requests.ConnectionError("NameResolutionError: Name or service"), False, "host name"),
        (requests.ConnectTimeout("connect timed out"), False, "in time"),
        (requests.ReadTimeout("Read timed out. (read timeout=5)"), True, "in time"),
        (requests.ConnectionError("('Connection aborted.', RemoteDisconnected())"), True, "cut"),
        (requests.exceptions.ChunkedEncodingError("IncompleteRead(3)"), True, "cut off"),
        (requests.exceptions.RetryError("too many 429 error responses"), False, "429"),
        (requests.exceptions.RetryError("too many 503 error responses"), True, "503"),
        (requests.exceptions.SSLError("SSLError([SSL: WRONG_VERSION] x)"), False, "TLS"),
    ],
)
def test_transport_errors_say_whether_the_work_may_have_been_done(
    inner: Exception, unclear: bool, word: str
) -> None:
    for error in (inner, request_failed(inner)):
        found = unreachable(error)
        assert found.unclear is unclear
        assert word in found.message


def test_the_servers_wish_to_wait_is_passed_on() -> None:
    class RetryError(requests.exceptions.RetryError):
        retry_after_s = 7.0

    assert (
        unreachable(request_failed(RetryError("too many 429 error responses"))).retry_after_s == 7
    )
    plain = requests.exceptions.RetryError("too many 429 error responses")
    assert unreachable(request_failed(plain)).retry_after_s is None


def test_timeouts_of_ours_and_of_the_sdk_are_unclear() -> None:
    assert unreachable(OverdueError(20)).unclear
    assert not unreachable(OverdueError(20, sent=False)).unclear
    assert unreachable(TimeoutError("Timed out after 0:05:00")).unclear


def test_an_html_page_is_named_not_quoted() -> None:
    page = "<!DOCTYPE html><html><head><title>Sign in \x1b[2J</title></head>" + "x" * 9_000
    text = (
        "API request to endpoint was successful but the response body was not in a valid JSON "
        f"format. Response body: '{page}'"
    )
    found = unreachable(MlflowException(text))
    assert found.unclear
    assert 'an HTML page "Sign in' in found.message
    assert "xxx" not in found.message
    assert "\x1b" not in found.message
    denied = MlflowException(f"failed with error code 403 != 200. Response body: '{page}'")
    denied.error_code = "PERMISSION_DENIED"
    assert isinstance(told(denied), StoreAuthError)


def test_passwords_and_tokens_do_not_get_into_the_text() -> None:
    text = (
        "API request to http://ann:s3cret@h/api failed with exception Bearer dapi0123456789abcdef"
    )
    found = unreachable(MlflowException(text))
    for secret in ("s3cret", "dapi0123456789abcdef"):
        assert secret not in found.message


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("(sqlite3.OperationalError) database is locked", StoreUnreachableError),
        ("(sqlite3.OperationalError) database or disk is full", StoreUnreachableError),
        ("(sqlite3.OperationalError) attempt to write a readonly database", StoreAuthError),
        ("(sqlite3.OperationalError) unable to open database file", StoreAuthError),
        ("(sqlite3.DatabaseError) file is not a database", StoreRejectedError),
        ("(psycopg2.OperationalError) server closed the connection", StoreUnreachableError),
    ],
)
def test_databases_are_understood_by_their_words(text: str, kind: type[StoreError]) -> None:
    whole = f"{text}\n[SQL: INSERT INTO runs VALUES (?)]\n[parameters: ('secret',)]"
    for error in (SQLAlchemyError(whole), MlflowException(whole, "TEMPORARILY_UNAVAILABLE")):
        found = told(error)
        assert type(found) is kind
        assert "SQL:" not in found.message
        assert text.partition(") ")[2] in found.message


def test_a_code_that_says_enough_beats_the_words_of_the_database() -> None:
    text = "Experiment(name=x) already exists. Error: (sqlite3.IntegrityError) UNIQUE constraint"
    found = told(MlflowException(text, "RESOURCE_ALREADY_EXISTS"))
    assert isinstance(found, StoreRejectedError)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StoreUnreachableError),
        (errno.EACCES, StoreAuthError),
        (errno.EROFS, StoreAuthError),
        (errno.ENOENT, StoreRejectedError),
        (errno.EIO, StoreUnreachableError),
    ],
)
def test_errors_of_the_file_system(number: int, kind: type[StoreError]) -> None:
    found = told(OSError(number, "strerror", "/data/artifacts/x"))
    assert type(found) is kind
    assert "strerror: /data/artifacts/x" in found.message


def test_the_file_store_message_names_three_ways_out() -> None:
    found = told(MlflowException("the filesystem backend is in maintenance mode … migrate"))
    assert isinstance(found, StoreRejectedError)
    for way in ("MLFLOW_ALLOW_FILE_STORE", "mlflow migrate-filestore", "--tracking-uri"):
        assert way in str(found.hint)


def test_an_old_database_wants_an_upgrade() -> None:
    found = told(MlflowException("Detected out-of-date database schema (found version a)"))
    assert isinstance(found, StoreRejectedError)
    assert "mlflow db upgrade" in str(found.hint)


def test_databricks_errors_and_credentials() -> None:
    assert isinstance(told(DatabricksError("no", "PERMISSION_DENIED")), StoreAuthError)
    assert isinstance(told(ValueError("default auth: cannot configure")), StoreAuthError)
    no_config = MlflowException("Reading Databricks credential configuration failed with x")
    assert isinstance(told(no_config), StoreAuthError)
    parent = told(MlflowException("Parent directory /A does not exist.", "RESOURCE_DOES_NOT_EXIST"))
    assert "folder" in str(parent.hint)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, StoreAuthError), (413, StoreRejectedError), (400, StoreRejectedError),
     (429, StoreUnreachableError), (502, StoreUnreachableError)],
)  # fmt: skip
def test_answers_to_uploads_are_judged_by_their_status(status: int, kind: type[StoreError]) -> None:
    response = requests.Response()
    response.status_code = status
    assert type(told(requests.HTTPError("so", response=response))) is kind


def test_what_nobody_knows_may_have_been_done() -> None:
    found = unreachable(KeyError("run"))
    assert found.unclear
    assert told(found) is found


@given(
    st.text(st.characters(), max_size=2_000), st.sampled_from([MlflowException, KeyError, OSError])
)
def test_any_text_becomes_one_short_clean_line(text: str, kind: Any) -> None:
    message = told(kind(text)).message
    assert len(message) <= MAX_REASON
    assert not {"\n", "\x1b", "\x00"} & set(message)


def test_an_error_that_goes_round_in_circles_ends() -> None:
    one, two = MlflowException("one"), MlflowException("two")
    one.__cause__, two.__cause__ = two, one
    assert unreachable(one).unclear
