"""Tables of the journal."""

from __future__ import annotations

VERSION = 2
"""Version of the tables; a journal with a larger one was written by a newer evaltui."""

UPGRADES = {1: "CREATE INDEX entries_replacing ON entries (id) WHERE predecessors <> ''"}
"""What brings tables of a version to the next one."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    seq INTEGER NOT NULL,
    root TEXT NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    dev INTEGER NOT NULL,
    sha256 TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    hint TEXT NOT NULL DEFAULT '',
    format TEXT NOT NULL DEFAULT '',
    role TEXT NOT NULL DEFAULT 'unknown',
    listed INTEGER NOT NULL DEFAULT 1,
    skipped INTEGER NOT NULL DEFAULT 0,
    run_ids TEXT NOT NULL DEFAULT '',
    progress TEXT NOT NULL DEFAULT '',
    retry_at REAL,
    updated_at REAL NOT NULL
);
CREATE UNIQUE INDEX files_path ON files (path);
CREATE INDEX files_seq ON files (seq);
CREATE TABLE parts (
    path TEXT NOT NULL,
    item INTEGER NOT NULL,
    content_id TEXT NOT NULL,
    PRIMARY KEY (path, item)
) WITHOUT ROWID;
CREATE INDEX parts_content ON parts (content_id);
CREATE TABLE gone (seq INTEGER PRIMARY KEY, file_id INTEGER NOT NULL);
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    active INTEGER NOT NULL DEFAULT 1,
    content_id TEXT NOT NULL,
    item INTEGER NOT NULL,
    path TEXT NOT NULL,
    file_sha256 TEXT NOT NULL,
    format TEXT NOT NULL,
    kind TEXT NOT NULL,
    evaluation_id TEXT NOT NULL,
    values_digest TEXT NOT NULL,
    mode TEXT NOT NULL,
    mode_source TEXT NOT NULL,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    unclear INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    predecessors TEXT NOT NULL,
    joined TEXT NOT NULL,
    attached TEXT NOT NULL,
    plan BLOB NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    hint TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    retry_at REAL NOT NULL DEFAULT 0,
    owner TEXT NOT NULL,
    created_at REAL NOT NULL,
    finished_at REAL,
    sort_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX entries_active ON entries (content_id) WHERE active = 1;
CREATE INDEX entries_content ON entries (content_id);
CREATE INDEX entries_joined ON entries (joined) WHERE joined <> '';
CREATE INDEX entries_path ON entries (path);
CREATE INDEX entries_run ON entries (run_id) WHERE run_id <> '';
CREATE INDEX entries_open ON entries (retry_at, sort_ms) WHERE active = 1 AND state IN
    ('parsed', 'intent', 'created', 'logged', 'artifacts', 'verified');
CREATE VIEW open_entries AS SELECT * FROM entries WHERE active = 1 AND state IN
    ('parsed', 'intent', 'created', 'logged', 'artifacts', 'verified');
CREATE TABLE spool (
    entry_id INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    local_path TEXT,
    data BLOB,
    PRIMARY KEY (entry_id, path)
);
"""
"""The tables of version 1.

`files` has one row per path (its newest version), `parts` the reports in it, `entries` one row per
thing to be written (a run, its renewal, a late companion), at most one active per content; `spool`
holds the bytes of an entry's artifacts until it is finished; `gone` the ids of rows that viewers
must forget. No id is used twice: viewers and entries name others by id.
"""
