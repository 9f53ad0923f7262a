"""The journal: what became of every file and of every run it shall become.

One SQLite database per tracking target and experiment, shared by all processes of the user. The
bytes to be uploaded are kept here until the run is finished, so a report that was read once is
never lost, whatever happens to its file.
"""

from __future__ import annotations

from evaltui.ledger.accounts import Accounts, FileAccount
from evaltui.ledger.entries import Entries
from evaltui.ledger.files import MAX_IGNORED_ROWS, Files
from evaltui.ledger.follow import Standing
from evaltui.ledger.records import OPEN_STATES, Action, Entry, NewEntry

__all__ = [
    "MAX_IGNORED_ROWS",
    "OPEN_STATES",
    "Action",
    "Entry",
    "FileAccount",
    "Journal",
    "NewEntry",
    "Standing",
]


class Journal(Files, Entries, Accounts):
    """The journal of one target and experiment; safe for threads and processes.

    See Database for its arguments, Files, Entries and Accounts for what it can do. Every method
    raises JournalError when the database cannot be read or written.
    """
