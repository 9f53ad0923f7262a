"""The engine with shorter waits between two tries: `hurried_engine.py FACTOR`."""

from __future__ import annotations

import sys


def main() -> None:
    """Divide the waits, then be the engine."""
    from evaltui import host
    from evaltui.engine.steps import backoff

    factor = float(sys.argv[1])
    vars(backoff).update(BASE_S=backoff.BASE_S / factor, CAP_S=backoff.CAP_S / factor)
    host.main()


if __name__ == "__main__":
    main()
