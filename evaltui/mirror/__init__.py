"""A copy of what the store said, for the next start: a cache that may be deleted at any time.

One file per tracking target and experiment, in a directory of its own below the XDG cache. The
engine writes it, whole and under another name before it takes the place of the old one; the screen
maps it into memory before there is an engine.
"""
