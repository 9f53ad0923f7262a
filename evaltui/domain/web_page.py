"""Where something can be looked at in a browser."""

from __future__ import annotations

from evaltui.late_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class WebPage:
    """The page of an experiment, a run or a comparison, or what has to be done to get one.

    Attributes:
        address: Address of the page, or "" where there is none. With a `command` it is the one
            that the page has once that runs.
        command: Shell command that serves the page, or "" when nothing has to be started.
        note: One line: why there is none, or what the command is for; "" for a plain page.
    """

    address: str = ""
    command: str = ""
    note: str = ""

    @property
    def ready(self) -> bool:
        """Whether the address can be opened as it is."""
        return bool(self.address) and not self.command
