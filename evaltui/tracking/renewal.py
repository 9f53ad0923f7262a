"""Credentials that change while the program runs: rotated in a profile or in the env file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from evaltui.errors import ConfigError
from evaltui.tracking import credential
from evaltui.tracking.address import databricks_host
from evaltui.tracking.credential import Credential, CredentialKind
from evaltui.tracking.env_file import read_env_file
from evaltui.tracking.target import Target, TargetKind

_Stamp = tuple[int, int, int] | None


class Renewal:
    """The credential of a target as the file it came from has it now.

    A file that names another host, holds another sort of credential, or cannot be read changes
    nothing: no credential must reach a host it was not written for. Not safe for use from several
    threads.

    Args:
        target: Whose credential.
        environ: Where the file with profiles is looked for; default: the process's.
    """

    def __init__(self, target: Target, environ: Mapping[str, str] | None = None) -> None:
        self._target = target
        self._environ = dict(os.environ if environ is None else environ)
        self._path = _file_of(target, self._environ)
        self._stamp = _stamp(self._path)
        self._credential = target.credential

    def credential(self) -> Credential:
        """Return the credential; costs one look at the file's times unless it changed."""
        stamp = _stamp(self._path)
        if self._path is not None and stamp is not None and stamp != self._stamp:
            found = self._read(self._path)
            if found is not None and found.kind is self._credential.kind:
                self._credential = replace(found, origin=self._credential.origin)
            self._stamp = stamp
        return self._credential

    def target(self) -> Target:
        """Return the target with the credential as it is now."""
        return replace(self._target, credential=self.credential())

    def _read(self, path: Path) -> Credential | None:
        try:
            if self._target.profile:
                profile = credential.read_profile(self._target.profile, self._environ)
                host, found = profile.host, profile.credential
            else:
                variables = {**self._environ, **read_env_file(path)}
                host = databricks_host(variables.get(credential.HOST, ""))[0]
                found = credential.from_variables(variables)
        except ConfigError:
            return None  # half written, most likely: it is looked at again when it changes
        return found if host == self._target.host else None


def _file_of(target: Target, environ: Mapping[str, str]) -> Path | None:
    if target.kind is not TargetKind.DATABRICKS or target.credential.kind is CredentialKind.SDK:
        return None  # the SDK looks into its files itself
    if target.profile:
        return credential.config_file({**environ, **target.variables})
    return target.env_file


def _stamp(path: Path | None) -> _Stamp:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found is not None else None
