"""What is watched: directories and globs, and which of their names count.

A path belongs to the most specific root that accepts it. Nothing here touches a file, but
`parse_root`, which looks whether a word names something that exists.
"""

from __future__ import annotations

import functools
import re
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass

SKIPPED_FOLDERS = frozenset(
    {
        "node_modules",
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        "site-packages",
        "__pycache__",
        "mlruns",
        "mlartifacts",
        ".buffer",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".cache",
    }
)
"""Folders that are never walked below a root: large, and without reports of their own."""

TEMPORARY_SUFFIXES = (
    "~", ".part", ".partial", ".filepart", ".crdownload", ".tmp", ".temp", ".swp", ".swo", ".swx",
)  # fmt: skip
"""Ends of names that a writer gives away for the final one when it is done."""

_ANY_DEPTH = None  # a `**` among the compiled segments
_Segment = re.Pattern[str] | None
_GLOB_CHARS = frozenset("*?[")
_MODE = re.compile(r"[^\W_][\w .+-]{0,99}")


@dataclass(frozen=True, slots=True)
class WatchRoot:
    """A directory that is watched with everything below, or a glob below a directory.

    Attributes:
        path: The directory, absolute; it need not exist yet.
        pattern: Glob relative to `path`, with `/` between segments, or None for everything. It
            accepts a path when it matches the path or a directory above it, so `runs/2026-*`
            takes all files of such directories. `**` is any number of directories.
        mode: Mode of every report found here, or None.
    """

    path: Path
    pattern: str | None
    mode: str | None

    def __str__(self) -> str:
        return str(self.path / self.pattern) if self.pattern else str(self.path)

    @property
    def word(self) -> str:
        """The root as `parse_root` reads it, with its mode."""
        return f"{self.mode}={self}" if self.mode else str(self)

    def accepts(self, path: PurePath) -> bool:
        """Return whether an absolute path is below the root and matches its pattern."""
        base, text = str(self.path), str(path)  # paths keep their text; their parts cost more
        if not text.startswith(base) or text[len(base) : len(base) + 1] != "/":
            return False
        if self.pattern is None:
            return True
        glob = compile_glob(self.pattern)
        at = glob.start
        for name in text[len(base) + 1 :].split("/"):
            at = glob.step(at, name)
        return glob.matched(at)


class Glob:
    """A glob that is matched name by name while a tree is walked.

    A position is the set of segments that may match the next name; the empty set is a dead end.
    """

    def __init__(self, segments: Sequence[_Segment]) -> None:
        self._segments = tuple(segments)
        self._end = len(self._segments)
        self.start = self._reach({0})

    def step(self, position: frozenset[int], name: str) -> frozenset[int]:
        """Return the position after one more name below the present one."""
        if self._end in position:
            return position  # all below a match belongs to it
        found: set[int] = set()
        for index in position:
            segment = self._segments[index]
            if segment is _ANY_DEPTH:
                found.add(index)
            elif segment.fullmatch(name):
                found.add(index + 1)
        return self._reach(found)

    def matched(self, position: frozenset[int]) -> bool:
        """Return whether what was walked so far matches."""
        return self._end in position

    def _reach(self, position: set[int]) -> frozenset[int]:
        for index in sorted(position):
            while index < self._end and self._segments[index] is _ANY_DEPTH:
                index += 1  # noqa: PLW2901 - `**` may also stand for nothing
                position.add(index)
        return frozenset(position)


@functools.lru_cache(maxsize=256)
def compile_glob(pattern: str) -> Glob:
    """Return the matcher of a relative glob."""
    return Glob([_segment(text) for text in pattern.split("/") if text])


def parse_root(text: str, cwd: Path) -> WatchRoot:
    """Read `DIR`, `MODE=DIR` or a glob such as `runs/**/report*.json`.

    A word that names an existing directory is that directory, even when it holds `=` or glob
    characters. `~` is the home directory. The directory of a glob is its longest part without
    glob characters.

    Args:
        text: What the person wrote.
        cwd: Directory that relative paths start from.

    Raises:
        ConfigError: It is empty, a file, the root of the file system, or not a path.
    """
    if not text.strip() or "\0" in text:
        raise ConfigError(
            "an empty path cannot be watched" if "\0" not in text else "a path holds a NUL byte",
            hint="name a directory, such as `--watch runs`",
        )
    if not _is_utf8(text):
        raise ConfigError("a path that is not UTF-8 cannot be watched", hint="rename it")
    mode, word = _split_mode(text, cwd)
    path = _expand(word, cwd)
    pattern: str | None = None
    if not _is_directory(path):
        path, pattern = _split_glob(path, trailing=word.endswith("/"))
    if ".." in path.parts:
        path = path.resolve()  # not by text: the name before `..` may be a symbolic link
    return WatchRoot(_checked(path, text), pattern, mode)


def merge_roots(roots: Iterable[WatchRoot]) -> tuple[WatchRoot, ...]:
    """Return the roots without repetitions, in the order given.

    Raises:
        ConfigError: The same directory or glob is given with two modes.
    """
    found: dict[tuple[Path, str | None], WatchRoot] = {}
    for root in roots:
        known = found.setdefault((root.path, root.pattern), root)
        if known.mode != root.mode:
            if known.mode is not None and root.mode is not None:
                raise ConfigError(
                    f"{root} is watched with two modes: {known.mode} and {root.mode}",
                    hint="give each directory one mode",
                )
            found[root.path, root.pattern] = root if known.mode is None else known
    return tuple(found.values())


def by_specificity(roots: Iterable[WatchRoot]) -> list[WatchRoot]:
    """Return the roots, most specific first: deeper directory, then a glob before everything."""
    return sorted(roots, key=lambda root: (-len(root.path.parts), root.pattern is None))


def owner_of(path: PurePath, roots: Iterable[WatchRoot]) -> WatchRoot | None:
    """Return the most specific root that accepts an absolute path, or None."""
    return next((root for root in by_specificity(roots) if root.accepts(path)), None)


def is_temporary(name: str) -> bool:
    """Return whether a file name says that its writer has not finished."""
    if name.endswith(TEMPORARY_SUFFIXES) or name.startswith((".~lock", ".#")):
        return True
    return name.startswith("#") and name.endswith("#")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _split_mode(text: str, cwd: Path) -> tuple[str | None, str]:
    mode, equals, rest = text.partition("=")
    if not equals or "/" in mode or _is_directory(_expand(text, cwd)):
        return None, text
    if not rest.strip():
        raise ConfigError(f"{text!r} names no directory", hint="write MODE=DIR, such as `mcp=runs`")
    if not _MODE.fullmatch(mode):
        raise ConfigError(
            f"{mode!r} is no mode name",
            hint="a mode is made of letters, digits and _ - + . or space; "
            f"to watch a directory of that name write ./{text}",
        )
    return mode, rest


def _expand(word: str, cwd: Path) -> Path:
    try:
        return cwd / Path(word).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{word}: no such user", hint="write the path in full") from error


def _split_glob(path: Path, *, trailing: bool) -> tuple[Path, str | None]:
    parts = path.parts
    first = next((i for i, part in enumerate(parts) if _is_glob(part)), None)
    if first is None:
        return path, None
    rest = list(parts[first:])
    if ".." in rest:
        raise ConfigError(
            f"{path}: `..` cannot follow a glob", hint="write the path without `..` after `*`"
        )
    if trailing:
        rest.append("**")
    return Path(*parts[:first]), "/".join(rest)


def _checked(path: Path, text: str) -> Path:
    if path == Path(path.anchor):
        raise ConfigError(
            f"{text}: the whole file system cannot be watched",
            hint="name the directory that the reports are written to",
        )
    if _is_other(path):
        raise ConfigError(
            f"{text}: {path} is a file, not a directory",
            hint=f"watch {path.parent}, or log one file with `evaltui log {path.name}`",
        )
    return path


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False


def _is_other(path: Path) -> bool:
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False  # may appear, or become accessible, later


def _is_glob(part: str) -> bool:
    return bool(_GLOB_CHARS.intersection(part)) and _translate(part) != re.escape(part)


def _segment(text: str) -> _Segment:
    return _ANY_DEPTH if text == "**" else re.compile(_translate(text), re.DOTALL)


def _translate(text: str) -> str:
    """Return a regular expression for one segment; `[` without `]` stands for itself."""
    result, at = "", 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "*":
            result += "" if result.endswith(".*") else ".*"
        elif char == "?":
            result += "."
        elif char == "[" and (end := text.find("]", at + 1 + (text[at : at + 1] == "!"))) > 0:
            result += _char_class(text[at:end])
            at = end + 1
        else:
            result += re.escape(char)
    return result


def _char_class(body: str) -> str:
    inside = body.removeprefix("!").replace("\\", r"\\").replace("[", r"\[").replace("^", r"\^")
    for symbol in ("&&", "||", "~~", "--"):  # set operations that `re` reserves
        inside = inside.replace(symbol, "\\" + "\\".join(symbol))
    made = f"[{'^' if body.startswith('!') else ''}{inside}]"
    try:
        re.compile(made)
    except re.error:  # such as [z-a]
        return re.escape(f"[{body}]")
    return made
