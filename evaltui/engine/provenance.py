"""The git commit of a directory, read from `.git` by hand: no process, no git needed."""

from __future__ import annotations

import re
from pathlib import Path

_MAX_BYTES = 4_000_000
"""Largest `packed-refs` that is read; one of 50,000 refs has 4 MB."""

_MAX_PARENTS = 64
_MAX_LINKS = 5
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def git_commit(path: Path) -> str | None:
    """Return the commit that is checked out in the repository around a directory.

    Args:
        path: A directory; its parents are searched for `.git`.

    Returns:
        The full hash, or None outside of a repository, before its first commit, or when anything
        about it cannot be read.
    """
    try:
        git_dir = _find_git_dir(path)
        return None if git_dir is None else _resolve(git_dir)
    except (OSError, ValueError):
        return None


def _find_git_dir(path: Path) -> Path | None:
    for folder in (path, *path.parents)[:_MAX_PARENTS]:
        entry = folder / ".git"
        if entry.is_dir():
            return entry
        if entry.is_file():  # a worktree or submodule: "gitdir: <path>"
            text = _read(entry)
            if not text.startswith("gitdir:"):
                return None
            return folder / text.removeprefix("gitdir:").strip()
    return None


def _resolve(git_dir: Path) -> str | None:
    """Return what HEAD points to, through symbolic refs."""
    common_file = git_dir / "commondir"
    common = git_dir / _read(common_file).strip() if common_file.is_file() else git_dir
    text = _read(git_dir / "HEAD").strip()
    for _ in range(_MAX_LINKS):
        if _COMMIT.fullmatch(text):
            return text
        name = text.removeprefix("ref:").strip()
        if name == text or ".." in name.split("/") or name.startswith("/"):
            return None
        text = _ref(git_dir, common, name)
    return None


def _ref(git_dir: Path, common: Path, name: str) -> str:
    for folder in (git_dir, common):
        loose = folder / name
        if loose.is_file():
            return _read(loose).strip()
    packed = common / "packed-refs"
    if packed.is_file():
        for line in _read(packed).splitlines():
            commit, _, ref = line.partition(" ")
            if ref == name:
                return commit
    return ""


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES).decode("utf-8", "replace")
