"""The screen: textual and rich; talks to the engine by messages."""
