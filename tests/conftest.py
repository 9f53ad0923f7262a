"""Puts this folder on the path: what stands in it serves tests of several folders."""
