"""Panes of the main screen: each is shown plain domain data and posts what was wished."""
