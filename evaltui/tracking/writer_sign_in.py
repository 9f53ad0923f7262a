"""What MLflow signs in with, as it is now: rotated, fetched, or refused a moment ago."""

from __future__ import annotations

from dataclasses import replace

from evaltui.errors import StoreUnreachableError
from evaltui.tracking.credential import Credential, CredentialKind
from evaltui.tracking.deadline import BoundedCalls, OverdueError
from evaltui.tracking.faults import NETWORK
from evaltui.tracking.mlflow_client import drop_tokens, prepare_process
from evaltui.tracking.renewal import Renewal
from evaltui.tracking.service_principal import principal_for
from evaltui.tracking.target import Target, TargetKind


class WriterSignIn:
    """Keeps the process's environment at the credential of a target.

    For a service principal MLflow gets the access token that the reader uses too, as if it were a
    personal one: by itself it would ask who it is before every call, and sign in once a report.
    Not safe for use from several threads.

    Args:
        target: The store.
        calls: Runs what asks the network.
        call_s: Longest wait for a token.
    """

    def __init__(self, target: Target, calls: BoundedCalls, call_s: float) -> None:
        self._target = target
        self._renewal = Renewal(target)
        self._calls = calls
        self._call_s = call_s
        self._used = Credential()

    def target(self) -> Target:
        """Return the target with the credential that MLflow is to find now.

        Raises:
            StoreError: There is no token. Nothing was written, so it is never unclear.
        """
        return self._with_token("")

    def use(self, target: Target) -> bool:
        """Let MLflow, which is imported, find another credential; return whether it is another."""
        if target.credential == self._used:
            return False
        self.note(target)
        prepare_process(target)
        drop_tokens()
        return True

    def note(self, target: Target) -> None:
        """Remember what MLflow was opened with."""
        self._used = target.credential

    def anew(self) -> bool:
        """Forget what the workspace refused; return whether another try may help.

        Raises:
            StoreError: There is no other token.
        """
        kind = self._target.credential.kind
        if self._target.kind is not TargetKind.DATABRICKS:
            return False
        if kind is CredentialKind.OAUTH:
            return self.use(self._with_token(self._used.secret))
        drop_tokens()
        return kind is not CredentialKind.PAT

    def _with_token(self, refused: str) -> Target:
        target = self._renewal.target()
        if target.credential.kind is not CredentialKind.OAUTH:
            return target
        principal = principal_for(target, target.credential)
        try:
            token = self._calls.run(lambda: principal.token(refused=refused), limit_s=self._call_s)
        except OverdueError as error:
            doing = f"get a Databricks token ({target.credential.origin})"
            raise StoreUnreachableError(f"{doing}: {error}", hint=NETWORK) from error
        signed = Credential(CredentialKind.PAT, target.credential.origin, secret=token.value)
        return replace(target, credential=signed)
