"""A screen that works a part at a time, so that a key need not wait for all of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from textual._compositor import CompositorMap
from textual.geometry import Region, Size
from textual.message import Message
from textual.screen import Screen

from evaltui.ui.delayed import call_behind_others, is_there, let_others

_AT_ONCE = 600
"""Cells that are drawn before others get their turn: an eighth of a usual screen."""
_LONG_S = 0.004
_BATCH_S = 0.005


def first_portion(regions: Iterable[Region], cells: int = _AT_ONCE) -> list[Region]:
    """Return the regions to paint first: from the top as many as go together, at least one.

    Textual draws all that lies between them too, so regions far apart do not go together, unless
    they fill half of that. A region goes whole: a terminal scrolls only what changes together.
    """
    portion: list[Region] = []
    area, around = 0, Region()
    for region in sorted(regions, key=lambda region: (region.y, region.x)):
        area += region.area
        around = around.union(region) if portion else region
        if portion and (area > cells or around.area > max(cells, 2 * area)):
            break
        portion.append(region)
    return portion


class InPortions(Screen[None]):
    """A screen whose loop others get a turn of.

    Textual handles the messages that wait, lays out, and paints what changed at one go. The regions
    that wait here stay with Textual, which paints them with whatever it paints next.
    """

    _laying_out = False
    _laid_out: CompositorMap | None = None
    _rest: asyncio.TimerHandle | None = None

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        compositor = self._compositor
        if self._laid_out is not None:
            # Whoever paints or asks for a region may make Textual arrange all widgets meanwhile.
            # Those that were shown since would be taken for known, and never be told their size.
            compositor._full_map = self._laid_out  # noqa: SLF001 - there is no other way to it
        self._laying_out = True
        try:
            super()._refresh_layout(size, scroll)
        finally:
            self._laying_out = False
            self._laid_out = compositor._full_map  # noqa: SLF001

    def _compositor_refresh(self) -> None:
        """Paint the first portion of what changed, the rest in a moment."""
        if self._laying_out:
            self._paint_soon()
            return
        if self.app._batch_count:  # noqa: SLF001 - nothing is drawn now
            self._paint_soon(_BATCH_S)
            return
        compositor = self._compositor
        # Painting makes Textual forget which widgets changed since it noted their regions. Those
        # that no layout has placed yet are left to it: noted before, they would miss their size.
        changed = self._dirty_widgets & compositor.visible_widgets.keys()
        unplaced = self._dirty_widgets - changed
        compositor.update_widgets(changed)
        waiting = compositor._dirty_regions  # noqa: SLF001 - there is no other way to them
        portion = first_portion(waiting)
        whole = len(portion) == len(waiting) or compositor.size.region in waiting
        rest = set() if whole or not self.is_current else waiting.difference(portion)
        waiting.difference_update(rest)
        super()._compositor_refresh()
        self._dirty_widgets |= unplaced
        if rest:
            waiting.update(rest)
            self._paint_soon()

    def _paint_soon(self, delay_s: float = 0.0) -> None:
        if self._rest is None:
            self._rest = call_behind_others(self._paint_rest, delay_s)

    def _paint_rest(self) -> None:
        self._rest = None
        if self.is_running and is_there(self):
            self._compositor_refresh()

    async def _dispatch_message(self, message: Message) -> None:
        """Let others have their turn after a message that took long, before the next one."""
        began = time.perf_counter()
        await super()._dispatch_message(message)
        if time.perf_counter() - began > _LONG_S and self.is_running:
            await let_others()
