from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from evaltui.engine.provenance import git_commit

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *words: str) -> str:
    options = ["-c", "user.name=x", "-c", "user.email=x@y", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *options, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "file").write_text("1")
    git(folder, "add", "file")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_the_commit_of_a_folder_below_is_that_of_its_repository(repository: Path) -> None:
    below = repository / "a" / "b"
    below.mkdir(parents=True)
    assert git_commit(below) == git(repository, "rev-parse", "HEAD")


def test_packed_refs_are_read(repository: Path) -> None:
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_a_detached_head_is_its_commit(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_a_worktree_has_a_head_of_its_own(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side" / "file").write_text("2")
    git(tmp_path / "side", "commit", "-q", "-a", "-m", "second")
    assert git_commit(tmp_path / "side") == git(tmp_path / "side", "rev-parse", "HEAD")
    assert git_commit(tmp_path / "side") != git_commit(repository)
    git(repository, "pack-refs", "--all")
    assert git_commit(tmp_path / "side") == git(tmp_path / "side", "rev-parse", "HEAD")


def test_outside_of_a_repository_and_before_the_first_commit_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q")
    assert git_commit(tmp_path / "new") is None
    assert git_commit(Path("/proc/self")) is None


@pytest.mark.parametrize(
    "head", ["", "ref: ", "ref: ../../../etc/passwd", "ref: /etc/passwd", "nonsense", "\0\xff"]
)
def test_a_strange_head_is_no_commit_and_no_error(tmp_path: Path, head: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_bytes(head.encode("latin-1"))
    assert git_commit(tmp_path) is None


def test_refs_that_point_in_a_circle_are_no_commit(tmp_path: Path) -> None:
    (tmp_path / ".git" / "refs").mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/a")
    (tmp_path / ".git" / "refs" / "a").write_text("ref: refs/b")
    (tmp_path / ".git" / "refs" / "b").write_text("ref: refs/a")
    assert git_commit(tmp_path) is None


def test_a_file_called_git_that_is_no_link_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("hello")
    assert git_commit(tmp_path) is None
