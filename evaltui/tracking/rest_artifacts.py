"""Artifacts over REST: the server's listing, its files, or Databricks' signed addresses."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from evaltui.domain.run import ArtifactInfo
from evaltui.errors import StoreAuthError, StoreRejectedError, StoreUnreachableError
from evaltui.tracking.authorisation import FixedHeaders
from evaltui.tracking.faults import is_missing
from evaltui.tracking.local_artifacts import MOST_ENTRIES, checked_path, too_large
from evaltui.tracking.transport import ReplyTooLargeError, Transport

_LIST = "/api/2.0/mlflow/artifacts/list"
_SIGN = "/api/2.0/mlflow/artifacts/credentials-for-read"
_LISTING_S = 8.0
_MOST_REQUESTS = 500


class RestArtifacts:
    """Reads artifacts of a server or workspace.

    Args:
        transport: The connection.
        where: Label of the store, for messages.
        signed: Files are fetched from signed addresses (Databricks), not from the server.
        verify: Certificates of those addresses, as Transport takes it.
    """

    def __init__(
        self, transport: Transport, where: str, *, signed: bool, verify: bool | str = True
    ) -> None:
        self._transport = transport
        self._where = where
        self._signed = signed
        self._verify = verify

    def listing(self, run_id: str) -> tuple[ArtifactInfo, ...]:
        """Return all files and folders of a run, sorted by path.

        A tree that takes too many requests or too long is returned as far as it was read.

        Raises:
            StoreError: No answer, or no such run.
        """
        found: dict[str, ArtifactInfo] = {}
        waiting = [("", "")]
        end = time.monotonic() + _LISTING_S
        for _ in range(_MOST_REQUESTS):
            if not waiting or len(found) >= MOST_ENTRIES or time.monotonic() > end:
                break
            folder, token = waiting.pop()
            entries, following = self._page(run_id, folder, token)
            new = [item for item in entries if item.path not in found]
            found |= {item.path: item for item in new}
            waiting += [(item.path, "") for item in new if item.is_dir]
            if following and following != token and new:
                waiting.append((folder, following))
        return tuple(sorted(found.values(), key=lambda item: item.path))

    def read(self, run_id: str, path: str, *, max_bytes: int) -> bytes:
        """Return one file of a run.

        Raises:
            StoreRejectedError: It does not exist or is too large.
            StoreError: No answer.
        """
        path = str(checked_path(path))
        doing = f"read artifact {path} of run {run_id} in {self._where}"
        try:
            if self._signed:
                return self._read_signed(run_id, path, max_bytes, doing)
            query = {"run_uuid": run_id, "path": path}
            return self._transport.get_bytes(
                "/get-artifact", query, max_bytes=max_bytes, doing=doing
            )
        except ReplyTooLargeError:
            raise too_large(path, max_bytes) from None

    def _page(self, run_id: str, folder: str, token: str) -> tuple[list[ArtifactInfo], str]:
        query = {"run_id": run_id}
        if folder:
            query["path"] = folder
        if token:
            query["page_token"] = token
        doing = f"list artifacts of run {run_id} in {self._where}"
        try:
            answer = self._transport.get_json(_LIST, query, doing)
        except StoreRejectedError as error:
            if folder and is_missing(error):
                return [], ""  # removed meanwhile
            raise
        files = answer.get("files", [])
        try:
            return [_entry(item) for item in files], str(answer.get("next_page_token") or "")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreUnreachableError(f"{doing}: the answer is damaged") from error

    def _read_signed(self, run_id: str, path: str, max_bytes: int, doing: str) -> bytes:
        answer = self._transport.post_json(_SIGN, {"run_id": run_id, "path": [path]}, doing)
        try:
            grant = answer["credential_infos"][0]
            url = str(grant["signed_uri"])
            headers = {str(item["name"]): str(item["value"]) for item in grant.get("headers", [])}
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise StoreRejectedError(f"{doing}: there is no address to read it from") from error
        if not url.startswith(("https://", "http://")):
            raise StoreRejectedError(f"{doing}: not a web address")
        # our credential stays at home
        storage = Transport(url, FixedHeaders(headers), verify=self._verify)
        try:
            return storage.get_bytes("", {}, max_bytes=max_bytes, doing=doing)
        except ReplyTooLargeError:
            raise
        except (StoreRejectedError, StoreAuthError) as error:  # not about our credential
            raise StoreRejectedError(f"{doing}: the storage does not give it out") from error
        finally:
            storage.close()


def _entry(item: Mapping[str, Any]) -> ArtifactInfo:
    size = item.get("file_size")
    is_dir = bool(item.get("is_dir", False))
    known = size is not None and not is_dir
    return ArtifactInfo(str(item["path"]), is_dir, int(str(size)) if known else None)
