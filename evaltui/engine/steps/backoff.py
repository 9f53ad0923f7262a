"""When a failed call is tried again."""

from __future__ import annotations

import random

BASE_S = 1.0
CAP_S = 60.0
MAX_RETRY_AFTER_S = 300.0
GIVE_UP_S = 7 * 24 * 3600.0
"""How long a report waits for a store that does not answer before a person must act."""


def delay_s(attempts: int, retry_after_s: float | None, rng: random.Random) -> float:
    """Return the seconds to wait before the next try.

    Full jitter: anything between nothing and twice the last limit, so that a thousand waiting
    reports do not come back together. A server that names a time gets at least that, up to five
    minutes.

    Args:
        attempts: Failed tries so far, this one included (at least 1).
        retry_after_s: What the server asked for, or None.
        rng: Source of the jitter.
    """
    limit = min(CAP_S, BASE_S * 2 ** min(attempts, 10))
    wait = rng.uniform(0.1 * limit, limit)
    return max(wait, min(max(retry_after_s or 0.0, 0.0), MAX_RETRY_AFTER_S))
