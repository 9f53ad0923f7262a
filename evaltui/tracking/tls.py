"""Which certificates are taken, by the variables that MLflow and requests know."""

from __future__ import annotations

import os
from collections.abc import Mapping

from evaltui.late_dataclass import dataclass

AUTHORITY = "MLFLOW_TRACKING_SERVER_CERT_PATH"
BUNDLE = "REQUESTS_CA_BUNDLE"
_CLIENT = "MLFLOW_TRACKING_CLIENT_CERT_PATH"
_INSECURE = "MLFLOW_TRACKING_INSECURE_TLS"
_YES = frozenset({"1", "true", "yes", "y"})


@dataclass(frozen=True, slots=True)
class Tls:
    """What requests is told about certificates.

    Attributes:
        verify: True for the authorities that requests knows (REQUESTS_CA_BUNDLE among them), the
            path of an own authority, or False to take any certificate.
        certificate: Path of a client certificate, or None.
    """

    verify: bool | str = True
    certificate: str | None = None


def tls_settings(variables: Mapping[str, str]) -> Tls:
    """Return what the process's environment asks for; `variables` (of an env file) beat it."""
    environ = {**os.environ, **variables}
    verify: bool | str = environ.get(AUTHORITY) or True
    if environ.get(_INSECURE, "").lower() in _YES:
        verify = False
    return Tls(verify, environ.get(_CLIENT) or None)
