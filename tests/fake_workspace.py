"""A stand-in for a Databricks workspace on loopback, which MLflow's own client passes end to end.

`python fake_workspace.py FOLDER PORT` serves until it is ended; port 0 is any.
In front of a real MLflow backend it adds the workspace's sign-in (tokens, OAuth), names and ids,
folders, artifact storage, rate limits and error answers, keeps a log of requests, and fails as
tests tell it.
"""

from __future__ import annotations

import base64
import re
import ssl
import sys
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from self_signed import TLS_FILE
from workspace_http import Json, Plumbing
from workspace_state import (
    WORKSPACE_ID,
    Backend,
    RefusalError,
    Workspace,
    inside,
    invalid,
    missing,
)

_API = "/api/2.0/"
_READS = {
    "experiments/get", "experiments/get-by-name", "experiments/search", "runs/get", "runs/search",
    "metrics/get-history", "artifacts/list", "artifacts/credentials-for-read",
    "logged-models/search",
}  # fmt: skip
_WRITES = {
    "experiments/create", "experiments/delete", "experiments/restore", "experiments/update",
    "experiments/set-experiment-tag", "experiments/delete-experiment-tag", "runs/create",
    "runs/update", "runs/delete", "runs/restore", "runs/log-batch", "runs/log-metric",
    "runs/log-parameter", "runs/set-tag", "runs/delete-tag", "artifacts/credentials-for-write",
}  # fmt: skip
_MOST_BATCH_BYTES = 1_000_000


class Handler(Plumbing):
    """Answers what is asked."""

    def answer(self) -> None:
        if self.where.startswith("/_storage/"):
            self._storage()
        elif self.where.startswith(("/.well-known/", "/oidc/")):
            self._sign_in()
        elif not self.where.startswith(_API):
            self.send(404, b"<html><title>404 Not Found</title></html>", kind="text/html")
        else:
            self.who = self.workspace.authenticate(self.headers.get("Authorization", ""))
            self._api(self.where.removeprefix(_API))

    def _api(self, name: str) -> None:
        parts: tuple[tuple[str, Callable[[str], None]], ...] = (
            ("mlflow/", self._mlflow),
            ("workspace/", self._folders),
            ("fs/", self._files),
            ("preview/scim/v2/Me", self._me),
            ("token/list", self._tokens),
            ("permissions/", self._permissions),
        )
        for head, answer in parts:
            if name.startswith(head):
                answer(unquote(name.removeprefix(head)))
                return
        raise RefusalError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{self.command} {name}'")

    def _sign_in(self) -> None:
        issuer = f"{self.workspace.url}/oidc"
        if self.where == "/.well-known/databricks-config":
            self.send(200, {"oidc_endpoint": issuer, "workspace_id": WORKSPACE_ID})
        elif self.where == "/oidc/.well-known/oauth-authorization-server":
            addresses = {f"{name}_endpoint": f"{issuer}/v1/{name}" for name in ("token",)}
            addresses["authorization_endpoint"] = f"{issuer}/v1/authorize"
            self.send(200, {"issuer": issuer, **addresses})
        elif self.where == "/oidc/v1/token":
            form = dict(parse_qsl(self.body.decode()))
            _, _, pair = self.headers.get("Authorization", "").partition("Basic ")
            client, _, secret = base64.b64decode(pair).decode().partition(":")
            token = self.workspace.issue(
                client or form.get("client_id", ""), secret or form.get("client_secret", "")
            )
            if token is None:
                self.send(401, {"error": "invalid_client", "error_description": "authentication"})
                return
            life = self.workspace.config.token_ttl
            self.send(200, {"access_token": token, "token_type": "Bearer", "expires_in": life})
        else:
            raise RefusalError(404, "ENDPOINT_NOT_FOUND", "Not found")

    def _me(self, _: str) -> None:
        self.send(200, {"userName": self.who["user"], "id": "4567", "active": True})

    def _tokens(self, _: str) -> None:
        end = self.who.get("expiry_ms", -1)
        known = [{"token_id": "1", "comment": "evaltui", "creation_time": 1, "expiry_time": end}]
        self.send(200, {"token_infos": known})

    def _permissions(self, name: str) -> None:
        level = "CAN_READ" if self.who.get("readonly") else "CAN_MANAGE"
        entry = {
            "user_name": self.who["user"],
            "all_permissions": [{"permission_level": level, "inherited": True}],
        }
        self.send(200, {"object_id": f"/{name}", "access_control_list": [entry]})

    def _writable(self) -> None:
        if self.who.get("readonly"):
            raise RefusalError(
                403,
                "PERMISSION_DENIED",
                f"{self.who['user']} does not have Edit permissions on the experiment.",
            )

    # -- folders -----------------------------------------------------------------------------------

    def _folders(self, verb: str) -> None:
        nodes = self.workspace.nodes
        path = str(self.document.get("path") or self.query.get("path", ""))
        path = path.removeprefix("/Workspace").rstrip("/") or "/"
        if verb == "get-status":
            if path not in nodes:
                raise missing(f"Path ({path}) doesn't exist.")
            self.send(200, nodes[path])
        elif verb == "mkdirs":
            self._writable()
            self._make_folders(path)
            self.send(200, {})
        else:
            raise RefusalError(404, "ENDPOINT_NOT_FOUND", f"No API found for workspace/{verb}")

    def _make_folders(self, path: str) -> None:
        nodes = self.workspace.nodes
        head = "/".join(path.split("/")[:3])
        if head.startswith("/Users/") and head not in nodes:
            raise RefusalError(400, "DIRECTORY_PROTECTED", "Folder Users is protected")
        if f"/{path.split('/')[1]}" not in nodes:
            raise RefusalError(403, "PERMISSION_DENIED", "no permission to create in /")
        whole = [str(item) for item in (Path(path), *Path(path).parents)]
        for folder in reversed(whole):
            if folder not in nodes:
                self.workspace.add_node(folder, "DIRECTORY")
            elif nodes[folder]["object_type"] != "DIRECTORY":
                raise RefusalError(400, "RESOURCE_ALREADY_EXISTS", f"Path ({folder}) exists.")

    # -- MLflow ------------------------------------------------------------------------------------

    def _mlflow(self, name: str) -> None:
        if name not in _READS | _WRITES:
            raise RefusalError(404, "ENDPOINT_NOT_FOUND", f"No API found for '/mlflow/{name}'")
        self.workspace.take(name)
        if name in _WRITES:
            self._writable()
        if name.startswith("artifacts/"):
            self._artifacts(name.partition("/")[2])
        elif name == "experiments/create":
            self._create_experiment()
        else:
            self._forward(name)

    def _forward(self, name: str) -> None:
        state, asked = self.workspace, self.document
        if name == "runs/search":
            asked["max_results"] = int(asked.get("max_results", 1000))
            if state.config.page_cap:
                asked["max_results"] = min(asked["max_results"], state.config.page_cap)
        if name == "runs/log-batch" and len(self.body) > _MOST_BATCH_BYTES:
            raise invalid(f"requests must be at most {_MOST_BATCH_BYTES} bytes")
        query = state.inward(self.query) if self.query else None
        body = state.inward(asked) if self.command != "GET" else None
        status, answer = state.backend.call(self.command, name, query, body)
        if name == "experiments/get-by-name" and status == 404:
            raise missing(f"Node {self.query.get('experiment_name')} does not exist.")
        if name == "experiments/delete" and status == 200:
            state.drop_node(str(asked["experiment_id"]))
        org = {"X-Databricks-Org-Id": WORKSPACE_ID}
        self.send(status, state.outward(answer), headers=org)

    def _create_experiment(self) -> None:
        state = self.workspace
        name = str(self.document.get("name", ""))
        if not name.startswith("/"):
            raise invalid(
                f"Got an invalid experiment name '{name}'. An experiment name must be an absolute "
                "path within the Databricks workspace"
            )
        name = re.sub("/{2,}", "/", name)
        name = name.removeprefix("/Workspace") if name.startswith("/Workspace/") else name
        parent, _, last = name.rpartition("/")
        with state.lock:
            if name in state.nodes:
                code = "RESOURCE_ALREADY_EXISTS"
                raise RefusalError(400, code, f"Node named '{last}' already exists")
            if state.nodes.get(parent, {}).get("object_type") != "DIRECTORY":
                raise missing(f"Parent directory {parent} does not exist.")
            tags = [{"key": "mlflow.ownerEmail", "value": self.who["user"]}]
            body = {"name": name, "tags": tags}
            status, answer = state.backend.call("POST", "experiments/create", None, body)
            answer = state.outward(answer)
            if status == 200:
                state.add_node(name, "MLFLOW_EXPERIMENT", answer["experiment_id"])
        self.send(status, answer)

    # -- artifacts ---------------------------------------------------------------------------------

    def _artifacts(self, verb: str) -> None:
        asked = {**self.query, **self.document}
        root = self.workspace.artifacts_of(asked["run_id"])
        if verb == "list":
            folder = inside(root, asked.get("path", ""))
            self.send(200, {"files": [_entry(item, root) for item in _inside(folder)]})
            return
        kind = {"type": "AWS_PRESIGNED_URL", "headers": [], "run_id": asked["run_id"]}
        method = "GET" if verb.endswith("read") else "PUT"
        paths = asked["path"] if isinstance(asked["path"], list) else [asked["path"]]
        signed = [
            {**kind, "path": path, "signed_uri": self.workspace.sign(method, inside(root, path))}
            for path in paths
        ]
        self.send(200, {"credential_infos": signed})

    def _files(self, name: str) -> None:
        verb, _, rest = name.partition("/")
        if verb == "create-download-url":
            path = self.workspace.file_of(self.query["path"])
            if not path.is_file():
                raise RefusalError(404, "NOT_FOUND", "The file is not found")
            self.send(200, {"url": self.workspace.sign("GET", path), "headers": []})
            return
        path = self.workspace.file_of(f"/{rest}")
        if self.command == "PUT":
            self._writable()
            (path if verb == "directories" else path.parent).mkdir(parents=True, exist_ok=True)
            if verb == "files":
                path.write_bytes(self.body)
            self.send(204)
        elif verb == "directories" and path.is_dir():
            found = [
                {"path": f"/{rest}/{item.name}", "name": item.name, "is_directory": item.is_dir()}
                for item in _inside(path)
            ]
            self.send(200, {"contents": found})
        elif self.command == "DELETE" and path.is_file():
            path.unlink()
            self.send(204)
        else:
            self._give(path)

    def _storage(self) -> None:
        verb, path = self.workspace.signed.get(self.where.split("/")[2], ("", Path()))
        if self.headers.get("Authorization") or verb != self.command:
            self.send(403, b"<Error><Code>AccessDenied</Code></Error>", kind="application/xml")
        elif verb == "PUT":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.body)
            self.send(200)
        else:
            self._give(path)

    def _give(self, path: Path) -> None:
        if not path.is_file():
            raise RefusalError(404, "NOT_FOUND", "The file being accessed is not found")
        self.send(200, path.read_bytes(), kind="application/octet-stream")


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _entry(path: Path, root: Path) -> Json:
    size = {} if path.is_dir() else {"file_size": path.stat().st_size}
    return {"path": path.relative_to(root).as_posix(), "is_dir": path.is_dir(), **size}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main(folder: Path, port: int) -> None:
    """Serve until the process is ended; print the address when ready.

    In a folder that was used before, the experiments of that time are there, the tokens are not.
    """
    state = Workspace(folder, Backend(folder / "mlflow.db", folder / "unused"))
    state.remember_experiments()
    Handler.workspace = state
    with _Server(("127.0.0.1", port), Handler) as server:
        scheme = "http"
        if (folder / TLS_FILE).exists():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / TLS_FILE)
            # the handshake is left to the thread of the connection: clients hang up in it
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
            scheme = "https"
        state.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
        print(state.url, flush=True)
        server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
