"""Tables of the journal."""

from __future__ import annotations

VERSION = 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY,
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
CREATE UNIQUE INDEX IF NOT EXISTS files_path ON files (path);
CREATE INDEX IF NOT EXISTS files_seq ON files (seq);
CREATE INDEX IF NOT EXISTS files_state ON files (state);
CREATE TABLE IF NOT EXISTS gone (seq INTEGER PRIMARY KEY, file_id INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    content_id TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 1,
    item INTEGER NOT NULL DEFAULT 0,
    path TEXT NOT NULL,
    file_sha256 TEXT NOT NULL,
    format TEXT NOT NULL,
    kind TEXT NOT NULL,
    evaluation_id TEXT NOT NULL DEFAULT '',
    values_digest TEXT NOT NULL,
    mode TEXT NOT NULL,
    mode_source TEXT NOT NULL,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    unclear INTEGER NOT NULL DEFAULT 0,
    run_id TEXT NOT NULL DEFAULT '',
    supersedes TEXT NOT NULL DEFAULT '',
    plan TEXT NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    hint TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    retry_at REAL NOT NULL DEFAULT 0,
    owner TEXT NOT NULL DEFAULT '',
    attached TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    finished_at REAL,
    sort_ms INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS entries_active ON entries (content_id) WHERE active = 1;
CREATE INDEX IF NOT EXISTS entries_path ON entries (path);
CREATE INDEX IF NOT EXISTS entries_open ON entries (retry_at) WHERE state <> 'finished';
CREATE TABLE IF NOT EXISTS spool (
    entry_id INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    local_path TEXT,
    data BLOB,
    PRIMARY KEY (entry_id, path)
);
"""
"""`files` has one row per path (its newest version); `entries` one per run to be logged; `spool`
holds the bytes of an entry's artifacts until it is finished; `gone` the rows viewers must forget."""
