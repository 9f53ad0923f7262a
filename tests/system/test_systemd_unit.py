"""The unit of the README is one that systemd takes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from readme_tables import README

from evaltui.cli.parser import parse

UNIT = re.search(
    r"```ini\n(# ~/\.config/systemd/user/evaltui\.service\n.*?)```",
    README.read_text(encoding="utf-8"),
    re.DOTALL,
)


def test_the_unit_starts_a_command_that_is_understood() -> None:
    assert UNIT is not None
    (start,) = re.findall(r"^ExecStart=(\S+) (.*)$", UNIT[1], re.MULTILINE)
    assert Path(start[0]).name == "evaltui"
    assert parse(start[1].split()).command == "watch"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    assert UNIT is not None
    program = tmp_path / "evaltui"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "evaltui.service"
    unit.write_text(UNIT[1].replace("%h/.local/bin/evaltui", str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
    )
    told = [line for line in done.stderr.splitlines() if "evaltui" in line]
    assert (done.returncode, told) == (0, []), done.stderr
