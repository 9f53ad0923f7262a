"""Roles of the texts in the run list: each has a style `run-list--<role>` in the style sheet."""

from __future__ import annotations

ROLES = ("text", "quiet", "head", "better", "worse", "mark", "cursor", "bad", "trend")
