"""A PostgreSQL of its own, made and started by a test, listening on a socket in its directory."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_DEBIAN = Path("/usr/lib/postgresql")
_NOBODY = "postgres"  # PostgreSQL refuses to run as root; Debian's package makes this user


def why_not() -> str:
    """Return why no PostgreSQL can be started here, or ""."""
    if _programs() is None:
        return "PostgreSQL's initdb and pg_ctl are not installed (Debian: postgresql)"
    if find_spec("psycopg2") is None:
        return "psycopg2 is not installed (in the development extras)"
    if os.getuid() == 0 and _user() is None:
        return "root cannot run PostgreSQL, and there is no user postgres"
    return ""


class Postgres:
    """One cluster with an empty database `mlflow`; a context manager that removes it."""

    def __init__(self) -> None:
        programs = _programs()
        assert programs is not None, why_not()
        self._programs = programs
        # the user postgres must reach it, and a socket's path is short
        self._folder = Path(tempfile.mkdtemp(prefix="evaltui-pg-", dir="/tmp"))
        self._data = self._folder / "data"

    @property
    def uri(self) -> str:
        """Address of the database for MLflow."""
        return f"postgresql+psycopg2://{_NOBODY}@/mlflow?host={self._folder}"

    @contextmanager
    def looking(self) -> Iterator[Callable[[str], Sequence[Any]]]:
        """Give a function that returns the rows of a statement; all see the same moment."""
        import psycopg2

        with closing(psycopg2.connect(host=str(self._folder), dbname="mlflow", user=_NOBODY)) as db:
            db.set_session(isolation_level="REPEATABLE READ", readonly=True)

            def query(text: str) -> Sequence[Any]:
                cursor = db.cursor()
                cursor.execute(text)
                rows: Sequence[Any] = cursor.fetchall()
                return rows

            yield query

    def __enter__(self) -> Self:
        if os.getuid() == 0:
            shutil.chown(self._folder, _NOBODY)
        self._run("initdb", "-D", self._data, "-U", _NOBODY, "-A", "trust", "-N", "-E", "UTF8")
        options = f"-k {self._folder} -c listen_addresses='' -c max_connections=200"
        log = self._folder / "log"
        self._run("pg_ctl", "-D", self._data, "-l", log, "-w", "-t", "60", "-o", options, "start")
        self._run("createdb", "-h", self._folder, "-U", _NOBODY, "mlflow")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str | Path) -> None:
        """Run one of PostgreSQL's programs, as another user when this is root.

        Raises:
            AssertionError: It fails; the text says how.
        """
        user = _user() if os.getuid() == 0 else None
        done = subprocess.run(
            [str(self._programs / program), *map(str, arguments)],
            check=False,
            stdout=subprocess.DEVNULL,  # a pipe would stay open as long as the server
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            user=user,
            group=None if user is None else pwd.getpwuid(user).pw_gid,
            extra_groups=None if user is None else [],
            timeout=180,
        )
        log = self._folder / "log"
        text = log.read_text(errors="replace")[-1000:] if log.exists() else ""
        assert not done.returncode, f"{program} ended with {done.returncode}: {text}"


def _user() -> int | None:
    try:
        return pwd.getpwnam(_NOBODY).pw_uid
    except KeyError:
        return None


def _programs() -> Path | None:
    """Return the directory of PostgreSQL's programs; Debian keeps them out of PATH."""
    on_path = shutil.which("initdb")
    found: Iterable[Path] = [Path(on_path).resolve().parent] if on_path else []
    newest = sorted(_DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    needed = ("initdb", "pg_ctl", "createdb")
    for folder in (*newest, *found):
        if all((folder / name).exists() for name in needed):
            return folder
    return None
