"""The stylesheet of the screen."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class LastingStylesheet(Stylesheet):
    """A stylesheet that is parsed once for the colours that it has.

    Textual parses everything again whenever a theme is set, also where that changes no colour, and
    lets go of what it parsed: each time takes some 5 % of a start.

    Args:
        variables: Colours and other values by name.
    """

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parsed_for = variables
        self._outdated = False

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take other colours, if they are other ones."""
        if variables != self._parsed_for:
            super().set_variables(variables)
            self._parsed_for = variables
            self._outdated = True

    def reparse(self) -> None:
        """Parse everything for other colours."""
        if self._outdated:
            super().reparse()
            self._outdated = False
