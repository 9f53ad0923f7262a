"""A size that follows the content, however fast that changes."""

from __future__ import annotations

from typing import Self

from textual.geometry import Region
from textual.widget import Widget


class Fitted(Widget):
    """A widget as large as its content.

    Textual keeps the size that it worked out for a content, and takes it again for the content
    that comes next when the screen was laid out between the two and the widget has not been idle
    since. Here every content is measured.
    """

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Ask for what `Widget.refresh` does; a wish for another size is never taken for made."""
        if layout and self._layout_required:
            self._layout_updates += 1
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
