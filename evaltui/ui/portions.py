"""A screen that works a part at a time, so that a key need not wait for all of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from textual.geometry import Region, Size
from textual.message import Message
from textual.screen import Screen

_AT_ONCE = 1_200
"""Cells that are painted before others get their turn: a quarter of a usual screen, 5 ms."""
_LONG_S = 0.004
_BREATH_S = 0.0002
"""Not 0, which would go before everything that is due by then."""


def first_portion(regions: Iterable[Region], cells: int = _AT_ONCE) -> list[Region]:
    """Return the regions to paint first: from the top as many as go together, at least one.

    A region goes whole: Textual draws the widget behind it whole anyway.
    """
    portion: list[Region] = []
    area = 0
    for region in sorted(regions, key=lambda region: (region.y, region.x)):
        area += region.area
        if portion and area > cells:
            break
        portion.append(region)
    return portion


class InPortions(Screen[None], inherit_bindings=False):
    """A screen whose loop others get a turn of.

    Textual handles the messages that wait, lays out and paints what changed at one go. The regions
    that wait here stay with Textual, which paints them with whatever it paints next.
    """

    _laying_out = False
    _rest: asyncio.TimerHandle | None = None

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        self._laying_out = True
        try:
            super()._refresh_layout(size, scroll)
        finally:
            self._laying_out = False

    def _compositor_refresh(self) -> None:
        """Paint the first portion of what changed, the rest in a moment."""
        if self._laying_out:
            self._paint_soon()
            return
        if self.app._batch_count:  # noqa: SLF001 - nothing is drawn now
            self._repaint_required = True
            return
        compositor = self._compositor
        waiting = compositor._dirty_regions  # noqa: SLF001 - there is no other way to them
        portion = first_portion(waiting)
        whole = len(portion) == len(waiting) or compositor.size.region in waiting
        rest = set() if whole or not self.is_current else waiting.difference(portion)
        waiting.difference_update(rest)
        super()._compositor_refresh()
        if rest:
            waiting.update(rest)
            self._paint_soon()

    def _paint_soon(self) -> None:
        if self._rest is None:
            self._rest = asyncio.get_running_loop().call_later(_BREATH_S, self._paint_rest)

    def _paint_rest(self) -> None:
        self._rest = None
        if self.is_running:
            self._compositor_refresh()

    async def _dispatch_message(self, message: Message) -> None:
        """Let others have their turn after a message that took long, before the next one."""
        began = time.perf_counter()
        await super()._dispatch_message(message)
        if time.perf_counter() - began > _LONG_S and self.is_running:
            await asyncio.sleep(_BREATH_S)
