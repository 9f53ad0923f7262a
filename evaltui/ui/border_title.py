"""Titles in the borders of boxes."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget


def show_title(box: Widget, title: Content) -> None:
    """Show a title in the upper border of a box, and draw that line alone.

    A title set the usual way draws the box with everything in it: the whole list for a run more.

    Args:
        box: What has the border; without one nothing is seen of the title.
        title: The title, made of cleaned text.
    """
    known = box._border_title  # noqa: SLF001 - it is read as markup, set with a refresh
    if known is not None and known.plain == title.plain:
        return
    box._border_title = title  # noqa: SLF001 - as above
    left, top = box.content_offset
    box.refresh(Region(-left, -top, box.outer_size.width, 1))
