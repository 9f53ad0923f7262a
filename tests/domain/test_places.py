from __future__ import annotations

import pytest

from evaltui.domain.places import is_in_demo, shown_path


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/scratch/evaltui-demo-a1_b/reports/mcp", "demo/reports/mcp"),
        ("/private/var/x/evaltui-demo-a1", "demo"),
        ("/home/ada/evals", "/home/ada/evals"),
        ("/home/ada/my-evaltui-demo-x/evals", "/home/ada/my-evaltui-demo-x/evals"),
        ("", ""),
    ],
)
def test_a_path_of_the_demo_is_shown_by_its_name(path: str, shown: str) -> None:
    assert shown_path(path) == shown
    assert is_in_demo(path) is (path != shown)
