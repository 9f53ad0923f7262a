"""What a stand-in for a Databricks workspace knows: identities, folders, limits, faults, log."""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ID_OFFSET = 10**15
"""Experiment ids are object ids of the workspace, of 16 digits."""

WORKSPACE_ID = "7474651848412345"
OWNER = "dev@example.com"
LIMITS = {"low": 7, "search": 7, "log_batch": 47, "other": 127}
"""Documented requests a second per workspace, by group."""


class RefusalError(Exception):
    """An error answer of the service."""

    def __init__(
        self, status: int, code: object, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}
        self.body = {"error_code": code, "message": message}


def missing(message: str) -> RefusalError:
    return RefusalError(404, "RESOURCE_DOES_NOT_EXIST", message)


def invalid(message: str) -> RefusalError:
    return RefusalError(400, "INVALID_PARAMETER_VALUE", message)


@dataclass
class Config:
    """What tests may change while it runs.

    Attributes:
        tokens: Personal token to what is known of it: `user`, `readonly`, `expired`, `expiry_ms`.
        clients: OAuth client to its secret.
        files_api: `ok`, `forbidden` or `missing`: run artifacts through the Files API.
        page_cap: Most runs of one page, 0 for as many as were asked for.
        limited: Whether the documented limits hold.
        retry_after: Seconds of the Retry-After header of a 429, None leaves it out.
    """

    tokens: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "dapi-test": {"user": OWNER},
            "dapi-readonly": {"user": "viewer@example.com", "readonly": True},
            "dapi-expired": {"expired": True},
        }
    )
    clients: dict[str, str] = field(default_factory=lambda: {"evaltui-sp": "s3cret"})
    token_ttl: int = 3600
    files_api: str = "ok"
    page_cap: int = 0
    limited: bool = False
    retry_after: int | None = None


class Backend:
    """MLflow's own server, called inside this process."""

    def __init__(self, database: Path, unused: Path) -> None:
        os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{database}"
        os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = unused.as_uri()
        from mlflow.server import app

        self._app = app
        self.call("POST", "experiments/search", None, {"max_results": 1})

    def call(
        self, method: str, name: str, query: dict[str, Any] | None, body: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        """Return status and answer of an endpoint below /api/2.0/mlflow/."""
        answer = self._app.test_client().open(
            f"/api/2.0/mlflow/{name}",
            method=method,
            query_string=urlencode(query, doseq=True) if query else None,
            data=None if body is None else json.dumps(body).encode(),
            content_type=None if body is None else "application/json",
        )
        return answer.status_code, json.loads(answer.get_data() or b"{}")


class Workspace:
    """The state; safe for use from several threads.

    Args:
        folder: Database and artifacts lie below it.
        backend: Where experiments and runs are kept.
    """

    def __init__(self, folder: Path, backend: Backend) -> None:
        self.folder, self.backend = folder, backend
        self.config = Config()
        self.url = ""
        self.lock = threading.RLock()
        self.log: list[dict[str, Any]] = []
        self.faults: list[dict[str, Any]] = []
        self.issued: dict[str, dict[str, Any]] = {}
        self.signed: dict[str, tuple[str, Path]] = {}
        self.nodes: dict[str, dict[str, Any]] = {}
        self._buckets: dict[str, tuple[float, float]] = {}
        for path in ("/", "/Shared", "/Users", f"/Users/{OWNER}"):
            self.add_node(path, "DIRECTORY")

    # -- who asks, how often -----------------------------------------------------------------------

    def authenticate(self, header: str) -> dict[str, Any]:
        """Return who asks, or refuse as the service does."""
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "bearer":
            raise RefusalError(401, 401, "Credential was not sent or was of an unsupported type.")
        if value in self.issued:
            known = self.issued[value]
            known = known | {"expired": known["until"] <= time.time()}
        else:
            known = self.config.tokens.get(value, {})
        if not known:
            raise RefusalError(403, 403, "Invalid access token.")
        if known.get("expired"):
            raise RefusalError(401, 401, "Token is expired")
        return known

    def issue(self, client: str, secret: str) -> str | None:
        """Return a new OAuth token, or None when the secret is wrong."""
        if self.config.clients.get(client) != secret:
            return None
        token = f"eyJ.{secrets.token_urlsafe(24)}.sig"
        self.issued[token] = {"user": client, "until": time.time() + self.config.token_ttl}
        return token

    def take(self, name: str) -> None:
        """Count a request against the limit of its group; refuse it when that is used up."""
        group = _group(name)
        if not self.config.limited:
            return
        rate = float(LIMITS[group])
        with self.lock:
            now = time.monotonic()
            level, last = self._buckets.get(group, (rate, now))
            level = min(rate, level + (now - last) * rate)
            self._buckets[group] = (level - (level >= 1), now)
        if level < 1:
            raise RefusalError(
                429, "REQUEST_LIMIT_EXCEEDED", f"Too many requests: {group}", self.wait_header()
            )

    def wait_header(self) -> dict[str, str]:
        wait = self.config.retry_after
        return {} if wait is None else {"Retry-After": str(wait)}

    def fault_for(self, request: str) -> dict[str, Any]:
        """Use up and return the first fault that a request meets."""
        with self.lock:
            for fault in self.faults:
                if fault["times"] and re.search(fault["match"], request):
                    fault["times"] -= 1
                    return fault
        return {}

    # -- folders and ids ---------------------------------------------------------------------------

    def add_node(self, path: str, kind: str, object_id: str = "") -> None:
        """Put a folder or an experiment into the tree."""
        with self.lock:
            number = int(object_id) if object_id else 2 * ID_OFFSET + len(self.nodes)
            self.nodes[path] = {"path": path, "object_type": kind, "object_id": number}

    def remember_experiments(self) -> None:
        """Put the experiments of an earlier life into the tree, with their folders."""
        _, found = self.backend.call("POST", "experiments/search", None, {"max_results": 1000})
        for item in self.outward(found).get("experiments", []):
            path = Path(item["name"])
            if path.is_absolute():
                for folder in path.parents:
                    if str(folder) not in self.nodes:
                        self.add_node(str(folder), "DIRECTORY")
                self.add_node(str(path), "MLFLOW_EXPERIMENT", item["experiment_id"])

    def drop_node(self, object_id: str) -> None:
        """Take an experiment out of the tree, as deleting it does."""
        with self.lock:
            self.nodes = {
                path: node
                for path, node in self.nodes.items()
                if str(node["object_id"]) != object_id
            }

    def inward(self, value: Any, key: str = "") -> Any:
        """Return a request with the experiment ids of the backend."""
        if isinstance(value, dict):
            return {name: self.inward(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.inward(item, key) for item in value]
        if key not in {"experiment_id", "experiment_ids"} or not value:
            return value
        if not str(value).isdigit() or int(value) <= ID_OFFSET:
            raise missing(f"Node ID {value} does not exist.")
        return str(int(value) - ID_OFFSET)

    def outward(self, value: Any) -> Any:
        """Return an answer with the ids and places of the workspace."""
        if isinstance(value, list):
            return [self.outward(item) for item in value]
        if not isinstance(value, dict):
            return value
        found = {name: self.outward(item) for name, item in value.items()}
        number = str(found.get("experiment_id", ""))
        if number.isdigit():
            found["experiment_id"] = number = str(int(number) + ID_OFFSET)
            root = f"dbfs:/databricks/mlflow-tracking/{number}"
            if "artifact_location" in found:
                found["artifact_location"] = root
            if "artifact_uri" in found:
                found["artifact_uri"] = f"{root}/{found['run_id']}/artifacts"
        return found

    # -- artifacts ---------------------------------------------------------------------------------

    def artifacts_of(self, run_id: str) -> Path:
        """Return where the artifacts of a run are kept; refuse a run of another workspace."""
        status, answer = self.backend.call("GET", "runs/get", {"run_id": run_id}, None)
        if status != 200:
            raise RefusalError(status, answer["error_code"], answer["message"])
        return self.folder / "artifacts" / run_id

    def file_of(self, path: str) -> Path:
        """Return the local path of one in the Files API."""
        found = re.fullmatch(
            r"/WorkspaceInternal/Mlflow/Artifacts/[^/]+/Runs/([^/]+)/artifacts(?:/(.*))?", path
        )
        if found is None or self.config.files_api == "missing":
            raise RefusalError(404, "NOT_FOUND", f"The path {path} does not exist")
        if self.config.files_api == "forbidden":
            raise RefusalError(403, "PERMISSION_DENIED", f"Path {path} is not accessible")
        return inside(self.artifacts_of(found[1]), found[2] or "")

    def sign(self, verb: str, path: Path) -> str:
        """Return an address that allows one verb on one file without a credential."""
        ticket = secrets.token_urlsafe(12)
        self.signed[ticket] = (verb, path)
        return f"{self.url}/_storage/{ticket}?X-Amz-Signature={secrets.token_hex(4)}"


def inside(root: Path, relative: str) -> Path:
    """Return a path below a root."""
    path = Path(os.path.normpath(root / relative))
    if path != root and root not in path.parents:
        raise invalid(f"Invalid path: {relative}")
    return path


def _group(name: str) -> str:
    if name.startswith(("runs/search", "experiments/search")):
        return "search"
    if name == "runs/log-batch":
        return "log_batch"
    low = re.match(r"(experiments/(update|delete|restore))|(runs/(delete|restore))", name)
    return "low" if low else "other"
