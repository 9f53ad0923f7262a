"""The first frame needs none of the modules that take long to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = ("numpy", "importlib.metadata", "evaltui.ui.main_screen", "evaltui.engine.link")
NEVER = ("mlflow", "pandas", "sqlalchemy", "databricks", "requests")


def _loaded_by(module: str) -> set[str]:
    script = f"import {module}, sys; print('\\n'.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(result.stdout.split())


@pytest.mark.parametrize("name", [*SLOW, *NEVER])
def test_the_first_frame_does_without(name: str) -> None:
    assert name not in _loaded_by("evaltui.ui.app")


@pytest.mark.parametrize("name", ["numpy", *NEVER])
def test_the_page_that_was_kept_is_found_without(name: str) -> None:
    assert name not in _loaded_by("evaltui.page_shelf")


@pytest.mark.parametrize("name", NEVER)
def test_the_whole_screen_does_without(name: str) -> None:
    assert name not in _loaded_by("evaltui.ui.conductor")
