"""Bytes to reports: one module per format, a registry, bounded JSON."""
