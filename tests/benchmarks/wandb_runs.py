"""Makes a folder of W&B's own run files, as many as asked for. Started by W&B's Python.

Usage: wandb_runs.py FOLDER RUNS
"""

from __future__ import annotations

import random
import sys

import wandb

_STEPS = 3
_QUIET = {
    "console": "off",
    "disable_git": True,
    "save_code": False,
    "silent": True,
    "x_disable_machine_info": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
}


def main(folder: str, count: int) -> None:
    """Let the SDK write every run, without a server; the folder is `FOLDER/wandb`."""
    rng = random.Random(count)
    names = [f"metric_{number}_rate" for number in range(27)]
    names += ["overall_quality_score", "tests_pass_rate", "generation_cost_usd"]
    for number in range(count):
        run = wandb.init(
            project="beside",
            dir=folder,
            mode="offline",
            id=f"r{number:07d}",
            name=f"run-{number:05d}",
            config={"mode": "mcp", "model_version": "m"},
            settings=wandb.Settings(**_QUIET),
        )
        for _ in range(_STEPS):
            run.log({name: rng.random() for name in names})
        run.finish()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
