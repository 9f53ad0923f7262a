"""The journal: what became of every file, in SQLite, so that each report is logged once."""
