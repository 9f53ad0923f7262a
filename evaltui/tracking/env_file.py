"""A `.env` file, read only when `--env-file` asks for it, and only what a store needs from it."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path

from evaltui.errors import ConfigError

MAX_BYTES = 64 * 1024
_NAME = re.compile(r"(?:DATABRICKS|MLFLOW)_[A-Z0-9_]+")
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_COMMENT = re.compile(r"(?:^|\s)#.*")


def read_env_file(path: Path) -> Mapping[str, str]:
    """Return the DATABRICKS_ and MLFLOW_ variables of a `.env` file; empty ones are left out.

    A line is `NAME=value` or `export NAME=value`; a value may stand in single or double quotes.
    Nothing is expanded or executed, and lines of other names are not looked at.

    Raises:
        ConfigError: The file is missing, readable by others, not a small text file, or a line of
            a wanted name is malformed.
    """
    text = _read(path)
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or not _NAME.fullmatch(match[1]):
            continue
        value = _value(match[2], f"{path}, line {number}: {match[1]}")
        if value:
            found[match[1]] = value
        else:
            found.pop(match[1], None)
    return found


def _read(path: Path) -> str:
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise ConfigError(f"{path}: not a regular file", hint="correct --env-file")
        if state.st_mode & 0o077:
            raise ConfigError(
                f"{path}: can be read by others, and may hold a token", hint=f"chmod 600 {path}"
            )
        if state.st_size > MAX_BYTES:
            raise ConfigError(f"{path}: too large for a .env file", hint="correct --env-file")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}", hint="correct --env-file"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8", hint="correct --env-file") from error


def _value(raw: str, where: str) -> str:
    if raw[:1] in {"'", '"'}:
        end = raw.find(raw[0], 1)
        if end < 0 or _COMMENT.sub("", raw[end + 1 :]).strip():
            raise ConfigError(f"{where}: the quotes do not match", hint="NAME='value'")
        value = raw[1:end]
    else:
        value = _COMMENT.sub("", raw).strip()
    if any(ord(char) < 32 for char in value):  # noqa: PLR2004 - the first printable character
        raise ConfigError(f"{where}: holds a control character")
    return value
