"""How many runs to ask a server for at once."""

from __future__ import annotations

from evaltui.tracking.run_values import LARGEST_PAGE

_AIM_S = 2.0
_SMALLEST = 10
_GROWTH = 4


class PageSize:
    """Grows while the server is quick, shrinks when an answer is too large or too late.

    Attributes:
        size: Runs to ask for next.
    """

    def __init__(self, first: int) -> None:
        self.size = first

    def took(self, seconds: float) -> None:
        """Note how long a page of `size` took."""
        fitting = int(self.size * _AIM_S / max(seconds, 0.001))
        self.size = max(_SMALLEST, min(fitting, self.size * _GROWTH, LARGEST_PAGE))

    def shrink(self) -> bool:
        """Ask for less from now on; False when it cannot get smaller."""
        if self.size <= _SMALLEST:
            return False
        self.size = max(_SMALLEST, self.size // 4)
        return True
