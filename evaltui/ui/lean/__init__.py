"""The lean display: what the terminal shows is known cell by cell, and only differences are sent.

Textual repaints whole widgets and resets the colours after every piece of text; over a slow link
that is the difference between following a held key and lagging behind it. Textual still decides
when and what is painted, this package only how few bytes say so. `choice` is the switch, `updates`
the one place that knows Textual's private parts, `image` what the terminal shows.
"""
