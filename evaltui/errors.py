"""The one exception tree of evaltui and the exit codes it maps to.

Errors of other libraries are translated into these at one seam per adapter and never leave it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit status of every `evaltui` command."""

    OK = 0
    REGRESSION = 1
    USAGE = 2
    REPORT = 3
    STORE = 4
    INTERNAL = 70
    INTERRUPTED = 130


class EvaltuiError(Exception):
    """Base of every expected failure.

    Args:
        message: One line: what failed, where and why. Plain text, may hold foreign text; it is
            cleaned where it is shown.
        hint: One line: what to do about it, or None.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(EvaltuiError):
    """A flag, environment variable or configuration key is wrong."""

    exit_code = ExitCode.USAGE


class JournalError(EvaltuiError):
    """The journal of files cannot be opened or written (state directory)."""

    exit_code = ExitCode.USAGE


class OutputError(EvaltuiError):
    """What a command prints cannot be written where standard output leads."""

    exit_code = ExitCode.USAGE


class ReportError(EvaltuiError):
    """A file that claims to be a report cannot be read as one."""

    exit_code = ExitCode.REPORT


class ReportSyntaxError(ReportError):
    """The bytes are not what the format is made of (broken JSON, wrong encoding).

    Args:
        incomplete: True when the text just ends too early, as of a file that is being written.
    """

    def __init__(self, message: str, *, hint: str | None = None, incomplete: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.incomplete = incomplete


class ReportSchemaError(ReportError):
    """The document is well formed but a value is not what the format says.

    Args:
        pointer: JSON pointer (RFC 6901) of the value, such as `/apps/3/metrics`.
    """

    def __init__(self, message: str, *, pointer: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.pointer = pointer


class ReportTooLargeError(ReportError):
    """The file is over the size that its format can be read at."""


class UnknownFormatError(ReportError):
    """No reader recognises the content."""


class StoreError(EvaltuiError):
    """The tracking store did not do what was asked."""

    exit_code = ExitCode.STORE


class StoreUnreachableError(StoreError):
    """No usable answer (down, hanging, overloaded, cut off): worth another try.

    Args:
        retry_after_s: Seconds the server asked to wait, or None.
        unclear: True when the server may have done the work although the answer was lost.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after_s: float | None = None,
        unclear: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s
        self.unclear = unclear


class StoreBusyError(StoreUnreachableError):
    """The store is asked too often, by us or by others who share its limit (HTTP 429)."""


class StoreAuthError(StoreError):
    """The store refuses the credential or the permission: a person must act."""


class StoreRejectedError(StoreError):
    """The store understood and refused (bad value, unknown experiment, deleted run)."""


class RunNotFoundError(StoreRejectedError):
    """No run of the experiment has this id or name."""

    exit_code = ExitCode.USAGE
