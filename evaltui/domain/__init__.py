"""Plain data and pure functions: no I/O, nothing of a third party but numpy."""
