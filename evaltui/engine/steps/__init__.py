"""The steps that bring one journal entry into the store, each of which may be repeated."""
